"""The settings: `gallery.toml` and the command line become one frozen `Settings`."""

import difflib
import math
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from generator.core.errors import SettingsError
from generator.core.files import resolved
from generator.core.records import FAMILIES

SCALES = ("channel", "layer", "zscore")
ARRAYS = ("none", "float16", "float32")
PIXELS = ("auto", "0..1", "0..255", "-1..1", "caffe", "torch")
SINGLES = (*FAMILIES, "all")
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}
CONFIG_NAME = "gallery.toml"


@dataclass(frozen=True)
class Settings:
    """All that decides what a build makes. The comments in `gallery.toml` say what each means.

    `allow_unsafe` and `custom_objects` let code run, so they are flags only: a settings file may be a
    stranger's. `project` is the folder of `gallery.toml`, `None` where there is none.
    """

    model: Path
    images: Path
    output: Path = Path("site")
    labels: Path | tuple[str, ...] | None = None
    layers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("convolution", "pooling")
    draw_identity: bool = False
    scale: str = "channel"
    colours: str = "viridis"
    pixels: str = "auto"
    gif_channels_per_layer: int = 32
    gif_channels: int = 480
    inputs: Mapping[str, str] = field(default_factory=dict)
    input_channels: tuple[str, ...] = ()
    longest_side: int = 512
    pre_activation: bool = False
    verify: bool = False
    arrays: str = "none"
    explain: bool = True
    fit: int = sys.maxsize  # bytes
    allow_unsafe: bool = False
    custom_objects: tuple[str, ...] = ()
    project: Path | None = None
    site: bool = True
    force: bool = False


def load_settings(config: Path | None, folder: Path, flags: Mapping[str, Any]) -> Settings:
    """Read settings from `config`, or from `gallery.toml` in `folder` if there is one, then apply `flags`.

    Paths in the file are relative to it, paths in `flags` to the current folder. Flags that are `None` or
    empty are as if not given. Raises `SettingsError` with every mistake in one line.
    """
    path = config or folder / CONFIG_NAME
    values, errors = {}, []
    if config is not None or path.is_file():
        values, errors = _read(path)
        values["project"] = resolved(path.parent)
    values |= {key: value for key, value in flags.items() if value not in (None, (), {})}
    missing = [f"--{name}" for name in ("model", "images") if name not in values]
    if missing and not errors:
        missing_text = " and ".join(missing)
        errors.append(f"expected {missing_text} or a {CONFIG_NAME} that sets them: add the flag or the file")
    if errors:
        raise SettingsError("; ".join(errors))
    values.setdefault("output", values.get("project", folder) / "site")
    settings = Settings(**values)
    return replace(settings, output=settings.output.absolute())


def find_website(config: Path | None, folder: Path, output: Path | None) -> tuple[Path, Path | None]:
    """Return the folders of a finished website and of its project, if there is one; see `load_settings`.

    The website is used, not built, so neither a model nor images need to be named.
    """
    settings = load_settings(config, folder, {"model": folder, "images": folder, "output": output})
    return settings.output, settings.project


def _read(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"expected a settings file, received {path}: {error.strerror}: check the path"
        ) from None
    except (ValueError, RecursionError) as error:  # a number may have too many digits, lists be too deep
        raise SettingsError(f"expected TOML in {path.name}, received a file that is not: {error}") from None
    values, errors = {}, []
    for key, value in raw.items():
        if key not in READERS:
            near = difflib.get_close_matches(key, READERS, 1)
            advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(READERS)}"
            errors.append(f"{path.name}: expected a known setting, received {key!r}: {advice}")
            continue
        try:
            values[key] = READERS[key](value)
        except (TypeError, ValueError) as error:
            errors.append(f"{path.name}: {key}: expected {error}, received {value!r}")
    for key in values.keys() & {"model", "images", "output", "labels"}:
        if isinstance(values[key], Path):
            values[key] = path.parent / values[key]
    if "inputs" in values:
        values["inputs"] = {
            name: each if _is_number(each) else str(path.parent / each)
            for name, each in values["inputs"].items()
        }
    return values, errors


# Each reader turns a TOML value into a setting, or says what it expected.


def _path(value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise TypeError("a path in quotes")
    if "\0" in value:
        raise ValueError("a path without NUL")
    return Path(value)


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError("a list of texts in quotes")
    return tuple(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text in quotes")
    return value


def _labels(value: Any) -> Path | tuple[str, ...]:
    return _path(value) if isinstance(value, str) else _strings(value)


def _families(value: Any) -> tuple[str, ...]:
    unknown = [item for item in _strings(value) if item not in SINGLES]
    if unknown:
        raise ValueError(f"a list of {', '.join(SINGLES)}")
    return tuple(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("a whole number of at least 1")
    return value


def _inputs(value: Any) -> dict[str, str]:
    numbers = (int, float, str)
    fits = isinstance(value, dict) and all(isinstance(each, numbers) for each in value.values())
    if not fits or any("\0" in str(each) for each in value.values()):
        raise TypeError("a table of input names with a folder or a number for each")
    return {name: str(each) for name, each in value.items()}


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def read_channels(value: Any) -> tuple[str, ...]:
    """Read what fills the channels of the input: "R", "G", "B", "L" or a number of 0…255 for each."""
    for each in _strings(value):
        if each not in ("R", "G", "B", "L") and not (each.isdecimal() and int(each) <= 255):
            raise ValueError("R, G, B, L (grey) or a number of 0 to 255 for each channel")
    return tuple(value)


def read_size(value: Any) -> int:
    """Read a size such as "200MB" as bytes; "none" is more than anything has."""
    if value == "none":
        return sys.maxsize
    found = (
        re.fullmatch(r"([0-9.]+) ?([kMG]B)", value.replace("KB", "kB")) if isinstance(value, str) else None
    )
    try:
        return round(float(found[1]) * UNITS[found[2]])
    except (TypeError, ValueError, OverflowError):
        raise ValueError('a size in kB, MB or GB, such as 200MB, or "none"') from None


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return value

    return read


def _arrays(value: Any) -> str:
    """Return the type of numbers; `true` asks for all their digits."""
    return {True: "float32", False: "none"}[value] if isinstance(value, bool) else _one_of(*ARRAYS)(value)


READERS: dict[str, Callable[[Any], Any]] = {
    "model": _path,
    "images": _path,
    "output": _path,
    "labels": _labels,
    "layers": _strings,
    "channels": _families,
    "draw_identity": _flag,
    "scale": _one_of(*SCALES),
    "colours": _text,
    "pixels": _one_of(*PIXELS),
    "gif_channels_per_layer": _count,
    "gif_channels": _count,
    "inputs": _inputs,
    "input_channels": read_channels,
    "longest_side": _count,
    "pre_activation": _flag,
    "verify": _flag,
    "arrays": _arrays,
    "explain": _flag,
    "fit": read_size,
}
