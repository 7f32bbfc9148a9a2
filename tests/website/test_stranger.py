"""A project that somebody else wrote: nothing outside it gets onto pages, and nothing in it may hang."""

import os
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import fake_models, small_project
from hostile import check_line, limited

from generator.build import build
from generator.core import bounds
from generator.core.errors import GalleryError, ProjectError, SettingsError
from generator.core.records import Progress
from generator.core.settings import Settings
from generator.export.readme import write_readme
from generator.export.single_page import write_single
from generator.website import mkdocs_yml
from generator.website.mkdocs import build_website


@pytest.fixture
def project(tmp_path) -> Settings:
    """A project in a folder of its own, and a secret beside it."""
    (tmp_path / "project").mkdir()
    (tmp_path / "outside/deep").mkdir(parents=True)
    (tmp_path / "outside/secret.md").write_text("# The secret")
    (tmp_path / "outside/deep/secret.html").write_text("The secret")
    return replace(small_project(tmp_path / "project"), site=False)


def texts(folder: Path) -> str:
    """Return all text below a folder."""
    files = (path for path in folder.rglob("*") if path.suffix in (".md", ".html", ".json", ".js"))
    return "".join(path.read_text("utf-8", "replace") for path in files)


LINKS = {
    "site_src/a.md": "../../outside/secret.md",
    "site_src/docs": "../../outside",
    "site_src/docs/deep/more": "../../../../outside/deep",
    "site_src/gallery": "../../outside",
    "site_src/gallery/images/a.md": "../../../../outside/secret.md",
    "site_src/gallery/.cache": "../../../outside",
    "site_src/index.md": "../../outside/secret.md",
    "site_src/css/gallery.css": "../../../outside/secret.md",
    "site_src/.hidden": "../../outside/secret.md",
    "site_src/nothing.md": "../../outside/not-there.md",
    "site_src/up": "../..",
    "site_src/absolute.md": "/etc/passwd",
    "site_src/proc": "/proc/self/environ",
    "site_src": "../outside",
    "templates": "../outside",
    "templates/index.html.j2": "../../outside/secret.md",
    "templates/more": "../../outside",
    "own": "../outside",
    "own/main.html": "../../outside/deep/secret.html",
    "own/partials": "../../outside/deep",
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_that_leads_out_is_refused_before_anything_is_read(project, name, monkeypatch):
    folder = project.project
    (folder / "mkdocs.yml").write_text("site_name: x\ntheme: {name: mkdocs, custom_dir: own}\n")
    (folder / "own").mkdir()
    link = folder / name
    if name in ("site_src", "own"):
        link.rmdir()
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(LINKS[name])
    monkeypatch.setattr("generator.build.read_inputs", lambda *_: pytest.fail("read"))
    with pytest.raises(ProjectError, match=r"inside the project, received a link to .*: remove it") as caught:
        build(project, models=fake_models())
    check_line(str(caught.value))
    assert f"expected {link} inside" in str(caught.value)
    assert os.path.realpath(folder / name) in str(caught.value)
    assert {path.name for path in folder.parent.iterdir()} == {"project", "outside"}
    assert not list(folder.parent.rglob("*.lock"))


def test_links_to_links_and_through_folders_are_followed_to_their_end(project):
    folder = project.project / "site_src"
    (folder / "one.md").symlink_to("two.md")
    (folder / "two.md").symlink_to("../three.md")
    (project.project / "three.md").symlink_to("../outside/secret.md")
    with pytest.raises(ProjectError, match=r"link to .*outside/secret\.md"):
        build(project, models=fake_models())
    for path in (folder / "one.md", folder / "two.md"):
        path.unlink()
    (project.project / "shared").mkdir()
    (project.project / "shared/a.md").symlink_to("../../outside/secret.md")
    (folder / "shared").symlink_to("../shared")
    with pytest.raises(ProjectError, match=r"site_src/shared/a\.md inside .*outside/secret\.md"):
        build(project, models=fake_models())


def test_links_that_stay_inside_and_circles_are_as_before(project):
    folder = project.project / "site_src"
    (project.project / "shared").mkdir()
    (project.project / "shared/a.md").write_text("# Shared words")
    (folder / "shared").symlink_to(project.project / "shared")
    (folder / "again").symlink_to("shared")
    (project.project / "shared/round").symlink_to("../site_src")
    (folder / "b.md").symlink_to("../shared/a.md")
    (folder / "itself").symlink_to("itself")
    (folder / "there").symlink_to("back")
    (folder / "back").symlink_to("there")
    (folder / ".#index.md").symlink_to("somebody@a-machine.4711:1310")  # Emacs, while a page is edited
    with limited(60):
        build(project, models=fake_models())
        assert build(project, models=fake_models()).unchanged
        (project.project / "shared/a.md").write_text("# Other words")
        assert not build(project, models=fake_models()).unchanged


def test_links_that_lead_nowhere_are_not_in_a_website(project):
    folder = project.project / "site_src"
    (project.project / "mkdocs.yml").write_text("site_name: x\ntheme: {name: mkdocs}\nplugins: []\n")
    for name, target in {
        "itself": "itself",
        "a.md": "none.md",
        "css": "../none",
        ".#b.md": "me@x.1:2",
    }.items():
        (folder / name).symlink_to(target)
    (project.project / "shared").mkdir()
    (project.project / "shared/own.md").write_text("# Own words")
    for name in ("one", "two"):
        (folder / name).symlink_to("../shared")
    with limited(60):
        build(replace(project, site=True), models=fake_models())
    names = {path.relative_to(project.output).as_posix() for path in project.output.rglob("*.html")}
    assert {"one/own/index.html", "two/own/index.html"} <= names and "a/index.html" not in names


CIRCLES = {
    "one": ({"a/round": "."}, "a/round"),
    "two": ({"a/x": "../b", "b/y": "../a"}, "[ab]/[xy]/[xy]"),
    "the sources": ({"all": "../site_src"}, "all"),
    "the project": ({"all": ".."}, "all/site_src"),
    "by two ways": ({"a/x": ".", "a/y": "."}, "a/[xy]"),
}


@pytest.mark.parametrize("name", CIRCLES)
def test_a_circle_of_links_in_a_website_is_refused(project, name):
    links, words = CIRCLES[name]
    for link, target in links.items():
        path = project.project / "site_src" / link
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(target)
    with limited(30), pytest.raises(ProjectError, match=f"site_src/{words}, which leads to a folder that it"):
        build(replace(project, site=True), models=fake_models())


def test_links_that_double_again_and_again_are_refused(project):
    for number in range(40):
        folder = project.project / f"site_src/{number}"
        folder.mkdir()
        for name in "ab" if number else ():
            (folder / name).symlink_to(f"../{number - 1}")
    with limited(30), pytest.raises(ProjectError, match="at most 10,000 folders that links lead to again"):
        build(replace(project, site=True), models=fake_models())


def test_a_project_behind_a_link_and_a_name_that_begins_alike(project, tmp_path):
    (tmp_path / "linked").symlink_to("project")
    with limited(60):
        build(replace(project, project=tmp_path / "linked"), models=fake_models())
    (tmp_path / "project and more").mkdir()
    (project.project / "site_src/more").symlink_to(tmp_path / "project and more")
    with pytest.raises(ProjectError, match="project and more"):
        build(project, models=fake_models())


def test_without_settings_nothing_beside_the_sources_is_read(project):
    folder = project.project
    without = replace(project, project=None)
    (folder / "site_src/a.md").symlink_to("../../outside/secret.md")
    with pytest.raises(ProjectError, match="received a link to"):
        build(without, models=fake_models())


def make_strange(path: Path, kind: str) -> bool:
    """Put something that is no file there; whether that was possible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        here = Path.cwd()
        os.chdir(path.parent)  # the address of a socket may not be long
        try:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(path.name)
        finally:
            os.chdir(here)
    else:
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero, which has no end
        except PermissionError:
            return False
    return True


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
@pytest.mark.parametrize(
    "name",
    ["site_src/a.md", "site_src/.hidden", "site_src/gallery/.written.json", "site_src/gallery/.writing.txt",
     "site_src/gallery/.cache/-build.json", "site_src/gallery/images/a/grid.png", "site_src/css/gallery.css",
     "site_src", "templates", "templates/index.html.j2", "own/main.html"],
)  # fmt: skip
def test_what_is_no_file_keeps_nobody_waiting_and_is_named(project, name, kind):
    folder = project.project
    (folder / "mkdocs.yml").write_text("INHERIT: base.yml\nsite_name: x\n")
    (folder / "base.yml").write_text("theme: {name: mkdocs, custom_dir: own}\nx: !!python/name:os.system\n")
    if name == "site_src":
        (folder / name).rmdir()
    if not make_strange(folder / name, kind):
        pytest.skip("optional: only an administrator makes devices")
    with limited(30), pytest.raises(ProjectError) as caught:
        build(project, models=fake_models())
    check_line(str(caught.value))
    assert f"{folder / name} (a {kind})" in str(caught.value) and "remove what is none" in str(caught.value)


def test_labels_that_are_no_file_keep_nobody_waiting(project):
    os.mkfifo(project.project / "labels.txt")
    with limited(30), pytest.raises(SettingsError, match=r"received labels\.txt, which is no file: name one"):
        build(replace(project, labels=project.project / "labels.txt"), models=fake_models())


def test_a_link_to_a_pipe_inside_and_many_of_them_are_named(project):
    os.mkfifo(project.project / "pipe")
    for number in range(5):
        (project.project / f"site_src/{number}.md").symlink_to("../pipe")
    with limited(30), pytest.raises(ProjectError, match=r"0\.md \(a pipe\), .*2\.md \(a pipe\) and 2 more:"):
        build(project, models=fake_models())


def test_the_command_ends_with_one_line_and_status_2(project, small_model):
    (project.project / "gallery.toml").write_text(f"model = '{small_model}'\nimages = 'in'\n")
    (project.project / "site_src/a.md").symlink_to("/etc/passwd")
    os.mkfifo(project.project / "mkdocs.yml")  # is none, so the packaged one is taken
    command = [sys.executable, "-m", "generator", "build", "--no-progress"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=project.project, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 2 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and "site_src/a.md inside the project, received a link to /etc/passwd" in lines[0]


def test_templates_of_a_readme_and_of_a_page_for_mail_stay_inside_too(gallery, project, tmp_path):
    folder = project.project
    (folder / "templates").mkdir()
    for name in ("readme.html.j2", "single.html.j2"):
        (folder / "templates" / name).symlink_to("/etc/passwd")
    (folder / "README.md").write_text("<!-- gallery:start -->\n<!-- gallery:end -->\n")
    with pytest.raises(ProjectError, match="received a link to /etc/passwd"):
        write_readme(gallery.site, folder / "README.md", "", folder)
    with pytest.raises(ProjectError, match="received a link to /etc/passwd"):
        write_single(gallery.site, tmp_path / "x.html", folder)
    assert not (tmp_path / "x.html").exists()


@pytest.fixture
def pages(tmp_path) -> Path:
    """The sources of a website of one page."""
    (tmp_path / "src/gallery").mkdir(parents=True)
    (tmp_path / "src/index.md").write_text("# One page")
    return tmp_path / "src"


ENV = {
    "!ENV A_SECRET": (None, ("A_SECRET",)),
    "!ENV [A_SECRET]": (None, ("A_SECRET",)),
    "!ENV [A_SECRET, fallback]": ("fallback", ("A_SECRET",)),
    "!ENV [A_SECRET, SITE_SECRET_NOT, B_SECRET, fallback]": ("fallback", ("A_SECRET", "B_SECRET")),
    "!ENV [A_SECRET, SITE_WORDS, fallback]": ("words of ours", ("A_SECRET",)),
    "!ENV [SITE_WORDS, A_SECRET, fallback]": ("words of ours", ("A_SECRET",)),
    "!ENV [NOT_THERE, fallback]": ("fallback", ()),
    "!ENV SITE_WORDS": ("words of ours", ()),
    "!ENV [NOT_THERE, [1, 2]]": ([1, 2], ()),
    "!ENV [A_SECRET, SITE_NOT_THERE]": ("SITE_NOT_THERE", ("A_SECRET",)),
    "!ENV [CI, SITE_URL, x]": (True, ()),
    "!ENV \"A_SE\\x43RET\"": (None, ("A_SECRET",)),
    "!ENV [SITE_NUMBER, x]": (7, ()),
    "!ENV site_words": (None, ("site_words",)),
    "!ENV MYSITE_URL": (None, ("MYSITE_URL",)),
}  # fmt: skip


@pytest.mark.parametrize("written", ENV)
def test_only_variables_that_are_meant_for_pages_reach_them(pages, tmp_path, monkeypatch, written):
    value, withheld = ENV[written]
    for name in ("A_SECRET", "B_SECRET", "site_words", "MYSITE_URL"):
        monkeypatch.setenv(name, "the secret")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("SITE_WORDS", "words of ours")
    monkeypatch.setenv("SITE_NUMBER", "7")
    before = dict(os.environ)
    config = tmp_path / "mkdocs.yml"
    config.write_text(f"site_name: x\nextra: {{found: {written}}}\ntheme: mkdocs\n")
    found, names = mkdocs_yml.load(config, docs_dir=str(pages), site_dir=str(tmp_path / "out"))
    assert found.extra.get("found") == value and names == withheld
    assert dict(os.environ) == before


def test_inherited_files_get_no_other_variables_and_a_line_says_so(project, monkeypatch):
    monkeypatch.setenv("AWS_SECRET", "the secret value")
    monkeypatch.setenv("SITE_OWNER", "the owner")
    monkeypatch.setenv("SITE_URL", "https://me.example/cats/")
    folder = project.project
    (folder / "base.yml").write_text(
        "site_description: !ENV AWS_SECRET\nsite_author: !ENV [AWS_SECRET, SITE_OWNER, x]\n"
        "theme: {name: mkdocs, highlightjs: false}\nplugins: []\n"
    )
    (folder / "mkdocs.yml").write_text(
        "INHERIT: base.yml\nsite_name: !ENV [AWS_SECRET, a name]\nsite_url: !ENV SITE_URL\n"
        "copyright: !ENV AWS_SECRET\n"
    )
    told: list[Progress] = []
    build(replace(project, site=True), told.append, fake_models())
    said = [step.text for step in told if "passed on" in step.text]
    assert len(said) == 1 and "AWS_SECRET" in said[0] and "SITE_" in said[0] and "value" not in said[0]
    shown = texts(project.output)
    assert "the secret value" not in shown
    assert "the owner" in shown and "a name" in shown and "https://me.example/cats/" in shown


def test_a_name_that_is_not_passed_on_may_leave_a_file_without_one(pages, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET", "the secret")
    (tmp_path / "mkdocs.yml").write_text("site_name: !ENV AWS_SECRET\ntheme: mkdocs\n")
    with pytest.raises(GalleryError, match=r"received: Config value 'site_name': Required") as caught:
        build_website(tmp_path / "mkdocs.yml", pages, tmp_path / "out", {})
    assert "secret" not in str(caught.value)


def test_only_what_reaches_the_pages_makes_them_anew(project, monkeypatch):
    (project.project / "mkdocs.yml").write_text("site_name: !ENV [AWS_SECRET, SITE_WORDS, x]\n")
    build(project, models=fake_models())
    monkeypatch.setenv("AWS_SECRET", "a secret")
    assert build(project, models=fake_models()).unchanged
    monkeypatch.setenv("SITE_WORDS", "words")
    assert not build(project, models=fake_models()).unchanged


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ("theme: {name: mkdocs, custom_dir: own}", "own"),
        ("theme: {custom_dir: ../elsewhere}", "../elsewhere"),
        ("INHERIT: base.yml\ntheme: {name: x}", "of-base"),
        ("INHERIT: base.yml\ntheme: {custom_dir: own}", "own"),
        ("INHERIT: mkdocs.yml", None),
        ("INHERIT: [1]\ntheme: 5", None),
        ("theme: material", None),
        ("theme: {custom_dir: !ENV [A, own]}", None),
        ("x: !!python/object/apply:os._exit [3]\ntheme: {custom_dir: own}", "own"),
        ("x: &x [*x]\ntheme: {custom_dir: own}", "own"),
        ("- a", None),
        ("a: [", None),
        ("\x00", None),
        ("[" * 5000, None),
        ("", None),
    ],
)
def test_folders_of_templates_are_found_without_running_anything(tmp_path, config, found):
    (tmp_path / "base.yml").write_text("theme: {custom_dir: of-base}")
    (tmp_path / "mkdocs.yml").write_text(config)
    expected = found and Path(os.path.normpath(tmp_path / found))
    assert mkdocs_yml.custom_dir(tmp_path / "mkdocs.yml") == expected


def test_a_folder_of_templates_that_only_mkdocs_knows_is_checked_too(pages, tmp_path, monkeypatch):
    monkeypatch.setenv("SITE_THEME", "own")
    (tmp_path / "own").symlink_to("/etc")
    (tmp_path / "mkdocs.yml").write_text("site_name: x\ntheme: {name: mkdocs, custom_dir: !ENV SITE_THEME}\n")
    with pytest.raises(ProjectError, match="received a link to /etc"):
        build_website(tmp_path / "mkdocs.yml", pages, tmp_path / "out", {})


def test_a_folder_of_templates_elsewhere_is_meant_so(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/main.html").symlink_to("/etc/passwd")
    bounds.check_theme(tmp_path / "project", tmp_path / "shared")


def test_the_documents_say_what_a_project_is():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "A project is code" in readme
