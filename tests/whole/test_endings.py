"""How commands end: in one line with a status, whatever the streams, the signals and the memory."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import ROOT, restore_signals, save_model, save_picture

from generator import terminal
from generator.core.errors import ModelError

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
STOPPED = "activation-gallery: stopped; a website that was there before is still whole"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "generator", *map(str, arguments)]


def shell(line: str, folder: Path, **options) -> subprocess.CompletedProcess:
    """Run a line of the shell, in which `$RUN` is the command line program."""
    variables = ENVIRONMENT | {"RUN": " ".join(command())}
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env=variables, capture_output=True, text=True, timeout=240, **options
    )


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def inputs(small_model, tmp_path) -> Path:
    """A folder with a model and one picture."""
    (tmp_path / "in").mkdir()
    save_picture(tmp_path / "in/a.png")
    (tmp_path / "m.keras").write_bytes(small_model.read_bytes())
    return tmp_path


BUILD = "$RUN build --model m.keras --images in --layers pool --no-progress"


@pytest.mark.parametrize(
    ("number", "status", "stage"),
    [
        (signal.SIGINT, 130, "pictures"),
        (signal.SIGTERM, 143, "model"),
        (signal.SIGTERM, 143, "website"),
        (signal.SIGHUP, 129, "pictures"),
    ],
)
def test_a_signal_ends_in_one_line_and_leaves_no_litter(inputs, number, status, stage):
    (inputs / "temporary").mkdir()
    arguments = BUILD.removeprefix("$RUN ").split()
    with subprocess.Popen(
        command(*arguments), cwd=inputs, env=ENVIRONMENT | {"TMPDIR": str(inputs / "temporary")},
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=restore_signals,
    ) as process:  # fmt: skip
        next(line for line in process.stderr if line.startswith(stage))
        process.send_signal(number)
        out, rest = process.stdout.read(), process.stderr.read()
    assert (process.returncode, rest.splitlines()[-1], out) == (status, STOPPED, "")
    assert "Traceback" not in rest
    assert listing(inputs) <= {"in", "m.keras", "site_src", "temporary"}
    assert listing(inputs / "temporary") == set()


def test_a_signal_that_is_ignored_stays_ignored(inputs):
    done = shell(
        f"trap '' TERM HUP; {BUILD} --no-site & sleep 1; kill -TERM $!; kill -HUP $!; wait $!", inputs
    )
    assert done.returncode == 0, done.stderr


def test_signals_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with terminal.signals_as_errors():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    inside = []
    thread = threading.Thread(target=lambda: inside.append(terminal.signals_as_errors().__enter__()))
    thread.start()
    thread.join()
    assert inside == [None]  # signals cannot be set there, and nothing is raised


@pytest.mark.parametrize("closing", ["2>&-", ">&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_streams_change_nothing(inputs, closing):
    done = shell(f"{BUILD} --no-site {closing}", inputs)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert (inputs / "site_src/gallery/manifest.json").is_file()
    wrong = shell(f"$RUN inspect none.keras {closing}", inputs)
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr


FULL = ("build --quiet --model m.keras --images in --dry-run", "inspect m.keras --json", "--help")


@pytest.mark.parametrize("ending", FULL)
def test_a_full_standard_output_is_one_line_and_status_1(inputs, ending):
    done = shell(f"$RUN {ending} > /dev/full", inputs)
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 1, done.stderr
    assert lines[0].startswith(
        "activation-gallery: expected to write to standard output, received: No space left"
    )


def test_a_reader_that_has_gone_is_no_error_of_ours(inputs):
    done = shell("$RUN inspect m.keras | head -n 1", inputs)
    assert len(done.stdout.splitlines()) == 1 and done.stderr == ""


def test_names_that_are_no_text_are_printed_escaped(inputs):
    name = os.fsdecode(b"caf\xe9-\xff")
    (inputs / name).mkdir()
    done = subprocess.run(
        command(*BUILD.removeprefix("$RUN ").split(), "--output", f"{name}/site", "--no-site"), cwd=inputs,
        env=ENVIRONMENT | {"PYTHONIOENCODING": "ascii:strict"}, capture_output=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"caf?-?/site_src" in done.stdout
    inspect = subprocess.run(
        command("inspect", "m.keras"), cwd=inputs, capture_output=True, timeout=240,
        env=ENVIRONMENT | {"PYTHONIOENCODING": "latin-1:strict"},
    )  # fmt: skip
    assert inspect.returncode == 0 and rb"\u2013" in inspect.stdout, inspect.stderr


LEAVING = """
import sys
import keras
{0}
class Leaving(keras.layers.Layer):
    def build(self, shape):
        {1}
    def call(self, x):
        {2}
        return x
