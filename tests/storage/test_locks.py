"""Several writers at once: the second one waits its turn, also where the file system knows no locks."""

import errno
import fcntl
import os
import subprocess
import sys
import threading

import pytest
from conftest import ROOT
from fakes import fake_models, small_project

from generator.build import build
from generator.core.errors import BusyError, OutputError
from generator.storage import writing

NONE = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL, errno.EBADF, errno.EIO)
HOLD = """
import fcntl, sys, time
from pathlib import Path
from generator.storage import writing
def refuse(*_): raise OSError(int(sys.argv[2]), "no")
if int(sys.argv[2]): fcntl.flock = refuse
with writing.locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)
"""


def refusing(number: int):
    def lock(*_):
        raise OSError(number, os.strerror(number))

    return lock


@pytest.fixture
def holder(tmp_path):
    """Hold a lock on `site` in another process, by POSIX record locks where an error of `flock` is given."""
    started = []

    def hold(number: int) -> subprocess.Popen:
        command = [sys.executable, "-c", HOLD, tmp_path / "site", str(number)]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        assert started[0].stdout.readline() == "held\n"
        return started[0]

    yield hold
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("number", NONE)
def test_where_flock_is_not_known_record_locks_do(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    with writing.locked(tmp_path / "site") as unlocked:
        assert unlocked == ()
    with writing.locked(tmp_path / "site"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_record_locks_keep_another_process_away(tmp_path, monkeypatch, holder):
    process = holder(errno.ENOLCK)
    monkeypatch.setattr(fcntl, "flock", refusing(errno.ENOLCK))
    with (
        pytest.raises(BusyError, match="at a time, received a second: wait"),
        writing.locked(tmp_path / "site"),
    ):
        pass
    process.kill()
    process.wait()
    with writing.locked(tmp_path / "site") as unlocked:
        assert unlocked == ()


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EACCES])
def test_these_errors_mean_another(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    monkeypatch.setattr(fcntl, "lockf", lambda *_: pytest.fail("asked twice"))
    with pytest.raises(BusyError, match="at a time"), writing.locked(tmp_path / "site"):
        pass


@pytest.mark.parametrize("number", NONE)
def test_where_there_are_no_locks_at_all_a_build_goes_on_and_says_so(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    monkeypatch.setattr(fcntl, "lockf", refusing(number))
    with writing.locked(tmp_path / "a", tmp_path / "b") as unlocked:
        assert unlocked == (tmp_path / "a", tmp_path / "b")
    writing.write_whole(tmp_path / "x.txt", b"x")
    assert {path.name for path in tmp_path.iterdir()} == {"x.txt"}
    if number != errno.ENOLCK:
        return
    told = []
    build(small_project(tmp_path), told.append, fake_models())
    said = [step.text for step in told if "nothing keeps a second build away" in step.text]
    assert len(said) == 2 and str(tmp_path / "site_src") in said[0] and str(tmp_path / "site") in said[1]


def test_two_writers_at_once_never_mix(tmp_path):
    target, contents = tmp_path / "x.bin", [bytes([n]) * 3_000_000 for n in range(8)]
    ends = []

    def write(content: bytes) -> None:
        try:
            writing.write_whole(target, content)
            ends.append("done")
        except BusyError as error:
            ends.append(str(error))

    for _ in range(20):
        threads = [threading.Thread(target=write, args=(content,)) for content in contents]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert target.read_bytes() in contents
    assert len(ends) == 160 and ends.count("done") >= 20
    assert {each for each in ends if each != "done"} <= {
        f"expected one writer of {target} at a time, received a second: wait for the other"
    }
    assert [path.name for path in tmp_path.iterdir()] == ["x.bin"]


def test_names_that_are_long_and_end_alike_have_temporary_files_of_their_own(tmp_path):
    first, second = (tmp_path / f"{letter}{'x' * 80}.json" for letter in "ab")
    with writing.replaced(first) as one, writing.replaced(second) as two:
        one.write(b"1")
        two.write(b"2")
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")


def test_a_writer_that_is_killed_leaves_one_file_which_the_next_takes_away(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from generator.storage import writing\n"
        "with writing.replaced(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), 9)"
    )
    target = tmp_path / "x.zip"
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code, target], cwd=ROOT, check=False)
        assert [path.name for path in tmp_path.iterdir()] == [".x.zip.new"]
    writing.write_whole(target, b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"] and target.read_bytes() == b"whole"


@pytest.mark.parametrize("kind", ["link", "pipe", "hard link", "unwritable", "link to nothing"])
def test_what_lies_where_a_file_is_written_first_goes_and_nothing_else(tmp_path, kind):
    victim, fresh = tmp_path / "victim", tmp_path / ".x.txt.new"
    victim.write_text("mine")
    match kind:
        case "link":
            fresh.symlink_to(victim)
        case "link to nothing":
            fresh.symlink_to(tmp_path / "nothing")
        case "hard link":
            fresh.hardlink_to(victim)
        case "pipe":
            os.mkfifo(fresh)
        case "unwritable":
            fresh.touch(0o400)
    writing.write_whole(tmp_path / "x.txt", b"x")
    assert victim.read_text() == "mine" and (tmp_path / "x.txt").read_bytes() == b"x"
    assert {path.name for path in tmp_path.iterdir()} == {"victim", "x.txt"}


def test_a_folder_in_its_place_is_an_error(tmp_path):
    (tmp_path / ".x.txt.new").mkdir()
    with pytest.raises(OutputError, match=r"expected to write .*x\.txt"):
        writing.write_whole(tmp_path / "x.txt", b"x")


def test_a_new_file_has_the_rights_of_any_new_file(tmp_path):
    writing.write_whole(tmp_path / "x.txt", b"x")
    (tmp_path / "y.txt").touch()
    assert (tmp_path / "x.txt").stat().st_mode == (tmp_path / "y.txt").stat().st_mode
