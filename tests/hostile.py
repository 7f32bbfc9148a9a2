"""What `test_hostile` throws at the program: sample files, ways to damage them, names that mean something.

Run as a script, `python tests/hostile.py FOLDER`, it writes small model files into FOLDER and then opens
every file whose path it reads from its standard input: a crash, a hang or a flood of memory ends only that.
"""

import copy
import functools
import io
import json
import os
import random
import re
import resource
import signal
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from hypothesis import strategies as st
from PIL import Image

from generator.core.formatting import one_line

MEMORY = 3 << 30  # bytes that opening a small model file may take beyond what Keras itself takes
NUMBERS = (0, -1, 1, 2**15, 2**16 + 1, 10**6, 2**31 - 1, 2**31, 2**63, 10**30, 1e300, -0.5)
TEXTS = (
    "", " ", ".", "..", "../../../../etc/passwd", "/etc/passwd", "C:\\nul", "~", "index", "-build", "a" * 245,
    "<script>alert(1)</script>", "</script><script>alert(2)</script>", "\"'><img src=x onerror=alert(3)>",
    "<!-- -->", "]]>", "</div></div><h1>x</h1>", "<div markdown='1'>*x*</div>", "&lt;b&gt; &amp; &#60;",
    "a\nb", "\n---\ntitle: x\n---\n", "\r\n\r\n# heading\n\n* item",
    "`code` **bold** [x](javascript:alert(4))", "![x](x)", "```\nx\n```", "| a | b |\n|---|---|", ": x",
    "- x", "? x", "!!python/object:os.system x",
    "%YAML 1.2", "&anchor *anchor", "'", '"', "null", "true", "0x10",
    "1e3", "2001-01-01", "{{ 7 * 7 }}{% raw %}", "{#", "${x}", "--8<-- 'x'", "[TOC]", "<<x>>",
    "{: onclick=alert(5) }", "\\", "\x00\x1b[31m\x7f", "\u2028\u2029\x85\x0b\x0c", "\u202egnp.exe", "\ufeff",
    "\ud800", "\udcff", "e\u0301 \u00e9", "池の猫", "🐈\u200d⬛🏳️\u200d🌈", "\u0430\u0440\u0440\u04cf\u0435",
    "%2e%2e%2f", "?a=b#c", "nul", "=cmd|' /c x'!A1", "\x02wzxhzdk:0\x03", "\U0010ffff", "A", "a", "a b",
    "a-b", "a_b", "*", "[!a]", "ﷺ" * 20,
)  # fmt: skip


def texts(longest: int = 300) -> st.SearchStrategy[str]:
    """Texts that mean something to one of the languages on the way, alone, combined, or any at all."""
    known = st.sampled_from(TEXTS)
    joined = st.lists(st.one_of(known, st.text(max_size=8)), min_size=1, max_size=3).map("".join)
    return st.one_of(known, joined, st.text(max_size=40)).map(lambda text: text[:longest])


