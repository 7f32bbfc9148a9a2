"""The page of the model: facts, the health of its layers, and the list of them."""

from collections.abc import Iterator

from generator.core import paths, wording
from generator.core.formatting import one_line, shape_in_words
from generator.website.components.grids import layer_row
from generator.website.components.health import model_health_view
from generator.website.components.words import missing_layers, say_verified
from generator.website.links import link_to
from generator.website.page import Page
from generator.website.site import Site


def pages(site: Site) -> Iterator[Page]:
    """Yield the page of the model."""
    path, model, mapped = paths.MODEL, site.model, site.plan.mapped
    healths = [site.health[layer.slug] for layer in mapped]
    yield Page(
        path=path,
        template="model.html.j2",
        title="Model",
        description=f"The layers, shapes and parameters of {model.name}.",
        crumbs=(link_to(path, paths.INDEX, "Home"),),
        content={
            "name": one_line(model.name),
            "facts": [(name, one_line(str(value))) for name, value in _facts(site)],
            "health": model_health_view(path, mapped, healths, site.good),
            "rows": [layer_row(site, path, layer, ()) for layer in site.plan.layers],
        },
    )


def _facts(site: Site) -> list[tuple[str, str | int]]:
    """Return the names and values of what is known of the model and of this gallery."""
    model, further_inputs = site.model, []
    if len(model.inputs) > 1:
        further_inputs = [
            (
                f"Input {each.name}",
                f"{shape_in_words(each.shape)}: {wording.say_fed(each.name, each.fed)}",
            )
            for each in model.inputs
        ]
    return [
        ("File", model.file),
        ("SHA-256", model.digest),
        ("Input", shape_in_words(model.input_shape) + " (height, width, channels)"),
        ("Pixel values", site.scaling),
        ("Output", " and ".join(map(shape_in_words, model.output_shapes)) or "left out"),
        ("Parameters", f"{model.parameters:,}"),
        ("Colours", f"{site.colours}, scaled by {site.scale}"),
        *further_inputs,
        *[("Repaired", repair) for repair in model.repairs],
        *[("Missing", layers) for layers in missing_layers(model)],
        *[("Left out", each) for each in site.plan.left_out],
        ("Verified", say_verified(site)),
        ("Made with", ", ".join(f"{name} {version}" for name, version in model.versions.items())),
    ]
