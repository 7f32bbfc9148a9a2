"""Renderers: one function for each kind of picture, from arrays to bytes. Nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.statistics import layer_numbers, measure
from generator.core.formatting import shape_in_words
from generator.core.paths import values_csv
from generator.core.plan import LARGEST_MAP
from generator.core.records import Animation, Layer, LayerResult, Picture, RenderResult, RenderTask
from generator.render import browser_data, captions, palette, png, scaling, tiling

BARS_WIDTH, BARS_HEIGHT, WIDEST_BAR = 640, 96, 24  # pixels
SMALL_WIDTH = 480  # pixels: wider grids are averaged down for tables
LAYERS_DURATION = 2000  # milliseconds a frame
CHANNELS_DURATION = 200


@dataclass(frozen=True)
class Style:
    """How values become colours: the scale's name and the palette, uint8 (256, 3)."""

    scale: str
    table: np.ndarray


@dataclass(frozen=True)
class Frames:
    """Palette indices of an animation, uint8 (frames, height, width), and how long each is shown."""

    indices: np.ndarray
    milliseconds: int


def render_layer(task: RenderTask, maps: np.ndarray, style: Style) -> RenderResult:
    """Draw the grid, the single channels and the animation's frames of float32 (height, width, channels)."""
    if not task.layer.is_map:
        return _render_bars(task, maps, style)
    height, width, channels = maps.shape
    scale = "layer" if task.layer.is_sequence else style.scale
    statistics = measure(maps)
    ranges = scaling.value_ranges(statistics, height * width, scale)
    indices = scaling.quantize(maps, ranges)
    factor = scaling.picture_factor(height, width) if channels == 1 else scaling.cell_factor(height, width)
    columns = tiling.grid_columns(channels, height * factor, width * factor)
    sheet = tiling.tile(scaling.enlarge(indices, factor), columns)
    exact = browser_data.own_ranges(statistics)
    levels = indices if np.array_equal(exact, ranges) else scaling.quantize(maps, exact)
    files = {
        task.grid: png.encode(sheet, style.table),
        task.maps: browser_data.maps_script(levels, statistics),
    }
    single = scaling.picture_factor(height, width)
    pictures = png.encode_stack(indices[list(task.singles)], style.table, single)
    files.update(zip(task.singles.values(), pictures, strict=True))
    grid = small = Picture(task.grid, sheet.shape[1], sheet.shape[0])
    if (shrink := -(-grid.width // SMALL_WIDTH)) > 1:
        sheet = tiling.tile(scaling.quantize(scaling.average_down(maps, shrink), ranges), columns)
        files[task.small] = png.encode(sheet, style.table)
        small = Picture(task.small, sheet.shape[1], sheet.shape[0])
    layer = LayerResult(
        numbers=layer_numbers(maps, statistics),
        grid=grid,
        small=small,
        columns=columns,
        singles=task.singles,
        single_size=(width * single, height * single),
        enlarged=factor,
        ranges=ranges,
    )
    frames = _channel_frames(maps, ranges, task.frames)
    return RenderResult(task=task, layer=layer, files=files, frames=frames, sheet=sheet)


def _render_bars(task: RenderTask, values: np.ndarray, style: Style) -> RenderResult:
    """Draw the values of a layer without maps, (1, values, 1), as bars from zero, on a scale of their own."""
    row = values[0, :, 0].astype(np.float64)
    finite = row[np.isfinite(row)]
    limits = np.array([min(0, finite.min(initial=0)), max(0, finite.max(initial=0))])
    width = max(1, min(WIDEST_BAR, BARS_WIDTH // len(row)))
    picture = tiling.bars(row, limits, BARS_HEIGHT, width)
    shown = Picture(task.grid, picture.shape[1], picture.shape[0])
    layer = LayerResult(
        numbers=layer_numbers(values, measure(values)),
        grid=shown,
        small=shown,
        columns=1,
        singles=task.singles,
        single_size=(0, 0),
        enlarged=1,
        ranges=limits[None],
    )
    lines = ["unit,value", *(f"{unit},{value:.9g}" for unit, value in enumerate(row))]
    csv = "".join(f"{line}\n" for line in lines).encode()
    files = {task.grid: png.encode(picture, style.table), values_csv(task.image, task.layer.slug): csv}
    none = np.empty((0, 1, 1), np.uint8)
    return RenderResult(task=task, layer=layer, files=files, frames=none, sheet=picture)


def _channel_frames(maps: np.ndarray, ranges: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    """Return palette indices of the chosen channels, averaged down by a whole factor to fit `LARGEST_MAP`."""
    chosen = list(chosen)
    shrink = -(-max(maps.shape[:2]) // LARGEST_MAP)
    return scaling.quantize(scaling.average_down(maps[..., chosen], shrink), ranges[chosen])


def layer_frame(layer: Layer, maps: np.ndarray, ranges: np.ndarray, side: int) -> np.ndarray:
    """Draw a layer's grid with its caption, uint8 (height, width), to fit `side` × `side` pixels."""
    height, width, channels = maps.shape
    font_size = max(captions.FONT_SIZE, side // 28)  # read at half the size in a table of four
    shrink, factor, columns = tiling.fit_grid(channels, height, width, (side * 3 // 4, side))
    cells = scaling.quantize(scaling.average_down(maps, shrink), ranges)
    sheet = tiling.tile(scaling.enlarge(cells, factor), columns)
    averaged = f" · averaged {shrink}×{shrink}" if shrink > 1 else ""
    text = f"{layer.index} {layer.name} · {height}×{width}×{channels}{averaged}"
    sheet = tiling.centre(sheet, sheet.shape[0], max(side, sheet.shape[1]))
    return np.concatenate([captions.caption((text,), sheet.shape[1], font_size), sheet])


def animation(
    path: str, content: bytes, still: np.ndarray, table: np.ndarray, shown: tuple[int, int], things: str
) -> tuple[Animation, dict[str, bytes]]:
    """Return the animation at `path`, which has no ending, and its files: a GIF, and one frame as PNG.

    `shown` is how many `things`, "layers" or "channels", it shows, and of how many.
    """
    height, width = still.shape
    gif, picture = (Picture(f"{path}.{ending}", width, height) for ending in ("gif", "png"))
    frames, total = shown
    note = f"{total - frames:,} of {total:,} {things} left out to stay small" if frames < total else None
    files = {gif.path: content, picture.path: png.encode(still, table)}
    return Animation(gif=gif, still=picture, bytes=len(content), frames=frames, left_out=note), files


def layers_frames(pictures: Sequence[np.ndarray]) -> Frames:
    """Stack frames of different heights on one canvas, captions at the top."""
    height = max(picture.shape[0] for picture in pictures)
    bottom = [((0, height - picture.shape[0]), (0, 0)) for picture in pictures]
    padded = [
        np.pad(picture, room, constant_values=palette.BACKGROUND)
        for picture, room in zip(pictures, bottom, strict=True)
    ]
    return Frames(np.stack(padded), LAYERS_DURATION)


def channels_frames(chosen: Sequence[tuple[Layer, int, np.ndarray]]) -> Frames:
    """Draw (layer, channel, palette indices) one after the other on one canvas, each with its caption."""
    scaled = []
    for _, _, indices in chosen:
        scaled.append(scaling.enlarge(indices, max(1, LARGEST_MAP // max(indices.shape))))
    height = max(picture.shape[0] for picture in scaled)
    width = max(LARGEST_MAP, *(picture.shape[1] for picture in scaled))
    frames = []
    for (layer, channel, _), picture in zip(chosen, scaled, strict=True):
        lines = (
            f"{layer.index} {layer.name}",
            f"channel {channel} of {layer.channels} · {shape_in_words(layer.map_shape[:2])}",
        )
        frames.append(np.concatenate([captions.caption(lines, width), tiling.centre(picture, height, width)]))
    return Frames(np.stack(frames), CHANNELS_DURATION)
