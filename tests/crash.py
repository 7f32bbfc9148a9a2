"""Kill builds at random moments and see that a website is always whole: `crash.py FOLDER KILLS SEED`.

A script of its own, since it forks: the builds start with everything imported, but with no thread running.
"""

import hashlib
import os
import random
import signal
import sys
import time
from pathlib import Path

from fakes import fake_models, make_project

from generator.build import build
from generator.core.settings import Settings
from generator.storage import website_folder

REBUILD_EVERY = 5


def make_gallery(settings: Settings) -> None:
    build(settings, models=fake_models())


def start(settings: Settings) -> int:
    """Build in a process of its own and return its number."""
    process = os.fork()
    if process == 0:
        make_gallery(settings)
        os._exit(0)
    return process


def fingerprint(folder: Path) -> str:
    """Return a digest of all paths and bytes in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Kill one build after the other, checking the website after each, and some of the next builds."""
    folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    moments = random.Random(seed)
    clean = []
    for number in range(2):
        settings = make_project(folder / f"clean{number}", number)
        _, before = make_gallery(settings), time.perf_counter()
        make_gallery(settings)
        seconds = time.perf_counter() - before
        clean.append(fingerprint(settings.output))
    assert len(set(clean)) == 2
    make_gallery(make_project(folder / "killed", 0))
    finished = 0
    for number in range(1, kills + 1):
        settings = make_project(folder / "killed", number % 2)
        process = start(settings)
        time.sleep(moments.uniform(0, 1.3 * seconds))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        finished += not os.WIFSIGNALED(status)
        website_folder.recover(settings.output)
        assert fingerprint(settings.output) in clean, (
            f"after {number} kills the website is neither old nor new"
        )
        if number % REBUILD_EVERY == 0:
            _, status = os.waitpid(start(settings), 0)
            assert status == 0
            assert fingerprint(settings.output) == clean[number % 2], "the next build is not like a clean one"
            hidden = {path.name for path in settings.output.parent.glob(".*")}
            assert not hidden, hidden
    print(f"killed {kills - finished} of {kills} builds of {seconds:.2f} s")


if __name__ == "__main__":
    main()
