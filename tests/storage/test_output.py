"""Files on disk: nothing that is not ours is ever touched."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from generator.core.errors import OutputError
from generator.storage import sources as sources_module
from generator.storage import website_folder, writing
from generator.storage.sources import SourceFolder

RECORD = "gallery/.written.json"
MARKED = b"<!-- activation-gallery -->\n"


def put(root, **files: str):
    """Write files by their path, `__` for the slash and `_` for the dot, and return the folder."""
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def built(root, **files: str) -> SourceFolder:
    """Write files as a build does, and finish it."""
    sources = SourceFolder(root)
    for name, content in files.items():
        sources.write(name.replace("__", "/").replace("_", "."), content.encode())
    sources.finish()
    return sources


def listing(root) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_a_website_may_go_where_nothing_or_an_earlier_one_is(tmp_path):
    (tmp_path / "empty").mkdir()
    old = put(tmp_path / "old", gallery__manifest_json="{}", index_html="x")
    website_folder.sign_website(old)
    inputs = [tmp_path / "m.keras", tmp_path / "old pictures"]
    for folder in (tmp_path / "new", tmp_path / "empty", old, tmp_path / "deep" / "er"):
        website_folder.check_website_folder(folder, inputs)
    record = f"old/{website_folder.SITE_RECORD}"
    assert listing(tmp_path) == {"old/gallery/manifest.json", "old/index.html", record}


def test_what_file_managers_leave_in_a_website_does_not_matter(tmp_path):
    site = put(tmp_path / "site", index_html="x")
    website_folder.sign_website(site)
    (site / ".DS_Store").write_bytes(b"x")
    website_folder.check_website_folder(site, ())


@pytest.mark.parametrize("name", ["notes.txt", ".git/config", "CNAME", "gallery/mine.txt"])
def test_a_website_with_a_file_of_someone_else_in_it_is_refused(tmp_path, name):
    site = put(tmp_path / "site", index_html="x")
    website_folder.sign_website(site)
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=f"such as {name}"):
        website_folder.check_website_folder(site, ())


def test_home_and_root_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    put(tmp_path, gallery__manifest_json="{}")
    (tmp_path / "sub").mkdir()
    for folder in (Path("/"), tmp_path, tmp_path / "sub" / ".."):
        with pytest.raises(OutputError, match="choose another --output"):
            website_folder.check_website_folder(folder, ())


def test_a_folder_with_other_files_is_refused(tmp_path):
    with pytest.raises(OutputError, match="other files"):
        website_folder.check_website_folder(put(tmp_path, notes_txt="mine"), ())


def test_a_file_is_refused(tmp_path):
    with pytest.raises(OutputError, match="received the file"):
        website_folder.check_website_folder(put(tmp_path, site="x") / "site", ())


@pytest.mark.parametrize("inside", ["", "pictures", "gallery/model.keras", "x/../pictures"])
def test_a_folder_that_holds_an_input_is_refused(tmp_path, inside):
    put(tmp_path, gallery__manifest_json="{}")
    with pytest.raises(OutputError, match="without inputs"):
        website_folder.check_website_folder(tmp_path, [tmp_path.parent / "other", tmp_path / inside])


def test_an_input_behind_a_link_is_found(tmp_path):
    put(tmp_path, site__gallery__manifest_json="{}", site__pictures__a_png="x")
    (tmp_path / "link").symlink_to(tmp_path / "site" / "pictures")
    with pytest.raises(OutputError, match="without inputs"):
        website_folder.check_website_folder(tmp_path / "site", [tmp_path / "link"])


def test_only_what_changed_is_written(tmp_path):
    assert built(tmp_path, index_md="one", gallery__a_md="two").written == 2
    assert listing(tmp_path) == {"index.md", "gallery/a.md", RECORD}
    for name in ("index.md", "gallery/a.md"):
        os.utime(tmp_path / name, (1, 1))
    again = built(tmp_path, index_md="one", gallery__a_md="new")
    assert (again.written, again.size) == (1, 6)
    assert (tmp_path / "index.md").stat().st_mtime == 1
    assert (tmp_path / "gallery/a.md").read_text(encoding="utf-8") == "new"
    assert (tmp_path / "gallery/a.md").stat().st_mtime > 1


def test_threads_may_write_at_once(tmp_path):
    sources = SourceFolder(tmp_path)
    batches = [{f"gallery/{n % 3}/{n}-{k}.png": b"%d" % k for k in range(50)} for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sources.write_all, batches))
    every = {path: content for batch in batches for path, content in batch.items()}
    assert {path: (tmp_path / path).read_bytes() for path in every} == every
    assert sources.published == {path: len(content) for path, content in every.items()}
    assert sources.written == len(every)
    assert set((tmp_path / "gallery" / sources_module.JOURNAL).read_text().splitlines()) == set(every)


def test_what_is_left_over_goes_with_its_folders(tmp_path):
    built(
        tmp_path,
        index_md="x",
        gallery__images__cat__grid_png="x",
        gallery__images__dog_md="x",
        css__a_css="x",
    )
    put(tmp_path, gallery__own_md="mine", css__mine_css="mine", docs__x_md="mine")
    sources = SourceFolder(tmp_path)
    sources.write("index.md", b"x")
    assert sources.finish() == 3
    assert listing(tmp_path) == {"index.md", "gallery/own.md", "css/mine.css", "docs/x.md", RECORD}
    assert not (tmp_path / "gallery/images").exists()
    assert built(tmp_path, index_md="x").finish() == 0


def test_a_left_over_file_that_is_gone_already(tmp_path):
    built(tmp_path, gallery__a_md="x", gallery__b_md="x")
    (tmp_path / "gallery/a.md").unlink()
    built(tmp_path, gallery__b_md="x")
    assert listing(tmp_path) == {"gallery/b.md", RECORD}


def test_a_foreign_front_page_is_kept(tmp_path):
    put(tmp_path, index_md="# My own words")
    sources = SourceFolder(tmp_path)
    with pytest.raises(OutputError, match=r"index\.md .*move it away"):
        sources.write("index.md", MARKED)
    assert (tmp_path / "index.md").read_text(encoding="utf-8") == "# My own words"
    assert listing(tmp_path) == {"index.md"}


@pytest.mark.parametrize("name", ["css/own.css", "js/own.js", "gallery/health.csv", "gallery/manifest.json"])
def test_any_text_of_someone_else_is_kept(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir()
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="received one that is not generated: move it away"):
        SourceFolder(tmp_path).write(name, MARKED)
    assert path.read_text(encoding="utf-8") == "mine"


def test_files_of_a_build_that_was_cut_off_are_replaced(tmp_path):
    cut_off = SourceFolder(tmp_path)
    for path in ("index.md", "gallery/a.md", "gallery/old/left.png"):
        cut_off.write(path, b"old")
    built(tmp_path, index_md="new", gallery__a_md="whole")
    assert (tmp_path / "index.md").read_text(encoding="utf-8") == "new"
    assert listing(tmp_path) == {"index.md", "gallery/a.md", RECORD}


def test_what_an_earlier_build_wrote_is_ours(tmp_path):
    built(tmp_path, index_md="no mark", css__a_css="x")
    sources = SourceFolder(tmp_path)
    assert sources.owns("css/a.css")
    assert not sources.owns("css/b.css")
    sources.write("index.md", b"new")
    assert (tmp_path / "index.md").read_bytes() == b"new"


def test_files_are_counted_by_ending(tmp_path):
    sources = built(tmp_path, gallery__a_png="1", gallery__b_png="22", gallery__c_gif="3", index_md="4444")
    assert (sources.count(".png"), sources.count(".png", ".gif"), sources.count(".jpg")) == (2, 3, 0)
    assert sources.size == 8


@pytest.mark.parametrize(
    "record",
    ["", "{", "null", "5", '"i"', "[1]", "\x00", '["i"]', '{"a": null}', '{"": 1, ".": 1, "gallery": 1}'],
)
def test_a_broken_record_is_no_obstacle(tmp_path, record):
    put(tmp_path, gallery__own_md="mine", i="mine")
    (tmp_path / RECORD).write_text(record, encoding="utf-8")
    built(tmp_path, index_md="x")
    assert listing(tmp_path) == {"index.md", "gallery/own.md", "i", RECORD}
    assert json.loads((tmp_path / RECORD).read_text(encoding="utf-8")) == {"index.md": 1}


def test_a_record_that_is_no_text_is_no_obstacle(tmp_path):
    (tmp_path / "gallery").mkdir()
    (tmp_path / RECORD).write_bytes(b"\xff\xfe[]")
    assert built(tmp_path, index_md="x").written == 1


def test_a_record_deletes_nothing_outside(tmp_path):
    root = put(tmp_path / "sources", index_md="x")
    put(tmp_path, notes_txt="mine", other__a_md="mine")
    (root / "link").symlink_to(tmp_path / "other")
    (root / "gallery").mkdir()
    paths = ["../notes.txt", str(tmp_path / "other/a.md"), "link/a.md", "gallery/../../notes.txt"]
    (root / RECORD).write_text(json.dumps(paths), encoding="utf-8")
    built(root, gallery__a_md="x")
    assert {"notes.txt", "other/a.md", "sources/index.md"} <= listing(tmp_path)


@pytest.mark.parametrize("record", ['{"a\\u0000b": 1, "i": 1, "\\ud800": 1}', "[" * 100_000])
def test_a_record_of_what_is_no_path_is_no_obstacle(tmp_path, record):
    put(tmp_path, gallery__own_md="mine", i="1")
    (tmp_path / RECORD).write_text(record, encoding="utf-8")
    built(tmp_path, index_md="x")
    assert {"gallery/own.md", "index.md"} <= listing(tmp_path)


def test_a_journal_that_is_no_text_is_no_obstacle(tmp_path):
    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery" / sources_module.JOURNAL).write_bytes(b"\xff\0\ngallery/old.png\n")
    put(tmp_path, gallery__old_png="x")
    built(tmp_path, index_md="x")
    assert listing(tmp_path) == {"index.md", RECORD}


def test_nothing_is_written_through_a_link_to_a_file(tmp_path):
    root, victim = tmp_path / "sources", put(tmp_path, victim="mine") / "victim"
    (root / "gallery").mkdir(parents=True)
    for name in ("card.jpg", "same.jpg", sources_module.JOURNAL, RECORD, f".{RECORD}.new"):
        (root / "gallery" / Path(name).name).symlink_to(victim)
    built(root, gallery__card_jpg="x", gallery__same_jpg="mine")
    assert victim.read_text(encoding="utf-8") == "mine"
    assert (root / "gallery/card.jpg").read_bytes() == b"x"
    assert not [path for path in root.rglob("*") if path.is_symlink() and path.suffix != ".new"]


@pytest.mark.parametrize("target", ["nowhere", "folder"])
def test_a_link_to_nothing_or_to_a_folder_gives_way_to_a_file(tmp_path, target):
    root = tmp_path / "sources"
    (root / "gallery").mkdir(parents=True)
    (tmp_path / "folder").mkdir()
    (root / "gallery/card.jpg").symlink_to(tmp_path / target)
    built(root, gallery__card_jpg="x")
    assert not (root / "gallery/card.jpg").is_symlink()
    assert (root / "gallery/card.jpg").read_bytes() == b"x"
    assert listing(tmp_path / "folder") == set()
    assert not (tmp_path / "nowhere").exists()


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(tmp_path):
    (tmp_path / "gallery").mkdir()
    os.mkfifo(tmp_path / "gallery/card.jpg")
    with pytest.raises(OutputError, match=r"expected to write .*card\.jpg"):
        SourceFolder(tmp_path).write("gallery/card.jpg", b"x")


@pytest.mark.parametrize("name", ["gallery", "css", "gallery/.cache", "css/deep"])
def test_nothing_is_written_through_a_link_to_a_folder(tmp_path, name):
    root, link = tmp_path / "sources", tmp_path / "sources" / name
    link.parent.mkdir(parents=True)
    put(tmp_path / "elsewhere", own_json="mine")
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match=r"received a link to .*elsewhere.*: remove it"):
        SourceFolder(root).write(f"{name}/new/a.css", b"x")
    assert listing(tmp_path / "elsewhere") == {"own.json"}
    assert not (tmp_path / "elsewhere/new").exists()


def test_a_lock_is_no_link_and_leaves_a_file_of_that_name(tmp_path):
    put(tmp_path, victim="mine", _other_lock="mine")
    (tmp_path / ".site.lock").symlink_to(tmp_path / "victim")
    with (
        pytest.raises(OutputError, match=r"expected to write .*\.site\.lock"),
        writing.locked(tmp_path / "site"),
    ):
        pass
    with writing.locked(tmp_path / "other"):
        pass
    for name in ("victim", ".other.lock"):
        assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", [".site.old", ".site.new"])
def test_folders_of_someone_else_beside_a_website_stay(tmp_path, name):
    put(tmp_path / name, notes_txt="mine")
    with pytest.raises(OutputError, match=f"{name} meanwhile, received one that is not ours: move it away"):
        website_folder.check_website_folder(tmp_path / "site", ())
    website_folder.recover(tmp_path / "site")
    assert listing(tmp_path) == {f"{name}/notes.txt"}
    website_folder.sign_website(tmp_path / name)
    website_folder.check_website_folder(tmp_path / "site", ())


def test_a_website_is_found_again_where_a_build_was_cut_off(tmp_path):
    website_folder.sign_website(put(tmp_path / ".site.old", index_html="x"))
    assert website_folder.website_files(tmp_path / "site") == {"index.html": 1}
    assert listing(tmp_path) == {"site/index.html", f"site/{website_folder.SITE_RECORD}"}


class Cut(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("name", [".site.old", ".site.new"])
def test_what_is_removed_is_ours_whenever_that_is_cut_off(tmp_path, monkeypatch, name):
    files = {"index_html": "x", "a__b_html": "x", "a__c__d_html": "x", "e__f_html": "x"}
    removals = {call: getattr(os, call) for call in ("unlink", "rmdir")}
    for moment in range(20):
        folder = put(tmp_path / str(moment) / name, **files)
        website_folder.sign_website(folder)
        left = iter([None] * moment)

        def cut(call: str, *args: object, left=left, **kwargs: object) -> None:
            if next(left, Cut) is Cut:
                raise Cut
            removals[call](*args, **kwargs)

        with monkeypatch.context() as patched:
            for call in removals:
                patched.setattr(os, call, lambda *args, call=call, cut=cut, **kw: cut(call, *args, **kw))
            try:
                website_folder._clear(folder)
                break
            except Cut:
                pass
        website_folder.check_website_folder(folder.parent / "site", ())
        website_folder._clear(folder)
        assert not folder.exists()
    assert moment > len(files)  # every file and folder was once the last to go


def test_what_cannot_be_removed_is_named_and_stays_ours(tmp_path, monkeypatch):
    site = put(tmp_path / "site", index_html="one")
    website_folder.sign_website(put(tmp_path / ".site.old", a__stuck_html="x", index_html="zero"))
    staged(site, "two")
    unlink = os.unlink

    def stick(path: object, **kwargs: object) -> None:
        if "stuck" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", stick)
        with pytest.raises(OutputError, match=r"expected to remove .*stuck.*: Permission denied: remove"):
            website_folder.swap(site)
    assert (site / "index.html").read_text() == "one"
    assert (tmp_path / ".site.old" / website_folder.SITE_RECORD).is_file()
    website_folder.swap(site)
    assert (site / "index.html").read_text() == "two" and not (tmp_path / ".site.old").exists()


def test_a_website_without_a_file_of_the_gallery_is_not_published(tmp_path):
    site = put(tmp_path / "site", index_html="old")
    wanted = {"gallery/a.png": 1, "gallery/b.png": 1}
    for files in ({"gallery__a_png": "x"}, {"gallery__a_png": "x", "gallery__b_png": "xx"}):
        with (
            pytest.raises(OutputError, match=r"all 2 files .* such as gallery/b\.png: build again"),
            website_folder.successor(site, wanted) as fresh,
        ):
            put(fresh, **files)
        assert listing(tmp_path) == {"site/index.html"}
    with website_folder.successor(site, wanted) as fresh:
        put(fresh, gallery__a_png="x", gallery__b_png="y")
    assert listing(site) == {"gallery/a.png", "gallery/b.png", website_folder.SITE_RECORD}


def test_a_folder_in_the_way_is_an_error(tmp_path):
    (tmp_path / "gallery" / "a.md").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"expected to write .*a\.md"):
        SourceFolder(tmp_path).write("gallery/a.md", b"x")


def staged(folder, text: str) -> None:
    put(website_folder.staging_folder(folder), index_html=text)


def test_swapping_replaces_the_whole_website(tmp_path):
    site = tmp_path / "site"
    staged(site, "one")
    assert listing(tmp_path) == {f"{website_folder.staging_folder(site).name}/index.html"}
    website_folder.swap(site)
    assert listing(tmp_path) == {"site/index.html"}
    put(site, old_html="x")
    staged(site, "two")
    website_folder.swap(site)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert listing(tmp_path) == {"site/index.html"}
    assert (site / "index.html").read_text(encoding="utf-8") == "two"


def test_a_swap_clears_what_an_earlier_one_left(tmp_path):
    site = put(tmp_path / "site", index_html="one")
    put(tmp_path / ".site.old", index_html="zero")
    staged(site, "two")
    website_folder.swap(site)
    assert listing(tmp_path) == {"site/index.html"}


def test_a_linked_website_can_be_swapped_again_and_again(tmp_path):
    put(tmp_path / "real", index_html="zero")
    site = tmp_path / "site"
    site.symlink_to(tmp_path / "real")
    for text in ("one", "two", "three"):
        staged(site, text)
        website_folder.swap(site)
        assert (site / "index.html").read_text(encoding="utf-8") == text


def test_a_swap_that_fails_says_so(tmp_path):
    with pytest.raises(OutputError, match="expected to replace"):
        website_folder.swap(tmp_path / "site")
