"""What is written about the settings: `gallery.toml` and the tables of the README.

`python -m generator.core.settings_reference` writes both anew in a clone of the repository.
"""

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from generator.core import settings
from generator.core.setting import Flag, Setting
from generator.core.settings import default_labels
from generator.core.settings_file import CONFIG_NAME, file_settings

README = "README.md"
WIDTH = 110  # columns of the comments
HEAD = """\
# Settings of `activation-gallery build`. Paths are relative to this file; flags of the command win over it.
# A line that starts with "# " and a name shows that setting's default.
"""


def settings_toml(model: str, images: str) -> str:
    """Return a settings file that names a model and images and has all other settings in comments."""
    shown = {"model": model, "images": images, "labels": default_labels(Path(model)).as_posix()}
    return "\n".join([HEAD, *(_explained(each, shown.get(each.name)) for each in file_settings().values())])


def settings_table() -> str:
    """Return the README's table of what `gallery.toml` may have."""
    rows = [
        f"| `{each.name}` | {_default_cell(each)} | {_cell(each.text)} |" for each in file_settings().values()
    ]
    return "\n".join((f"| key in `{CONFIG_NAME}` | default | what it does |", "|---|---|---|", *rows))


def flags_table() -> str:
    """Return the README's table of the flags of `build` that give a setting."""
    rows = [
        _flag_row(each, each.flag)
        for each in settings.SETTINGS
        if each.flag and "build" in each.flag.commands
    ]
    return "\n".join(("| flag | setting | what it does |", "|---|---|---|", *rows))


def with_tables(readme: str) -> str:
    """Return a README with the tables between their marker comments as they have to be."""
    for name, table in (("settings", settings_table()), ("flags", flags_table())):
        start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
        before, found, rest = readme.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"expected {start.strip()} and {end.strip()} in {README}: add both lines")
        readme = f"{before}{start}{table}\n{end}{after}"
    return readme


def write_reference(folder: Path) -> None:
    """Write the repository's `gallery.toml`, for the model and images that it names, and its README anew."""
    config, readme = folder / CONFIG_NAME, folder / README
    named = tomllib.loads(config.read_text(encoding="utf-8"))
    config.write_text(settings_toml(named["model"], named["images"]), encoding="utf-8")
    readme.write_text(with_tables(readme.read_text(encoding="utf-8")), encoding="utf-8")


def _explained(setting: Setting, shown: Any) -> str:
    """Return a setting's comment, and below it a line with what is shown, else the default."""
    text = re.sub(r'`(["\[{][^`]*|true|false)`', r"\1", setting.text)  # in TOML, a value of TOML is no code
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    comment = "".join(f"# {line}\n" for line in lines)
    sign = "" if setting.default is MISSING else "# "
    return f"{comment}{sign}{setting.name} = {_toml(_written_default(setting) if shown is None else shown)}\n"


def _written_default(setting: Setting) -> Any:
    return setting.default if setting.written is None else setting.written


def _toml(value: Any) -> str:
    """Return a text, number, list or empty table as TOML, which writes them as JSON does."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _default_cell(setting: Setting) -> str:
    value = _written_default(setting)
    return "–" if value in (None, MISSING) else f"`{_toml(value)}`"


def _flag_row(setting: Setting, flag: Flag) -> str:
    key, text = (f"`{setting.name}`", flag.help) if setting.read else ("–", setting.text)
    return f"| {' or '.join(_spellings(flag))} | {key} | {_cell(text)} |"


def _spellings(flag: Flag) -> Iterator[str]:
    value = "" if not flag.metavar else f" {flag.metavar}" if flag.bare is None else f" [{flag.metavar}]"
    for each in flag.spelling.split("/"):
        yield f"`{each}{value}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    write_reference(Path.cwd())
