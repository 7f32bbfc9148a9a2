"""A gallery in a README: a table of images and their animations between two markers, and a badge."""

import io
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jinja2
import numpy as np
from PIL import Image

from generator.core import limits, sequences
from generator.core.errors import OutputError, SettingsError
from generator.core.files import resolved
from generator.core.formatting import count
from generator.render import captions, gif, png
from generator.storage import writing
from generator.storage.sources import SourceFolder
from generator.storage.steady import read_steadily
from generator.website import templating
from generator.website.manifest import read_manifest

START, END = "<!-- gallery:start -->", "<!-- gallery:end -->"
FOLDER = ".github/gallery"  # of the repository, for the pictures
MOST_IMAGES = 4  # side by side
ROOM = 880  # pixels between the margins of a README on GitHub
CELL = 26  # pixels of the padding and the lines of a cell
WIDEST = 532  # pixels: of a picture alone
SMALLEST = 256  # pixels of the longer side of an image; smaller ones are enlarged
BADGE_FONT, BADGE_SPACE = 11, 7  # pixels


@dataclass(frozen=True, kw_only=True)
class Written:
    """The README that has the table now, the folder of its pictures, and what is in it.

    `changed` says how many of `pictures` were written, `bytes` how large all are, `of` how many images the
    gallery has.
    """

    readme: Path
    folder: Path
    images: int
    of: int
    pictures: int
    changed: int
    bytes: int


