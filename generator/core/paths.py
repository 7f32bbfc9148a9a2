"""Where everything lies in a website. Pages are named by their path without an ending.

The source of a page ends in `.md` and the page in `.html`. All paths are relative to the website's root.
"""

INDEX, IMAGES, LAYERS = "index", "gallery/images/index", "gallery/layers/index"
COMPARE, MODEL = "gallery/compare", "gallery/model"
MANIFEST = "gallery/manifest.json"
CARD = "gallery/card.jpg"  # shown where others link to a page that has no image of its own
COLOURS = "gallery/colours.js"
HEALTH_CHART, HEALTH_CSV = "gallery/health.svg", "gallery/health.csv"


def image_page(image: str) -> str:
    """Return the page of an image by its slug; its pictures lie in the folder of the same name."""
    return f"gallery/images/{image}"


def image_card(image: str) -> str:
    """Return the path of the picture that is shown where others link to a page of an image."""
    return f"{image_page(image)}/card.jpg"


def layer_page(layer: str) -> str:
    """Return the page of a layer by its slug."""
    return f"gallery/layers/{layer}"


def image_layer_page(image: str, layer: str) -> str:
    """Return the page of one layer for one image; its pictures lie in the folder of the same name."""
    return f"gallery/images/{image}/{layer}"


def later_page(page: str, number: int) -> str:
    """Return page `number`, from 1, of a list of images that begins on `page`.

    Later pages lie in the folder of the first one's name, where no image and no layer has its own.
    """
    folder = "gallery/home" if page == INDEX else page
    return page if number == 1 else f"{folder}/page-{number}"


def maps_script(image: str, layer: str) -> str:
    """Return the path of the script with a layer's maps for one image."""
    return f"{image_layer_page(image, layer)}/maps.js"


def values_csv(image: str, layer: str) -> str:
    """Return the path of the values of a layer without maps for one image as CSV."""
    return f"{image_layer_page(image, layer)}.csv"


def ranges_script(layer: str) -> str:
    """Return the path of the script with a layer's ranges over all images."""
    return f"gallery/layers/{layer}.ranges.js"


def health_chart(layer: str) -> str:
    """Return the path of the chart of a layer's health."""
    return f"gallery/layers/{layer}.health.svg"


def distribution_csv(layer: str) -> str:
    """Return the path of a layer's histogram as CSV."""
    return f"gallery/layers/{layer}.values.csv"


def channels_csv(layer: str) -> str:
    """Return the path of the numbers of a layer's channels as CSV."""
    return f"gallery/layers/{layer}.channels.csv"


def overlay(image: str, layer: str) -> str:
    """Return the path of a layer's Grad-CAM map over the picture."""
    return f"{image_layer_page(image, layer)}/decides.png"


def attribution(image: str) -> str:
    """Return the path, without an ending, of the files that explain an image's prediction."""
    return f"{image_page(image)}/decides"


def arrays_file(image: str) -> str:
    """Return the path of the file with an image's activations."""
    return f"{image_page(image)}/activations.npz"


def link(page: str, target: str) -> str:
    """Return the relative link from a page to a path, both below the website's root."""
    here, there = page.split("/")[:-1], target.split("/")
    shared = 0
    while shared < min(len(here), len(there) - 1) and here[shared] == there[shared]:
        shared += 1
    return "/".join([".."] * (len(here) - shared) + there[shared:])
