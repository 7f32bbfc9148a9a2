"""The gallery in a README: right between the markers, nothing else touched; this project's own is current."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import markdown
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT, open_picture, save_picture
from markdown_it import MarkdownIt
from PIL import ImageSequence

from generator.build import build
from generator.cli import main
from generator.core import limits
from generator.core.errors import OutputError, WebsiteError
from generator.core.formatting import one_line
from generator.core.settings import Settings
from generator.export import readme as written
from generator.export.readme import END, START, write_readme
from generator.render import gif, palette

URL = "https://me.github.io/a%20b"
SECTION = f"{START}\n{END}\n"


class Elements(HTMLParser):
    """Collects every element with its attributes, and the text."""

    def __init__(self, html: str):
        """Read `html` to its end."""
        super().__init__()
        self.found, self.text = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Keep an element."""
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        """Keep text."""
        self.text.append(data)

    def every(self, tag: str, key: str) -> list[str]:
        """Return an attribute of all elements of a kind that have it."""
        return [attributes[key] for name, attributes in self.found if name == tag and key in attributes]


@pytest.fixture
def project(tmp_path) -> Path:
    """A repository with a README that has the markers between other text."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").write_text(f"# Mine\n\n{START}\nold\n{END}\n\nAfter *all*.\n", encoding="utf-8")
    return tmp_path


def shown(readme: Path) -> Elements:
    return Elements(markdown.markdown(readme.read_text(encoding="utf-8")))


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in found
    }


def test_every_image_has_its_name_prediction_and_pictures(gallery, project):
    done = write_readme(gallery.site, project / "README.md", "")
    html = shown(project / "README.md")
    text = "".join(html.text)
    for image in gallery.manifest["images"]:
        assert image["file"] in text and image["prediction"]["text"] in text
    assert "After all." in text and "old" not in text
    used = {*html.every("img", "src"), *html.every("source", "srcset")}
    there = {path.relative_to(project).as_posix() for path in done.folder.iterdir() if path.name[0] != "."}
    assert used == there and len(there) == done.pictures == done.changed == 2 + 3 * 5
    assert all(html.every("img", "alt")) and len(html.every("img", "alt")) == 1 + 3 * 2
    assert html.every("a", "href") == []
    assert done.bytes == sum((project / path).stat().st_size for path in there)
    media = html.every("source", "media")
    assert media.count("(prefers-reduced-motion: reduce)") == 3
    assert media.count("(prefers-color-scheme: dark)") == 4


def test_pages_are_linked_where_the_website_is_published(gallery, project):
    write_readme(gallery.site, project / "README.md", URL)
    links = set(shown(project / "README.md").every("a", "href"))
    pages = {"index.html", *(image["page"] for image in gallery.manifest["images"])}
    assert links == {f"{URL}/{page}" for page in pages}


def test_animations_are_the_websites_on_white_as_well(gallery, project):
    write_readme(gallery.site, project / "README.md", "")
    folder = project / ".github/gallery"
    for image in gallery.manifest["images"]:
        slug = image["slug"]
        original = (gallery.site / image["layers_gif"]).read_bytes()
        assert (folder / f"{slug}-dark.gif").read_bytes() == original
        indices, milliseconds = gif.decode((folder / f"{slug}-light.gif").read_bytes())
        expected, same = gif.decode(original)
        np.testing.assert_array_equal(indices, expected)
        assert milliseconds == same
        light = np.asarray(open_picture(folder / f"{slug}-light.gif").convert("RGB"))
        dark = np.asarray(open_picture(folder / f"{slug}-dark.gif").convert("RGB"))
        maps, around = expected[0] < palette.LEVELS, expected[0] == palette.BACKGROUND
        np.testing.assert_array_equal(light[maps], dark[maps])
        assert (light[around] == 255).all() and (dark[around] < 40).all()
        for scheme, moving in (("dark", dark), ("light", light)):
            still = np.asarray(open_picture(folder / f"{slug}-{scheme}.png").convert("RGBA"))
            np.testing.assert_array_equal(still[~around][:, :3], moving[~around])
            assert (still[around][:, 3] == 0).all()


def test_a_large_animation_loses_frames(gallery, project, monkeypatch):
    sizes = [(gallery.site / image["layers_gif"]).stat().st_size for image in gallery.manifest["images"]]
    most = min(sizes) * 2 // 3
    monkeypatch.setattr(limits, "README_GIF_BYTES", most)
    write_readme(gallery.site, project / "README.md", "")
    for path in (project / ".github/gallery").glob("*.gif"):
        assert path.stat().st_size <= most
        whole = gallery.site / f"gallery/images/{path.stem.rpartition('-')[0]}/layers.gif"
        assert 1 < open_picture(path).n_frames < open_picture(whole).n_frames


def test_small_images_are_enlarged_by_a_whole_factor(gallery, project):
    write_readme(gallery.site, project / "README.md", "")
    picture = open_picture(project / ".github/gallery/one.png")
    original = gallery.picture(gallery.manifest["images"][0]["original"])
    assert max(picture.size) >= written.SMALLEST > max(original.shape)
    factor = picture.width // original.shape[1]
    np.testing.assert_array_equal(np.asarray(picture)[::factor, ::factor], original)


def test_nothing_is_written_again_and_nothing_else_is_touched(gallery, project):
    text = "# Mine \r\n\r\n`" + START + "` is no marker\r\n\r\n" + START + "\r\n" + END + "\r\n\r\nö\r\n"
    (project / "README.md").write_bytes(text.encode())
    write_readme(gallery.site, project / "README.md", "")
    content = (project / "README.md").read_bytes().decode()
    before, _, rest = text.partition(f"\r\n{START}\r\n")
    assert content.startswith(f"{before}\r\n{START}\r\n") and content.endswith(rest)
    assert content.count("\r\n") == content.count("\n")
    first = snapshot(project)
    assert write_readme(gallery.site, project / "README.md", "").changed == 0
    assert snapshot(project) == first


def test_pictures_that_are_left_over_go_and_those_of_others_stay(gallery, small_model, project, tmp_path):
    write_readme(gallery.site, project / "README.md", "")
    (project / ".github/gallery/mine.png").write_bytes(b"mine")
    (tmp_path / "in").mkdir()
    save_picture(tmp_path / "in/ten10.png")
    build(Settings(small_model, tmp_path / "in", tmp_path / "new" / "site"))
    write_readme(tmp_path / "new" / "site", project / "README.md", "")
    names = {path.name for path in (project / ".github/gallery").iterdir()}
    assert "mine.png" in names and not any(name.startswith("one") for name in names)
    assert "ten10-light.gif" in names


def test_a_file_of_someone_else_is_not_replaced(gallery, project):
    (project / ".github/gallery").mkdir(parents=True)
    (project / ".github/gallery/one-dark.gif").write_bytes(b"mine")
    before = snapshot(project)
    with pytest.raises(OutputError, match="not ours"):
        write_readme(gallery.site, project / "README.md", "")
    assert snapshot(project) == before


def test_a_readme_in_a_folder_shares_the_pictures_of_its_repository(gallery, project):
    (project / "docs ü").mkdir()
    readme = project / "docs ü" / "index.md"
    readme.write_text(SECTION, encoding="utf-8")
    done = write_readme(gallery.site, readme, "")
    assert done.folder == project / ".github/gallery"
    assert all((readme.parent / source).is_file() for source in shown(readme).every("img", "src"))


def test_projects_in_one_repository_keep_their_pictures_apart(gallery, project):
    for name in ("a", "b"):
        (project / name).mkdir()
        (project / name / "README.md").write_text(SECTION, encoding="utf-8")
    write_readme(gallery.site, project / "a/README.md", "", project / "a")
    before = snapshot(project / "a")
    done = write_readme(gallery.site, project / "b/README.md", "", project / "b")
    assert done.folder == project / "b/.github/gallery"
    assert snapshot(project / "a") == before


def test_a_broken_template_of_ones_own_is_named(gallery, project):
    (project / "templates").mkdir()
    (project / "templates/readme.html.j2").write_text("<p>\n{% if %}</p>", encoding="utf-8")
    before = snapshot(project)
    with pytest.raises(WebsiteError, match=r"readme\.html\.j2, line 2.*: correct it"):
        write_readme(gallery.site, project / "README.md", "", project)
    assert snapshot(project) == before


def test_of_many_images_four_are_shown(small_model, project, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(9):
        save_picture(tmp_path / f"in/{number}.png", seed=number)
    build(Settings(small_model, tmp_path / "in", tmp_path / "site", layers=("first_conv",), explain=False))
    write_readme(tmp_path / "site", project / "README.md", "")
    text = "".join(shown(project / "README.md").text)
    assert [name for name in text.split() if name.endswith(".png")] == ["0.png", "2.png", "4.png", "6.png"]
    assert "4 images, evenly chosen of 9" in text
    badge = ElementTree.parse(project / ".github/gallery/badge-light.svg").getroot()
    assert badge.get("aria-label") == "activation gallery: 1 layer, 9 images"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# Mine\n", "received 0 and 0: paste both"),
        (f"{START}\n", "received 1 and 0"),
        (f"{END}\n{START}\n", "in this order"),
        (SECTION + SECTION, "received 2 and 2"),
        (f"`{START}`\n`{END}`\n", "received 0 and 0"),
    ],
)
def test_without_its_markers_a_readme_stays_as_it_is(gallery, project, monkeypatch, text, said):
    (project / "README.md").write_text(text, encoding="utf-8")
    before = snapshot(project)
    monkeypatch.chdir(project)
    result = CliRunner().invoke(main, ["readme", "--output", str(gallery.site)])
    assert result.exit_code == 2 and result.stdout == ""
    assert said in result.stderr and START in result.stderr and result.stderr.count("\n") == 1
    assert snapshot(project) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no.md"], "no.md, which cannot be read"),
        (["latin.md"], "expected a text in UTF-8"),
        (["--url", "javascript:alert(1)"], "the address of the published website"),
        (["--url", "https://[half"], "the address of the published website"),
        (["--output", "nowhere"], "which is none: build it first"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(gallery, project, monkeypatch, arguments, said):
    (project / "latin.md").write_bytes(SECTION.encode() + b"\xe4")
    before = snapshot(project)
    monkeypatch.chdir(project)
    result = CliRunner().invoke(main, ["readme", "--output", str(gallery.site), *arguments])
    assert result.exit_code == 2 and result.stdout == ""
    assert said in result.stderr and result.stderr.count("\n") == 1
    assert snapshot(project) == before


def test_the_command_takes_the_address_from_the_environment_and_imports_no_tensorflow(gallery, project):
    program = "import sys; from generator.cli import main; main(); print('tensorflow' in sys.modules)"
    settings = f"output = {str(gallery.site)!r}\n"
    (project / "gallery.toml").write_text(settings, encoding="utf-8")
    (project / "templates").mkdir()
    (project / "templates/readme.html.j2").write_text("<p>{{ link('x') }}</p>", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SITE_URL": "https://me.example"}
    result = subprocess.run(
        [sys.executable, "-c", program, "readme", "-q"],
        cwd=project, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (result.returncode, result.stdout, result.stderr) == (0, "False\n", "")
    assert "<p>https://me.example/x</p>" in (project / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("render", [markdown.markdown, MarkdownIt("commonmark").render])
def test_hostile_names_stay_text_in_markdown(hostile_gallery, project, monkeypatch, render):
    """As MkDocs and as CommonMark read it."""
    monkeypatch.setattr(written, "MOST_IMAGES", 20)
    write_readme(hostile_gallery.site, project / "README.md", URL)
    text = (project / "README.md").read_text(encoding="utf-8")
    assert text.count("<!--") == text.count("-->") == 2
    html = Elements(render(text))
    assert {name for name, _ in html.found} <= {
        "h1", "p", "em", "table", "tbody", "tr", "th", "td", "a", "code", "b", "picture", "source", "img"
    }  # fmt: skip
    assert {key for _, attributes in html.found for key in attributes} <= {
        "href", "src", "srcset", "media", "width", "alt", "align"
    }  # fmt: skip
    assert all(address.startswith("https://me.github.io/a%20b/") for address in html.every("a", "href"))
    assert all((project / path).is_file() for path in html.every("img", "src"))
    shown = "".join(html.text)
    images = [image for image in hostile_gallery.manifest["images"] if "error" not in image]
    assert len(images) == 13
    for image in images:
        assert one_line(image["file"]) in shown and one_line(image["prediction"]["text"]) in shown


def test_this_projects_own_readme_is_current(default_gallery, project):
    """After another training: `make gallery`, then `activation-gallery readme`."""
    own = (ROOT / "README.md").read_text(encoding="utf-8")
    (project / "README.md").write_text(own, encoding="utf-8")
    done = write_readme(default_gallery.site, project / "README.md", "")
    assert (project / "README.md").read_text(encoding="utf-8") == own
    committed = ROOT / done.folder.relative_to(project)
    assert {path.name for path in committed.iterdir()} == {path.name for path in done.folder.iterdir()}
    for path in done.folder.glob("*.svg"):
        assert path.read_bytes() == (committed / path.name).read_bytes()
    for path in (path for ending in ("gif", "png", "jpg") for path in done.folder.glob(f"*.{ending}")):
        fresh, old = frames(path), frames(committed / path.name)
        assert fresh.shape == old.shape, path.name
        # Processors differ in the last digit of a value, so here and there in the step of its colour.
        assert np.abs(fresh.astype(int) - old).mean() < 1, path.name


def frames(path: Path) -> np.ndarray:
    """Decode all frames of a picture, uint8 (frames, height, width, 3)."""
    picture = open_picture(path)
    return np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)])


@pytest.mark.browser
def test_the_first_screen_of_our_readme_holds_the_commands_and_the_result(chromium, tmp_path):
    """As wide as a README on GitHub, with its sizes of text."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    style = (
        "body{margin:0;padding:32px;font:16px/1.5 sans-serif} h1{margin:0 0 16px;padding-bottom:10px}"
        "p,table,pre{margin:0 0 16px} pre{padding:16px;font-size:13.6px}"
        "table{border-collapse:collapse} td,th{padding:6px 13px;border:1px solid} img{max-width:100%}"
    )
    body = markdown.markdown(text, extensions=["fenced_code", "tables"])
    (tmp_path / "a.html").write_text(
        f'<!doctype html><meta charset="utf-8"><base href="{ROOT.as_uri()}/"><style>{style}</style>{body}',
        encoding="utf-8",
    )
    page = chromium.new_page(viewport={"width": 838, "height": 900})
    page.goto((tmp_path / "a.html").as_uri())
    commands, table = (page.locator(each).first.bounding_box() for each in ("pre", "table"))
    page.close()
    assert commands["y"] + commands["height"] < table["y"]
    assert table["y"] + table["height"] <= 900
