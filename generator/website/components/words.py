"""Sentences about layers, models and checks."""

from collections.abc import Sequence

from generator.core import wording
from generator.core.facts import FedZeros
from generator.core.formatting import count, number, one_line, shape_in_words
from generator.core.records import ImageResult, Layer, ModelInfo
from generator.website.site import Site

FAMILIES_IN_WORDS = {
    "convolution": "A convolution looks for small learned patterns; a map is high where its pattern fits.",
    "pooling": "Pooling keeps one value of each small neighbourhood, so the maps shrink.",
    "normalization": "Normalisation brings every channel to a common range; shapes stay the same.",
    "activation": "An activation decides how much of a value passes; a ReLU lets none below zero.",
    "merging": "Here several stacks of maps become one.",
    "resizing": "Here maps change their size or place, not their content.",
    "other": "",
}
GLOBAL_POOLING_IN_WORDS = "Global pooling makes one number of each whole map: its mean or its largest value."


def say_family(layer: Layer) -> str:
    """Say what layers of this family do, "" where there is nothing to say of all of them."""
    return GLOBAL_POOLING_IN_WORDS if layer.is_global else FAMILIES_IN_WORDS[layer.family]


def kind_of(layer: Layer) -> str:
    """Return a layer's kind with the activation that it applies to its own result."""
    fused = layer.activation not in (None, "linear") and layer.family != "activation"
    return f"{layer.kind} + {layer.activation}" if fused else layer.kind


def shape_of(layer: Layer) -> str:
    """Return an output's shape for people."""
    return shape_in_words(layer.shape)


def say_receptive(layer: Layer) -> str:
    """Say how much of the picture, as the model sees it, one value of a layer depends on."""
    field = layer.receptive
    if field is None:
        return "How much of the input each value sees is unknown."
    if field.whole:
        return "Each value sees the whole picture."
    return f"Each value sees {shape_in_words(field.size)} pixels of the input."


def missing_layers(model: ModelInfo) -> list[str]:
    """Return names of layers that there is nothing to show of, and why; those with one reason together."""
    names: dict[str, list[str]] = {}
    for layer in model.layers:
        if layer.missing and not layer.shape:
            names.setdefault(wording.say_missing(layer.missing), []).append(one_line(layer.name))
    return [f"{_some(each)} ({one_line(why)})" for why, each in names.items()]


def say_missing(model: ModelInfo) -> list[str]:
    """Say which layers there is nothing to show of, and why; layers with one reason share a sentence."""
    return [f"not drawn: {layers}" for layers in missing_layers(model)]


def say_zeros(model: ModelInfo) -> list[str]:
    """Say which inputs get zeros for want of anything better."""
    return [
        f"input {one_line(each.name)} gets {wording.say_fed(each.name, each.fed)}"
        for each in model.inputs
        if isinstance(each.fed, FedZeros)
    ]


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest


def say_failed(result: ImageResult, layer: Layer | None = None) -> str | None:
    """Say that a check failed, for an image or one of its layers, `None` where all is well."""
    failed = result.check.failed if result.check else ()
    if layer:
        failed = [each for each in failed if each == layer.name]
    if not failed:
        return None
    return (
        f"These pictures may be wrong: for {one_line(result.image.name)}, {_some(failed)} came out "
        "differently when the model ran without being watched."
    )


def say_verified(site: Site) -> str:
    """Say what was compared with the unwatched model, and the largest difference."""
    checks = [result.check for result in site.good if result.check]
    if not checks:
        return "not checked"
    failed = [each for check in checks for each in check.failed]
    random = sorted({each for check in checks for each in check.random})
    words = (
        f"the output of {count(len(checks), 'image')} equals that of a second, unwatched run, "
        f"largest difference {number(max(check.output for check in checks))}"
    )
    layers = [apart for check in checks for apart in check.layers.values()]
    if layers:
        words += (
            f"; {count(len(checks[0].layers), 'layer')} computed again for each, "
            f"largest difference {number(max(layers))}"
        )
    words += f"; gives another result each time: {_some(random)}" if random else ""
    return f"FAILED for {_some(failed)}; {words}" if failed else words
