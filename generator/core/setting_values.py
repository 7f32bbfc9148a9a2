"""Readers of the settings' values. Each returns the value, or raises `TypeError` or `ValueError`.

The error's text says what was expected, as in "a path in quotes"; the caller adds the name and what it
received.
"""

import math
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from generator.core.model_records import FAMILIES

SINGLES = (*FAMILIES, "all")
SCALES = ("channel", "layer", "zscore")
ARRAYS = ("none", "float16", "float32")
PIXELS = ("auto", "0..1", "0..255", "-1..1", "caffe", "torch")
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


def read_path(value: Any) -> Path:
    """Read a path, which is still relative to the file that names it."""
    if not isinstance(value, str) or not value:
        raise TypeError("a path in quotes")
    if "\0" in value:
        raise ValueError("a path without NUL")
    return Path(value)


def read_texts(value: Any) -> tuple[str, ...]:
    """Read a list of texts."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError("a list of texts in quotes")
    return tuple(value)


def read_text(value: Any) -> str:
    """Read any text."""
    if not isinstance(value, str):
        raise TypeError("a text in quotes")
    return value


def read_labels(value: Any) -> Path | tuple[str, ...]:
    """Read the path of a file of class names, or the names."""
    return read_path(value) if isinstance(value, str) else read_texts(value)


def read_families(value: Any) -> tuple[str, ...]:
    """Read families of layers, or "all"."""
    families = read_texts(value)
    if not set(families) <= set(SINGLES):
        raise ValueError(f"a list of {', '.join(SINGLES)}")
    return families


def read_switch(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def read_count(value: Any) -> int:
    """Read a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("a whole number of at least 1")
    return value


def read_inputs(value: Any) -> dict[str, str]:
    """Read what further inputs get, by name: a folder, still relative, or a number as text."""
    numbers = (int, float, str)
    is_table = isinstance(value, dict) and all(isinstance(each, numbers) for each in value.values())
    if not is_table or any("\0" in str(each) for each in value.values()):
        raise TypeError("a table of input names with a folder or a number for each")
    return {name: str(each) for name, each in value.items()}


def read_channels(value: Any) -> tuple[str, ...]:
    """Read what fills the channels of the input: "R", "G", "B", "L" or a number of 0…255 for each."""
    for each in read_texts(value):
        if each not in ("R", "G", "B", "L") and not (each.isdecimal() and int(each) <= 255):
            raise ValueError("R, G, B, L (grey) or a number of 0 to 255 for each channel")
    return tuple(value)


def read_size(value: Any) -> int:
    """Read a size such as "200MB" as bytes; "none" is more than anything has."""
    if value == "none":
        return sys.maxsize
    match = (
        re.fullmatch(r"([0-9.]+) ?([kMG]B)", value.replace("KB", "kB")) if isinstance(value, str) else None
    )
    try:
        return round(float(match[1]) * UNITS[match[2]])
    except (TypeError, ValueError, OverflowError):
        raise ValueError('a size in kB, MB or GB, such as 200MB, or "none"') from None


def one_of(*choices: str) -> Callable[[Any], str]:
    """Return a reader that takes these texts alone."""

    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return value

    return read


def read_arrays(value: Any) -> str:
    """Read the type of numbers; `True` asks for all their digits."""
    return {True: "float32", False: "none"}[value] if isinstance(value, bool) else one_of(*ARRAYS)(value)


def split_channels(text: str) -> tuple[str, ...]:
    """Read what fills the channels of the input from a text such as "R,G,B,0"."""
    return read_channels(text.split(","))


def split_input(text: str) -> tuple[str, str]:
    """Read the name of an input and what it gets from a text such as "size=0.5"."""
    name, _, value = text.partition("=")
    if not (name and value):
        raise ValueError("NAME=VALUE")
    return name, value


def path_beside(folder: Path, value: Any) -> Any:
    """Return a path of a file in `folder` as one from here; any other value as it is."""
    return folder / value if isinstance(value, Path) else value


def inputs_beside(folder: Path, inputs: Mapping[str, str]) -> dict[str, str]:
    """Return what further inputs get, with the folders in it as paths from here."""
    return {name: each if _is_number(each) else str(folder / each) for name, each in inputs.items()}


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