def file_names(endings: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Names of files that Linux takes, of at most 250 bytes, visible, with one of the endings."""

    def fit(text: str, ending: str) -> str:
        known = re.sub("[/\0\ud800-\udc7f\udd00-\udfff]", "", text)  # what is left stands for a byte
        while len(os.fsencode(known)) > 250 - len(ending):
            known = known[:-1]
        return (known.lstrip(".") or "x") + ending

    return st.builds(fit, texts(), st.sampled_from(endings))


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@functools.cache
def sample_pictures() -> dict[str, bytes]:
    """Small files of every format and of many modes, by a name that says which."""
    values = np.random.default_rng(0).integers(0, 256, (9, 14, 4), dtype=np.uint8)
    rgba = Image.fromarray(values)
    rgb, grey = rgba.convert("RGB"), rgba.convert("L")
    wide = Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    real = Image.fromarray(values[..., 0].astype(np.float32) / 255)
    several = {"save_all": True, "append_images": [rgb.rotate(180), rgb.rotate(90)], "duration": 50}
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    colours = rgb.quantize(16)
    found = {
        f"png {image.mode}": _saved(image, "PNG")
        for image in (rgba, rgb, grey, wide, colours, grey.convert("1"))
    }
    found["png bits"] = _saved(colours, "PNG", bits=4, transparency=3)
    found["png animated"] = _saved(rgb, "PNG", **several)
    found["jpeg"] = _saved(rgb, "JPEG", exif=exif)
    found["jpeg progressive"] = _saved(rgb, "JPEG", progressive=True, quality=60)
    found["jpeg grey"], found["jpeg CMYK"] = _saved(grey, "JPEG"), _saved(rgb.convert("CMYK"), "JPEG")
    found["webp"], found["webp alpha"] = _saved(rgb, "WEBP", exif=exif), _saved(rgba, "WEBP", lossless=True)
    found["webp animated"] = _saved(rgb, "WEBP", **several)
    for image in (rgba, rgb, grey, colours, grey.convert("1")):
        found[f"bmp {image.mode}"] = _saved(image, "BMP")
    for image in (
        rgba,
        rgb,
        grey,
        wide,
        real,
        colours,
        rgb.convert("CMYK"),
        rgb.convert("LAB"),
        grey.convert("1"),
    ):
        found[f"tiff {image.mode}"] = _saved(image, "TIFF")
    for method in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        found[f"tiff {method}"] = _saved(rgb, "TIFF", compression=method, exif=exif)
    found["tiff group4"] = _saved(grey.convert("1"), "TIFF", compression="group4")
    found["tiff animated"] = _saved(rgb, "TIFF", save_all=True, append_images=[grey])
    found["gif"], found["gif animated"] = _saved(colours, "GIF", interlace=1), _saved(rgb, "GIF", **several)
    return found


def damages(content: bytes) -> st.SearchStrategy[bytes]:
    """Give `content` with a few changes, all places alike, which is why chance alone chooses them."""
    return st.integers(0, 2**32 - 1).map(lambda seed: _damaged(content, random.Random(seed)))


def _damaged(content: bytes, chance: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at, length = (
            chance.randrange(min(len(found), chance.choice((40, 400, 10**9))) or 1),
            chance.randint(1, 64),
        )
        match chance.choice(
            ("bits", "bits", "number", "number", "bytes", "zeros", "repeat", "remove", "cut")
        ):
            case "bits":
                found[at : at + 1] = bytes(each ^ 1 << chance.randrange(8) for each in found[at : at + 1])
            case "number":
                code = chance.choice(("<I", ">I", "<H", ">H", "B"))
                most = 256 ** struct.calcsize(code) - 1
                value = chance.choice((0, 1, 2, 60_000, most, most - 1, most // 2, most // 2 + 1)) & most
                found[at : at + struct.calcsize(code)] = struct.pack(code, value)
            case "bytes":
                found[at : at + length] = chance.randbytes(chance.randint(1, 64))
            case "zeros":
                found[at : at + length] = bytes(length)
            case "repeat":
                found[at:at] = found[at : at + length] * chance.choice((1, 2, 100))
            case "remove":
                del found[at : at + length]
            case "cut":
                del found[at:]
    return mend_png(bytes(found)) if chance.random() < 0.8 else bytes(found)


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def mend_png(content: bytes) -> bytes:
    """Return a PNG with true checksums, so that what is inside is looked at; other files as they are."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return content
    found, at = content[:8], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        found += chunk(kind, body)
        at += 12 + length
    return found + content[at:]


def png(
    width: int, height: int, depth: int = 8, colour: int = 2, *extra: bytes, rows: bytes | None = None
) -> bytes:
    """Return a PNG with any header at all; `rows` are its decompressed lines, all zero unless given."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    if rows is None:
        rows = bytes(height * (1 + (width * samples * depth + 7) // 8))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    lines = chunk(b"IDAT", zlib.compress(rows, 1))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + lines + chunk(b"IEND", b"")


def many_scans(number: int) -> bytes:
    """Return a progressive JPEG whose last scan comes again and again."""
    content = _saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * number + content[-2:]


def bomb_text(size: int) -> bytes:
    """Return a compressed text for a PNG that unpacks to `size` bytes."""
    return chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(size), 1))


def extreme_pictures() -> dict[str, tuple[Callable[[], bytes], bool | None]]:
    """Files at the edge of what is possible, each from a function, and whether they have to be shown.

    `None` where either will do.
    """
    real = np.array([[np.nan, np.inf, -np.inf, 0.5, 3e38, -1]], np.float32)
    frame = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
    return {
        "1x1.png": (lambda: _saved(Image.new("RGB", (1, 1)), "PNG"), True),
        "1x1.gif": (lambda: _saved(Image.new("L", (1, 1)), "GIF"), True),
        "20000x1.png": (lambda: png(20_000, 1), True),
        "1x20000.png": (lambda: png(1, 20_000), True),
        "20000x1.bmp": (lambda: _saved(Image.new("RGB", (20_000, 1)), "BMP"), True),
        "20000x1.jpg": (lambda: _saved(Image.new("RGB", (20_000, 1)), "JPEG"), True),
        "20000x1.tif": (lambda: _saved(Image.new("F", (20_000, 1)), "TIFF"), True),
        "1000000x1.png": (lambda: png(1_000_000, 1, 1, 0), True),
        "cmyk.jpg": (lambda: _saved(Image.new("CMYK", (5, 4), (9, 99, 0, 3)), "JPEG"), True),
        "cmyk.tif": (lambda: _saved(Image.new("CMYK", (5, 4), (9, 99, 0, 3)), "TIFF"), True),
        "float.tif": (lambda: _saved(Image.fromarray(real), "TIFF"), True),
        "all_nan.tif": (lambda: _saved(Image.fromarray(real[:, :1]), "TIFF"), True),
        "int32.tif": (lambda: _saved(Image.fromarray(np.array([[-(2**31), 9]], np.int32)), "TIFF"), True),
        "sixteen.png": (lambda: png(7, 5, 16, 6), True),
        "animated.webp": (lambda: sample_pictures()["webp animated"], True),
        "many_frames.gif": (lambda: _saved(Image.new("P", (2, 2)), "GIF", save_all=True,
            append_images=[Image.new("P", (2, 2), n % 250) for n in range(300)]), True),
        "no_width.png": (lambda: png(0, 5), False),
        "no_height.png": (lambda: png(5, 0), False),
        "bomb.png": (lambda: png(8001, 8000, 1, 0), False),
        "huge.png": (lambda: png(2**31 - 1, 2**31 - 1, rows=b""), False),
        "beyond.png": (lambda: png(2**32 - 1, 2**32 - 1, rows=b""), False),
        "no_lines.png": (lambda: png(3000, 3000, rows=b""), False),
        "text_bomb.png": (lambda: png(4, 4, 8, 2, bomb_text(80_000_000)), None),
        "many_texts.png": (lambda: png(4, 4, 8, 2, *[bomb_text(1_000_000)] * 100), None),
        "canvas.gif": (lambda: frame + b";", False),
        "canvas_of_nothing.gif": (lambda: frame + b",\0\0\0\0\1\0\1\0\0\2\2\x44\1\0;", False),
        "header.bmp": (
            lambda: b"BM" + struct.pack("<4I2i2H", 0, 0, 54, 40, 2**31 - 1, 1 - 2**31, 1, 24), False),
        "loop.tif": (lambda: b"II*\0" + struct.pack("<IHI", 8, 0, 8), False),
        "grey_of_16_bits.png": (lambda: png(8000, 8000, 16, 0), True),
        "some_scans.jpg": (lambda: many_scans(50), True),
        "many_scans.jpg": (lambda: many_scans(200), False),
        "no_end.jpg": (lambda: _saved(Image.new("RGB", (64, 64)), "JPEG")[:-200], None),
    }  # fmt: skip


@st.composite
def edited(draw, value: Any) -> Any:
    """Give a copy of parsed JSON with a few of its nodes replaced, removed or nested."""
    value = {"": copy.deepcopy(value)}
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        holder, key = draw(st.sampled_from(places[1:] or places))
        kind = draw(
            st.sampled_from(("number", "number", "text", "nothing", "remove", "nest", "wrong", "other"))
        )
        if kind == "remove":
            del holder[key]
        elif kind == "nest":
            for _ in range(draw(st.sampled_from((1, 30, 300)))):
                holder[key] = [holder[key]] if draw(st.booleans()) else {"config": holder[key]}
                if len(places) > 300:
                    break
        elif kind == "other":
            other, name = draw(st.sampled_from(places))
            holder[key] = copy.deepcopy(other[name]) if len(places) < 1000 else None
        else:
            wrong = (
                [],
                {},
                [None] * 5,
                {"class_name": 1},
                True,
                [[[]]],
                {"class_name": "__lambda__", "config": {}},
            )
            choices = {"number": NUMBERS, "text": TEXTS, "nothing": (None,), "wrong": wrong}
            holder[key] = draw(st.sampled_from(choices[kind]))
        if not list(_places(value)):
            break
    return value.get("")


def _places(value: Any):
    """Give all containers and keys in parsed JSON."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def parts_of(content: bytes) -> dict[str, bytes]:
    """Return what lies in a .keras file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    """Return a .keras file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def overlapping(content: bytes, name: str, number: int) -> bytes:
    """Return an archive that lists one of its members so many times, under other names, at the same place."""
    end = content.rindex(b"PK\5\6")
    size, start = struct.unpack("<II", content[end + 12 : end + 20])
    directory = content[start : start + size]
    place = directory.index(name.encode()) - 46
    entry = directory[place : place + 46 + len(name)]
    for copy_number in range(number - 1):
        directory += entry[:46] + f"{copy_number:0{len(name)}}".encode()
    entries = struct.unpack("<H", content[end + 10 : end + 12])[0] + number - 1
    record = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, entries, entries, len(directory), start, 0)
    return content[:start] + directory + record


