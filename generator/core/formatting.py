"""Foreign text and numbers, made fit for people."""

import math
import re
import unicodedata
from collections.abc import Sequence

# What Windows takes for devices, whatever ending follows.
DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"
}


def one_line(text: str) -> str:
    """Return foreign text without control characters and line breaks, so that it stays where it is put."""
    if not text.isprintable():
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)  # bold or coloured, as in messages of Keras
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def number(value: float) -> str:
    """Return a number with four significant digits and a real minus sign."""
    return "–" if math.isnan(value) else f"{value:.4g}".replace("-", "−")


def size(count: int) -> str:
    """Return a number of bytes for people."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} KB"


def count(number_of: int, noun: str) -> str:
    """Return "1 layer" or "2,000 layers"."""
    return f"{number_of:,} {noun}{'' if number_of == 1 else 's'}"


def shape_in_words(shape: Sequence[int | None]) -> str:
    """Return a shape for people; a side that depends on the image is "any"."""
    return "×".join("any" if side is None else str(side) for side in shape) or "a single number"


def wrong_with_path(path: str) -> str | None:
    """Say what in a path with slashes is not the same on every system, or return `None`."""
    if any(unicodedata.category(each) == "Cs" for each in path):
        return "bytes that are no UTF-8"
    if any(unicodedata.category(each) == "Cc" for each in path):
        return "control characters"
    if found := re.search(r'[\\:*?"<>|]', path):
        return {"\\": "a backslash", ":": "a colon"}.get(found[0], f"a {found[0]}") + " in it"
    for part in path.split("/"):
        if part.partition(".")[0].rstrip().lower() in DEVICES:
            return f"{part!r} in it, which is a device on Windows"
        if part.endswith((".", " ")):
            return "a dot or a space at the end of a name"
    return None