"""
PLACES = {
    "import": ("sys.exit()", "pass", "pass"),
    "build": ("", "sys.exit()", "pass"),
    "call": ("", "pass", "sys.exit(0)"),
}


@pytest.fixture(scope="module")
def leaving(keras, tmp_path_factory) -> bytes:
    """Return a model file with a layer of a class that `sys.exit` is called in later."""
    names: dict = {}
    exec(LEAVING.format("", "pass", "pass"), names)
    layers = [keras.Input((12, 12, 3)), keras.layers.Conv2D(2, 3), names["Leaving"]()]
    return save_model(keras.Sequential(layers), tmp_path_factory.mktemp("leaving") / "m.keras").read_bytes()


@pytest.mark.parametrize("place", PLACES)
def test_sys_exit_in_code_of_the_models_is_an_error(leaving, inputs, place):
    (inputs / "m.keras").write_bytes(leaving)
    (inputs / "mine.py").write_text(LEAVING.format(*PLACES[place]))
    done = shell("$RUN build --quiet --model m.keras --images in --custom-objects mine:Leaving", inputs)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1 and "sys.exit(" in done.stderr
    assert not (inputs / "site").exists()


ENDS = {  # how a layer's code may end the process, where, what is said, and the exit status
    "abort": ("import os; os.abort()", "call", "SIGABRT", 2),
    "segfault": ("import ctypes; ctypes.string_at(0)", "call", "SIGSEGV", 2),
    "killed": ("import os; os.kill(os.getpid(), 9)", "call", "SIGKILL", 2),
    "left": ("import os; os._exit(0)", "call", "an exit with status 0", 2),
    "left with a status": ("import os; os._exit(3)", "build", "an exit with status 3", 2),
    "memory": ("x = x + keras.ops.zeros((1 << 20, 1 << 20))[0, 0]", "call", "expected", 2),
    "numpy's memory": ("import numpy; numpy.ones(1 << 50)", "call", "expected", 2),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("line", ["build --quiet --images in --model", "inspect"])
def test_code_that_ends_the_process_ends_in_one_line(leaving, inputs, name, line):
    code, place, words, status = ENDS[name]
    (inputs / "m.keras").write_bytes(leaving)
    places = {"build": ("", code, "pass"), "call": ("", "pass", code)}
    (inputs / "mine.py").write_text(LEAVING.format(*places[place]))
    (inputs / "temporary").mkdir()
    done = shell(
        f"TMPDIR=temporary $RUN {line} m.keras --custom-objects mine:Leaving", inputs, preexec_fn=os.setsid
    )
    assert done.returncode == status, done.stderr
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr
    assert listing(inputs / "temporary") == set() and not (inputs / "site").exists()


@pytest.mark.parametrize("gigabytes", [0.25, 0.5, 1, 1.6, 2.2])
def test_too_little_memory_is_one_line(inputs, gigabytes):
    done = shell(f"ulimit -v {round(gigabytes * 1e6)}; $RUN inspect m.keras", inputs)
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert len(done.stderr.splitlines()) == 1 and "memory" in done.stderr, done.stderr
        assert "please report it" not in done.stderr


def test_a_command_ends_with_its_parent(inputs):
    with subprocess.Popen(
        command(*BUILD.removeprefix("$RUN ").split(), "--force"), cwd=inputs, env=ENVIRONMENT,
        stderr=subprocess.PIPE, text=True, preexec_fn=restore_signals,
    ) as process:  # fmt: skip
        next(line for line in process.stderr if line.startswith("model"))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        process.stderr.read()  # until nobody has it open any more
    assert len(children) == 1
    assert not Path(f"/proc/{children[0]}").exists() or "Z" in Path(f"/proc/{children[0]}/stat").read_text()


@pytest.mark.parametrize(
    ("error", "words", "status"),
    [
        (MemoryError(), "expected enough memory", 2),
        (OSError(12, "Cannot allocate memory"), "expected enough memory", 2),
        (
            type("ResourceExhaustedError", (Exception,), {})("OOM when allocating"),
            "expected enough memory",
            2,
        ),
        (SystemExit(), "a call of sys.exit()", 2),
        (SystemExit("bye\nbye"), r"a call of sys.exit('bye\nbye')", 2),
        (ModelError("expected x"), "expected x", 2),
        (PermissionError(13, "Permission denied", "/x"), "Permission denied /x", 2),
        (RuntimeError("a\nb"), "unexpected RuntimeError: a b", 1),
    ],
)
def test_every_error_has_its_line_and_status(capsys, error, words, status):
    with pytest.raises(SystemExit) as ended, terminal.errors_in_one_line(False):
        raise error
    lines = capsys.readouterr().err.splitlines()
    assert (ended.value.code, len(lines)) == (status, 1) and words in lines[0]


LOOP_CASES = {
    "model": "$RUN build --model loop --images in",
    "images": "$RUN build --model m.keras --images loop",
    "output": "$RUN build --model m.keras --images in --output loop",
    "output inside": "$RUN build --model m.keras --images in --output loop/site",
    "configuration": "$RUN build --config loop",
    "inspect": "$RUN inspect loop",
    "pack": "$RUN pack --output loop",
    "pack into": "$RUN pack --output site loop.zip",
    "readme": "$RUN readme --output site loop",
    "new": "$RUN new loop",
    "input": "$RUN build --quiet --model m.keras --images in --input input_layer=loop",
}


@pytest.mark.parametrize("name", LOOP_CASES)
def test_links_in_a_circle_end_in_one_line(inputs, name):
    for link in ("loop", "loop.zip"):
        (inputs / link).symlink_to(link)
    before = listing(inputs)
    done = shell(LOOP_CASES[name], inputs)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1 and "unexpected" not in done.stderr
    assert listing(inputs) == before


@pytest.mark.parametrize("key", ["model", "images", "output", "labels", "inputs"])
def test_a_nul_in_a_path_is_a_mistake_in_the_settings(inputs, key):
    texts = {"model": '"m.keras"', "images": '"in"'} | {key: r'"a\u0000b"'}
    if key == "inputs":
        texts[key] = r'{ other = "a\u0000b" }'
    (inputs / "gallery.toml").write_text("".join(f"{name} = {text}\n" for name, text in texts.items()))
    done = shell("$RUN build", inputs)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert f"gallery.toml: {key}: expected a" in done.stderr


@pytest.mark.parametrize("value", ["", "yesterday", "-1", "1e9", "9" * 30, "253402300800", "0x10", "١"])
def test_a_source_date_that_is_none_is_one_line_before_anything_is_done(inputs, value):
    done = subprocess.run(
        ["sh", "-c", BUILD.replace("$RUN", " ".join(command()))], cwd=inputs, capture_output=True, text=True,
        env=ENVIRONMENT | {"SOURCE_DATE_EPOCH": value}, timeout=240,
    )  # fmt: skip
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "expected seconds since 1970 in SOURCE_DATE_EPOCH" in done.stderr
    assert listing(inputs) == {"in", "m.keras"}


def test_a_command_that_needs_no_temporary_files_needs_no_folder_for_them(tmp_path):
    code = (
        "import sys, tempfile; from generator import cli\n"
        "tempfile.mkdtemp = lambda **_: (_ for _ in ()).throw(FileNotFoundError(2, 'No usable folder'))\n"
        "sys.argv = ['activation-gallery', '--version']; cli.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "") and "version" in done.stdout
