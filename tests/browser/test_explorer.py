"""The explorer: what the scripts hold is what the layer gave, and the browser shows it."""

import base64
import json
import zlib

import numpy as np
import pytest
from conftest import Gallery, open_gallery, save_picture, serve
from fakes import fake_models

from generator.analysis.statistics import measure
from generator.build import build
from generator.core.records import Activations, LayerInfo, ModelInfo, ReceptiveField
from generator.core.settings import Settings
from generator.render import browser_data, palette, scaling

SHAPE = (9, 12, 7)
NAMES = ("one", "three", "two")


def read_script(content: bytes) -> dict:
    """Read the value that a script hands over."""
    return json.loads(content.decode().removeprefix("agData(").removesuffix(");\n"))


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def answers(number: int) -> np.ndarray:
    """What the known model makes of its image number `number`: one constant and one flawed channel."""
    maps = np.random.default_rng(number).normal(size=SHAPE).astype(np.float32)
    maps[..., 3] = 2.5
    maps[0, 0, 4], maps[1, 1, 4], maps[2, 2, 4] = np.nan, np.inf, -np.inf
    maps[..., 5] += 3 * number  # the third image is answered most
    return maps


class KnownModel:
    """Answers the images in order with known maps."""

    def __init__(self, *_):
        self.number = 0

    def describe(self) -> ModelInfo:
        names = ("first", "second </script><b>")
        fields = (ReceptiveField((6, 4), (2, 2), (-1, 0)), None)
        layers = tuple(
            LayerInfo(index=i, name=name, kind="Conv2D", family="convolution", shape=SHAPE, parameters=9,
                      receptive=field)
            for i, (name, field) in enumerate(zip(names, fields, strict=True), 1)
        )  # fmt: skip
        return ModelInfo(
            file="known.h5",
            digest="0" * 64,
            name="known",
            input_shape=(18, 24, 3),
            parameters=9,
            layers=layers,
            output_shapes=((2,),),
            final_activation="softmax",
            value_range=None,
        )

    def extract(self, _values, _others) -> Activations:
        maps = answers(self.number)
        self.number += 1
        return Activations({1: maps, 2: np.abs(maps)}, (np.array([0.25, 0.75], np.float32),))


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> Gallery:
    """A gallery of a model whose every value is known."""
    folder = tmp_path_factory.mktemp("known")
    (folder / "in").mkdir()
    for number, name in enumerate(NAMES):
        save_picture(folder / "in" / f"{name}.png", seed=number)
    (folder / "known.h5").write_bytes(b"fake")
    settings = Settings(folder / "known.h5", folder / "in", folder / "site", explain=False)
    build(settings, models=fake_models(KnownModel))
    return open_gallery(settings)


@pytest.mark.parametrize("shape", [SHAPE, (1, 1, 4), (30, 1, 1)])
def test_a_script_holds_every_value_to_half_a_step(shape):
    maps = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    statistics = measure(maps)
    indices = scaling.quantize(maps, browser_data.own_ranges(statistics))
    data = read_script(browser_data.maps_script(indices, statistics))
    low, high = floats(data["low"]), floats(data["high"])
    levels = np.frombuffer(zlib.decompress(base64.b64decode(data["levels"])), np.uint8)
    levels = levels.reshape(shape[2], *shape[:2]).transpose(1, 2, 0)
    found = np.where(levels < palette.LEVELS, low + levels / 239 * (high - low), low)
    assert tuple(data["shape"]) == shape
    assert np.all(np.abs(found - maps) <= (high - low) / 477 + 1e-6)


def test_ranges_cover_all_images_and_leave_out_what_is_not_finite():
    statistics = [measure(answers(number)) for number in range(3)]
    data = read_script(browser_data.ranges_script(NAMES, statistics))
    stacked = np.stack([answers(number) for number in range(3)])
    finite = np.where(np.isfinite(stacked), stacked, np.nan)
    assert data["images"] == list(NAMES)
    np.testing.assert_array_equal(floats(data["low"]), np.nanmin(finite, axis=(0, 1, 2)))
    np.testing.assert_array_equal(floats(data["high"]), np.nanmax(finite, axis=(0, 1, 2)))
    means = floats(data["mean"]).reshape(3, SHAPE[2])
    np.testing.assert_allclose(means, np.nanmean(finite, axis=(1, 2)), rtol=1e-5)
    variance = np.nanvar(finite, axis=(1, 2)).mean(axis=0)
    np.testing.assert_allclose(floats(data["variance"]), variance, rtol=1e-5)


