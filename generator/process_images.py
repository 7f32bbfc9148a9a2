"""Keep the images that an earlier build drew, have the others drawn, and write and remember what comes back.

This is the side that writes; what is done for one image, in whatever process, is in `process_image`.
"""

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from generator.core.errors import ImageError
from generator.core.records import (
    FailedImage,
    ImageResult,
    InputImage,
    ProcessedImage,
    Progress,
    ReportProgress,
    Thumbnails,
)
from generator.executors import Executor
from generator.process_image import Context, process_image
from generator.render.cards import GALLERY_COLUMNS
from generator.storage.cache import Cache, fingerprint
from generator.storage.sources import SourceFolder

WRITERS, MOST_WAITING = 2, 4  # threads that write, and packets of files that may wait for them


@dataclass(frozen=True, kw_only=True)
class DrawnImages:
    """What became of all images, in their order; `thumbnails` are those of the first that are shown.

    `kept` is how many images have their pictures from an earlier build.
    """

    results: tuple[ImageResult, ...]
    thumbnails: tuple[Thumbnails, ...]
    kept: int


@dataclass(frozen=True, kw_only=True)
class ImageStore:
    """The files of images, and what is remembered of those that hold.

    An image's pictures depend on nothing but the image and `key`, which is the fingerprint of all else that
    they are made from; so those of an earlier build are kept where both are the same.
    """

    sources: SourceFolder
    cache: Cache
    key: str

    def recall(self, image: InputImage) -> ProcessedImage | None:
        """Return what an earlier build made of an image, if all of it is still there."""
        found = self.cache.recall(image.slug, self._key(image))
        if found is None or not self.sources.keep(found.files):
            return None
        return replace(found, result=replace(found.result, image=image))

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files of an image by path. Raises `OutputError`."""
        self.sources.write_all(files)

    def remember(self, processed: ProcessedImage) -> None:
        """Remember what was made of an image, all of whose files have been written."""
        image = processed.result.image
        self.cache.remember(image.slug, self._key(image), processed)

    def _key(self, image: InputImage) -> str:
        return fingerprint(self.key, image.name, image.slug, image.digest)


def process_images(
    context: Context, store: ImageStore, executor: Executor, report_progress: ReportProgress
) -> DrawnImages:
    """Draw the images of the plan, but for those that are kept.

    Raises `ImageError` when none of them can be read.
    """
    images = context.plan.images
    kept = {}
    with ThreadPoolExecutor(WRITERS) as threads:
        collector = _Collector(context, _BackgroundWriter(store, threads), report_progress)
        for image in images:
            if found := store.recall(image):
                kept[image.slug] = found
                collector.add(image, found)
        executor.run(process_image, context, [each for each in images if each.slug not in kept], collector)
    results = collector.results
    if all(isinstance(result, FailedImage) for result in results):
        names = "; ".join(f"{each.image.name}: {each.error}" for each in results[:3])
        raise ImageError(f"expected at least one readable image, received none ({names})")
    return DrawnImages(results=results, thumbnails=collector.thumbnails, kept=len(kept))


class _BackgroundWriter:
    """Writes with threads of its own, since half of writing many small files is waiting for the system.

    At most `MOST_WAITING` packets of files wait.
    """

    def __init__(self, store: ImageStore, threads: ThreadPoolExecutor):
        self._store, self._threads = store, threads
        self._waiting: deque[Future] = deque()

    def write(self, files: Mapping[str, bytes]) -> None:
        """Have files written. Raises `OutputError` where earlier ones could not be."""
        self._waiting.append(self._threads.submit(self._store.write, files))
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft().result()

    def remember(self, processed: ProcessedImage) -> None:
        """Wait until all files are written, and remember what was made of an image."""
        while self._waiting:
            self._waiting.popleft().result()
        self._store.remember(processed)


class _Collector:
    """Takes what an executor hands back: has it written, reports progress, and puts results in order."""

    def __init__(self, context: Context, writer: _BackgroundWriter, report_progress: ReportProgress):
        self._plan, self._writer, self._report_progress = context.plan, writer, report_progress
        self._places = {image.slug: place for place, image in enumerate(self._plan.images)}
        self._results: dict[int, ImageResult] = {}
        self._thumbnails: dict[int, Thumbnails] = {}
        self._undrawn: dict[str, set[str]] = {}  # the grids that images at hand do not have yet

    @property
    def results(self) -> tuple[ImageResult, ...]:
        """The results in the order of the images."""
        return tuple(self._results[place] for place in sorted(self._results))

    @property
    def thumbnails(self) -> tuple[Thumbnails, ...]:
        """The thumbnails of the first images that are shown, as many as the gallery's card has room for."""
        return tuple(self._thumbnails[place] for place in sorted(self._thumbnails))

    def begin(self, image: InputImage) -> None:
        """Tell which image is next."""
        self._undrawn[image.slug] = {task.grid for task in self._plan.tasks(image)}
        self._report(image)

    def emit(self, image: InputImage, files: Mapping[str, bytes]) -> None:
        """Have files written, and tell when layers are done: those whose grids are among the files."""
        self._writer.write(files)
        undrawn = self._undrawn[image.slug]
        if drawn := undrawn & files.keys():
            undrawn -= drawn
            self._report(image)

    def finish(self, image: InputImage, result: ProcessedImage | FailedImage) -> None:
        """Remember what became of an image, unless it failed: it may be readable the next time."""
        del self._undrawn[image.slug]
        if isinstance(result, ProcessedImage):
            self._writer.remember(result)
        self.add(image, result)

    def add(self, image: InputImage, result: ProcessedImage | FailedImage) -> None:
        """Put a result into its place; of thumbnails, no more stay than are needed."""
        place = self._places[image.slug]
        if isinstance(result, FailedImage):
            self._results[place] = result
            return
        self._results[place] = result.result
        self._thumbnails[place] = result.thumbnails
        for late in sorted(self._thumbnails)[GALLERY_COLUMNS:]:
            del self._thumbnails[late]

    def _report(self, image: InputImage) -> None:
        each = len(self._plan.drawn)
        under_way = sum(each - len(undrawn) for undrawn in self._undrawn.values())
        total, done = len(self._plan.images) * each, len(self._results) * each + under_way
        self._report_progress(Progress(stage="pictures", done=done, total=total, text=image.name))
