"""The command line: the commands and what they print."""

import json
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click

from generator import __version__
from generator.core.errors import SettingsError
from generator.core.files import resolved
from generator.core.formatting import count, one_line, shape_in_words, size
from generator.options import setting_options
from generator.supervisor import note_progress, supervised
from generator.terminal import (
    calm,
    end,
    errors_in_one_line,
    safe_streams,
    say,
    show_progress,
    signals_as_errors,
)

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file [default: gallery.toml, if there is one].",
)
verbose_option = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Show what TensorFlow and MkDocs say, and all of an unexpected error.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
progress_option = click.option("--no-progress", is_flag=True, help="Plain lines instead of a progress bar.")


class OneLineGroup(click.Group):
    """Reports wrong usage like every other mistake: in one line."""

    def main(self, args=None, **kwargs):
        """Run the command, `--help` without arguments; see `click.BaseCommand.main`."""
        given = list(sys.argv[1:] if args is None else args)
        with safe_streams(), signals_as_errors():
            try:
                return super().main(given or ["--help"], **{**kwargs, "standalone_mode": False})
            except click.UsageError as error:
                return end(f"{error.format_message()} See --help.", 2)
            except click.exceptions.Abort:
                return end("stopped", 130)


@click.group(cls=OneLineGroup, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="activation-gallery")
def main() -> None:
    """Make a website that shows what every layer of a Keras image model makes of your pictures.

    \b
    Examples:
      activation-gallery build
      activation-gallery build --model cnn.keras --images photos --output site
      activation-gallery inspect cnn.keras
    """


@main.command()
@config_option
@setting_options("build")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be written, how much and how long; write nothing."
)
@click.option(
    "--single",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Write the gallery as one page for mail as well, of at most 10 MB.",
)
@verbose_option
@quiet_option
@progress_option
def build(config, dry_run, single, verbose, quiet, no_progress, **flags) -> None:
    """Build the gallery, all the way to a website.

    \b
    Examples:
      activation-gallery build
      activation-gallery build --layers "*conv*" --layers MaxPooling2D
      activation-gallery build --model cnn.keras --images photos --output /tmp/site
      activation-gallery build --single gallery.html
    """
    if single and (dry_run or flags["site"] is False):
        end("expected --single with a website, received --dry-run or --no-site too: leave one out", 2)
    if dry_run:
        _size_up(config, flags, verbose, quiet, no_progress)
        return
    with errors_in_one_line(verbose), calm(verbose):
        from generator.storage.writing import check_target

        settings = _settings(config, flags)
        if single:
            check_target(single, settings.output, ".html")
        report = _build(settings, quiet, no_progress)
        said = _write_single(settings, single) if single else []
    if not quiet:
        _summarize(report)
        for line in said:
            click.echo(one_line(line))
    _tell_failed(report)
    if report.failed or report.unverified:
        sys.exit(1)


def _settings(config, flags):
    from generator.core.settings_file import CONFIG_NAME, load_settings
    from generator.scaffold import check_model

    settings = load_settings(config, Path.cwd(), flags)
    if settings.project and not flags["model"]:
        check_model(settings.model, config.name if config else CONFIG_NAME)
    return settings


def _write_single(settings, target) -> list[str]:
    from generator.export.single_page import write_single

    written, left_out = write_single(settings.output, target, settings.project)
    return [f"{target.absolute()}: one page of {size(written)}", *left_out]


def _size_up(config, flags, verbose, quiet, no_progress) -> None:
    with errors_in_one_line(verbose), calm(verbose):
        from generator.build import size_up

        settings = _settings(config, flags)
        with show_progress(quiet, no_progress) as report_progress:
            lines = size_up(settings, report_progress)
    for line in lines:
        click.echo(one_line(line))


def _tell_failed(report) -> None:
    for failed in report.failed:
        say(f"{failed.image.name} is not in the gallery: {failed.error}")
    for each in report.unverified:
        say(each)


def _build(settings, quiet, no_progress):
    from generator.build import build

    with show_progress(quiet, no_progress) as report_progress:
        return build(settings, report_progress)


@main.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@verbose_option
def new(folder, verbose) -> None:
    """Begin a project in FOLDER [.]: settings, mkdocs.yml, folders, a workflow for GitHub Pages.

    What is there already stays as it is.
    """
    with errors_in_one_line(verbose):
        from generator.scaffold import WORKFLOW, new_project

        done = new_project(folder)
    for verb, paths in (("wrote", done.written), ("left as it was:", done.kept)):
        for path in paths:
            click.echo(one_line(f"{verb} {path}"))
    for path, text in done.to_add.items():
        click.echo(f"\nadd to your {path}:\n\n{text}")
    if done.below and WORKFLOW in done.written:
        click.echo(one_line(
            f"GitHub reads workflows only at the repository's root: move {WORKFLOW} there, set its "
            f"working-directory to {done.below}, and begin its paths with it"
        ))  # fmt: skip
    needed = "images into test_images/"
    if done.model and not done.found:
        needed = f"a model into models/, name it in gallery.toml (model = …), put {needed}"
    there = "" if resolved(folder) == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    click.echo(one_line(f"next: put {needed}, then: {there}activation-gallery build"))


@main.command()
@config_option
@setting_options("pack")
@click.argument("target", required=False, metavar="[FILE.zip]", type=click.Path(path_type=Path))
@quiet_option
@verbose_option
def pack(config, output, target, quiet, verbose) -> None:
    """Pack the finished website into one zip file, to open after unzipping.

    \b
    Examples:
      activation-gallery pack
      activation-gallery pack --output /tmp/site gallery.zip
    """
    with errors_in_one_line(verbose):
        from generator.core.settings_file import find_website
        from generator.export.zip_file import pack as write

        website, _ = find_website(config, Path.cwd(), output)
        path = write(website, target)
    if not quiet:
        click.echo(one_line(f"{path}: {size(path.stat().st_size)}"))