def test_a_channel_without_a_finite_value_has_no_range():
    nothing = measure(np.full((2, 2, 1), np.nan, np.float32))
    data = read_script(browser_data.ranges_script(["one"], [nothing]))
    assert [floats(data[name]).tolist() for name in ("low", "high", "mean")] == [[0], [0], [0]]


def test_the_switch_offers_only_maps_for_all_eyes(known):
    data = read_script((known.site / "gallery/colours.js").read_bytes())
    assert list(data["tables"]) == [*browser_data.SEQUENTIAL, *browser_data.DIVERGING]
    assert all(len(base64.b64decode(text)) == 3 * 240 for text in data["tables"].values())
    middle = base64.b64decode(data["tables"]["RdBu_r"])[3 * 119 : 3 * 121]
    assert min(middle) > 235  # zero is nearly white


GRID = "gallery/images/one/1-first"


def share_of(facts: dict, channel: int, row: int, column: int) -> tuple[float, float]:
    """Return where on a grid in its first order a value is drawn, in shares of its width and height."""
    factor, columns = facts["factor"], facts["columns"]
    cell = SHAPE[1] * factor + 1, SHAPE[0] * factor + 1
    rows = -(-SHAPE[2] // columns)
    x = 1 + channel % columns * cell[0] + (column + 0.5) * factor
    y = 1 + channel // columns * cell[1] + (row + 0.5) * factor
    return x / (columns * cell[0] + 1), y / (rows * cell[1] + 1)


def at(figure, channel: int, row: int, column: int) -> tuple[float, float]:
    """Return where in the window a value of a grid in its first order is drawn."""
    x, y = share_of(json.loads(figure.get_attribute("data-explore")), channel, row, column)
    box = figure.locator("img").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def value_in(text: str) -> float:
    """Read the number after the last separator of a line."""
    return float(text.rpartition("·")[2].replace("−", "-").replace("∞", "inf").replace("NaN", "nan"))


@pytest.mark.browser
def test_pointing_at_a_grid_reads_channel_place_and_value(visit, known):
    page = visit(known, GRID)
    figure, tip = page.locator("figure[data-explore]"), page.locator(".ag-tip")
    maps = answers(0)
    spots = [(0, 0, 0), (2, 8, 11), (3, 4, 4), (4, 0, 0), (4, 1, 1), (4, 2, 2), (4, 5, 6), (6, 3, 9)]
    for channel, row, column in spots:
        page.mouse.move(*at(figure, channel, row, column))
        tip.get_by_text(f"channel {channel} · row {row}, column {column}").wait_for()
        read, true = value_in(tip.inner_text()), maps[row, column, channel]
        finite = maps[..., channel][np.isfinite(maps[..., channel])]
        ends = page.locator(".ag-legend .ag-bar span").all_inner_texts()[::2]
        assert [float(end.replace("−", "-")) for end in ends] == pytest.approx(
            [finite.min(), finite.max()], rel=1e-3
        )
        if np.isfinite(true):
            assert abs(read - true) <= (finite.max() - finite.min()) / 255
        else:
            np.testing.assert_equal(read, float(true))


def pixels_of(page, selector: str) -> np.ndarray:
    """Read a canvas back, uint8 (height, width, 4)."""
    script = """canvas => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return [canvas.height, canvas.width, [...data]];
    }"""
    height, width, values = page.locator(selector).first.evaluate(script)
    return np.array(values, np.uint8).reshape(height, width, 4)


def expected_level(value: float, low: float, high: float) -> int:
    return int(np.rint(np.clip((value - low) / (high - low), 0, 1) * 239))


@pytest.mark.browser
@pytest.mark.parametrize("scale", ["layer", "images", "symmetric"])
def test_every_scale_colours_values_as_it_says(visit, known, scale):
    page = visit(known, GRID)
    page.select_option("select[name=scale]", scale)
    page.locator(".ag-live canvas:visible").wait_for()
    page.wait_for_timeout(100)
    maps = [answers(number) for number in range(3)]
    finite = np.concatenate([each[np.isfinite(each)] for each in (maps[:1] if scale == "layer" else maps)])
    low, high = float(finite.min()), float(finite.max())
    if scale == "symmetric":
        high = max(abs(low), abs(high))
        low = -high
        assert page.locator("select[name=colours]").input_value() == "RdBu_r"
    ends = page.locator(".ag-legend .ag-bar span").all_inner_texts()
    assert [float(each.replace("−", "-")) for each in ends[::2]] == pytest.approx([low, high], rel=1e-3)
    tables = read_script((known.site / "gallery/colours.js").read_bytes())["tables"]
    table = np.frombuffer(
        base64.b64decode(tables["RdBu_r" if scale == "symmetric" else "viridis"]), np.uint8
    ).reshape(-1, 3)
    shown = pixels_of(page, ".ag-live canvas")
    factor = json.loads(page.locator("[data-explore]").get_attribute("data-explore"))["factor"]
    levels = [
        int(np.abs(table.astype(int) - shown[1 + y * factor, 1 + x * factor, :3]).sum(axis=1).argmin())
        for y, x in np.ndindex(SHAPE[:2])
    ]
    wanted = [expected_level(maps[0][y, x, 0], low, high) for y, x in np.ndindex(SHAPE[:2])]
    assert np.abs(np.subtract(levels, wanted)).max() <= 1


@pytest.mark.browser
def test_symmetric_is_offered_only_where_values_are_negative(visit, known):
    page = visit(known, "gallery/images/one/2-second-script-b")
    page.locator("select[name=scale]").focus()
    page.wait_for_function("document.querySelector('select[name=colours]').options.length > 1")
    assert page.locator("option[value=symmetric]").count() == 0


@pytest.mark.browser
def test_the_order_follows_the_numbers_and_reading_follows_the_order(visit, known):
    page = visit(known, GRID)
    page.select_option("select[name=order]", "variance")
    page.locator(".ag-live canvas:visible").wait_for()
    maps = np.where(np.isfinite(answers(0)), answers(0), np.nan)
    strongest = int(np.nanvar(maps, axis=(0, 1)).argmax())
    page.mouse.move(*at(page.locator("figure[data-explore]"), 0, 2, 2))
    page.locator(".ag-tip").get_by_text(f"channel {strongest} · row 2, column 2").wait_for()


@pytest.mark.browser
def test_a_link_opens_its_channel_and_keys_step_through_channels_and_layers(visit, known):
    page = visit(known, GRID, "#c2")
    dialog = page.locator("dialog.ag-channel")
    dialog.get_by_role("heading", name="Channel 2 of first").wait_for()
    page.keyboard.press("ArrowRight")
    dialog.get_by_role("heading", name="Channel 3 of first").wait_for()
    page.wait_for_url("**#c3")
    assert "constant 2.5" in dialog.inner_text()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    dialog.get_by_role("heading", name="Channel 1 of first").wait_for()
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**/2-second-script-b.html#c1")
    page.get_by_role("heading", name="Channel 1 of second </script><b>").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.wait_for_url(lambda url: "#" not in url)  # which the event after the closing brings about


@pytest.mark.browser
def test_a_grid_is_read_and_opened_by_keys_alone(visit, known):
    page = visit(known, GRID)
    page.locator(".ag-others a").last.focus()
    page.keyboard.press("Tab")
    maps = answers(0)
    row, column = np.unravel_index(maps[..., 0].argmax(), SHAPE[:2])
    page.locator(".ag-tip").get_by_text(f"channel 0 · row {row}, column {column}").wait_for()
    page.keyboard.press("ArrowRight")
    page.locator(".ag-tip").get_by_text("channel 1 ·").wait_for()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.ag-channel")
    dialog.get_by_role("heading", name="Channel 1 of first").wait_for()
    said = dialog.locator(".ag-here").inner_text()
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    assert dialog.locator(".ag-here").inner_text() != said
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.classList.contains('ag-live')")


@pytest.mark.browser
def test_the_input_beside_a_channel_shows_what_one_value_sees(visit, known):
    page = visit(known, GRID)
    page.locator(".ag-wall figure a").first.click()
    dialog = page.locator("dialog.ag-channel")
    dialog.locator("figcaption", has_text="sees 6×4 pixels of the input").wait_for()
    for _ in range(12):
        page.keyboard.press("Shift+ArrowUp")
        page.keyboard.press("Shift+ArrowLeft")
    assert "row 0, column 0" in dialog.locator(".ag-here").inner_text()
    box, seen = (dialog.locator(each).bounding_box() for each in (".ag-box", ".ag-seen img"))
    shares = [
        (box["x"] - seen["x"]) / seen["width"],
        (box["y"] - seen["y"]) / seen["height"],
        box["width"] / seen["width"],
        box["height"] / seen["height"],
    ]
    assert shares == pytest.approx([0, 0, 4 / 24, 5 / 18], abs=0.01)  # the picture is 18×24, one row outside
    page.keyboard.press("ArrowDown")
    dialog.locator("figcaption", has_text="what it sees of the input: unknown").wait_for()
    assert dialog.locator(".ag-box").is_hidden()


@pytest.mark.browser
def test_a_pinned_channel_is_shown_for_all_images_on_one_scale_the_strongest_first(visit, known):
    page = visit(known, "gallery/layers/1-first", "#c5")
    dialog = page.locator("dialog.ag-channel")
    dialog.locator("figure").nth(2).wait_for()
    assert [text.split(" ·")[0] for text in dialog.locator("figcaption").all_inner_texts()] == [
        "two.png",
        "three.png",
        "one.png",
    ]
    every = np.stack([answers(number)[..., 5] for number in range(3)])
    ends = dialog.locator(".ag-bar span").all_inner_texts()
    assert [float(each.replace("−", "-")) for each in ends[::2]] == pytest.approx(
        [every.min(), every.max()], rel=1e-3
    )


@pytest.mark.browser
def test_a_channel_opens_where_the_strongest_image_answers_most(visit, known):
    page = visit(known, "gallery/layers/1-first", "#c5")
    dialog = page.locator("dialog.ag-channel")
    for channel in (5, 6):
        dialog.get_by_role("heading", name=f"Channel {channel} of first").wait_for()
        strongest = max(range(3), key=lambda number: answers(number)[..., channel].mean())
        row, column = np.unravel_index(answers(strongest)[..., channel].argmax(), SHAPE[:2])
        assert f"row {row}, column {column}:" in dialog.locator(".ag-here").first.inner_text()
        page.keyboard.press("ArrowRight")


@pytest.mark.browser
def test_numbers_say_what_is_not_finite(visit, known):
    page = visit(known, GRID, "#c4")
    dialog = page.locator("dialog.ag-channel")
    dialog.locator("figcaption", has_text=f"3 of {SHAPE[0] * SHAPE[1]} values are NaN or infinite").wait_for()


@pytest.mark.browser
def test_going_back_closes_a_channel_and_a_link_to_it_can_be_left(visit, known):
    page = visit(known, GRID)
    address, dialog = page.url, page.locator("dialog.ag-channel")
    page.locator(".ag-live").click(position={"x": 9, "y": 9})
    page.wait_for_url("**#c0")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**#c1")
    page.go_back()
    dialog.wait_for(state="hidden")
    assert page.url == address
    page = visit(known, GRID, "#c3")
    page.locator("dialog.ag-channel[open]").wait_for()
    page.get_by_role("button", name="Close").click()
    page.wait_for_url(lambda url: "#" not in url)
    page.locator(".ag-live:focus").wait_for()
    page.keyboard.press("ArrowRight")
    page.locator(".ag-tip").get_by_text("channel 4 ·").wait_for()


@pytest.mark.browser
def test_colours_with_a_middle_go_with_the_scale_around_zero_alone(visit, known):
    page = visit(known, GRID)
    page.select_option("select[name=scale]", "symmetric")
    page.wait_for_function("document.querySelector('select[name=colours]').value === 'RdBu_r'")
    names = page.locator("select[name=colours] option").all_inner_texts()
    assert names == list(browser_data.DIVERGING)
    page.locator(".ag-steps a[rel=next]").click()  # nothing is negative there
    page.wait_for_url("**/2-second-script-b.html")
    page.wait_for_function("document.querySelector('select[name=colours]').value === 'viridis'")
    assert page.locator("select[name=scale]").input_value() == "channel"
    assert page.locator(".ag-live canvas").is_hidden()
    page.locator(".ag-steps a[rel=prev]").click()
    page.wait_for_url(f"**/{GRID}.html")
    page.wait_for_function("document.querySelector('select[name=colours]').value === 'RdBu_r'")
    assert page.locator("select[name=scale]").input_value() == "symmetric"


@pytest.mark.browser
def test_keys_step_in_the_chosen_order(visit, known):
    page = visit(known, GRID)
    page.select_option("select[name=order]", "maximum")
    page.locator(".ag-live canvas:visible").wait_for()
    highest = np.where(np.isfinite(answers(0)), answers(0), -np.inf).max(axis=(0, 1))
    first, second = np.argsort(-highest)[:2]
    page.locator(".ag-live").click(position={"x": 9, "y": 9})
    dialog = page.locator("dialog.ag-channel")
    dialog.get_by_role("heading", name=f"Channel {first} of first").wait_for()
    page.keyboard.press("ArrowRight")
    dialog.get_by_role("heading", name=f"Channel {second} of first").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize("visit", [{"has_touch": True}], indirect=True, ids=["touch"])
def test_a_finger_reads_a_value(visit, known):
    page = visit(known, GRID, "#c2")
    dialog = page.locator("dialog.ag-channel")
    dialog.get_by_role("heading", name="Channel 2 of first").wait_for()
    box = dialog.locator(".ag-map canvas").bounding_box()
    for row, column in ((0, 0), (8, 11)):
        x, y = (column + 0.5) / SHAPE[1], (row + 0.5) / SHAPE[0]
        page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
        dialog.locator("figcaption", has_text=f"row {row}, column {column}:").wait_for()


@pytest.mark.browser
def test_values_that_come_late_do_not_stay_where_the_pointer_has_left(chromium, known):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.route("**/maps.js", lambda route: (page.wait_for_timeout(400), route.continue_()))
    with serve(known.site) as address:
        page.goto(f"{address}/{GRID}.html")
        page.mouse.move(*at(page.locator("figure[data-explore]"), 2, 4, 4))
        page.mouse.move(5, 5)
        page.wait_for_timeout(1000)
        assert page.locator(".ag-tip").is_hidden() and page.locator(".ag-live .ag-cell").is_hidden()
        page.close()


@pytest.mark.browser
def test_where_values_cannot_be_loaded_links_lead_where_they_say(chromium, known):
    page = chromium.new_page()
    page.route("**/gallery/images/**/maps.js", lambda route: route.abort())
    with serve(known.site) as address:
        page.goto(f"{address}/gallery/layers/1-first.html")
        page.locator(".ag-live").first.click(position={"x": 9, "y": 9})
        page.wait_for_url(f"**/{GRID}.html")
        page.close()


@pytest.mark.browser
def test_two_images_are_compared_with_what_differs(visit, known):
    page = visit(known, "gallery/compare")
    assert page.locator(".ag-against canvas").count() == 0
    page.get_by_role("button", name="Compare").click()
    outputs = page.locator(".ag-against .ag-here")
    outputs.nth(2).wait_for()
    page.locator(".ag-sheet").first.focus()
    page.keyboard.press("ArrowRight")
    values = [value_in(text) for text in outputs.all_inner_texts()]
    true = answers(0)[0, 0, 1], answers(1)[0, 0, 1]
    assert values[:2] == pytest.approx(true, abs=0.05)
    assert values[2] == pytest.approx(true[0] - true[1], abs=0.05)
    page.keyboard.press("Shift+ArrowDown")
    assert all("channel 1 · row 1, column 0" in text for text in outputs.all_inner_texts())
    page.locator(".ag-controls select").nth(2).select_option("one")
    page.get_by_text("The largest difference is 0.").wait_for()
    page.locator(".ag-sheet").nth(2).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/gallery/layers/1-first.html#c1")
    page.locator("dialog.ag-channel").get_by_role("heading", name="Channel 1 of first").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize("path", [GRID, "gallery/layers/1-first", "gallery/compare"])
def test_nothing_is_loaded_before_it_is_wanted(chromium, known, path):
    page = chromium.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((known.site / f"{path}.html").as_uri())
    page.wait_for_timeout(300)
    scripts = [url.rpartition("/")[2] for url in asked if "/gallery/" in url and url.endswith(".js")]
    assert scripts == []
    page.close()


@pytest.mark.browser
def test_what_was_chosen_is_kept_from_page_to_page(visit, known):
    page = visit(known, GRID)
    page.select_option("select[name=scale]", "images")
    page.locator(".ag-live canvas:visible").wait_for()
    page.locator(".ag-steps a[rel=next]").click()
    page.wait_for_url("**/2-second-script-b.html")
    page.locator(".ag-live canvas:visible").wait_for()
    assert page.locator("select[name=scale]").input_value() == "images"
    assert "all images on one scale" in page.locator(".ag-grid figcaption").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("way", ["folder", "server"])
def test_firefox_reads_values_switches_scales_and_follows_links(window, known, way):
    with serve(known.site) as address:
        base = known.site.as_uri() if way == "folder" else address
        window.open(f"{base}/{GRID}.html#c2")
        title = "document.querySelector('dialog.ag-channel h2').textContent"
        window.wait(f"{title} === 'Channel 2 of first'")
        window.press("ArrowRight")
        window.wait(f"{title} === 'Channel 3 of first' && location.hash === '#c3'")
        window.press("Escape")
        facts = json.loads(window.evaluate("document.querySelector('[data-explore]').dataset.explore"))
        maps = answers(0)
        window.point(".ag-live", *share_of(facts, 2, 4, 7))
        tip = "document.querySelector('.ag-tip').textContent"
        window.wait(f"{tip}.includes('channel 2 · row 4, column 7')")
        step = (maps[..., 2].max() - maps[..., 2].min()) / 255
        assert value_in(window.evaluate(tip)) == pytest.approx(float(maps[4, 7, 2]), abs=float(step))
        for scale in ("layer", "images", "symmetric", "channel"):
            window.evaluate(
                "(() => { const select = document.querySelector('select[name=scale]');"
                f" select.value = '{scale}'; select.dispatchEvent(new Event('change')); }})()"
            )
            rule = "document.querySelector('.ag-legend p').textContent"
            words = {
                "layer": "of the layer",
                "images": "all images",
                "symmetric": "zero",
                "channel": "its own",
            }
            window.wait(f"{rule}.includes('{words[scale]}')")


@pytest.mark.browser
def test_over_http_the_explorer_works_as_from_a_folder(chromium, known):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    with serve(known.site) as address:
        page.goto(f"{address}/{GRID}.html#c2")
        page.locator("dialog.ag-channel").get_by_role("heading", name="Channel 2 of first").wait_for()
        page.keyboard.press("Escape")
        page.select_option("select[name=scale]", "images")
        page.locator(".ag-live canvas:visible").wait_for()
        page.evaluate("scrollTo(0, 0)")  # the address had led to a picture further down
        page.mouse.move(*at(page.locator("figure[data-explore]"), 6, 3, 9))
        page.locator(".ag-tip").get_by_text("channel 6 · row 3, column 9").wait_for()
        assert value_in(page.locator(".ag-tip").inner_text()) == pytest.approx(answers(0)[3, 9, 6], abs=0.05)
        page.close()
