"""Read an mkdocs.yml: with which environment variables, and which folder of templates it names."""

import functools
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

PASSED_ON = ("SITE_URL", "CI")  # besides those that begin with the prefix
PREFIX = "SITE_"

log = logging.getLogger("mkdocs.config")


def is_passed_on(name: str) -> bool:
    """Whether `!ENV` in an mkdocs.yml, which may be a stranger's, gets the value of a variable."""
    return name in PASSED_ON or name.startswith(PREFIX)


def say_withheld(names: Sequence[str]) -> str:
    """Say which variables were not passed on."""
    return (
        f"not passed on to !ENV in mkdocs.yml: {', '.join(names)}; what it may have is SITE_URL, CI, and "
        f"whatever else begins with {PREFIX}"
    )


def load(config_file: Path, **options: Any):
    """Return MkDocs' configuration, and the names of set variables that were not passed on to `!ENV`.

    Does what `mkdocs.config.load_config` does, with another `!ENV`; `os.environ` stays as it is. `options`
    win over what the file says. Raises MkDocs' exceptions.
    """
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.exceptions import Abort
    from mkdocs.utils.yaml import get_yaml_loader, yaml_load

    withheld: set[str] = set()
    config = MkDocsConfig(config_file_path=str(config_file.absolute()))
    loader = get_yaml_loader(config=config)
    loader.add_constructor("!ENV", functools.partial(_variable, loader.yaml_constructors["!ENV"], withheld))
    with config_file.absolute().open("rb") as file:
        config.load_dict(yaml_load(file, loader))
    config.load_dict(options)
    errors, warnings = config.validate()
    for name, warning in warnings:
        log.warning("Config value '%s': %s", name, warning)
    for name, error in errors:
        log.error("Config value '%s': %s", name, error)
    if errors or (warnings and config.strict):
        raise Abort(f"{len(errors)} errors and {len(warnings)} warnings in {config_file.name}")
    return config, tuple(sorted(withheld))


def _variable(construct: Callable, withheld: set[str], loader: yaml.Loader, node: yaml.Node) -> Any:
    """Return what MkDocs' `construct` makes of `!ENV A` or `!ENV [A, B, default]` without our own variables.

    The names of those that are set are added to `withheld`.
    """
    is_list = isinstance(node, yaml.SequenceNode)
    if is_list and len(node.value) > 1:
        names, default = node.value[:-1], node.value[-1:]
    else:
        names, default = node.value if is_list else [node], []
    known = []
    for each in names:
        name = each.value if isinstance(each, yaml.ScalarNode) else ""
        if is_passed_on(name) or not name:  # what is no name is an error that YAML's own constructor tells
            known.append(each)
        elif name in os.environ:
            withheld.add(name)
    if len(known) == len(names):
        return construct(loader, node)
    if known:
        empty = [yaml.ScalarNode("tag:yaml.org,2002:null", "null")]
        return construct(loader, yaml.SequenceNode(node.tag, known + (default or empty)))
    return loader.construct_object(default[0]) if default else None


class _Plain(yaml.SafeLoader):
    """Reads what a file says and runs nothing of it: what has a tag of its own is `None`."""


_Plain.add_multi_constructor("", lambda *_: None)


def custom_dir(config_file: Path) -> Path | None:
    """Return the folder of templates that an mkdocs.yml, or one that it inherits from, names, if any does.

    A file that cannot be read names none, and a variable or a program in it is nothing here.
    """
    place, seen = config_file.absolute(), set()
    while place not in seen and place.is_file():
        seen.add(place)
        try:
            found = yaml.load(place.read_bytes(), _Plain)
        except (OSError, ValueError, RecursionError, yaml.YAMLError):
            return None
        theme = found.get("theme") if isinstance(found, dict) else None
        if isinstance(theme, dict) and isinstance(theme.get("custom_dir"), str):
            return Path(os.path.normpath(config_file.absolute().parent / theme["custom_dir"]))
        heir = found.get("INHERIT") if isinstance(found, dict) else None
        place = Path(os.path.normpath(place.parent / heir)) if isinstance(heir, str) else place
    return None
