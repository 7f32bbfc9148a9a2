"""Palettes: colours, special entries, and where else they are written down."""

import re

import matplotlib
import numpy as np
import pytest
from conftest import ROOT

from generator.core.errors import SettingsError
from generator.render import palette
from generator.render.palette import BACKGROUND, CONSTANT, LEVELS, MINUS_INFINITY, NOT_A_NUMBER, PLUS_INFINITY

TABLE = palette.colour_table("viridis")


def test_colour_tables_run_from_end_to_end():
    assert TABLE.shape == (256, 3)
    assert TABLE[0].tolist() == [68, 1, 84]
    assert TABLE[239].tolist() == list(matplotlib.colormaps["viridis"](1.0, bytes=True)[:3])
    grey = palette.colour_table("gray")
    assert grey[0].tolist() == [0, 0, 0]
    assert grey[239].tolist() == [255, 255, 255]
    assert (np.diff(grey[:240, 0].astype(int)) >= 0).all()


def test_special_colours_are_the_same_in_every_table_and_all_differ():
    special = palette.colour_table("magma")[240:246]
    np.testing.assert_array_equal(TABLE[240:246], special)
    assert len({tuple(colour) for colour in special[:5]}) == 5


def test_captions_go_from_the_background_to_light_grey():
    assert TABLE[246].tolist() == [24, 27, 33]
    assert TABLE[255].tolist() == [240, 242, 246]


@pytest.mark.parametrize("name", ["virdis", "", "Viridis!"])
def test_unknown_colour_maps_are_an_error(name):
    with pytest.raises(SettingsError, match="matplotlib colour map") as caught:
        palette.colour_table(name)
    assert repr(name) in str(caught.value)


def test_the_palette_has_room_for_all_entries():
    special = [BACKGROUND, CONSTANT, NOT_A_NUMBER, PLUS_INFINITY, MINUS_INFINITY]
    assert len(set(special)) == 5
    assert min(special) >= LEVELS
    assert max(special) < palette.INK <= 246


def test_scripts_know_the_same_entries():
    script = (ROOT / "site_src/js/maps.js").read_text(encoding="utf-8")
    written = {name: int(number) for name, number in re.findall(r"const ([A-Z_]+) = (\d+);", script)}
    names = ("LEVELS", "NOT_A_NUMBER", "PLUS_INFINITY", "MINUS_INFINITY")
    assert written == {name: getattr(palette, name) for name in names}


def test_the_style_sheet_puts_animations_on_their_own_background():
    sheet = (ROOT / "site_src/css/gallery.css").read_text(encoding="utf-8")
    (written,) = re.findall(r"\.ag-stage img \{\n  background: #(\w{6});", sheet)
    assert bytes.fromhex(written) == bytes(palette.BACKGROUND_COLOUR)


def test_special_entries_alone_are_those_of_every_palette():
    alone, whole = palette.special_table(), palette.colour_table("magma")
    np.testing.assert_array_equal(alone[LEVELS:], whole[LEVELS:])
    assert not alone[:LEVELS].any()