@main.command()
@config_option
@setting_options("readme")
@click.option(
    "--url", envvar="SITE_URL", default="", help="Where the website is published [SITE_URL, else no links]."
)
@click.argument("readme", default="README.md", metavar="[FILE]", type=click.Path(path_type=Path))
@quiet_option
@verbose_option
def readme(config, output, url, readme, quiet, verbose) -> None:
    """Show the gallery in a README, between the lines <!-- gallery:start --> and <!-- gallery:end -->.

    \b
    Examples:
      activation-gallery readme
      activation-gallery readme docs/README.md --url https://me.github.io/cats/
    """
    with errors_in_one_line(verbose):
        from generator.core.settings_file import find_website
        from generator.export.readme import write_readme

        website, project = find_website(config, Path.cwd(), output)
        done = write_readme(website, readme, url, project)
    if quiet:
        return
    click.echo(
        one_line(
            f"{done.readme}: {count(done.images, 'image')} of {done.of:,}; {count(done.pictures, 'picture')} "
            f"in {done.folder}, {size(done.bytes)}, {done.changed:,} of them written"
        )
    )
    if not url:
        click.echo("nothing is linked: --url or SITE_URL says where the website is published")


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@setting_options("inspect")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@verbose_option
def inspect(model, as_json, verbose, **flags) -> None:
    """List the layers of MODEL: index, name, kind, output shape, channels, parameters, drawn or why not."""
    with errors_in_one_line(verbose), calm(verbose):
        from generator import images
        from generator.build import open_model
        from generator.core import plan
        from generator.core.settings import Settings
        from generator.core.settings_file import given_flags
        from generator.model.extractor import file_kind

        file_kind(model)
        note_progress("model", f"loading {model.name}")
        settings = Settings(model, Path(), **given_flags(flags))
        layers = open_model(settings, images.digest(model)).describe().layers
        found = plan.plan_layers(layers, settings.layers, settings.draw_identity)
    keys = ("index", "name", "kind", "shape", "channels", "parameters", "reason")
    rows = [{key: getattr(layer, key) for key in keys} | {"drawn": layer.reason is None} for layer in found]
    if as_json:
        click.echo(json.dumps(rows, indent=1))  # in ASCII, for the terminal: names may hold its commands
        return
    cells = [
        [
            str(row["index"]),
            one_line(row["name"]),
            one_line(row["kind"]),
            shape_in_words(row["shape"]) if row["shape"] else "–",
            "–" if row["channels"] is None else str(row["channels"]),
            f"{row['parameters']:,}",
            "drawn" if row["drawn"] else f"not drawn: {row['reason']}",
        ]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


@main.command()
@config_option
@setting_options("serve")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, help="Port on localhost [8000].")
@verbose_option
@progress_option
def serve(config, port, verbose, no_progress, **flags) -> None:
    """Build, serve on localhost, and build again when an image, a template or a page changes."""
    with errors_in_one_line(verbose), calm(verbose):
        from generator.inputs import mkdocs_config, source_folder
        from generator.website.serve import serve_website

        settings = _settings(config, flags)
        sources, pictures = source_folder(settings), settings.images
        if resolved(pictures) in (resolved(sources).parent, resolved(settings.output).parent):
            raise SettingsError(
                f"expected images in a folder of their own, received {pictures}, in which a build writes as "
                "well, and would start the next: move them, or choose another --output"
            )
        report = _build(settings, False, no_progress)
        _summarize(report)
        _tell_failed(report)
        watched = [mkdocs_config(settings)]
        if settings.project:
            hand_written = [path for path in sources.iterdir() if path.name not in ("gallery", "index.md")]
            watched += [*hand_written, settings.project / "templates"]

        def rebuild() -> None:
            _tell_failed(_build(_settings(config, flags), True, True))

        def complain(line: str) -> None:
            say(f"activation-gallery: {line}")

        click.echo(f"serving on http://127.0.0.1:{port}/ (Ctrl-C stops)")
        with suppress(KeyboardInterrupt):  # the way to stop it
            serve_website(settings.output, port, rebuild, pictures, watched, complain)


def _summarize(report) -> None:
    if report.unchanged:
        spent = sum(report.seconds.values())
        click.echo(f"nothing changed since the last build ({spent:.1f} s); --force builds again")
    else:
        _count_up(report)
    if report.website is None:
        click.echo(f"Markdown sources in {report.sources}; without --no-site they become a website")
        return
    click.echo(f"{report.website}")
    click.echo(f"open it in a browser: {report.website.as_uri()}")


def _count_up(report) -> None:
    seconds = ", ".join(f"{stage} {spent:.1f}" for stage, spent in report.seconds.items())
    kept = f"; the pictures of {count(report.kept, 'image')} are as they were" if report.kept else ""
    click.echo(
        f"{count(report.images, 'image')}, {count(report.layers, 'layer')}, "
        f"{count(report.pictures, 'picture')}, {count(report.pages, 'page')}, {size(report.bytes)} "
        f"in {sum(report.seconds.values()):.1f} s ({seconds}){kept}"
    )


def run() -> NoReturn:
    """Run the program under supervision: this is what the command `activation-gallery` calls."""
    status, message = supervised(lambda: main(prog_name="activation-gallery"))
    if message:
        say(f"activation-gallery: {message}")
    sys.exit(status)
