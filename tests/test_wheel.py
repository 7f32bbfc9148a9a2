"""What is installed is whole: templates, styles, scripts and the default mkdocs.yml travel in the wheel."""

import os
import shutil
import subprocess
import sys
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
def installed(unpacked) -> Path:
    """Install the wheel with pip, beside the locked packages; the folder of its commands."""
    (wheel,) = unpacked.parent.glob("activation_gallery-*.whl")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    target = unpacked.parent / "installed"
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def test_the_wheel_holds_everything_and_nothing_generated(unpacked):
    resources = unpacked / "generator/resources"
    for name in (
        "gallery.toml",
        "mkdocs.yml",
        "templates/project/gitignore",
        "templates/theme/404.html",
        "templates/macros.html.j2",
        "site_src/css/gallery.css",
        "site_src/js/gallery.js",
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
    pages = [path for path in unpacked.rglob("*.md") if path.parent.name != "project"]
    assert not pages


def test_a_stranger_s_project_from_nothing_to_a_website(installed, small_model, pictures, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(installed)}

    def run(*arguments: str) -> None:
        command = [sys.executable, str(installed / "bin/activation-gallery"), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    run("new")
    shutil.copy(small_model, tmp_path / "models/model.keras")
    for path in pictures.iterdir():
        shutil.copy(path, tmp_path / "test_images")
    # One template and one style sheet of their own take the place of the packaged ones.
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/layers.html.j2").write_text("<p>my layers</p>", encoding="utf-8")
    (tmp_path / "site_src/css").mkdir(parents=True)
    (tmp_path / "site_src/css/health.css").write_text("/* mine */", encoding="utf-8")
    run("build", "-q", "--layers", "pool")
    site = tmp_path / "site"
    assert "my layers" in (site / "gallery/layers/index.html").read_text(encoding="utf-8")
    assert (site / "css/health.css").read_text(encoding="utf-8") == "/* mine */"
    assert (site / "css/gallery.css").read_bytes() == (ROOT / "site_src/css/gallery.css").read_bytes()
    assert "first_conv" in (site / "gallery/model.html").read_text(encoding="utf-8")
    run("pack")
    assert (tmp_path / "model-gallery.zip").is_file()
