"""The command line, mostly as a user runs it: in a process of its own."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from conftest import ROOT, save_picture

from generator import cli
from generator.core import settings_file
from generator.core.records import LayerInfo
from generator.core.setting_values import read_size
from generator.core.settings import Settings


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess:
    """Run the command in `folder`, without inheriting where this project lies."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "generator", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)


def test_build_elsewhere_makes_a_site_and_visible_sources(small_model, pictures, tmp_path):
    done = run("build", "--model", small_model, "--images", pictures, "--output", "my site", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my site", "my site_src"]
    summary, page, hint = done.stdout.splitlines()
    assert re.match(r"3 images, 13 layers, [\d,]+ pictures, [\d,]+ pages, .* MB in .* s \(check", summary)
    assert page == str(tmp_path / "my site/index.html")
    assert hint == f"open it in a browser: {(tmp_path / 'my site/index.html').as_uri()}"
    assert done.stderr.splitlines()[0] == "model: loading small.keras"
    assert "tensorflow" not in done.stderr.lower() and "oneDNN" not in done.stderr


def test_build_in_a_project_folder_uses_its_settings(small_model, pictures, tmp_path):
    (tmp_path / "gallery.toml").write_text(
        f"model = '{small_model}'\nimages = '{pictures}'\nlayers = ['pool']\nlabels = ['x', 'y', 'z']\n"
    )
    done = run("build", "--quiet", "--no-site", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    manifest = json.loads((tmp_path / "site_src/gallery/manifest.json").read_text())
    assert [layer["name"] for layer in manifest["layers"] if layer["drawn"]] == ["pool"]
    assert manifest["images"][0]["prediction"]["label"] in "xyz"
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build"], "expected --model and --images or a gallery.toml"),
        (["build", "--config", "none.toml"], "expected a settings file"),
        (
            ["build", "--model", "none.keras", "--images", "in"],
            "received nothing there: check the path",
        ),
        (["build", "--model", "in/a.png", "--images", "in"], "received a damaged file"),
        (["build", "--frob"], "No such option"),
        (["serve", "--port", "99999"], "99999 is not in the range"),
        (["inspect"], "Missing argument"),
        (["inspect", "none.h5"], "received nothing there: check the path"),
    ],
)
def test_what_the_user_got_wrong_is_one_line_and_status_2(tmp_path, arguments, words):
    (tmp_path / "in").mkdir()
    save_picture(tmp_path / "in/a.png")
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_bad_image_among_good_ones_is_status_1(small_model, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    save_picture(folder / "good.png")
    (folder / "bad.jpg").write_bytes(b"no picture at all")
    done = run("build", "--model", small_model, "--images", folder, "--no-site", "-q", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("bad.jpg is not in the gallery: expected a picture")


def test_inspect_tells_every_layer_in_one_line(small_model, tmp_path):
    done = run("inspect", small_model, folder=tmp_path)
    lines = done.stdout.splitlines()
    assert len(lines) == 15 and done.stderr == ""
    assert re.fullmatch(r"1 +first_conv +Conv2D +38×54×20 +20 +560 +drawn", lines[0])
    assert lines[3].endswith("not drawn: does nothing at inference: the same as layer 3")
    assert re.fullmatch(r"15 +out +Dense +3 +– +12 +drawn", lines[-1])


def test_inspect_tells_of_a_model_without_maps_as_well(keras, tmp_path):
    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Flatten(name="flat"),
        keras.layers.Dense(2000, name="wide"),
    ]
    keras.Sequential(layers).save(tmp_path / "mlp.keras")
    done = run("inspect", "mlp.keras", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["flat", "wide"]


def test_inspect_as_json_keeps_a_name_from_commanding_the_terminal(monkeypatch):
    hostile = LayerInfo(
        index=1,
        name="a\x9b31m\u202e\ud800",
        kind="Conv2D",
        family="convolution",
        shape=(4, 4, 2),
        parameters=0,
    )
    extractor = SimpleNamespace(describe=lambda: SimpleNamespace(layers=(hostile,)))
    monkeypatch.setattr("generator.model.extractor.file_kind", lambda _: None)
    monkeypatch.setattr("generator.images.digest", lambda _: "")
    monkeypatch.setattr("generator.build.open_model", lambda *_: extractor)
    result = CliRunner().invoke(cli.main, ["inspect", "model.keras", "--json"])
    assert result.exit_code == 0, result.output
    assert result.stdout.isascii()
    assert json.loads(result.stdout)[0]["name"] == hostile.name


def test_without_arguments_the_help_has_its_lines():
    bare, asked = (CliRunner().invoke(cli.main, arguments) for arguments in ([], ["--help"]))
    assert bare.exit_code == 0
    assert bare.stdout == asked.stdout and len(bare.stdout.splitlines()) > 10


def test_serve_refuses_images_where_it_writes(small_model, tmp_path):
    save_picture(tmp_path / "a.png")
    done = run("serve", "--model", small_model, "--images", ".", folder=tmp_path)
    assert done.returncode == 2
    assert "expected images in a folder of their own" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_flag_takes_a_limit_away_that_the_settings_have(tmp_path):
    (tmp_path / "gallery.toml").write_text("model = 'm.keras'\nimages = 'in'\nfit = '200MB'\n")
    flags = {"fit": read_size("none")}
    assert settings_file.load_settings(None, tmp_path, {}).fit == 200_000_000
    assert settings_file.load_settings(None, tmp_path, flags).fit == Settings(Path(), Path()).fit


def test_inspect_as_json_with_a_pattern(small_model, tmp_path):
    rows = json.loads(run("inspect", small_model, "--json", "--layers", "*conv*", folder=tmp_path).stdout)
    assert [row["name"] for row in rows if row["drawn"]] == [
        "first_conv", "looks_like_dense", "flatten_it", "turned", "conv_by_name_only"
    ]  # fmt: skip
    assert rows[0] == {
        "index": 1, "name": "first_conv", "kind": "Conv2D", "shape": [38, 54, 20], "channels": 20,
        "parameters": 560, "drawn": True, "reason": None,
    }  # fmt: skip


def test_help_version_and_import_are_light(tmp_path):
    """Neither may load TensorFlow, which takes seconds."""
    script = (
        "import sys, generator, generator.cli\n"
        "from click.testing import CliRunner\n"
        "calls = [['--version'], ['--help'], *([name, '--help'] for name in generator.cli.main.commands)]\n"
        "for flags in calls:\n"
        "    assert CliRunner().invoke(generator.cli.main, flags).exit_code == 0, flags\n"
        "heavy = {'keras', 'tensorflow', 'matplotlib', 'mkdocs', 'numpy', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unexpected_error_is_one_line_and_status_1(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("wires\ncrossed")

    monkeypatch.setattr(settings_file, "load_settings", broken)
    result = CliRunner().invoke(cli.main, ["build"])
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "activation-gallery: unexpected RuntimeError: wires crossed: please report it, with the output of -v"
    ]


def test_serve_builds_serves_and_follows_a_changed_image(small_model, tmp_path):
    (tmp_path / "in").mkdir()
    save_picture(tmp_path / "in/a.png")
    command = [sys.executable, "-m", "generator", "serve", "--model", str(small_model), "--images", "in",
               "--layers", "pool", "--port", "8765"]  # fmt: skip
    server = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert any("serving on http://127.0.0.1:8765/" in line for line in server.stdout)

        def shows(words: str) -> bool:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                with (
                    suppress(OSError),
                    urllib.request.urlopen("http://127.0.0.1:8765/", timeout=10) as answer,
                ):
                    if words in answer.read().decode():
                        return True
                time.sleep(0.3)
            return False

        assert shows("a.png")
        save_picture(tmp_path / "in/later.png", seed=5)
        assert shows("later.png")
        for name in ("a.png", "later.png"):
            (tmp_path / "in" / name).rename(tmp_path / name)
        words = "activation-gallery: expected images"
        assert any(line.startswith(words) for line in server.stderr)
        assert shows("later.png")
        save_picture(tmp_path / "in/last.png", seed=6)
        assert shows("last.png")
    finally:
        server.terminate()
        _, said = server.communicate(timeout=20)
    assert "Traceback" not in said


def test_readme_names_every_command_flag_and_setting():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, command in cli.main.commands.items():
        assert f"activation-gallery {name}" in readme, name
        for option in command.params:
            for flag in option.opts:
                assert not flag.startswith("-") or f"`{flag}" in readme, f"{name} {flag}"
    for key in settings_file.file_settings():
        assert f"`{key}`" in readme, key


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "models/README.md"])
def test_links_and_pictures_of_the_documents_resolve(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert target.startswith("https://") or (ROOT / name).parent.joinpath(target).exists(), target


def test_gallery_toml_shows_every_setting_with_its_default():
    text = (ROOT / "gallery.toml").read_text(encoding="utf-8")
    import tomllib

    shown = tomllib.loads(re.sub(r"^# ?(?=[a-z_]+ = )", "", text, flags=re.MULTILINE))
    known = settings_file.file_settings()
    assert shown.keys() == known.keys()
    defaults = Settings(Path("m"), Path("i"))
    for key in shown.keys() - {"model", "images", "labels", "output"}:
        assert known[key].read(shown[key]) == getattr(defaults, key), key
