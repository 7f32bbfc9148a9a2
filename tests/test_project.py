"""`activation-gallery new`: a project to begin with, in which nothing of one's own is lost."""

import re
import shutil
import tomllib

import pytest
import yaml
from click.testing import CliRunner
from conftest import ROOT

from generator.cli import main
from generator.project import new_project

FILES = {
    "gallery.toml", "mkdocs.yml", "requirements.txt", ".gitignore", ".github/workflows/pages.yml",
    "models/.gitkeep", "test_images/.gitkeep", "README.md",
}  # fmt: skip


def files_in(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def run(*arguments: str):
    return CliRunner().invoke(main, ["new", *arguments])


def test_a_new_project_builds_once_it_has_a_model_and_images(tmp_path, small_model, pictures):
    folder = tmp_path / "my project"
    done = run(str(folder))
    assert done.exit_code == 0 and files_in(folder) == FILES
    assert all(f"wrote {path}\n" in done.output for path in FILES)
    assert f"cd '{folder}' && activation-gallery build" in done.output
    shutil.copy(small_model, folder / "models/model.keras")
    for path in pictures.iterdir():
        shutil.copy(path, folder / "test_images")
    built = CliRunner().invoke(
        main, ["build", "-q", "--layers", "pool", "--config", str(folder / "gallery.toml")]
    )
    assert built.exit_code == 0, built.output
    assert (folder / "site/index.html").is_file() and not (folder / "site/guide.html").exists()


def test_every_setting_is_there_with_its_comment(tmp_path):
    new_project(tmp_path)
    text = (tmp_path / "gallery.toml").read_text(encoding="utf-8")
    ours = (ROOT / "gallery.toml").read_text(encoding="utf-8")
    assert re.findall(r"^# (\w+) =", text, re.MULTILINE) == re.findall(r"^# (\w+) =", ours, re.MULTILINE)
    assert tomllib.loads(text) == {"model": "models/model.keras", "images": "test_images"}
    assert "cats" not in text


def test_nothing_is_overwritten_and_all_is_told(tmp_path):
    own = {"README.md": "# Mine", "gallery.toml": "model = 1", ".gitignore": ""}
    for name, text in own.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = run(str(tmp_path))
    assert done.exit_code == 0 and files_in(tmp_path) == FILES
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in own} == own
    assert all(f"left as it was: {name}\n" in done.output for name in own)
    assert "<!-- gallery:start -->\n<!-- gallery:end -->" in done.output
    before = {path: (tmp_path / path).read_bytes() for path in FILES}
    assert run(str(tmp_path)).exit_code == 0
    assert {path: (tmp_path / path).read_bytes() for path in FILES} == before


def test_the_readme_is_not_told_twice(tmp_path):
    new_project(tmp_path)
    assert new_project(tmp_path).to_paste is None


@pytest.mark.parametrize("name", ["cnn.keras", "models/a \"b\" \\ 'ü'.h5"])
def test_the_only_model_is_found(tmp_path, name):
    (tmp_path / "models").mkdir()
    (tmp_path / name).write_bytes(b"")
    assert new_project(tmp_path).model == name
    assert tomllib.loads((tmp_path / "gallery.toml").read_text(encoding="utf-8"))["model"] == name


def test_links_are_not_followed(tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project/gallery.toml").symlink_to(tmp_path / "elsewhere")
    assert "gallery.toml" in new_project(tmp_path / "project").kept
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    done = run(str(tmp_path / "file"))
    assert done.exit_code == 2 and "expected a folder" in done.stderr and done.stderr.count("\n") == 1


def test_the_workflow_is_this_project_s_own_but_for_how_the_tool_gets_there(tmp_path):
    new_project(tmp_path)
    theirs, ours = (
        yaml.safe_load((folder / ".github/workflows/pages.yml").read_text(encoding="utf-8"))
        for folder in (tmp_path, ROOT)
    )
    for workflow in (theirs, ours):
        for step in workflow["jobs"]["build"]["steps"]:
            step.pop("run", None)
            step.get("with", {}).pop("cache-dependency-path", None)
    assert theirs == ours
