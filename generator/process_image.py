"""What is done for one image: a forward pass, its pictures, and then the animations.

Nothing is written and no lock is held: files leave as bytes. So it runs in any process of any machine.
"""

import hashlib
import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from generator import attribution, images
from generator.analysis.prediction import predict
from generator.core import limits, paths, plan
from generator.core.errors import ImageError
from generator.core.records import (
    Activations,
    Animation,
    Download,
    DrawnAttribution,
    FailedImage,
    InputImage,
    Layer,
    LayerResult,
    ModelInfo,
    Picture,
    Prediction,
    PreparedImage,
    ProcessedImage,
    RenderResult,
    RenderTask,
    ShownImage,
    Thumbnails,
)
from generator.executors import Emit, Pool, ThisThread
from generator.opened_model import ModelSource, extractor_of
from generator.render import cards, gif, layer_pictures, overlays, photos, png

SEEN_SIDE = 256  # pixels: the least longer side of the picture of what the model sees
Files = dict[str, bytes]  # by path below the website's root


@dataclass(frozen=True, kw_only=True)
class Context:
    """What all images are drawn with. It can be pickled, where the opener in `source` can.

    `preparation` says how pictures become values, `arrays` is the type of the numbers to take along, or
    "none", `explain` whether predictions are explained. `other_digests` has the digests of the pictures for
    further inputs, by input and file.
    """

    source: ModelSource
    model: ModelInfo
    plan: plan.Plan
    style: layer_pictures.Style
    preparation: images.Preparation
    labels: tuple[str, ...]
    arrays: str
    explain: bool
    other_digests: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class _DrawnLayer:
    """A drawn layer, a frame of the animation over the layers, and its grid for the cards that have it.

    `frame` is uint8 (height, width), `None` of a layer without maps; `on_card` is uint8 (height, width, 3),
    `thumbnail` as in `Thumbnails`.
    """

    rendered: RenderResult
    frame: np.ndarray | None
    on_card: np.ndarray | None
    thumbnail: np.ndarray | None


@dataclass(frozen=True, kw_only=True)
class _DrawnLayers:
    """The drawn layers of one image by slug, and of each, in order, what else is made from it.

    `pictures` are the frames of the animation over the layers, `frames` those over the channels, with layer
    and channel; `grids` are on the image's card, `thumbnails` by slug are for that of the gallery.
    """

    results: dict[str, LayerResult]
    pictures: list[np.ndarray]
    frames: list[tuple[Layer, int, np.ndarray]]
    grids: list[np.ndarray]
    thumbnails: dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class _DrawnMaps:
    """All that shows an image's maps; `layers` and `thumbnails` are by slug."""

    layers: dict[str, LayerResult]
    thumbnails: dict[str, np.ndarray]
    layers_gif: Animation
    channels_gif: Animation | None
    arrays: Download | None


def process_image(
    context: Context, image: InputImage, emit: Emit, pool: Pool | None = None
) -> ProcessedImage | FailedImage:
    """Draw one image; what is wrong with it is in the result.

    `emit` gets the files of a layer, or a few others, at a time, always in this thread; `pool` draws layers
    and animations, by default this thread. The model is opened once a process. Raises `ModelError` where it
    cannot be opened or run.
    """
    if image.error:
        return FailedImage(image=image, error=image.error)
    pool, sizes = pool or ThisThread(), {}

    def hand_out(files: Files) -> None:
        emit(files)
        sizes.update((path, len(content)) for path, content in files.items())

    try:
        content = images.read(image.path)  # its digest is that of what is drawn, changed or not
        image = replace(image, digest=hashlib.sha256(content).hexdigest())
        prepared = context.preparation.apply(images.decode(content), context.model.input_shape)
        del content
        others = _prepare_others(context, image)
        extractor = extractor_of(context.source)
        activations = extractor.extract(prepared.values, others)
    except ImageError as error:
        # What the system could not read may be back next time: it has no digest, as in `find_inputs`.
        digest = "" if isinstance(error.__cause__, OSError) else image.digest
        return FailedImage(image=replace(image, digest=digest), error=str(error))
    prediction = predict(activations.outputs, context.model.final_activation, context.labels)
    check, photo = activations.check, photos.shrink(prepared.original)
    original, seen, files = _draw_input(image, photo, prepared)
    hand_out(files)
    title = image.name, prediction.text
    drawn = _draw_maps(context, image, activations, photo, title, hand_out, pool)
    del activations  # the gradients take as much memory again
    drawn_attribution = None
    if context.explain and prediction.score is not None:
        drawn_attribution, files = _attribute(context, image, others, prepared, prediction)
        hand_out(files)
    result = ShownImage(
        image=image,
        size=prepared.original.shape[1::-1],
        original=original,
        seen=seen,
        fed=prepared.values.shape,
        prediction=prediction,
        layers=drawn.layers,
        layers_gif=drawn.layers_gif,
        channels_gif=drawn.channels_gif,
        check=check,
        arrays=drawn.arrays,
        attribution=drawn_attribution,
    )
    thumbnails = Thumbnails(photo=cards.encode_thumbnail(photo), grids=drawn.thumbnails)
    return ProcessedImage(result=result, files=dict(sorted(sizes.items())), thumbnails=thumbnails)


