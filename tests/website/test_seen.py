"""What others see: previews of links, one address for each page, the sitemap, the 404 page and print."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import ROOT, Gallery, open_gallery, save_model, save_picture
from fakes import fake_models
from PIL import Image

from generator.build import build
from generator.core import plan
from generator.core.settings import Settings
from generator.inputs import source_folder
from generator.website import previews
from generator.website.mkdocs import build_website

ADDRESS = "https://example.org/a/gallery/"


class Head(HTMLParser):
    """Collects a page's meta tags by name, its links by relation, and whether any script slipped in."""

    def __init__(self, text: str):
        super().__init__()
        self.meta, self.links, self.evil = {}, {}, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "meta":
            self.meta[attributes.get("property") or attributes.get("name")] = attributes.get("content")
        if tag == "link":
            self.links[attributes.get("rel")] = attributes.get("href")
        self.evil |= tag == "b"


def read(path: Path) -> Head:
    return Head(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def published(gallery, tmp_path_factory) -> Path:
    """Build the small gallery's sources again, for an address below a path, with a page of its own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SITE_URL", ADDRESS.rstrip("/"))
    site = tmp_path_factory.mktemp("published") / "site"
    build_website(ROOT / "mkdocs.yml", gallery.sources, site, {})
    patch.undo()
    return site


def test_a_preview_shows_each_image_and_elsewhere_the_gallery(published):
    for page, card in (
        ("index", "gallery/card.jpg"),
        ("gallery/model", "gallery/card.jpg"),
        ("gallery/images/one", "gallery/images/one/card.jpg"),
        ("gallery/images/one/01-first-conv", "gallery/images/one/card.jpg"),
    ):
        meta = read(published / f"{page}.html").meta
        assert meta["og:image"] == ADDRESS + card
        assert meta["og:type"] == "website" and meta["twitter:card"] == "summary_large_image"
        assert meta["og:description"] == meta["description"]
        assert (published / card).is_file()
    assert read(published / "gallery/images/one.html").meta["og:title"] == "one.png"


def test_cards_are_pictures_of_the_size_that_links_are_shown_in(gallery):
    cards = sorted(gallery.site.rglob("card.jpg"))
    assert len(cards) == 4
    for card in cards:
        content = card.read_bytes()
        picture = Image.open(io.BytesIO(content))
        assert picture.size == (1200, 630) and picture.format == "JPEG" and len(content) < 300_000
        assert len(picture.getcolors(1200 * 630)) > 1000, "empty"


def test_a_page_has_one_address_in_its_head_and_in_the_sitemap(published):
    listed = re.findall("<loc>(.*)</loc>", (published / "sitemap.xml").read_text(encoding="utf-8"))
    pages = [path for path in published.rglob("*.html") if path.name != "404.html"]
    addresses = {read(path).links["canonical"] for path in pages}
    assert set(listed) == addresses and len(listed) == len(pages)
    assert {ADDRESS, f"{ADDRESS}gallery/images/", f"{ADDRESS}gallery/images/one.html"} <= addresses
    for address in addresses:
        assert address.startswith(ADDRESS)
        path = published / urlsplit(address).path.removeprefix(urlsplit(ADDRESS).path)
        assert (path / "index.html" if path.is_dir() else path).is_file()


def test_the_404_page_works_from_any_depth(published):
    text = (published / "404.html").read_text(encoding="utf-8")
    assert "Nothing lies at this address" in text
    links = [each for each in re.findall(r'(?:href|src)="([^"]*)"', text) if not each.startswith("#")]
    inside = [each for each in links if not urlsplit(each).netloc]
    assert len(inside) > 10 and all(each.startswith("/a/gallery/") for each in inside)
    assert all((published / each.removeprefix("/a/gallery/")).is_file() for each in inside)


def test_without_an_address_nothing_claims_one(gallery):
    page = read(gallery.site / "gallery/images/one.html")
    assert page.meta["og:title"] == "one.png" and page.meta["twitter:card"] == "summary"
    assert "og:image" not in page.meta and "og:url" not in page.meta and "canonical" not in page.links
    assert not (gallery.site / "404.html").exists() and not (gallery.site / "sitemap.xml").exists()


@pytest.mark.parametrize("text", ['"><b>x</b>', "&quot;><b>x</b>", "a\n</head><b>", "'><b onload=x>"])
def test_hostile_texts_stay_inside_their_attribute(text):
    tags = previews.preview_tags(title=text, description=text, site_name=text, address=text, image=text)
    page = Head(previews.insert("<head></head><body></body>", tags))
    assert not page.evil
    assert page.meta["og:title"] == " ".join(text.replace("&quot;", '"').split())


def test_a_page_with_a_preview_of_its_own_keeps_it():
    page = '<head><meta property="og:title" content="mine"></head>'
    assert previews.insert(page, "<meta>") == page


@pytest.fixture(scope="module")
def tall(keras, tmp_path_factory) -> Gallery:
    """Build a gallery of a tall picture, for a model with four rows of layers that draws no last places."""
    layers, folder = keras.layers, tmp_path_factory.mktemp("tall")
    keras.utils.set_random_seed(3)
    inputs = x = keras.Input((96, 40, 3))
    for number in range(8):
        x = layers.Conv2D(4, 3, padding="same", name=f"conv{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(layers.BatchNormalization(name=f"norm{number}")(x))
    x = layers.Conv2D(1, 1, activation="relu", kernel_initializer="ones", name="against")(x)
    against = layers.Dense(2, activation="softmax", kernel_initializer=keras.initializers.Constant(-1))
    outputs = against(layers.GlobalAveragePooling2D()(x))
    (folder / "in").mkdir()
    save_picture(folder / "in/tall.png", height=1200, width=500)
    settings = Settings(
        save_model(keras.Model(inputs, outputs), folder / "tall.keras"), folder / "in", folder / "out/site"
    )
    build(settings)
    return open_gallery(settings)


def sheets_of(page) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))


@pytest.mark.browser
def test_an_image_prints_on_one_sheet(chromium, gallery):
    page = chromium.new_page()
    page.goto((gallery.site / "gallery/images/one.html").as_uri())
    assert sheets_of(page) == 1
    page.emulate_media(media="print")
    assert page.locator(".ag-lead").is_visible() and page.locator(".ag-rows img").first.is_visible()
    assert not page.locator(".ag-steps").is_visible()
    page.close()


@pytest.mark.browser
def test_a_tall_image_and_places_without_a_picture_print_on_one_sheet_too(chromium, tall):
    page = chromium.new_page()
    page.goto((tall.site / "gallery/images/tall.html").as_uri())
    assert page.locator(".ag-nothing").count() and page.locator(".ag-places img").count()
    assert page.locator(".ag-places figure").count() > 7, "more than a row"
    assert sheets_of(page) == 1
    page.close()


@pytest.mark.usefixtures("keras")
def test_the_guide_leads_to_what_the_default_gallery_has():
    from generator.inputs import find_inputs
    from generator.model.keras.extractor import KerasExtractor

    layers = KerasExtractor(ROOT / "models/cats_and_dogs.hdf5", "").describe().layers
    slugs = {layer.slug for layer in plan.plan_layers(layers, (), False) if layer.is_map and not layer.reason}
    images = {image.slug for image in find_inputs(ROOT / "test_images")}
    guide = (ROOT / "site_src/guide.md").read_text(encoding="utf-8")
    targets = re.findall(r'(?:href|src)="gallery/images/([^"#]*)', guide)
    assert len(targets) > 10
    for target in targets:
        image, _, rest = target.removesuffix(".html").partition("/")
        assert image in images
        assert rest in ("", "seen.png") or rest.removesuffix("/grid.png") in slugs, target


def test_the_navigation_names_the_guide_only_where_there_is_one(gallery, published, tmp_path):
    assert "guide.html" not in (published / "index.html").read_text(encoding="utf-8")
    sources = tmp_path / "sources"
    sources.mkdir()
    for name in ("index.md", "gallery"):
        (sources / name).symlink_to(gallery.sources / name)
    (sources / "guide.md").write_text("<p>Mine</p>", encoding="utf-8")
    build_website(ROOT / "mkdocs.yml", sources, tmp_path / "site", {})
    assert 'href="guide.html"' in (tmp_path / "site/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("there", [True, False])
def test_the_front_page_leads_to_the_guide_only_where_there_is_one(project, there):
    folder = source_folder(project)
    folder.mkdir()
    if there:
        (folder / "guide.md").write_text("<p>Mine</p>", encoding="utf-8")
    build(project, models=fake_models())
    text = (folder / "index.md").read_text(encoding="utf-8")
    assert text.count('href="guide.html"') == 2 * there, "in the lead and among the parts"
    assert 'href="#how-to-read"' in text or there
