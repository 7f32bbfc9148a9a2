"""Read `gallery.toml` and the flags of a command into one `Settings`."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, replace
from pathlib import Path
from typing import Any

from generator.core import settings
from generator.core.errors import SettingsError
from generator.core.files import resolved
from generator.core.setting import Setting
from generator.core.settings import Settings

CONFIG_NAME = "gallery.toml"


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
    values |= given_flags(flags)
    required = [setting for setting in settings.SETTINGS if setting.default is MISSING]
    missing = [setting.flag.spelling for setting in required if setting.name not in values]
    if missing and not errors:
        missing_text = " and ".join(missing)
        errors.append(f"expected {missing_text} or a {CONFIG_NAME} that sets them: add the flag or the file")
    if errors:
        raise SettingsError("; ".join(errors))
    values.setdefault("output", values.get("project", folder) / Settings.output)
    loaded = Settings(**values)
    return replace(loaded, output=loaded.output.absolute())


def find_website(config: Path | None, folder: Path, output: Path | None) -> tuple[Path, Path | None]:
    """Return the folders of a finished website and of its project, if there is one; see `load_settings`.

    The website is used, not built, so neither a model nor images need to be named.
    """
    loaded = load_settings(config, folder, {"model": folder, "images": folder, "output": output})
    return loaded.output, loaded.project


def given_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags that were given: the others are `None` or empty."""
    return {name: value for name, value in flags.items() if value not in (None, (), {})}


def file_settings() -> dict[str, Setting]:
    """Return the settings that a file may have, by name."""
    return {setting.name: setting for setting in settings.SETTINGS if setting.read}


def _read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the values in a file by name, and what is wrong with each of the others."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"expected a settings file, received {path}: {error.strerror}: check the path"
        ) from None
    except (ValueError, RecursionError) as error:  # a number may have too many digits, lists be too deep
        raise SettingsError(f"expected TOML in {path.name}, received a file that is not: {error}") from None
    known = file_settings()
    values, errors = {}, []
    for key, value in raw.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            errors.append(f"{path.name}: expected a known setting, received {key!r}: {advice}")
            continue
        try:
            values[key] = known[key].beside(path.parent, known[key].read(value))
        except (TypeError, ValueError) as error:
            errors.append(f"{path.name}: {key}: expected {error}, received {value!r}")
    return values, errors