def _prepare_others(context: Context, image: InputImage) -> dict[str, np.ndarray]:
    """Return the pictures for the model's other inputs: of the same name, or the only one there is."""
    others = {}
    preparation = replace(context.preparation, channels=())  # which fill the test image alone
    for each in context.model.inputs:
        if each.folder:
            found = images.find_images(each.folder)
            same = [path for path in found if path.stem == image.path.stem] or found
            if len(same) > 1:
                wanted = f"one picture called {image.path.stem} in {each.folder.name} for {each.name}"
                raise ImageError(f"expected {wanted}, received {len(same)}: name them alike")
            content = images.read(same[0])
            if hashlib.sha256(content).hexdigest() != context.other_digests[each.name].get(same[0].name):
                raise ImageError(
                    f"expected {same[0].name} for {each.name} to stay as it is during a build, received "
                    "a changed one: build again"
                )
            others[each.name] = preparation.apply(images.decode(content), each.shape).values
    return others


def _draw_input(
    image: InputImage, photo: np.ndarray, prepared: PreparedImage
) -> tuple[Picture, Picture, Files]:
    """Draw the image as given, `photo`, and as the model sees it."""
    folder = paths.image_page(image.slug)
    content, *size = photos.photo(photo)
    original = Picture(f"{folder}/original.jpg", *size)
    height, width = prepared.seen.shape[:2]
    factor = -(-SEEN_SIDE // max(height, width))
    seen = Picture(f"{folder}/seen.png", width * factor, height * factor)
    return original, seen, {original.path: content, seen.path: png.encode_pixels(prepared.seen, factor)}


def _draw_maps(
    context: Context,
    image: InputImage,
    activations: Activations,
    photo: np.ndarray,
    title: tuple[str, str],
    emit: Emit,
    pool: Pool,
) -> _DrawnMaps:
    """Draw all that shows an image's maps; its card has the two lines of `title` above `photo`."""
    maps = [activations.maps[layer.index] for layer in context.plan.drawn]
    stacks = [activations.maps[layer.index] for layer in context.plan.mapped]
    drawn = _draw_layers(context, image, maps, emit, pool)
    layers = pool.submit(_layers_animation, context, image, stacks, drawn)
    channels = pool.submit(_channels_animation, context, image, drawn.frames)
    card = pool.submit(cards.image_card, *title, cards.fit(photo, cards.photo_box()), drawn.grids)
    arrays, files = _pack_arrays(context, image, maps)
    emit(files)
    emit({paths.image_card(image.slug): card.result()})
    layers_gif, files = layers.result()
    emit(files)
    channels_gif, files = channels.result()
    emit(files)
    return _DrawnMaps(
        layers=drawn.results,
        thumbnails=drawn.thumbnails,
        layers_gif=layers_gif,
        channels_gif=channels_gif,
        arrays=arrays,
    )


def _draw_layers(
    context: Context, image: InputImage, maps: Sequence[np.ndarray], emit: Emit, pool: Pool
) -> _DrawnLayers:
    """Draw the grids and single channels of one image."""
    done = _DrawnLayers(results={}, pictures=[], frames=[], grids=[], thumbnails={})
    for drawn in pool.map(partial(_draw_layer, context), context.plan.tasks(image), maps):
        rendered, layer = drawn.rendered, drawn.rendered.task.layer
        emit(rendered.files)
        done.results[layer.slug] = rendered.layer
        done.frames.extend((layer, *each) for each in zip(rendered.task.frames, rendered.frames, strict=True))
        if drawn.frame is not None:
            done.pictures.append(drawn.frame)
        if drawn.on_card is not None:
            done.grids.append(drawn.on_card)
        if drawn.thumbnail is not None:
            done.thumbnails[layer.slug] = drawn.thumbnail
    return done


def _draw_layer(context: Context, task: RenderTask, maps: np.ndarray) -> _DrawnLayer:
    """Draw one layer, float32 (height, width, channels), and what animations and cards take from it."""
    layer, mapped = task.layer, context.plan.mapped
    rendered, frame = layer_pictures.render_layer(task, maps, context.style), None
    if layer.is_map:
        frame = layer_pictures.layer_frame(layer, maps, rendered.layer.ranges, context.plan.canvas)
    on_card = thumbnail = None
    if layer in cards.image_card_layers(mapped):
        on_card = cards.fit(context.style.table[rendered.sheet], cards.grid_box())
    if layer in cards.thumbnail_layers(mapped):
        thumbnail = cards.encode_thumbnail(context.style.table[rendered.sheet])
    return _DrawnLayer(rendered=rendered, frame=frame, on_card=on_card, thumbnail=thumbnail)


def _attribute(
    context: Context,
    image: InputImage,
    others: Mapping[str, np.ndarray],
    prepared: PreparedImage,
    prediction: Prediction,
) -> tuple[DrawnAttribution, Files]:
    """Attribute a prediction to places and channels, and draw that."""
    layers = context.plan.attributed
    numbers = attribution.attribute(
        extractor_of(context.source), prepared.values, others, context.plan.layers, layers, prediction.method
    )
    return overlays.draw_attribution(image.slug, prepared.seen, layers, numbers)


def _pack_arrays(
    context: Context, image: InputImage, maps: Sequence[np.ndarray]
) -> tuple[Download | None, Files]:
    """Return what the drawn layers made of an image: an array for each by its slug, never pickled."""
    if context.arrays == "none":
        return None, {}
    path, content = paths.arrays_file(image.slug), io.BytesIO()
    with np.errstate(over="ignore"):  # what float16 cannot hold becomes infinite, as documented
        slugs = [layer.slug for layer in context.plan.drawn]
        np.savez_compressed(
            content, **{slug: each.astype(context.arrays) for slug, each in zip(slugs, maps, strict=True)}
        )
    return Download(path, content.tell(), context.arrays), {path: content.getvalue()}


def _layers_animation(
    context: Context, image: InputImage, maps: Sequence[np.ndarray], drawn: _DrawnLayers
) -> tuple[Animation, Files]:
    """Draw the animation over layers, on a smaller canvas than the planned one where it grows too large."""
    layers, canvas, table = context.plan.mapped, context.plan.canvas, context.style.table
    ranges = [drawn.results[layer.slug].ranges for layer in layers]
    pictures: Sequence[np.ndarray] = drawn.pictures
    for side in plan.CANVASES[plan.CANVASES.index(canvas) :]:
        if side < canvas:
            pictures = list(map(layer_pictures.layer_frame, layers, maps, ranges, itertools.repeat(side)))
        frames = layer_pictures.layers_frames(pictures)
        content, kept = gif.encode(frames.indices, table, frames.milliseconds), layers
        if len(content) <= limits.README_GIF_BYTES:
            break
    else:
        most = limits.LARGEST_GIF_BYTES
        content, kept = gif.encode_within(frames.indices, table, frames.milliseconds, most)
    path, shown = f"{paths.image_page(image.slug)}/layers", (len(kept), len(layers))
    return layer_pictures.animation(path, content, frames.indices[0], table, shown, "layers")


def _channels_animation(
    context: Context, image: InputImage, chosen: Sequence[tuple[Layer, int, np.ndarray]]
) -> tuple[Animation | None, Files]:
    """Draw the animation over channels, of which there may be none."""
    if not chosen:
        return None, {}
    frames, table = layer_pictures.channels_frames(chosen), context.style.table
    content, kept = gif.encode_within(frames.indices, table, frames.milliseconds, limits.LARGEST_GIF_BYTES)
    total = sum(layer.channels for layer in context.plan.convolutions)
    path, shown = f"{paths.image_page(image.slug)}/channels", (len(kept), total)
    return layer_pictures.animation(path, content, frames.indices[0], table, shown, "channels")
