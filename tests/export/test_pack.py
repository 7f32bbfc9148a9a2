"""A website as one zip file: the same bytes every time, and it opens where it is unzipped."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT, Gallery

import generator.export.readme as readme_module
from generator import cli
from generator.core import plan
from generator.core.errors import OutputError
from generator.core.formatting import wrong_with_path
from generator.export import single_page, zip_file
from generator.export.readme import write_readme
from generator.export.single_page import write_single
from generator.export.zip_file import pack, package_name
from generator.storage import steady, website_folder, writing


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


HARMFUL = {
    "..\\..\\x.md": "a backslash",
    "downloads/a\\b.txt": "a backslash",
    "a:b.txt": "a colon",
    "C:": "a colon",
    "a\nb.txt": "control characters",
    "a\x7f.txt": "control characters",
    "a\udcff.txt": "no UTF-8",
    "con": "a device",
    "docs/Aux.tar.gz": "a device",
    "nul .txt": "a device",
    "com¹.md": "a device",
    "what?.md": "a ? in it",
    "docs/end. /x": "a dot or a space",
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_name_that_is_another_one_elsewhere_is_refused(copied, tmp_path, name):
    (copied / name).parent.mkdir(parents=True, exist_ok=True)
    (copied / name).write_text("x")
    website_folder.sign_website(copied)
    done = CliRunner().invoke(cli.main, ["pack", "--output", str(copied), str(tmp_path / "x.zip")])
    assert done.exit_code == 2 and done.stderr.count("\n") == 1 and done.stdout == ""
    shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in name)
    assert f"received {shown}, which has " in done.stderr and HARMFUL[name] in done.stderr
    assert "rename what it is made from" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["website"]


def test_all_names_of_our_own_are_harmless(gallery):
    names = [path.relative_to(gallery.site).as_posix() for path in gallery.site.rglob("*")]
    assert len(names) > 100
    assert {wrong_with_path(name) for name in names} == {None}
    assert wrong_with_path("été/池 🐈\u200d⬛ (1).md") is None
    slugs = plan.image_slugs(["con.png", "AUX.jpg", "con.gif", "nul .png", "com1.png", "index.png"])
    assert [wrong_with_path(f"gallery/images/{slug}.html") for slug in slugs] == [None] * 6
    assert len(set(slugs)) == 6


def swapping_while_it_reads(site: Path, monkeypatch, times: int, read: str) -> list[int]:
    """Put a website of other bytes in the place of `site` when its first picture is read; count."""
    swaps, first = [], []
    original = Path.open if read == "open" else Path.read_bytes

    def slow(path, *arguments, **options):
        found = original(path, *arguments, **options)
        if site in path.parents and path.suffix in (".png", ".jpg", ".gif"):
            first.append(path)
        if path in first[:1] and len(swaps) < times:
            swaps.append(len(swaps))
            fresh = shutil.copytree(site, website_folder.staging_folder(site))
            for page in fresh.rglob("*.html"):
                page.write_text(page.read_text("utf-8") + f"<!-- {len(swaps)} -->", "utf-8")
            website_folder.sign_website(fresh)
            website_folder.swap(site)
        return found

    monkeypatch.setattr(Path, read, slow)
    return swaps


def test_a_package_is_of_one_website_although_it_is_replaced_meanwhile(copied, tmp_path, monkeypatch):
    swaps = swapping_while_it_reads(copied, monkeypatch, 2, "open")
    with zipfile.ZipFile(pack(copied, tmp_path / "x.zip")) as archive:
        pages = [archive.read(name) for name in archive.namelist() if name.endswith(".html")]
    assert swaps == [0, 1]
    assert len(pages) > 20 and all(page.endswith(b"<!-- 1 --><!-- 2 -->") for page in pages)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["website", "x.zip"]


def test_a_website_that_never_stays_is_refused(copied, tmp_path, monkeypatch):
    swaps = swapping_while_it_reads(copied, monkeypatch, 99, "open")
    with pytest.raises(OutputError, match="a new one each of 4 times: wait for the build"):
        pack(copied, tmp_path / "x.zip")
    assert len(swaps) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["website"]


def test_a_page_for_mail_and_a_readme_are_of_one_website_too(copied, tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    readme.write_text("<!-- gallery:start -->\n<!-- gallery:end -->\n")
    seen = []
    with monkeypatch.context() as patched:
        swaps = swapping_while_it_reads(copied, patched, 1, "read_bytes")
        patched.setattr(single_page, "_content", lambda *a, f=single_page._content: seen.append(a) or f(*a))
        write_single(copied, tmp_path / "x.html")
        assert swaps == [0] and len(seen) == 2
    with monkeypatch.context() as patched:
        swaps = swapping_while_it_reads(copied, patched, 1, "read_bytes")
        patched.setattr(readme_module, "_gather", lambda *a, f=readme_module._gather: seen.append(a) or f(*a))
        write_readme(copied, readme, "")
        assert swaps == [0] and len(seen) == 4


def test_between_the_two_renames_of_a_build_a_package_waits(copied, tmp_path, monkeypatch):
    copied.rename(tmp_path / ".website.old")
    pauses = []

    def wait(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            lock.close()
            (tmp_path / ".website.old").rename(copied)

    monkeypatch.setattr(steady.time, "sleep", wait)
    with ExitStack() as lock:
        lock.enter_context(writing.locked(copied))
        assert pack(copied, tmp_path / "x.zip").exists()


def test_a_link_is_no_file_of_a_website(copied, tmp_path):
    (tmp_path / "secret").write_text("0123456789")
    link = copied / "x.txt"
    link.symlink_to(tmp_path / "secret")
    website_folder.sign_website(copied)
    with pytest.raises(OutputError, match="missing or changed"):
        pack(copied, tmp_path / "x.zip")
    link.unlink()
    os.mkfifo(link)
    website_folder.sign_website(copied)
    with pytest.raises(OutputError, match="missing or changed"):
        pack(copied, tmp_path / "x.zip")
    (copied / website_folder.SITE_RECORD).unlink()
    os.mkfifo(copied / website_folder.SITE_RECORD)
    with pytest.raises(OutputError, match="which is none"):
        pack(copied, tmp_path / "x.zip")


def test_a_second_package_to_one_file_ends_in_one_line(copied, tmp_path, monkeypatch):
    target = tmp_path / "x.zip"
    second = []

    def slow(*arguments, original=zip_file._add):
        if not second:
            second.append(CliRunner().invoke(cli.main, ["pack", "--output", str(copied), str(target)]))
        return original(*arguments)

    monkeypatch.setattr(zip_file, "_add", slow)
    pack(copied, target)
    assert second[0].exit_code == 2 and second[0].stderr.count("\n") == 1
    assert f"expected one writer of {target} at a time, received a second: wait" in second[0].stderr
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["website", "x.zip"]
