"""A website as one zip file: the same bytes every time, and it opens where it is unzipped."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT, Gallery

from generator import cli
from generator.errors import OutputError
from generator.pack import pack, package_name


@pytest.fixture
def copied(gallery, tmp_path) -> Path:
    """A copy of the small gallery's website, to do things to."""
    return shutil.copytree(gallery.site, tmp_path / "website")


def test_a_package_holds_the_website_in_one_folder_and_nothing_hidden(gallery, tmp_path):
    path = pack(gallery.site, tmp_path / "any name.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        content = {name: archive.read(name) for name in names}
    found = {file for file in gallery.site.rglob("*") if file.is_file() and not file.name.startswith(".")}
    assert {f"small-gallery/{file.relative_to(gallery.site).as_posix()}" for file in found} == set(names)
    assert names == sorted(names) and "small-gallery/index.html" in names
    for file in found:
        assert content[f"small-gallery/{file.relative_to(gallery.site).as_posix()}"] == file.read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == ["any name.zip"]


def test_two_packages_are_equal_whatever_dates_and_rights_the_files_have(copied, tmp_path, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    before = pack(copied, tmp_path / "a.zip").read_bytes()
    for number, file in enumerate(copied.rglob("*")):
        os.utime(file, (1_500_000_000 + number, 1_600_000_000 + number))
        file.chmod(0o755)
    (copied / ".DS_Store").write_bytes(b"litter")
    (copied / "notes.txt").write_text("not ours")
    assert pack(copied, tmp_path / "b.zip").read_bytes() == before
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {each.external_attr >> 16 for each in archive.infolist()} == {0o100644}
        kinds = {Path(each.filename).suffix: each.compress_type for each in archive.infolist()}
    assert kinds[".png"] == kinds[".gif"] == zipfile.ZIP_STORED and kinds[".html"] == zipfile.ZIP_DEFLATED


@pytest.mark.parametrize(
    ("epoch", "date"),
    [
        ("1600000000", (2020, 9, 13, 12, 26, 40)),
        ("0", (1980, 1, 1, 0, 0, 0)),
        ("9" * 15, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_dates_are_those_of_the_environment_within_what_zip_knows(
    gallery, tmp_path, monkeypatch, epoch, date
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with zipfile.ZipFile(pack(gallery.site, tmp_path / "a.zip")) as archive:
        assert {each.date_time for each in archive.infolist()} == {date}


def test_a_date_that_is_none_is_refused_and_nothing_is_left(gallery, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(OutputError, match="expected seconds since 1970"):
        pack(gallery.site, tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("cats_and_dogs.hdf5", "cats_and_dogs-gallery"),
        ("../../etc/passwd", "passwd-gallery"),
        ("con.keras", "con-gallery"),
        ("m <i>'x'.keras", "m-i-x-gallery"),
        ("池.keras", "gallery"),
        ("x" * 300 + ".h5", "x" * 60 + "-gallery"),
    ],
)
def test_names_are_files_names_on_every_system(file, name):
    assert package_name({"model": {"file": file}}) == name


def test_what_cannot_be_packed_is_said_in_one_line(copied, tmp_path):
    def refused(*arguments) -> str:
        done = CliRunner().invoke(cli.main, ["pack", *map(str, arguments)])
        assert done.exit_code == 2 and done.stdout == "" and done.stderr.count("\n") == 1
        return done.stderr

    (tmp_path / "other").mkdir()
    (tmp_path / "other/index.html").write_text("somebody's page")
    assert "which is none" in refused("--output", tmp_path / "other", tmp_path / "x.zip")
    assert "which is none" in refused("--output", tmp_path / "nowhere", tmp_path / "x.zip")
    assert "outside the website" in refused("--output", copied, copied / "x.zip")
    assert "ends in .zip" in refused("--output", copied, tmp_path / "x.tar")
    assert "folder that is there" in refused("--output", copied, tmp_path / "no/x.zip")
    assert "expected a settings file" in refused("--config", tmp_path / "no.toml")
    (copied / "index.html").write_text("changed")
    assert "missing or changed" in refused("--output", copied, tmp_path / "x.zip")
    record = copied / ".activation-gallery.json"
    (tmp_path / "secret").write_text("abc")
    record.write_text(json.dumps({"index.html": len("changed"), "../secret": 3}))
    assert "missing or changed" in refused("--output", copied, tmp_path / "x.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "secret", "website"]


@pytest.mark.usefixtures("copied")
def test_the_command_finds_the_website_by_its_settings_and_imports_no_tensorflow(tmp_path):
    (tmp_path / "gallery.toml").write_text("output = 'website'\n")
    program = "import sys; from generator.cli import main; main(); print('tensorflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program, "pack"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    path = tmp_path / "small-gallery.zip"
    assert done.stderr == "" and done.returncode == 0
    said, imported = done.stdout.splitlines()
    assert said.startswith(f"{path}: ") and said.endswith(("KB", "MB")) and imported == "False"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


@pytest.mark.browser
def test_an_unzipped_package_opens_and_its_search_finds_a_layer(visit, gallery, tmp_path):
    with zipfile.ZipFile(pack(gallery.site, tmp_path / "a.zip")) as archive:
        archive.extractall(tmp_path / "un zipped")
    unzipped = Gallery(tmp_path / "un zipped/small-gallery", gallery.sources, gallery.manifest)
    page = visit(unzipped, "index")
    assert (
        page.evaluate("[...document.images].filter(each => !each.naturalWidth && !each.loading).length") == 0
    )
    page.locator(".md-search__input").first.click()
    page.keyboard.type("first_conv")
    result = page.locator(".md-search-result__link").first
    result.wait_for()
    result.click()
    page.wait_for_url("**/layers/*.html*")
    assert "first_conv" in page.title()
