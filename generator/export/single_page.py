"""A finished website as one page, with everything in it, for mail and chat."""

import base64
import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from generator.core import limits
from generator.core.errors import OutputError
from generator.core.formatting import count, shape_in_words, size
from generator.storage import writing
from generator.storage.steady import read_steadily
from generator.website import templating
from generator.website.manifest import read_manifest

LEAST = 3  # layers of an image that are worth a section
BESIDES = 600  # bytes of HTML for each picture, besides names
FRAME = 20_000  # bytes of HTML and CSS for the page
TYPES = {".png": "image/png", ".gif": "image/gif", ".jpg": "image/jpeg"}


@dataclass(frozen=True)
class Choice:
    """What of a gallery goes into a page.

    The places of `images`, of those the places with `animations`, and at most `grids` layers of each image.
    """

    images: tuple[int, ...]
    animations: frozenset[int]
    grids: int


@dataclass(frozen=True, kw_only=True)
class Content:
    """The website in `folder`: sizes of its `files` in bytes by path, its `manifest`, images that are shown.

    `layers` has the slugs of the layers by the place of their image, in the model's order.
    """

    folder: Path
    files: dict[str, int]
    manifest: dict[str, Any]
    images: list[dict[str, Any]] = field(default_factory=list)
    layers: list[list[str]] = field(default_factory=list)


def write_single(
    folder: Path, target: Path, project: Path | None = None, most: int = limits.MAILED_PAGE_BYTES
) -> tuple[int, list[str]]:
    """Write the website in `folder` as one page of at most `most` bytes to `target`.

    Templates in the folder `project` win over those of the package. Returns the size of the page in bytes and
    what was left out, in sentences. Raises `OutputError` where the folder is no website, `target` cannot be
    written, or nothing fits.
    """
    writing.check_target(target, folder, ".html")
    page, left_out = read_steadily(folder, lambda files, _: _fill(_content(folder, files), project, most))
    writing.write_whole(target.absolute(), page)
    return len(page), left_out


def _fill(content: Content, project: Path | None, most: int) -> tuple[bytes, list[str]]:
    """Return the page, and what was left out."""
    choice = choose(content, most)
    left_out = _left_out(content, choice, most)
    shown = [_image(content, place, choice) for place in choice.images]
    slugs = {each["slug"] for each in shown}
    images, model = content.manifest["images"], content.manifest["model"]
    text = templating.fill(
        templating.environment(project),
        "single.html.j2",
        model=model,
        layers=sum(layer["drawn"] for layer in content.manifest["layers"]),
        images=shown,
        absent=[(image["file"], image.get("error")) for image in images if image["slug"] not in slugs],
        left_out=left_out,
        count=count,
    )
    page = text.encode(errors="replace")  # half a character has no place in UTF-8
    if len(page) > most:
        raise _too_large(most)
    return page, left_out


def _content(folder: Path, files: dict[str, int]) -> Content:
    manifest = read_manifest(folder)
    images = [image for image in manifest["images"] if "error" not in image]
    order = [layer["slug"] for layer in manifest["layers"] if layer["drawn"]]
    layers = [[slug for slug in order if slug in image["layers"]] for image in images]
    return Content(folder=folder, files=files, manifest=manifest, images=images, layers=layers)


def choose(content: Content, most: int) -> Choice:
    """Return one of these that stays below `most` bytes, near the first.

    Fewer layers of each image, evenly over depth; animations of fewer images; fewer images, evenly over the
    gallery. What room is left then goes to more layers again.
    """
    deepest = max(map(len, content.layers), default=0)
    places = tuple(range(len(content.images)))
    every = frozenset(each for each in places if content.images[each]["layers_gif"])
    ways = [Choice(places, every, number) for number in range(deepest, LEAST - 1, -1)]
    fewest = min(LEAST, deepest)
    ways += [
        Choice(places, frozenset(sorted(every)[:number]), fewest) for number in range(len(every), -1, -1)
    ]
    ways += [
        Choice(tuple(evenly(places, number)), frozenset(), fewest) for number in range(len(places), 0, -1)
    ]
    first = bisect.bisect_left(ways, True, key=lambda way: _bytes(content, way) <= most)
    if first == len(ways):
        raise _too_large(most)
    found = ways[first]
    for number in range(deepest, found.grids, -1):
        larger = Choice(found.images, found.animations, number)
        if _bytes(content, larger) <= most:
            return larger
    return found


