"""The description of a website for programs, `gallery/manifest.json`."""

import json
from collections.abc import Sequence
from typing import Any

from generator import __version__, plan
from generator.data import ImageResult, Layer, ModelInfo

FORMAT = 1


def manifest(model: ModelInfo, layers: Sequence[Layer], results: Sequence[ImageResult], pixels: str) -> bytes:
    """Return the manifest as UTF-8 JSON. All paths in it are relative to the website's root."""
    content = {
        "format": FORMAT,
        "generator": __version__,
        "model": {
            "file": model.file,
            "sha256": model.digest,
            "name": model.name,
            "input_shape": list(model.input_shape),
            "parameters": model.parameters,
            "pixels": pixels,
            "versions": model.versions,
        },
        "layers": [_layer(layer) for layer in layers],
        "images": [_image(result) for result in results],
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _layer(layer: Layer) -> dict[str, Any]:
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
        "page": f"{plan.layer_page(layer.slug)}.html" if layer.reason is None else None,
    }


def _image(result: ImageResult) -> dict[str, Any]:
    image = result.image
    facts = {
        "slug": image.slug,
        "file": image.name,
        "sha256": image.digest,
        "page": f"{plan.image_page(image.slug)}.html",
    }
    if image.error:
        return facts | {"error": image.error}
    prediction = result.prediction
    return facts | {
        "size": list(result.size),
        "prediction": {"text": prediction.text, "label": prediction.label, "score": prediction.score},
        "original": result.original.path,
        "seen": result.seen.path,
        "layers_gif": result.layers_gif.gif.path if result.layers_gif else None,
        "channels_gif": result.channels_gif.gif.path if result.channels_gif else None,
        "layers": {
            slug: {
                "page": f"{plan.image_layer_page(image.slug, slug)}.html",
                "grid": layer.grid.path,
                **({"channels": [each.path for each in layer.channels]} if layer.channels else {}),
            }
            for slug, layer in result.layers.items()
        },
    }