def with_directory_size(content: bytes, size: int) -> bytes:
    """Return an archive whose last record says that its directory is so long, in the words of zip64."""
    end = content.rindex(b"PK\5\6")
    start = int.from_bytes(content[end + 16 : end + 20], "little")
    long = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 3, 3, size, start)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    return content[:end] + long + locator + content[end:]


def with_config(content: bytes, config: Any) -> bytes:
    """Return a model file that tells of another model."""
    text = json.dumps(config)
    if content.startswith(b"PK"):
        return packed(parts_of(content) | {"config.json": text.encode()})
    return changed_hdf5(content, lambda file: file.attrs.__setitem__("model_config", text))


def config_of(content: bytes) -> Any:
    """Return what a model file tells of its model."""
    if content.startswith(b"PK"):
        return json.loads(parts_of(content)["config.json"])
    with h5py.File(io.BytesIO(content)) as file:
        return json.loads(file.attrs["model_config"])


def changed_hdf5(content: bytes, change) -> bytes:
    """Return an HDF5 file after `change` was called with it."""
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue()


@st.composite
def damaged_models(draw, samples: dict[str, bytes]) -> tuple[str, bytes]:
    """Give a way of damage and a model file damaged in that way."""
    content = samples[draw(st.sampled_from(sorted(samples)))]
    kind = draw(st.sampled_from(("bytes", "configuration", "configuration", "weights")))
    if kind == "bytes":
        return kind, draw(damages(content))
    if kind == "configuration":
        return kind, with_config(content, draw(edited(config_of(content))))
    if content.startswith(b"PK"):
        parts = parts_of(content)
        name = draw(st.sampled_from(sorted(parts)))
        return kind, packed(parts | {name: draw(damages(parts[name]))})
    group = "model_weights/conv" if draw(st.booleans()) else "model_weights"
    value = draw(st.sampled_from((*NUMBERS[:8], "x", b"\xff", np.zeros((3, 0)), h5py.Empty("f"))))
    name = draw(st.sampled_from(("layer_names", "weight_names", "backend", "keras_version")))

    def change(file: h5py.File) -> None:
        file.get(group, file).attrs[name] = value

    return kind, changed_hdf5(content, change)


