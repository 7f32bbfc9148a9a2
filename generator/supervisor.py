"""Run a command in a process of its own, so that its end is told whatever ends it.

Native code may crash, be killed for lack of memory or call `exit`; then nobody is left to print a line. Here
a small parent waits, passes signals on, says what happened, and removes temporary files. Standard library
only, since it starts before anything is imported.
"""

import mmap
import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH")
LONGEST_STEP = 1000  # bytes
GRACE = 10  # seconds to clean up, once the parent has gone
FINISHED = 1
MEMORY_ADVICE = "close other programs, choose fewer layers with --layers, or set a smaller longest_side"

_shared: mmap.mmap | None = None  # in the child: what it is doing, for the parent to read


def note_progress(stage: str, text: str) -> None:
    """Let the parent know what is being done, for the case that this process does not come to its end."""
    if _shared is not None:
        content = f"{stage}\0{text}".encode(errors="replace")[: LONGEST_STEP - 3]
        _shared[2 : len(content) + 3] = content + b"\n"


def supervised(command: Callable[[], object]) -> tuple[int, str]:
    """Run a command in a child process; return its exit status, and one line where nobody else has told.

    That is so where the child ends by a signal, or leaves without having finished. The status is 2 then while
    a model is opened, else 1. The child ends when this process does, and its temporary files go with it.
    """
    shared = mmap.mmap(-1, LONGEST_STEP)  # of both processes
    temporary = _make_temporary()
    alive, ours = os.pipe()  # whose writing end closes when the parent ends, however it does
    child = os.fork()
    if child == 0:
        os.close(ours)
        _run(command, shared, temporary, alive)
    os.close(alive)
    _pass_signals_on(child)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
    if shared[0] == FINISHED:  # what crashes on the way out does not matter any more
        return shared[1], ""
    return _explain(os.waitstatus_to_exitcode(status), bytes(shared[2:]))


def _make_temporary() -> str | None:
    """Return a new folder for temporary files, `None` where none can be made: not every command needs one."""
    try:
        return tempfile.mkdtemp(prefix="activation-gallery-")
    except OSError:
        return None


def _run(command: Callable[[], object], shared: mmap.mmap, temporary: str | None, alive: int) -> NoReturn:
    """Be the child: run the command and leave."""
    global _shared
    _shared = shared
    tempfile.tempdir = temporary or tempfile.tempdir
    os.setpgid(0, 0)  # Ctrl-C reaches the parent alone, which passes it on, once
    threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
    try:
        command()
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 0
    except BaseException:
        traceback.print_exc()  # with --verbose, or a mistake in the command line itself
        status = 1
    shared[1], shared[0] = status, FINISHED
    sys.exit(status)


def _end_with_parent(alive: int) -> None:
    """Wait until the parent has gone, and end this process: by a signal, so that it cleans up, or hard."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE)
    os._exit(1)


def _pass_signals_on(child: int) -> None:
    """Pass signals on to the child, but for those that are ignored, which it ignores as well."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    def stop(_number: int, _frame: FrameType | None) -> None:
        os.kill(child, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)

    for name in PASSED_ON:
        number = getattr(signal, name)
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, pass_on)
    if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
        signal.signal(signal.SIGTSTP, stop)


def _explain(code: int, step: bytes) -> tuple[int, str]:
    """Return the exit status and one line for a child that did not come to its end."""
    stage, _, text = step.partition(b"\n")[0].decode(errors="replace").partition("\0")
    during = f" during {stage!r} ({text})" if stage else ""
    status = 2 if stage == "model" else 1
    if code >= 0:
        received = f"an exit with status {code} from code of the model's"
        advice = "remove that call, or leave its layer out"
    else:
        received = f"{signal.Signals(-code).name} from native code or from the system"
        advice = f"most likely there was too little memory: {MEMORY_ADVICE}"
    return status, f"expected the command to come to its end, received {received}{during}: {advice}"
