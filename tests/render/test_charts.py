"""Charts and CSV files: the same bytes each time, well-formed, and with the numbers in them."""

import csv
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from health_cases import CASES, random_maps, result

from generator.analysis.health import combine
from generator.core.records import Layer, LayerHealth
from generator.render import charts
from generator.website.components.health import describe_chart, describe_depth

HOSTILE = '=cmd|"<script>&\x1b]]>$x^{$\n池'


def health(*stacks: np.ndarray) -> LayerHealth:
    return combine([result(maps) for maps in stacks])


def layer(index: int, name: str) -> Layer:
    facts = {"kind": "Conv2D", "family": "convolution", "shape": (9, 7, 6), "parameters": 0}
    return Layer(index=index, name=name, slug=str(index), same_as=None, reason=None, **facts)


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@pytest.mark.parametrize("maps", CASES.values(), ids=CASES)
def test_a_layers_chart_is_well_formed_reproducible_and_asks_for_nothing(maps):
    found = health(maps)
    drawn = charts.layer_chart(found)
    assert drawn == charts.layer_chart(found)
    root = ElementTree.fromstring(drawn)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert b"DOCTYPE" not in drawn and b"dc:date" not in drawn and b"<image" not in drawn
    links = [value for node in root.iter() for name, value in node.items() if name.endswith("href")]
    assert all(link.startswith("#") for link in links)
    ElementTree.fromstring(f'<path d="{charts.spark_path(found)}"/>')


def test_the_users_own_matplotlibrc_changes_nothing():
    import matplotlib

    found, layers = health(random_maps(0)), [layer(3, "conv")]
    plain = charts.layer_chart(found), charts.depth_chart(layers, [found])
    with matplotlib.rc_context({"lines.linewidth": 7, "axes.grid": True, "savefig.dpi": 30, "font.size": 20}):
        assert (charts.layer_chart(found), charts.depth_chart(layers, [found])) == plain


def test_charts_tell_of_zeros_and_dead_channels_in_words():
    maps = np.abs(random_maps(0))
    maps[..., 2] = 0
    texts = b"".join(charts.layer_chart(health(maps)).split()).decode()
    share = f"{(maps == 0).mean():.1%}"
    assert f"hatched:{share}equalzero" in texts and "×dead" in texts
    assert "×dead" not in charts.layer_chart(health(random_maps(0))).decode().replace(" ", "")


def test_the_tiny_histogram_fills_its_box_and_marks_zero_where_it_is():
    found = health(random_maps(0))
    assert charts.spark_path(found).startswith("M0 24V") and "V0h2" in charts.spark_path(found)
    assert charts.spark_path(found).count("h2") == 48
    place = charts.spark_zero(found)
    assert place == pytest.approx(96 * -found.edges[0] / (found.edges[-1] - found.edges[0]), abs=0.5)
    assert charts.spark_zero(health(random_maps(0) + 100)) is None


def test_the_chart_over_depth_has_no_foreign_text_in_it():
    found = [health(random_maps(0)), health(np.zeros((9, 7, 6), np.float32))]
    layers = [layer(3, HOSTILE), layer(4, "b")]
    drawn = charts.depth_chart(layers, found)
    assert drawn == charts.depth_chart(layers, found)
    ElementTree.fromstring(drawn)
    assert b"cmd" not in drawn
    words = describe_depth(layers, found)
    assert "at most 100%, in b" in words and words.isprintable()
    assert "2 dead" not in describe_chart("b", found[1]) and "6 dead" in describe_chart("b", found[1])


def test_csv_files_hold_the_numbers():
    found = health(random_maps(0), random_maps(1))
    rows = read(charts.channels_csv(found))
    assert [float(row["mean"]) for row in rows] == found.mean.tolist()
    assert [float(row["zero"]) for row in rows] == found.zero.tolist()
    assert [row["dead"] for row in rows] == ["0"] * 6
    *bins, zeros = read(charts.distribution_csv(found))
    assert [float(row["values"]) for row in bins] == found.bins.tolist()
    assert [float(row["from"]) for row in bins] == found.edges[:-1].tolist()
    assert (zeros["from"], zeros["to"], int(zeros["values"])) == ("0", "0", found.zeros)
    (row,) = read(charts.depth_csv([layer(3, "conv")], [found]))
    assert (row["index"], row["layer"], float(row["magnitude"])) == ("3", "conv", found.magnitude)


def test_what_is_not_known_is_an_empty_cell():
    rows = read(charts.channels_csv(health(np.full((4, 4, 1), np.nan, np.float32))))
    assert (rows[0]["mean"], rows[0]["flawed"]) == ("", "1")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", " @"])
def test_a_name_never_becomes_a_formula(sign):
    name = f"{sign}1+cmd|' /C calc'!A0, \"x\"\r\ny"
    (row,) = read(charts.depth_csv([layer(1, name)], [health(random_maps(0) - 5)]))
    assert row["layer"] == f"'{sign.strip()}1+cmd|' /C calc'!A0, \"x\" y"
    assert float(row["minimum"]) < 0  # a negative number stays one
