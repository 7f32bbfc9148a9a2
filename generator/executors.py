"""Ways to apply a function to many items: in this thread, with threads, or with processes.

The function gets a context that all items share, an item, `emit`, to which it hands files as bytes, and a
pool for parts of its work. It writes nothing. Whatever runs it, files and results arrive in the thread that
called `run`, and only a few of them are under way, so that memory stays bounded.
"""

import multiprocessing
import os
import pickle
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from generator.core.errors import WorkerError

Emit = Callable[[Mapping[str, bytes]], None]
FILES, RESULT, ERROR = range(3)  # what a worker sends
PATIENCE = 5  # seconds in which a process that is to end does so by itself


class Item(Protocol):
    """What a function is applied to."""

    name: str


class Pool(Protocol):
    """Does parts of the work on one item."""

    def map(self, function: Callable, *arguments: Iterable) -> Iterator:
        """Yield the results in order; only a few are there before they are asked for."""

    def submit(self, function: Callable, *arguments: Any) -> Future:
        """Have a function called; the future has its result, or the error that it raised."""


class Listener(Protocol):
    """Is told what happens, by the thread that called `run`."""

    def begin(self, item: Item) -> None:
        """Take note that work on an item begins."""

    def emit(self, item: Item, files: Mapping[str, bytes]) -> None:
        """Take files of an item, by path."""

    def finish(self, item: Item, result: Any) -> None:
        """Take the result for an item, all of whose files have been given."""


Work = Callable[[Any, Any, Emit, Pool], Any]  # a context, an item, `emit` and a pool give a result


class Executor(Protocol):
    """Applies a function to items."""

    def run(self, work: Work, context: Any, items: Sequence[Item], listener: Listener) -> None:
        """Apply `work` to each of the items and tell the listener, in whatever order they are done.

        Raises what `work` raises, and `WorkerError` where a process ended too soon.
        """


class ThisThread:
    """A pool, and an executor, that does everything itself, one after the other."""

    def map(self, function: Callable, *arguments: Iterable) -> Iterator:
        """Yield the results in order, each computed when it is asked for."""
        return map(function, *arguments)

    def submit(self, function: Callable, *arguments: Any) -> Future:
        """Call a function at once."""
        future: Future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def run(self, work: Work, context: Any, items: Sequence[Item], listener: Listener) -> None:
        """Apply `work` to one item after the other."""
        _run_here(work, context, items, listener, self)


class _BoundedThreads:
    """A pool of threads, of whose results only a few wait for being asked for."""

    def __init__(self, threads: ThreadPoolExecutor, ahead: int):
        self._threads, self._ahead = threads, ahead

    def map(self, function: Callable, *arguments: Iterable) -> Iterator:
        """Yield the results in order."""
        waiting: deque[Future] = deque()
        for each in zip(*arguments, strict=True):
            waiting.append(self._threads.submit(function, *each))
            if len(waiting) >= self._ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def submit(self, function: Callable, *arguments: Any) -> Future:
        """Have a function called by a thread."""
        return self._threads.submit(function, *arguments)


@dataclass(frozen=True, kw_only=True)
class Threads:
    """Takes one item after the other, with a pool of so many threads: by default one for each core."""

    threads: int = os.cpu_count() or 1
    ahead: int = 4  # results for each thread that may wait, so that a slow one does not keep the others idle

    def run(self, work: Work, context: Any, items: Sequence[Item], listener: Listener) -> None:
        """Apply `work` to one item after the other."""
        with ThreadPoolExecutor(self.threads) as threads:
            _run_here(work, context, items, listener, _BoundedThreads(threads, self.ahead * self.threads))


def _run_here(work: Work, context: Any, items: Sequence[Item], listener: Listener, pool: Pool) -> None:
    for item in items:
        listener.begin(item)

        def emit(files: Mapping[str, bytes], item: Item = item) -> None:
            listener.emit(item, files)

        listener.finish(item, work(context, item, emit, pool))


@dataclass(frozen=True, kw_only=True)
class Processes:
    """Keeps so many processes of this machine busy, each with one item at a time.

    What `run` is given is pickled, once for each process. A process starts anew, with nothing of this one's
    memory, and lives until all items are done, so that what it opens it opens once. What it sends waits in
    its pipe until it is asked for.
    """

    processes: int

    def run(self, work: Work, context: Any, items: Sequence[Item], listener: Listener) -> None:
        """Apply `work` to the items, each in the first process that is free."""
        waiting = deque(items)
        with _workers(min(self.processes, len(items)), work, context) as idle:
            busy: dict[Connection, Item] = {}
            while idle or busy:
                while idle and waiting:
                    connection, item = idle.pop(), waiting.popleft()
                    busy[connection] = item
                    with suppress(BrokenPipeError):  # reading from it tells
                        connection.send(item)
                    listener.begin(item)
                if not busy:
                    return
                for connection in wait(list(busy)):
                    kind, content = _receive(connection, busy[connection])
                    if kind == FILES:
                        listener.emit(busy[connection], content)
                        continue
                    if kind == ERROR:
                        raise content
                    listener.finish(busy.pop(connection), content)
                    idle.append(connection)


@contextmanager
def _workers(count: int, work: Work, context: Any) -> Iterator[list[Connection]]:
    """Lend the connections to new processes, which end with the context."""
    spawning, connections, processes = multiprocessing.get_context("spawn"), [], []
    try:
        for _ in range(count):
            here, there = spawning.Pipe()
            connections.append(here)
            process = spawning.Process(target=_serve, args=(there, work, context), daemon=True)
            process.start()
            there.close()  # so that the end of the process is the end of the connection
            processes.append(process)
        yield list(connections)
    except BaseException:
        for process in processes:
            process.terminate()  # it may be at something that takes long
        raise
    finally:
        for connection in connections:
            connection.close()
        for process in processes:
            process.join(PATIENCE)
            process.kill()
            process.join()


def _receive(connection: Connection, item: Item) -> tuple[int, Any]:
    try:
        return connection.recv()
    except (EOFError, OSError):  # at the end of a message, or within one
        raise WorkerError(
            f"expected {item.name} to be finished, received the end of the process that had it: "
            "build again, with more memory or fewer processes"
        ) from None


def _serve(connection: Connection, work: Work, context: Any) -> None:
    """Apply `work` to the items that come, until none can come any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; who started us ends us
    with suppress(EOFError, ConnectionError):
        while True:
            item = connection.recv()
            try:
                answer = (
                    RESULT,
                    work(context, item, lambda files: connection.send((FILES, files)), ThisThread()),
                )
            except ConnectionError:
                return
            except Exception as error:
                answer = ERROR, _portable(error)
            connection.send(answer)


def _portable(error: Exception) -> Exception:
    """Return an error that can be sent, with what led to it as a note."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception_only(error)).strip())
    return error
