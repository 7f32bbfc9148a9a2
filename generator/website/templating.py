"""Templates: where they are found, how they are filled in, and which of a project's have another name now."""

import os
import traceback
from pathlib import Path
from typing import Any

import jinja2

from generator.core import bounds
from generator.core.errors import WebsiteError
from generator.core.formatting import one_line
from generator.core.resources import TEMPLATES

RENAMED = {"decides.html.j2": "attribution.html.j2"}  # templates that projects may have under an old name


def environment(project: Path | None) -> jinja2.Environment:
    """Return the Jinja environment: a missing value is an error, text is escaped and stays on its line.

    Templates in the folder `project` win over those of the package. Raises `ProjectError` where they lead out
    of it.
    """
    if project:
        bounds.check(project, project / "templates")
    own = [project / "templates"] if project else []
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*own, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: one_line(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def fill(templates: jinja2.Environment, name: str, /, **values: Any) -> str:
    """Fill in a template. Raises `WebsiteError` where the user has some, and one is broken."""
    try:
        return templates.get_template(name).render(**values)
    except (jinja2.TemplateError, UnicodeDecodeError) as error:
        *own, _ = templates.loader.searchpath
        if not any(map(os.path.isdir, own)):
            raise  # the mistake is ours
        steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename.endswith(".j2")]
        place = f"{Path(steps[-1].filename).name}, line {steps[-1].lineno}" if steps else name
        reason = str(error)
        if isinstance(error, jinja2.TemplateNotFound) and error.name in RENAMED:
            reason = f"{error.name}, which is called {RENAMED[error.name]} now"
        raise WebsiteError(
            f"expected templates that can be filled in, received in {place}: {reason}: correct it"
        ) from None


def say_renamed(project: Path | None) -> list[str]:
    """Say which templates of a project are no longer used, since they have another name now."""
    return [
        f"not used: templates/{old} of this project, which is called {new} now: rename it"
        for old, new in RENAMED.items()
        if project and os.path.lexists(project / "templates" / old)
    ]
