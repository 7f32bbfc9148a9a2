"""Labelled pictures from a folder or a tar archive, for `train.py` and `evaluate.py`."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures of one size.

    `pixels` is uint8 of shape (pictures, size, size, 3); `labels` is int64 of shape (pictures,) and
    indexes `classes`, the alphabetically sorted names of the folders that the pictures lie in.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    pixels: np.ndarray
    labels: np.ndarray

    def take(self, indices: np.ndarray) -> "Pictures":
        """Return the pictures at `indices`, in that order."""
        names = tuple(self.names[index] for index in indices)
        return Pictures(names, self.classes, self.pixels[indices], self.labels[indices])

    def resized(self, size: int) -> np.ndarray:
        """Return the pixels as uint8 of shape (pictures, size, size, 3)."""
        if self.pixels.shape[1] == size:
            return self.pixels
        images = (Image.fromarray(pixels) for pixels in self.pixels)
        return np.stack([np.asarray(image.resize((size, size))) for image in images])


def load_pictures(source: Path, size: int) -> Pictures:
    """Decode every picture below `source`, squashed to `size` × `size` pixels.

    The name of a picture's folder is its label. Raises `ValueError` when `source` is neither a folder nor
    a tar archive, or holds no pictures.
    """
    found = sorted(_read(source), key=lambda item: item[0])
    if not found:
        raise ValueError(f"expected pictures in folders named after their class, found none in {source}")
    folders = [PurePosixPath(name).parent.name for name, _ in found]
    classes = tuple(sorted(set(folders)))
    pixels = np.empty((len(found), size, size, 3), np.uint8)
    for index, (_, encoded) in enumerate(found):
        image = Image.open(io.BytesIO(encoded)).convert("RGB")
        pixels[index] = np.asarray(image.resize((size, size)) if image.size != (size, size) else image)
    labels = np.array([classes.index(folder) for folder in folders])
    return Pictures(tuple(name for name, _ in found), classes, pixels, labels)


def _read(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        for path in source.rglob("*"):
            if path.suffix.lower() in ENDINGS:
                yield path.relative_to(source).as_posix(), path.read_bytes()
    elif source.is_file() and tarfile.is_tarfile(source):
        with tarfile.open(source) as archive:
            for member in archive:
                if member.isfile() and PurePosixPath(member.name).suffix.lower() in ENDINGS:
                    yield member.name, archive.extractfile(member).read()
    else:
        raise ValueError(f"expected a folder or a tar archive of pictures, received {source}")
