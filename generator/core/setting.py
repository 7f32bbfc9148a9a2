"""What is known of one setting: a row of the table in `settings`."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.core.setting_values import path_beside


class Affects(enum.Flag):
    """What of a build depends on the value of a setting.

    The fingerprint of the model holds the settings that affect `MODEL`, that of the pictures those that
    affect `PICTURES`, and that of the whole build, which tells whether there is anything to do, `ANYTHING`.
    """

    NOTHING = 0
    WEBSITE = enum.auto()  # what pages say, or where they go: every build writes them
    INPUTS = enum.auto()  # which files are read: the fingerprints hold their contents instead
    PLAN = enum.auto()  # which pictures are drawn: the fingerprint of the pictures holds the plan instead
    MODEL = enum.auto()  # what is known of the model before an image is shown to it
    PICTURES = enum.auto()  # every picture, even where the plan and the model are the same
    ANYTHING = WEBSITE | INPUTS | PLAN | MODEL | PICTURES


@dataclass(frozen=True, kw_only=True)
class Flag:
    """How the command line gives a setting.

    `spelling` is `--name`, or `--name/--no-name` for a switch with both ways. `metavar` stands for the value
    in texts; without one the flag is a switch. `bare` is what the flag means without a value, `None` where it
    needs one. `choices` are the values that it takes, where they are few. `parse` turns a text into the
    value, or raises `ValueError` with what was expected; `advice` ends that message. With `collect` the flag
    may be repeated, and the parsed texts are collected into that. `commands` are those that take it.
    """

    spelling: str
    help: str
    metavar: str = ""
    bare: Any = None
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] = str
    advice: str = ""
    collect: Callable[[list], Any] | None = None
    commands: tuple[str, ...] = ("build", "serve")

    def read(self, given: str | tuple[str, ...] | None) -> Any:
        """Return the value that texts from the command line mean; `None` or empty where there is none.

        Raises `ValueError` with a sentence that says what was expected.
        """
        if self.collect:
            return self.collect([self._parse(text) for text in given])
        return self._parse(given) if given else None

    def _parse(self, text: str) -> Any:
        try:
            return self.parse(text)
        except ValueError as error:
            raise ValueError(f"expected {error}, received {text!r}{self.advice}.") from None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting.

    `default` is `MISSING` where a value has to be given. `affects` says what depends on it, and so which
    fingerprints hold it. `text` explains it, or its flag where no file has it, in full sentences of Markdown.
    `read` turns a value of TOML into that of the setting or raises what was expected, see `setting_values`;
    `None` keeps the setting out of files. `beside` makes relative to here what a file in a folder names.
    `written` is the default as a file has it, where that is not `default` itself. `flag` is `None` where the
    command line has none.
    """

    name: str
    default: Any
    affects: Affects
    text: str
    read: Callable[[Any], Any] | None = None
    beside: Callable[[Path, Any], Any] = path_beside
    written: Any = None
    flag: Flag | None = None
