"""What is installed is whole: templates, styles, scripts and the default mkdocs.yml travel in the wheel."""

import os
import subprocess
import sys
import zipfile

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


def test_the_wheel_holds_everything_and_nothing_generated(unpacked):
    resources = unpacked / "generator/resources"
    for name in (
        "mkdocs.yml",
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
    assert not [path for path in unpacked.rglob("*") if path.suffix == ".md"]
