"""The settings' file, the flags, and what is said about mistakes in them."""

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from generator.core.errors import SettingsError
from generator.core.settings import SETTINGS, Settings
from generator.core.settings_file import file_settings, load_settings

BASE = 'model = "m.keras"\nimages = "pictures"\n'
FLAGS = {"model": Path("m.keras"), "images": Path("pictures")}


def load(folder, text: str, **flags):
    """Load settings from a file with this text in `folder`."""
    (folder / "gallery.toml").write_text(text, encoding="utf-8")
    return load_settings(None, folder, flags)


def mistakes(folder, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(folder, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_record_has_a_field_for_each_row_of_the_table_with_its_default():
    assert [each.name for each in fields(Settings)] == [each.name for each in SETTINGS]
    for each, setting in zip(fields(Settings), SETTINGS, strict=True):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        assert default == setting.default, setting.name


@pytest.mark.parametrize("name", ["allow_unsafe", "custom_objects", "project", "site", "force"])
def test_what_lets_code_run_or_belongs_to_one_build_is_never_read_from_a_file(tmp_path, name):
    assert name not in file_settings()
    assert f"expected a known setting, received {name!r}" in mistakes(tmp_path, BASE + f"{name} = true")


def test_defaults(tmp_path):
    settings = load_settings(None, tmp_path, FLAGS)
    assert (settings.model, settings.images) == (Path("m.keras"), Path("pictures"))
    assert settings.output == tmp_path / "site"
    assert settings.channels == ("convolution", "pooling")
    assert (settings.scale, settings.colours, settings.pixels) == ("channel", "viridis", "auto")
    assert (settings.layers, settings.labels, settings.project) == ((), None, None)
    assert (settings.draw_identity, settings.site) == (False, True)


def test_every_key_of_the_file_is_read(tmp_path):
    settings = load(
        tmp_path,
        BASE
        + """
output = "web"
labels = "names.txt"
layers = ["conv*", "Add"]
channels = ["all"]
draw_identity = true
scale = "zscore"
colours = "magma"
pixels = "caffe"
gif_channels_per_layer = 5
gif_channels = 50
""",
    )
    assert settings.model == tmp_path / "m.keras"
    assert settings.images == tmp_path / "pictures"
    assert settings.output == tmp_path / "web"
    assert settings.labels == tmp_path / "names.txt"
    assert (settings.layers, settings.channels) == (("conv*", "Add"), ("all",))
    assert settings.draw_identity is True
    assert (settings.scale, settings.colours, settings.pixels) == ("zscore", "magma", "caffe")
    assert (settings.gif_channels_per_layer, settings.gif_channels) == (5, 50)
    assert settings.project == tmp_path


@pytest.mark.parametrize(
    ("written", "kind"), [("true", "float32"), ("false", "none"), ('"float16"', "float16")]
)
def test_arrays_may_be_a_flag_or_a_type(tmp_path, written, kind):
    assert load(tmp_path, BASE + f"arrays = {written}").arrays == kind


def test_labels_may_be_a_list(tmp_path):
    assert load(tmp_path, BASE + 'labels = ["cat", "dog"]').labels == ("cat", "dog")


def test_paths_in_the_file_are_relative_to_it_and_flags_to_the_current_folder(tmp_path, monkeypatch):
    project, here = tmp_path / "project", tmp_path / "here"
    project.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    config = project / "own.toml"
    config.write_text(BASE + 'output = "web"', encoding="utf-8")
    settings = load_settings(config, here, {"images": Path("mine"), "output": Path("out")})
    assert settings.model == project / "m.keras"
    assert settings.images == Path("mine")
    assert settings.output == here / "out"
    assert settings.project == project
    relative = load_settings(Path("../project/own.toml"), here, {})
    assert relative.output.resolve() == project / "web"
    assert relative.output.is_absolute()
    assert relative.model.resolve() == project / "m.keras"


def test_absolute_paths_stay(tmp_path):
    settings = load(tmp_path, f"model = '{tmp_path / 'a' / 'm.h5'}'\nimages = '/pictures'")
    assert (settings.model, settings.images) == (tmp_path / "a" / "m.h5", Path("/pictures"))


def test_output_lies_beside_the_file_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project").mkdir()
    assert load(tmp_path / "project", BASE).output == tmp_path / "project" / "site"


def test_flags_win_over_the_file(tmp_path):
    text = BASE + 'scale = "layer"\nlayers = ["conv*"]\ncolours = "magma"\ndraw_identity = true'
    settings = load(tmp_path, text, scale="zscore", layers=("pool*",), draw_identity=False, site=False)
    assert (settings.scale, settings.layers, settings.colours) == ("zscore", ("pool*",), "magma")
    assert (settings.draw_identity, settings.site) == (False, False)


def test_flags_not_given_leave_the_file_alone(tmp_path):
    settings = load(tmp_path, BASE + 'scale = "layer"\nlayers = ["conv*"]', scale=None, layers=(), model=None)
    assert (settings.scale, settings.layers) == ("layer", ("conv*",))
    assert settings.model == tmp_path / "m.keras"


@pytest.mark.parametrize(
    ("key", "suggestion"), [("colors", "did you mean colours?"), ("chanels", "did you mean channels?")]
)
def test_misspelt_keys_get_a_suggestion(tmp_path, key, suggestion):
    text = mistakes(tmp_path, BASE + f'{key} = "magma"')
    assert repr(key) in text
    assert suggestion in text


def test_unknown_keys_get_the_list_of_known_ones(tmp_path):
    text = mistakes(tmp_path, BASE + "xyzzy = 1")
    assert "'xyzzy'" in text
    assert all(key in text for key in ("model", "images", "pixels", "gif_channels_per_layer"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("model = 3", "model: expected a path in quotes, received 3"),
        ('images = ""', "images: expected a path in quotes, received ''"),
        ("labels = 3", "labels: expected"),
        ("labels = [1, 2]", "labels: expected a list of texts"),
        ('layers = "conv"', "layers: expected a list of texts in quotes, received 'conv'"),
        ('channels = ["convolutions"]', "channels: expected a list of convolution, pooling"),
        ('channels = "all"', "channels: expected a list"),
        ('draw_identity = "yes"', "draw_identity: expected true or false, received 'yes'"),
        ("draw_identity = 1", "draw_identity: expected true or false, received 1"),
        ('scale = "image"', "scale: expected one of channel, layer, zscore, received 'image'"),
        ("scale = [1]", "scale: expected one of"),
        ('pixels = "0-1"', "pixels: expected one of auto, 0..1, 0..255, -1..1, caffe, torch"),
        ("colours = 1", "colours: expected a text"),
        ("gif_channels = 0", "gif_channels: expected a whole number of at least 1, received 0"),
        ("gif_channels = true", "gif_channels: expected a whole number"),
        (f"fit = '{'9' * 400}MB'", "fit: expected a size in kB, MB or GB, such as 200MB"),
        ("gif_channels_per_layer = 1.5", "gif_channels_per_layer: expected a whole number"),
        ("[output]\npath = 'x'", "output: expected a path in quotes"),
    ],
)
def test_wrong_values_are_named(tmp_path, line, expected):
    base = "" if line.startswith(("model", "images")) else BASE
    assert expected in mistakes(tmp_path, base + line)


def test_all_mistakes_come_at_once(tmp_path):
    text = mistakes(tmp_path, BASE + 'colors = "magma"\nscale = "image"\ngif_channels = -1')
    assert "did you mean colours?" in text
    assert "scale: expected one of" in text
    assert "gif_channels: expected a whole number" in text


@pytest.mark.parametrize(
    "content",
    [
        b"model = ",
        b"model = m.keras",
        b"\xff\xfe\x00",
        b"a = 1\na = 2",
        b"a = " + b"[" * 20_000,
        b"a = " + b"9" * 5000,
    ],
    ids=range(6),
)
def test_files_that_are_no_toml(tmp_path, content):
    (tmp_path / "gallery.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"expected TOML in gallery\.toml"):
        load_settings(None, tmp_path, {})


@pytest.mark.parametrize("name", ["nowhere.toml", "."])
def test_a_settings_file_that_cannot_be_read(tmp_path, name):
    with pytest.raises(SettingsError, match="expected a settings file"):
        load_settings(tmp_path / name, tmp_path, FLAGS)


@pytest.mark.parametrize(
    ("flags", "there", "absent"),
    [
        ({}, ("--model", "--images"), ()),
        ({"model": Path("m")}, ("--images",), ("--model",)),
        ({"images": Path("p")}, ("--model",), ("--images",)),
    ],
)
def test_model_and_images_are_needed(tmp_path, flags, there, absent):
    with pytest.raises(SettingsError, match=r"gallery\.toml") as caught:
        load_settings(None, tmp_path, flags)
    assert all(flag in str(caught.value) for flag in there)
    assert not any(flag in str(caught.value) for flag in absent)


def test_an_empty_file_with_flags_is_enough(tmp_path):
    assert load(tmp_path, "", **FLAGS).project == tmp_path
