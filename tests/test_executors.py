"""Whatever runs a function over items: the same results, and few files at once, in the caller's thread."""

import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.core.errors import ImageError, WorkerError
from generator.executors import Processes, ThisThread, Threads

EXECUTORS = [ThisThread(), Threads(threads=3), Processes(processes=2)]


@dataclass(frozen=True)
class Named:
    """An item."""

    name: str


class Recorder:
    """Remembers what it is told, and in which thread."""

    def __init__(self):
        self.begun, self.files, self.results, self.threads = [], {}, {}, set()

    def begin(self, item) -> None:
        self.begun.append(item.name)
        self.threads.add(threading.get_ident())

    def emit(self, item, files) -> None:
        self.files.setdefault(item.name, {}).update(files)
        self.threads.add(threading.get_ident())

    def finish(self, item, result) -> None:
        self.results[item.name] = result
        self.threads.add(threading.get_ident())


def square(context, number):
    return (context + number) ** 2


def spell(context, item, emit, pool):
    """Emit a file a letter, and return the squares of the letters' places."""
    for place, letter in enumerate(item.name):
        emit({f"{item.name}/{place}": letter.encode()})
    return list(pool.map(square, [context] * 3, range(3))), pool.submit(square, context, 9).result()


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda each: type(each).__name__)
def test_every_executor_gives_the_same(executor):
    heard = Recorder()
    executor.run(spell, 1, [Named("one"), Named("two"), Named("three")], heard)
    assert heard.begun == ["one", "two", "three"]
    assert heard.results == dict.fromkeys(heard.begun, ([1, 4, 9], 100))
    assert heard.files["two"] == {"two/0": b"t", "two/1": b"w", "two/2": b"o"}
    assert heard.threads == {threading.get_ident()}
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda each: type(each).__name__)
def test_without_items_nothing_is_done(executor):
    heard = Recorder()
    executor.run(spell, 1, [], heard)
    assert (heard.begun, heard.results) == ([], {})


def refuse(_context, item, emit, _pool):
    emit({item.name: b""})
    raise ImageError(f"expected a better {item.name}")


class OddError(Exception):
    """Cannot be pickled."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def refuse_oddly(_context, _item, _emit, _pool):
    raise OddError("this", "that")


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda each: type(each).__name__)
def test_what_the_function_raises_arrives(executor):
    with pytest.raises(ImageError, match="a better one"):
        executor.run(refuse, None, [Named("one")], Recorder())
    with pytest.raises(Exception, match="this and that"):
        executor.run(refuse_oddly, None, [Named("one")], Recorder())
    assert not multiprocessing.active_children()


def test_where_an_error_came_from_is_known_in_the_first_process():
    with pytest.raises(ImageError) as caught:
        Processes(processes=1).run(refuse, None, [Named("one")], Recorder())
    assert any("in refuse" in note for note in caught.value.__notes__)


def die(_context, item, emit, _pool):
    emit({item.name: bytes(1_000_000)})
    if item.name == "two":
        os.kill(os.getpid(), signal.SIGKILL)


def test_the_death_of_a_process_is_an_error_that_names_the_item():
    with pytest.raises(WorkerError, match="expected two to be finished, received the end of the process"):
        Processes(processes=2).run(die, None, [Named("one"), Named("two"), Named("three")], Recorder())
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("told", ["begin", "emit", "finish"])
@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda each: type(each).__name__)
def test_who_listens_may_stop_everything(executor, told, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, told, stop)
    with pytest.raises(KeyboardInterrupt):
        executor.run(spell, 1, [Named("one"), Named("two")], Recorder())
    assert not multiprocessing.active_children()


def pour(counter: Path, _item, emit, _pool):
    """Emit a megabyte at a time, and keep account of it in a file."""
    for number in range(20):
        counter.write_text(str(number))
        emit({str(number): bytes(1_000_000)})


class Slow(Recorder):
    """Looks how far ahead the other side is with every file."""

    def __init__(self, counter: Path):
        super().__init__()
        self.counter, self.ahead = counter, []

    def emit(self, item, files) -> None:
        threading.Event().wait(0.02)
        self.ahead.append(int(self.counter.read_text() or 0) - int(*files))
        super().emit(item, files)


def test_a_process_waits_until_its_files_are_taken(tmp_path):
    heard = Slow(tmp_path / "counter")
    Processes(processes=1).run(pour, tmp_path / "counter", [Named("one")], heard)
    assert len(heard.files["one"]) == 20
    assert max(heard.ahead) <= 1


def test_threads_wait_until_their_results_are_taken():
    lock, started, ahead = threading.Lock(), [], []

    def start(number: int) -> int:
        with lock:
            started.append(number)
        return number

    def work(_context, _item, emit, pool):
        for taken in pool.map(start, range(100)):
            threading.Event().wait(0.002)
            ahead.append(len(started) - taken)
            emit({})

    Threads(threads=2, ahead=3).run(work, None, [Named("one")], Recorder())
    assert sorted(started) == list(range(100))
    assert 1 < max(ahead) <= 6
