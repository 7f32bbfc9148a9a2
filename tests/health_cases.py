"""Feature maps in which everything is wrong that health tells of."""

import numpy as np

from generator.analysis.statistics import layer_numbers, measure
from generator.core.records import LayerNumbers

NAN, INF = float("nan"), float("inf")


def flawed_maps() -> np.ndarray:
    maps = random_maps(1)
    maps[0, 0, 2], maps[1, 1, 2], maps[2, 2, 3], maps[..., 4] = NAN, INF, -INF, NAN
    return maps


def result(maps: np.ndarray) -> LayerNumbers:
    """The numbers of float32 (height, width, channels)."""
    maps = np.asarray(maps, np.float32)
    maps.flags.writeable = False
    return layer_numbers(maps, measure(maps))


def random_maps(seed: int, height: int = 9, width: int = 7, channels: int = 6) -> np.ndarray:
    maps = np.random.default_rng(seed).normal(size=(height, width, channels)).astype(np.float32)
    maps[np.abs(maps) < 0.3] = 0
    return maps


CASES = {
    "plain": random_maps(0),
    "flawed": flawed_maps(),
    "constant": np.full((5, 5, 3), 2, np.float32),
    "silent": np.zeros((5, 5, 3), np.float32),
    "one value": np.array([[[3, 0, -1, NAN]]], np.float32),
    "huge": np.array([3e38, -3e38, 0, 1], np.float32).reshape(2, 2, 1),
    "tiny": np.array([2**-149, 2**-148, 0, 0], np.float32).reshape(2, 2, 1),
}
