"""Where the package's templates, style sheets, scripts, `mkdocs.yml` and `gallery.toml` lie."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# A wheel carries them inside the package; in a clone they are its neighbours.
ROOT = _PACKAGE / "resources" if (_PACKAGE / "resources").is_dir() else _PACKAGE.parent
TEMPLATES = ROOT / "templates"
THEME = TEMPLATES / "theme"  # pages that MkDocs makes by itself
MKDOCS_CONFIG = ROOT / "mkdocs.yml"
SETTINGS = ROOT / "gallery.toml"


def assets() -> dict[str, bytes]:
    """Return the packaged style sheets and scripts by their path below the website's root."""
    source = ROOT / "site_src"
    paths = sorted(
        path for folder in ("css", "js") for path in (source / folder).rglob("*") if path.is_file()
    )
    return {path.relative_to(source).as_posix(): path.read_bytes() for path in paths}