def write_readme(site: Path, readme: Path, url: str, project: Path | None = None) -> Written:
    """Write what the website in `site` shows between the markers in the Markdown file `readme`.

    The pictures go into `FOLDER` of the repository that the file lies in. `url` is where the website is
    published, "" for nowhere; then nothing is linked. Templates in the folder `project` win over those of the
    package. Raises `SettingsError` where the address or the markers are wrong, `OutputError` where there is
    no website or something cannot be written; then the README is as it was.
    """
    base = _checked(url)
    readme = resolved(readme)
    text = _read(readme)
    before, after = _around(text, readme)
    manifest, shown, photos, pictures = read_steadily(site, lambda *_: _gather(site))
    # Projects in one repository would remove each other's pictures.
    ours = (each for each in readme.parents if each == project or (each / ".git").exists())
    root = next(ours, readme.parent)
    sources = SourceFolder(root / Path(FOLDER).parent)
    templates = templating.environment(project)
    drawn = [image for image in manifest["images"] if "error" not in image]
    layers = sum(layer["drawn"] for layer in manifest["layers"])
    words = f"{count(layers, 'layer')}, {count(len(drawn), 'image')}"
    files = {**dict(_badges(templates, words)), **dict(photos), **pictures}
    _check(sources, files)
    section = templating.fill(
        templates,
        "readme.html.j2",
        model=manifest["model"],
        images=[image | {"photo": name} for image, (name, _) in zip(shown, photos, strict=True)],
        of=len(drawn),
        layers=layers,
        size_in_words=words,
        width=min(ROOM // len(shown) - CELL, WIDEST),
        path=lambda name: quote(f"{os.path.relpath(root / FOLDER, readme.parent)}/{name}"),
        link=lambda page: base + quote(page) if base else None,
        count=count,
    )
    sources.write_all({f"{Path(FOLDER).name}/{name}": content for name, content in files.items()})
    fresh = before + _framed(section, "\r\n" if "\r\n" in text else "\n") + after
    if fresh != text:
        writing.write_whole(readme, fresh.encode())
    sources.finish()
    return Written(
        readme=readme,
        folder=root / FOLDER,
        images=len(shown),
        of=len(drawn),
        pictures=len(files),
        changed=sources.written,
        bytes=sources.size,
    )


def _gather(site: Path) -> tuple[dict, list[dict], list[tuple[str, bytes]], dict[str, bytes]]:
    """Return the manifest, its images that are shown, their photos, and the other pictures by name."""
    manifest = read_manifest(site)
    drawn = [image for image in manifest["images"] if "error" not in image]
    shown = [drawn[place] for place in sequences.evenly_spaced(len(drawn), MOST_IMAGES)]
    photos = [_photo(site / image["original"], image["slug"]) for image in shown]
    return manifest, shown, photos, dict(each for image in shown for each in _animation(site, image))


def _framed(section: str, newline: str) -> str:
    """Put a section between its markers; an empty line ends the HTML for Markdown."""
    return newline.join([START, *(line for line in section.splitlines() if line.strip()), "", END])


def _checked(url: str) -> str:
    """Return a website's address with a slash at its end, or "". Raises `SettingsError`."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as half of an IPv6 address
        parts = urlsplit("")
    if url and (parts.scheme not in ("http", "https") or not parts.netloc or not url.isprintable()):
        raise SettingsError(
            f"expected the address of the published website, such as https://me.github.io/cats/, "
            f"received {url!r}: correct --url or SITE_URL"
        )
    return f"{url.split('?')[0].split('#')[0].rstrip('/')}/" if url else ""


def _read(readme: Path) -> str:
    try:
        return readme.read_bytes().decode()
    except UnicodeDecodeError:
        raise SettingsError(f"expected a text in UTF-8, received {readme}: convert it") from None
    except OSError:
        raise SettingsError(
            f"expected a Markdown file, received {readme}, which cannot be read: "
            "name another, or let `activation-gallery new` write one"
        ) from None


def _around(text: str, readme: Path) -> tuple[str, str]:
    """Return what stands before and after the section. Raises `SettingsError` unless it is there once."""
    starts, ends = (
        list(re.finditer(rf"^ {{0,3}}{marker}[ \t]*\r?$", text, re.MULTILINE)) for marker in (START, END)
    )
    if len(starts) != 1 or len(ends) != 1 or ends[0].start() < starts[0].end():
        raise SettingsError(
            f"expected the lines {START} and {END} once in {readme.name}, in this order, received "
            f"{len(starts)} and {len(ends)}: paste both, one below the other, where the table belongs"
        )
    return text[: starts[0].start()], text[ends[0].end() - ends[0][0].endswith("\r") :]


def _check(sources: SourceFolder, names: Mapping[str, bytes]) -> None:
    """Raise `OutputError` where a picture would take the place of somebody else's file."""
    for name in names:
        path = f"{Path(FOLDER).name}/{name}"
        if os.path.lexists(sources.root / path) and not sources.owns(path):
            raise OutputError(
                f"expected a new file, received {sources.root / path}, which is not ours: move it away"
            )


def _animation(site: Path, image: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of an image's animation over the layers and of its still, in both schemes."""
    if image["layers_gif"]:
        dark = _small_enough((site / image["layers_gif"]).read_bytes())
        for scheme, animation in (("dark", dark), ("light", gif.on_white(dark))):
            yield f"{image['slug']}-{scheme}.gif", animation
            yield f"{image['slug']}-{scheme}.png", _still(animation)


def _photo(path: Path, slug: str) -> tuple[str, bytes]:
    """Return the name and bytes of an image as given, enlarged by a whole factor where it is small."""
    with Image.open(path) as opened:
        factor = -(-SMALLEST // max(opened.size))
        if factor == 1:
            return f"{slug}.jpg", path.read_bytes()
        return f"{slug}.png", png.encode_pixels(np.asarray(opened.convert("RGB")), factor)


def _small_enough(animation: bytes) -> bytes:
    """Return an animation of ours with as many of its frames as `README_GIF_BYTES` has room for."""
    if len(animation) <= limits.README_GIF_BYTES:
        return animation
    frames, milliseconds = gif.decode(animation)
    return gif.encode_within(frames, gif.palette_of(animation), milliseconds, limits.README_GIF_BYTES)[0]


def _still(animation: bytes) -> bytes:
    """Return the first frame of an animation of ours, for those who want nothing to move."""
    with Image.open(io.BytesIO(animation)) as opened:
        return png.encode(np.asarray(opened), gif.palette_of(animation))


def _badges(templates: jinja2.Environment, text: str) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of the badge, in both schemes."""
    label = "activation gallery"
    widths = [round(captions.text_width(each, BADGE_FONT)) for each in (label, text)]
    for scheme in ("dark", "light"):
        look = {"dark": scheme == "dark", "space": BADGE_SPACE, "font": BADGE_FONT}
        badge = templating.fill(templates, "badge.svg.j2", parts=(label, text), widths=widths, **look)
        yield f"badge-{scheme}.svg", badge.encode()
