"""What all commands share: streams that can be written to, progress, and how a command ends."""

import errno
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

import click

from generator.core.errors import GalleryError, StoppedError, is_lack_of_memory
from generator.core.formatting import one_line
from generator.supervisor import MEMORY_ADVICE, note_progress

if TYPE_CHECKING:
    from generator.core.records import Progress, ReportProgress

STOPPED = "stopped; a website that was there before is still whole"
ENDING_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


@contextmanager
def signals_as_errors() -> Iterator[None]:
    """Raise `StoppedError` in the main thread when the program is asked to end, so that it cleans up.

    A signal that is ignored stays ignored, as under `nohup`. The second one ends the program at once.
    """

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise StoppedError(number)

    before = {}
    try:
        for each in ENDING_SIGNALS:
            if signal.getsignal(each) is signal.SIG_DFL:
                before[each] = signal.signal(each, stop)
    except ValueError:  # signals belong to the main thread, and this is another one
        pass
    try:
        yield
    except StoppedError as error:
        end(STOPPED, 128 + error.number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def safe_streams() -> Iterator[None]:
    """Let printing work whatever the standard streams are.

    What an encoding has no character for is escaped. A closed descriptor is opened on the null device, else
    the next file to be opened would take its number and be written to. Where standard output cannot be
    written, the program ends with exit status 1: in one line, or without one where its reader has gone.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)  # so that Python does not fail again on its way out
        os.close(silence)
        if error.errno == errno.EPIPE:
            sys.exit(1)
        reason = error.strerror or type(error).__name__
        end(f"expected to write to standard output, received: {reason}: check space and rights", 1)


@contextmanager
def errors_in_one_line(verbose: bool) -> Iterator[None]:
    """End with one line: exit status 2 on what the user got wrong, 1 on our own mistakes, 130 on Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        end(STOPPED, 130)
    except (Exception, SystemExit) as error:
        if verbose and not isinstance(error, GalleryError | SystemExit):
            raise
        end(*explain(error))


def explain(error: BaseException) -> tuple[str, int]:
    """Return one line for the user about an error, and the exit status."""
    match error:
        case GalleryError():
            return str(error), 2
        case _ if is_lack_of_memory(error):
            return out_of_memory(), 2
        case OSError():
            return f"{error.strerror or error} {error.filename or ''}: check space and rights", 2
        case SystemExit():
            received = f"a call of sys.exit({'' if error.code is None else repr(error.code)})"
            return f"expected code that lets the command go on, received {received}: remove the call", 2
    name = type(error).__name__
    return f"unexpected {name}: {error}: please report it, with the output of -v", 1


def out_of_memory() -> str:
    """Return what to say where there is not enough memory."""
    return f"expected enough memory for this model and these images, received none any more: {MEMORY_ADVICE}"


def end(message: str, status: int) -> NoReturn:
    """Print a line to standard error and exit."""
    say(f"activation-gallery: {message}")
    sys.exit(status)


def say(text: str) -> None:
    """Print a line to standard error, where that can be written."""
    with suppress(OSError):
        click.echo(one_line(text), err=True)


@contextmanager
def calm(verbose: bool) -> Iterator[None]:
    """Keep the chatter of MkDocs and of what runs models off the terminal, unless it was asked for.

    Some of that writes to file descriptor 2 by itself, so that is turned away; `sys.stderr` keeps working.
    """
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", force=True)
        yield
        return
    from generator.model.extractor import calming_variables, chatty_loggers

    for name, value in calming_variables().items():
        os.environ.setdefault(name, value)
    for name in ("mkdocs", *chatty_loggers()):  # their advice is for those who program with them
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("mkdocs").propagate = False
    python_stderr, terminal = sys.stderr, os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        sys.stderr.flush()
        if sys.stderr is sys.__stderr__:
            sys.stderr = os.fdopen(
                os.dup(terminal), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace"
            )
        os.dup2(silence, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(silence)
        if sys.stderr is not python_stderr:
            with suppress(OSError):  # what could not be written is written once more
                sys.stderr.close()
            sys.stderr = python_stderr


@contextmanager
def show_progress(quiet: bool, no_progress: bool):
    """Give a function that shows a build's steps: a bar on a terminal, a line for each image elsewhere."""
    with _shown(quiet, no_progress) as show:

        def report_progress(step: "Progress") -> None:
            note_progress(step.stage, step.text)
            show(step)

        yield report_progress


@contextmanager
def _shown(quiet: bool, no_progress: bool) -> Iterator["ReportProgress"]:
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty() and not no_progress:
        with _bar() as report_progress:
            yield report_progress
    else:
        said = set()

        def report_progress(step) -> None:
            if (step.stage, step.text) not in said:
                said.add((step.stage, step.text))
                say(f"{step.stage}: {step.text}")

        yield report_progress


@contextmanager
def _bar():
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("layers"),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Bar(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        row = bar.add_task("", total=None, rate="")

        def report_progress(step) -> None:
            bar.update(row, description=escape(one_line(f"{step.stage}: {step.text}")))
            if step.total > 1:
                speed = bar.tasks[0].speed or 0
                bar.update(row, completed=step.done, total=step.total, rate=f"{speed:.0f}/s")

        yield report_progress
