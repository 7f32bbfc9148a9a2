"""What is installed is whole: templates, styles, scripts and the default mkdocs.yml travel in the wheel."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Build the wheel with the locked hatchling and unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("activation_gallery-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


@pytest.fixture(scope="module")
def command(unpacked, tmp_path_factory):
    """Install the wheel into an environment that sees the locked packages; its `activation-gallery`."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    place = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
    Path(place, "locked.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    (wheel,) = unpacked.parent.glob("*.whl")
    install = [folder / "bin/python", "-m", "pip", "install", "--no-deps", "--no-build-isolation",
               "--no-index", "--quiet", "--ignore-installed", wheel]  # fmt: skip
    subprocess.run(install, check=True, capture_output=True)
    return folder / "bin/activation-gallery"


def test_the_wheel_holds_everything_and_nothing_generated(unpacked):
    resources = unpacked / "generator/resources"
    for name in (
        "mkdocs.yml",
        "templates/project/pages.yml",
        "templates/macros.html.j2",
        "site_src/css/gallery.css",
        "site_src/js/gallery.js",
        "site_src/js/explorer/grid.js",
    ):
        assert (resources / name).read_bytes() == (ROOT / name).read_bytes()
    names = {path.relative_to(unpacked).parts[0] for path in unpacked.rglob("*") if path.is_file()}
    assert {name.partition("-")[0] for name in names} == {"generator", "activation_gallery"}
    assert not (resources / "site_src/gallery").exists()


def test_the_wheel_works_in_an_empty_folder(unpacked, small_model, pictures, tmp_path):
    command = [sys.executable, "-m", "generator", "build", "-q", "--model", str(small_model), "--images",
               str(pictures), "--layers", "pool"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site/css/gallery.css").is_file()
    assert "first_conv" in (tmp_path / "site/gallery/model.html").read_text(encoding="utf-8")
    assert not list((unpacked / "generator/resources/site_src").rglob("*.md"))


def test_a_new_project_builds_from_an_installed_wheel(command, small_model, pictures, tmp_path):
    def run(*arguments: str) -> str:
        environment = {name: each for name, each in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [command, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "models").mkdir()
    shutil.copy(small_model, tmp_path / "models/mine.keras")
    assert "wrote gallery.toml" in run("new")
    shutil.copy(pictures / "one.png", tmp_path / "test_images")
    front = tmp_path / "site/index.html"
    run("build", "-q", "--layers", "pool")
    assert "mine" in (tmp_path / "site/gallery/model.html").read_text(encoding="utf-8")
    assert "A template of my own" not in front.read_text(encoding="utf-8")

    (tmp_path / "templates").mkdir()
    own = (ROOT / "templates/index.html.j2").read_text(encoding="utf-8") + "\n<p>A template of my own</p>\n"
    (tmp_path / "templates/index.html.j2").write_text(own, encoding="utf-8")
    (tmp_path / "site_src/css").mkdir()
    (tmp_path / "site_src/css/gallery.css").write_text("/* mine */", encoding="utf-8")
    run("build", "-q", "--layers", "pool")
    assert "A template of my own" in front.read_text(encoding="utf-8")
    assert (tmp_path / "site/css/gallery.css").read_text(encoding="utf-8") == "/* mine */"
    assert (tmp_path / "site/css/health.css").read_bytes() == (ROOT / "site_src/css/health.css").read_bytes()
