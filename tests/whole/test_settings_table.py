"""One row in the table of settings is enough: the file, the flags, the texts and the fingerprints follow."""

import shutil
from collections.abc import Callable
from dataclasses import make_dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from fakes import FakeExtractor, make_plan, small_project

from generator import build
from generator.core import settings, settings_file
from generator.core.errors import SettingsError
from generator.core.facts import FileKind
from generator.core.setting import Affects, Flag, Setting
from generator.core.setting_values import read_count
from generator.core.settings import SETTINGS, Settings
from generator.core.settings_reference import flags_table, settings_table, settings_toml
from generator.inputs import Inputs, read_inputs, source_folder
from generator.options import setting_options
from generator.storage.sources import SourceFolder

NEEDED = "model = 'm.keras'\nimages = 'in'\n"
ALL = {"build", "model", "pictures"}


@pytest.fixture
def add_grain(monkeypatch) -> Callable[[Affects], type[Settings]]:
    """Add the setting `grain` to the table and to the record, which is returned."""

    def add(affects: Affects) -> type[Settings]:
        grain = Setting(
            name="grain",
            default=3,
            affects=affects,
            text='How grainy pictures are: `"fine"` or less|least.',
            read=read_count,
            flag=Flag(
                spelling="--grain",
                metavar="STEPS",
                help="How grainy pictures are.",
                parse=lambda text: read_count(int(text)),
                advice=": choose another",
            ),
        )
        record = make_dataclass("Settings", [("grain", int, grain.default)], bases=(Settings,), frozen=True)
        monkeypatch.setattr(settings, "SETTINGS", (*SETTINGS, grain))
        monkeypatch.setattr(settings_file, "Settings", record)
        return record

    return add


def make_command(name: str) -> click.Command:
    """Return a command with the flags of another, which returns what they give."""

    @click.command()
    @setting_options(name)
    def parse(**flags):
        return flags

    return parse


def read_flags(name: str, *arguments: str) -> dict[str, Any]:
    """Return what the flags of a command give. Raises `click.UsageError` where they are wrong."""
    return make_command(name).main(list(arguments), standalone_mode=False)


@pytest.fixture
def project(tmp_path) -> tuple[Settings, Inputs]:
    """Lay out a project; its settings and inputs."""
    wanted = small_project(tmp_path)
    return wanted, read_inputs(wanted, SourceFolder(source_folder(wanted)), FileKind.ZIP)


def changed_fingerprints(project: tuple[Settings, Inputs], wanted: Settings) -> set[str]:
    """Return which fingerprints differ from those of the project, its inputs and plan being the same."""
    sources, model, plan = SourceFolder(source_folder(project[0])), FakeExtractor().describe(), make_plan()

    def fingerprints(each: Settings) -> dict[str, str]:
        return {
            "build": read_inputs(each, sources, FileKind.ZIP).all,
            "model": build.model_key(each, project[1]),
            "pictures": build.picture_key(plan, model, each, project[1]),
        }

    before, after = fingerprints(project[0]), fingerprints(wanted)
    assert before == fingerprints(replace(project[0]))
    return {name for name in before if before[name] != after[name]}


def another(value: Any, folder: Path) -> Any:
    """Return another value of the same type; a path leads to a copy of what was there."""
    match value:
        case bool():
            return not value
        case int():
            return value - 1
        case str():
            return f"other {value}"
        case tuple():
            return (*value, "other")
        case dict():
            return {**value, "other": "0.5"}
        case None:
            return ("other",)
    copy = folder / "other" / value.name
    if value.is_file():
        copy.parent.mkdir()
        shutil.copy(value, copy)
    elif value.is_dir() and value != folder:
        shutil.copytree(value, copy)
    return copy


def test_a_new_setting_is_read_from_the_file_and_its_mistakes_are_named_with_the_others(tmp_path, add_grain):
    add_grain(Affects.PICTURES)
    config = tmp_path / "gallery.toml"
    config.write_text(f"{NEEDED}grain = 5\n")
    assert settings_file.load_settings(None, tmp_path, {}).grain == 5
    assert settings_file.load_settings(None, tmp_path, {"grain": 7}).grain == 7
    config.write_text(NEEDED)
    assert settings_file.load_settings(None, tmp_path, {}).grain == 3
    config.write_text(f"{NEEDED}grain = 0\nscale = 'image'\ngrains = 1\n")
    with pytest.raises(SettingsError) as caught:
        settings_file.load_settings(None, tmp_path, {})
    assert "gallery.toml: grain: expected a whole number of at least 1, received 0" in str(caught.value)
    assert "received 'grains': did you mean grain?" in str(caught.value)
    assert "scale: expected one of" in str(caught.value)


