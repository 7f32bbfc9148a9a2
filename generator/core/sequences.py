"""Parts of sequences: pieces that fit into the processor's cache, and evenly spaced choices."""

from collections.abc import Iterator

PIECE = 2**18  # values, 2 MB as float64


def pieces(count: int, size: int) -> Iterator[slice]:
    """Yield `count` maps of `size` values each, or single values, in groups of about `PIECE` values.

    What is computed for each by itself then needs little memory, and stays in the processor's cache.
    """
    step = max(1, PIECE // size)
    for start in range(0, count, step):
        yield slice(start, start + step)


def evenly_spaced(total: int, wanted: int) -> tuple[int, ...]:
    """Return at most `wanted` of the numbers 0…total − 1, evenly spaced from the first on."""
    count = min(total, wanted)
    return tuple(index * total // count for index in range(count))
