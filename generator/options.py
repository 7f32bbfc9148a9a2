"""The flags of the commands that give settings, made from the table of settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from generator.core import settings
from generator.core.setting import Flag, Setting


def setting_options(command: str) -> Callable[[Callable], Callable]:
    """Return a decorator that adds the flags of all settings that a command takes, in the table's order."""
    taken = [each for each in settings.SETTINGS if each.flag and command in each.flag.commands]

    def add(function: Callable) -> Callable:
        for setting in reversed(taken):
            function = _option(setting, setting.flag)(function)
        return function

    return add


def _option(setting: Setting, flag: Flag) -> Callable[[Callable], Callable]:
    """Return the option of a flag, whose value is `None` or empty where it is not given."""
    options: dict[str, Any] = {"help": flag.help, "default": None}
    if not flag.metavar:
        options |= {"is_flag": True, "flag_value": flag.bare}
    elif flag.bare is not None:
        options |= {"is_flag": False, "flag_value": flag.bare}
    if flag.choices:
        options |= {"type": click.Choice(flag.choices)}
    elif flag.parse is Path:
        options |= {"type": click.Path(path_type=Path)}
    elif flag.metavar:
        options |= {"metavar": flag.metavar, "multiple": bool(flag.collect), "callback": _reader(flag)}
    return click.option(flag.spelling, setting.name, **options)


def _reader(flag: Flag) -> Callable[..., Any]:
    def read(_context, _option, given):
        try:
            return flag.read(given)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return read