def test_a_new_setting_has_its_flag_where_it_says(add_grain):
    add_grain(Affects.PICTURES)
    assert read_flags("build", "--grain", "5")["grain"] == 5
    assert read_flags("serve")["grain"] is None
    assert "grain" not in read_flags("inspect")
    shown = CliRunner().invoke(make_command("build"), ["--help"]).stdout
    assert "--grain STEPS" in shown and "How grainy pictures are." in shown
    with pytest.raises(click.UsageError) as caught:
        read_flags("build", "--grain", "0")
    message = "expected a whole number of at least 1, received '0': choose another."
    assert caught.value.format_message() == f"Invalid value for '--grain': {message}"


def test_a_new_setting_is_in_all_that_is_written_of_them(add_grain):
    add_grain(Affects.PICTURES)
    ending = '\n# How grainy pictures are: "fine" or less|least.\n# grain = 3\n'
    assert settings_toml("m.keras", "in").endswith(ending)
    row = '| `grain` | `3` | How grainy pictures are: `"fine"` or less\\|least. |'
    assert settings_table().splitlines()[-1] == row
    assert "| `--grain STEPS` | `grain` | How grainy pictures are. |" in flags_table().splitlines()


@pytest.mark.parametrize(
    ("affects", "changed"),
    [
        (Affects.NOTHING, set()),
        (Affects.WEBSITE, {"build"}),
        (Affects.INPUTS, {"build"}),
        (Affects.PLAN, {"build"}),
        (Affects.MODEL, {"build", "model"}),
        (Affects.PICTURES, {"build", "pictures"}),
        (Affects.MODEL | Affects.PICTURES, ALL),
    ],
)
def test_a_new_setting_is_in_the_fingerprints_of_what_it_affects_alone(project, add_grain, affects, changed):
    record = add_grain(affects)
    values = vars(project[0])
    before = record(**values), project[1]
    assert changed_fingerprints(before, record(**values, grain=5)) == changed


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_in_the_fingerprints_of_what_it_affects_alone(project, tmp_path, setting):
    wanted = replace(project[0], **{setting.name: another(getattr(project[0], setting.name), tmp_path)})
    expected = {"build"} if setting.affects else set()
    expected |= {"model"} if Affects.MODEL in setting.affects else set()
    expected |= {"pictures"} if Affects.PICTURES in setting.affects else set()
    assert changed_fingerprints(project, wanted) == expected


def test_what_each_fingerprint_holds_of_the_settings():
    """A setting added here or there redraws more, or serves what is stale: a decision, not an accident."""
    held = {
        affects: {setting.name for setting in SETTINGS if affects in setting.affects}
        for affects in (Affects.MODEL, Affects.PICTURES)
    }
    both = {"inputs", "allow_unsafe", "custom_objects"}
    assert held[Affects.MODEL] == both | {"pre_activation"}
    assert held[Affects.PICTURES] == both | {
        "scale", "colours", "pixels", "input_channels", "longest_side", "arrays", "explain", "verify"
    }  # fmt: skip
    assert [setting.name for setting in SETTINGS if not setting.affects] == ["force"]


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--model", "a b.keras"], "model", Path("a b.keras")),
        (["--layers", "*conv*", "--layers", "Add"], "layers", ("*conv*", "Add")),
        (["--input", "size=0.5", "--input", "mask=a=b"], "inputs", {"size": "0.5", "mask": "a=b"}),
        (["--channels", "R,G,B,0"], "input_channels", ("R", "G", "B", "0")),
        (["--verify"], "verify", True),
        (["--explain"], "explain", True),
        (["--no-explain"], "explain", False),
        (["--arrays"], "arrays", "float32"),
        (["--arrays", "float16"], "arrays", "float16"),
        (["--fit", "1kB"], "fit", 1000),
        (["--custom-objects", "a:B"], "custom_objects", ("a:B",)),
        (["--no-site"], "site", False),
        (["--force"], "force", True),
    ],
)
def test_flags_give_the_values_of_settings_and_nothing_where_they_are_not_given(arguments, name, value):
    assert settings_file.given_flags(read_flags("build", *arguments)) == {name: value}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--input", "a=1", "--input", "b"],
            "expected NAME=VALUE, received 'b': name an input and what it gets.",
        ),
        (["--input", "=1"], "expected NAME=VALUE, received '=1': name an input and what it gets."),
        (
            ["--channels", "R;G"],
            "expected R, G, B, L (grey) or a number of 0 to 255 for each channel, received 'R;G': "
            "separate them by commas.",
        ),
        (["--fit", "much"], "expected a size in kB, MB or GB, such as 200MB, or \"none\", received 'much'."),
    ],
)
def test_what_is_wrong_with_a_flag_is_said_in_a_sentence(arguments, message):
    with pytest.raises(click.UsageError) as caught:
        read_flags("build", *arguments)
    assert caught.value.format_message() == f"Invalid value for {arguments[0]!r}: {message}"
