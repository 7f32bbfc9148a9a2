"""A new project: what is written into a stranger's folder, and what is left as it was."""

import os
import re
import tomllib

import pytest
import yaml
from click.testing import CliRunner
from conftest import ROOT

from generator import __version__, cli
from generator.core.errors import OutputError
from generator.core.settings_file import file_settings, load_settings
from generator.scaffold import new_project

ALL = (
    "gallery.toml", "mkdocs.yml", "requirements.txt", ".gitignore", ".github/workflows/pages.yml",
    "models/.gitkeep", "test_images/.gitkeep", "README.md",
)  # fmt: skip


def model_of(folder) -> str:
    return tomllib.loads((folder / "gallery.toml").read_text(encoding="utf-8"))["model"]


def files_of(folder) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_an_empty_folder_gets_everything_and_a_second_call_changes_nothing(tmp_path):
    folder = tmp_path / "new/one"
    done = new_project(folder)
    assert (done.written, done.kept, done.to_add) == (ALL, (), {})
    assert (done.model, done.found) == ("models/model.keras", False)
    before = files_of(folder)
    assert set(before) == set(ALL)
    again = new_project(folder)
    assert again.written == () and again.to_add == {} and again.model is None
    assert files_of(folder) == before


def test_the_settings_are_all_there_and_name_nothing_of_this_repository(tmp_path):
    new_project(tmp_path)
    text = (tmp_path / "gallery.toml").read_text(encoding="utf-8")
    assert "cats_and_dogs" not in text
    shown = tomllib.loads(re.sub(r"^# ?(?=[a-z_]+ = )", "", text, flags=re.MULTILINE))
    assert shown.keys() == file_settings().keys()
    assert (shown["model"], shown["labels"]) == ("models/model.keras", "models/model.labels.txt")
    assert load_settings(None, tmp_path, {}).model == tmp_path / "models/model.keras"


@pytest.mark.parametrize(
    "path", ["cnn.h5", "models/my.keras", "models/cats_and_dogs_2.HDF5", 'a "b" \\c.h5', "models/größe.h5"]
)
def test_the_only_model_there_is_named(tmp_path, path):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(b"x")
    done = new_project(tmp_path)
    assert done.found and model_of(tmp_path) == done.model == path


@pytest.mark.parametrize("names", [["a.h5", "b.h5"], ["a\nb.h5"], [os.fsdecode(b"a\xff.h5")], ["notes.txt"]])
def test_several_models_or_names_that_no_settings_file_takes_are_left_to_the_user(tmp_path, names):
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    assert not new_project(tmp_path).found
    assert model_of(tmp_path) == "models/model.keras"


def test_what_is_there_stays_and_its_owner_is_told_what_to_add(tmp_path):
    own = {
        "README.md": "# Mine\n",
        ".gitignore": "/site/\n",
        "requirements.txt": "numpy\n",
        "mkdocs.yml": "a: b\n",
    }
    for name, text in own.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "gallery.toml").symlink_to("nowhere")
    done = new_project(tmp_path)
    assert set(done.kept) == {*own, "gallery.toml"} and done.model is None
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in own} == own
    assert not (tmp_path / "nowhere").exists()
    assert done.to_add.keys() == own.keys() - {"mkdocs.yml"}
    assert done.to_add["requirements.txt"] == f"activation-gallery=={__version__}\n"
    assert "/site_src/gallery/" in done.to_add[".gitignore"] and "/site/\n" not in done.to_add[".gitignore"]
    for name, text in done.to_add.items():
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(text)
    assert new_project(tmp_path).to_add == {}


@pytest.mark.parametrize("name", [".github", "models", "test_images"])
def test_a_file_in_the_way_of_a_folder_is_said_before_anything_is_written(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(OutputError, match=f"received the file .*{name}"):
        new_project(tmp_path)
    assert set(files_of(tmp_path)) == {name}


def test_the_command_says_what_it_did_and_what_comes_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"x")
    said = CliRunner().invoke(cli.main, ["new", "my cats"])
    assert said.exit_code == 0
    assert [line for line in said.output.splitlines() if line.startswith("wrote")] == [
        f"wrote {path}" for path in ALL
    ]
    assert said.output.endswith("then: cd 'my cats' && activation-gallery build\n")
    assert "put a model into models/, name it in gallery.toml (model = …), put images into" in said.output
    assert "GitHub" not in said.output
    refused = CliRunner().invoke(cli.main, ["new", "file"])
    assert refused.exit_code == 2 and len(refused.output.splitlines()) == 1


def test_below_a_repository_s_root_the_workflow_is_said_to_lie_in_the_wrong_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    said = CliRunner().invoke(cli.main, ["new", "sub/folder"])
    told = [line for line in said.output.splitlines() if line.startswith("GitHub reads workflows only")]
    assert len(told) == 1 and "working-directory to sub/folder" in told[0]
    assert "GitHub reads" not in CliRunner().invoke(cli.main, ["new"]).output


def test_the_only_model_is_named_where_the_settings_name_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(cli.main, ["new"])
    (tmp_path / "models/mine.h5").write_bytes(b"x")
    for command in (["build"], ["build", "--dry-run"], ["serve"]):
        said = CliRunner().invoke(cli.main, command)
        assert said.exit_code == 2 and len(said.stderr.splitlines()) == 1
        assert "received a folder with mine.h5 alone" in said.stderr and "model = …" in said.stderr
    (tmp_path / "models/other.keras").write_bytes(b"x")
    assert "mine.h5" not in CliRunner().invoke(cli.main, ["build"]).stderr


def test_git_ignores_what_is_made(tmp_path):
    new_project(tmp_path)
    lines = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/*-gallery.zip", "/.venv/", "/site/"} <= set(lines)


def steps_of(text: str) -> dict:
    """Return a workflow without what a project and this repository cannot share: how things are installed."""
    workflow = yaml.safe_load(
        text.replace("requirements.lock", "requirements.txt")
        .replace(".venv/bin/", "")
        .replace("'generator/**', 'requirements.txt'", "'requirements.txt'")
    )
    for step in workflow["jobs"]["build"]["steps"]:
        if step.get("name") == "Build":
            assert "install" in step["run"].splitlines()[0]
            step["run"] = (
                step["run"]
                .partition("\n")[2]
                .replace("make gallery OPTIONS=--no-progress", "activation-gallery build --no-progress")
            )
    return workflow


def test_the_workflow_is_the_one_of_this_repository(tmp_path):
    new_project(tmp_path)
    ours, theirs = ((folder / ".github/workflows/pages.yml").read_text() for folder in (ROOT, tmp_path))
    assert steps_of(theirs) == steps_of(ours)
