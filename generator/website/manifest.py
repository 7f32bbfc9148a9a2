"""The description of a website for programs, `gallery/manifest.json`."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from generator import __version__
from generator.analysis import health
from generator.core import paths, wording
from generator.core.errors import OutputError
from generator.core.records import FailedImage, ImageResult, Layer, LayerHealth, ModelInfo, ShownImage

FORMAT = 3


def manifest(
    model: ModelInfo,
    layers: Sequence[Layer],
    results: Sequence[ImageResult],
    pixels: str,
    healths: Mapping[str, LayerHealth],
) -> bytes:
    """Return the manifest as UTF-8 JSON. All paths in it are relative to the website's root."""
    mapped = {layer.slug for layer in layers if layer.is_map}
    content = {
        "format": FORMAT,
        "generator": __version__,
        "model": {
            "file": model.file,
            "sha256": model.digest,
            "name": model.name,
            "input_shape": list(model.input_shape),
            "inputs": {
                each.name: {"shape": list(each.shape), "fed": wording.say_fed(each.name, each.fed)}
                for each in model.inputs
            },
            "repairs": list(model.repairs),
            "parameters": model.parameters,
            "pixels": pixels,
            "versions": model.versions,
        },
        "layers": [_layer(layer, healths.get(layer.slug)) for layer in layers],
        "verification": _verification(results),
        "images": [],
    }
    # One image after the other: as one value, hundreds of them take a gigabyte on their way into text.
    images = ",\n".join(_dump(_image(result, mapped)) for result in results)
    text = _dump(content).removesuffix("[]\n}") + f"[\n{images}\n]\n}}\n"
    # Half of a character, as in names that are no UTF-8, is escaped as JSON does it.
    return text.encode(errors="backslashreplace")


def _dump(value: Any) -> str:
    return json.dumps(_finite(value), indent=1, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    """Replace by `None` what JSON has no number for: NaN and the infinities."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of the website in `folder`. Raises `OutputError` where it is none of ours."""
    try:
        found = json.loads((folder / paths.MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise OutputError(
            f"expected {paths.MANIFEST} of format {FORMAT} in {folder}, received none: "
            "build the gallery again"
        )
    return found


def _verification(results: Sequence[ImageResult]) -> dict[str, Any]:
    checks = {
        result.image.slug: result.check
        for result in results
        if isinstance(result, ShownImage) and result.check
    }
    return {
        "largest_output_difference": max((each.output for each in checks.values()), default=None),
        "largest_layer_difference": max(
            (apart for each in checks.values() for apart in each.layers.values()), default=None
        ),
        "random": sorted({name for each in checks.values() for name in each.random}),
        "failed": {slug: list(each.failed) for slug, each in checks.items() if each.failed},
    }


def _layer(layer: Layer, found: LayerHealth | None) -> dict[str, Any]:
    return {
        "index": layer.index,
        "name": layer.name,
        "slug": layer.slug,
        "kind": layer.kind,
        "shape": list(layer.shape),
        "channels": layer.channels,
        "parameters": layer.parameters,
        "activation": layer.activation,
        "same_as": layer.same_as,
        "drawn": layer.reason is None,
        "reason": layer.reason,
        "notice": layer.notice and wording.say_notice(layer.notice),
        "receptive_field": layer.receptive and asdict(layer.receptive),
        "page": f"{paths.layer_page(layer.slug)}.html" if layer.reason is None else None,
        "health": found and _health(found),
    }


def _health(found: LayerHealth) -> dict[str, Any]:
    lists = {name: np.flatnonzero(getattr(found, name)).tolist() for name in ("dead", "constant", "flawed")}
    duplicates = [list(group) for group in found.alike]
    return {"images": found.images, **health.figures(found), **lists, "duplicates": duplicates}


def _attribution(result: ImageResult) -> dict[str, Any] | None:
    if result.attribution is None:
        return None
    attribution, changes = result.attribution.numbers, f"{paths.attribution(result.image.slug)}.csv"
    return {
        "score": attribution.score,
        "method": wording.say_score(result.prediction.method, attribution.kind) if attribution.kind else "",
        "maps": {slug: picture.path for slug, picture in result.attribution.pictures.items()},
        "layer": attribution.layer,
        "changes": changes if attribution.channels.size else None,
        "notice": attribution.notice and wording.say_obstacle(attribution.notice),
    }


def _image(result: ImageResult, mapped: Collection[str]) -> dict[str, Any]:
    image = result.image
    facts = {
        "slug": image.slug,
        "file": image.name,
        "sha256": image.digest,
        "page": f"{paths.image_page(image.slug)}.html",
    }
    if isinstance(result, FailedImage):
        return facts | {"error": result.error}
    prediction = result.prediction
    return facts | {
        "size": list(result.size),
        "prediction": {"text": prediction.text, "label": prediction.label, "score": prediction.score},
        "original": result.original.path,
        "seen": result.seen.path,
        "layers_gif": result.layers_gif.gif.path if result.layers_gif else None,
        "channels_gif": result.channels_gif.gif.path if result.channels_gif else None,
        "arrays": result.arrays.path if result.arrays else None,
        "explanation": _attribution(result),
        "layers": {
            slug: {
                **({"page": f"{paths.image_layer_page(image.slug, slug)}.html"} if slug in mapped else {}),
                "grid": layer.grid.path,
                **({"channels": dict(layer.singles)} if layer.singles else {}),
            }
            for slug, layer in result.layers.items()
        },
    }
