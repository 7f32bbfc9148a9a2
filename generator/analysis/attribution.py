"""What a classifier's score rests on: places in the picture, by Grad-CAM, and channels, by zeroing them.

Grad-CAM: Selvaraju et al. 2017, arXiv:1610.02391. Here is what is decided and computed about it, free of
frameworks; `generator.attribution` asks an extractor for the gradients and the scores.
"""

from collections.abc import Sequence

import numpy as np

from generator.core.records import LayerInfo

MOST_RECOMPUTED = 32  # channels, where each of them takes a whole pass of the model


def settled(layers: Sequence[LayerInfo], index: int) -> int:
    """Return the index of the layer whose maps are weighed for the convolution with this index.

    `layers` are all layers in order. It is the last of those that only normalise and activate what the
    convolution has made, or the convolution itself. That is what the rest of the model sees of it, and what
    the paper weighs: in raw sums zero does not mean that nothing is there.
    """
    takers: dict[int | None, list[LayerInfo]] = {}
    for layer in layers:
        takers.setdefault(layer.takes, []).append(layer)
    while True:
        found = takers.get(index, [])
        if len(found) != 1 or not found[0].settles:
            return index
        index = found[0].index


def grad_cam(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return the Grad-CAM map, float32 (height, width), of float32 (height, width, channels) maps.

    Each map is weighted with the mean of its gradients; what is below zero in their sum becomes zero.
    """
    weights = gradients.mean(axis=(0, 1))
    return np.maximum((maps * weights).sum(axis=-1), 0).astype(np.float32)


def channel_strengths(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return |sum of gradient × activation| of each channel, float32 (channels,).

    Both arguments are float32 (height, width, channels).
    """
    return np.abs((maps * gradients).sum(axis=(0, 1)))


def choose_channels(strengths: np.ndarray, each_takes_a_pass: bool) -> np.ndarray:
    """Return the channels to set to zero one by one, int64 in ascending order.

    They are all, or, where each of them takes a pass of the whole model, the 32 with the largest of the
    `strengths`, (channels,); of equal ones the first.
    """
    if each_takes_a_pass:
        return np.sort(np.argsort(-strengths, kind="stable")[:MOST_RECOMPUTED])
    return np.arange(len(strengths))


def order_changes(
    channels: np.ndarray, whole: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the channels and the change of the score without each, float32, the largest fall first.

    `scores`, float32 (channels,), are those without each channel, `whole`, float32 (), is that with all.
    """
    changes = (scores - whole).astype(np.float32)
    order = np.argsort(changes, kind="stable")
    return channels[order], changes[order]