def evenly(things: Sequence, number: int) -> list:
    """Return at most `number` of the things at even distances, the first and the last among them."""
    if number >= len(things):
        return list(things)
    if number == 1:
        return [things[0]]
    return [things[round(place * (len(things) - 1) / (number - 1))] for place in range(number)]


def _bytes(content: Content, choice: Choice) -> int:
    """Return an upper bound for the bytes of a page: base64 takes four for three, an escaped letter five."""
    known = {layer["slug"]: layer for layer in content.manifest["layers"]}
    total = FRAME + sum(
        BESIDES + 10 * len(image["file"] + image.get("error", "")) for image in content.manifest["images"]
    )
    for place in choice.images:
        image = content.images[place]
        paths = [image["original"]]
        if place in choice.animations:
            paths += [image["layers_gif"], _still(image)]
        for slug in evenly(content.layers[place], choice.grids):
            paths.append(image["layers"][slug]["grid"])
            total += 10 * len(image["file"] + known[slug]["name"] + known[slug]["kind"])
        total += 40 * len(image["file"]) + 10 * len(image["prediction"]["text"])
        total += sum(content.files[path] * 4 // 3 + BESIDES for path in paths)
    return total


def _too_large(most: int) -> OutputError:
    return OutputError(
        f"expected one image and {LEAST} layers to fit into {size(most)}, received more: "
        "draw fewer layers, or use activation-gallery pack"
    )


def _left_out(content: Content, choice: Choice, most: int) -> list[str]:
    """Say in sentences what the page does not show, and why."""
    said = []
    shown, gifs = len(choice.images), sum(bool(image["layers_gif"]) for image in content.images)
    if shown < len(content.images):
        chosen = f"{count(shown, 'image')} of {len(content.images):,}"
        said.append(f"It shows {chosen}, chosen evenly over the gallery.")
    deepest = max(map(len, content.layers), default=0)
    if choice.grids < deepest:
        said.append(
            f"It shows {count(choice.grids, 'layer')} of {deepest} for each image, chosen evenly over depth."
        )
    if len(choice.animations) < gifs:
        number = len(choice.animations)
        some = f"for the first {count(number, 'image')} only" if number else "for no image"
        said.append(f"The animation over the layers is there {some}; still grids are there for all.")
    reason = f"This page stays below {size(most)}, so that it can be mailed."
    return [reason, *said, "The gallery itself has all of it."] if said else []


def _image(content: Content, place: int, choice: Choice) -> dict[str, Any]:
    """Return what the template shows of an image."""
    image = content.images[place]
    known = {layer["slug"]: layer for layer in content.manifest["layers"]}
    slugs = evenly(content.layers[place], choice.grids)
    return {
        "slug": image["slug"],
        "place": place,
        "file": image["file"],
        "prediction": image["prediction"]["text"],
        "original": _picture(content, image["original"]),
        "gif": _picture(content, image["layers_gif"]) if place in choice.animations else None,
        "still": _picture(content, _still(image)) if place in choice.animations else None,
        "of": len(content.layers[place]),
        "layers": [
            {
                "index": known[slug]["index"],
                "name": known[slug]["name"],
                "kind": known[slug]["kind"],
                "shape": shape_in_words(known[slug]["shape"]),
                "grid": _picture(content, image["layers"][slug]["grid"]),
            }
            for slug in slugs
        ],
    }


def _still(image: dict[str, Any]) -> str:
    """Return the path of what stands for an image's animation until it is played."""
    return image["layers_gif"].removesuffix(".gif") + ".png"


def _picture(content: Content, path: str) -> dict[str, Any]:
    """Return a picture as a data URI, with its size in pixels."""
    file = content.folder / path
    with Image.open(file) as opened:
        width, height = opened.size
    encoded = base64.b64encode(file.read_bytes()).decode()
    return {"uri": f"data:{TYPES[file.suffix]};base64,{encoded}", "width": width, "height": height}
