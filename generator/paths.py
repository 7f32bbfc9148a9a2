"""Paths, whatever they lead to."""

import os
from pathlib import Path


def resolved(path: Path) -> Path:
    """Return an absolute path without links; those that lead in a circle stay in it."""
    return Path(os.path.realpath(path))
