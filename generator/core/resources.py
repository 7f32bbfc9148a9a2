"""Where the package's templates, style sheets, scripts and `mkdocs.yml` lie."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
# A wheel carries them inside the package; in a clone they are its neighbours.
ROOT = PACKAGE / "resources" if (PACKAGE / "resources").is_dir() else PACKAGE.parent
TEMPLATES = ROOT / "templates"
ASSETS = (ROOT / "site_src/css", ROOT / "site_src/js")
THEME = TEMPLATES / "theme"  # pages that MkDocs makes by itself
MKDOCS_CONFIG = ROOT / "mkdocs.yml"


def assets() -> dict[str, bytes]:
    """Return the packaged style sheets and scripts by their path below the website's root."""
    paths = sorted(path for folder in ASSETS for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(ROOT / "site_src").as_posix(): path.read_bytes() for path in paths}