def main(folder: Path) -> None:
    """Write the sample models, and say of every file on standard input what became of it, as JSON a line."""
    out = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), write_through=True)
    sys.stdout = sys.stderr
    warnings.simplefilter("ignore")
    import keras

    from generator.core.errors import GalleryError
    from generator.model.keras.extractor import KerasExtractor

    keras.utils.set_random_seed(1)
    for name in ("functional.keras", "functional.h5", "chain.keras", "old.h5"):
        _sample_model(keras, name).save(folder / name)
    with h5py.File(folder / "old.h5", "r+") as file:
        file.attrs["keras_version"] = "2.15.0"
    for name in ("functional.keras", "old.h5"):  # what is loaded lazily shall not count
        KerasExtractor(folder / name, "").describe()
    before = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (before + MEMORY, before + MEMORY))
    print("ready", file=out)
    for line in sys.stdin:
        try:
            KerasExtractor(Path(json.loads(line)), "").describe()
            answer = "opened", ""
        except GalleryError as error:
            answer = "refused", str(error)
        except BaseException as error:
            answer = "wrong", f"{type(error).__name__}: {error}"
        print(json.dumps(answer), file=out)


def _sample_model(keras, name: str):
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    chain = [
        layers.Conv2D(2, 3, activation="relu", name="conv"),
        layers.BatchNormalization(name="norm"),
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flat"),
        layers.Dense(2, activation="softmax", name="out"),
    ]
    if name.startswith("chain"):
        return keras.Sequential([inputs, *chain], name="chain")
    x = chain[0](inputs)
    x = layers.Add(name="sum")([x, layers.ReLU(name="relu")(x)])
    for layer in chain[1:]:
        x = layer(x)
    return keras.Model(inputs, x, name="functional")


if __name__ == "__main__":
    main(Path(sys.argv[1]))


SECONDS = 20  # that one case may take, on a busy machine


class Hang(BaseException):
    """A case takes too long; no `except Exception` on the way may swallow that."""


@contextmanager
def limited(seconds: int = SECONDS) -> Iterator[None]:
    """Raise `Hang` where what is inside takes too long."""

    def stop(*_: object) -> None:
        raise Hang(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check_line(message: str, *secrets: Path) -> None:
    """Hold that a message is one line for people, which names no folder."""
    assert message == one_line(message) and 10 < len(message) < 1500, message
    assert message.startswith("expected") and "Traceback" not in message, message
    for secret in secrets:
        assert str(secret) not in message, message
