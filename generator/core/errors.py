"""What a user can get wrong, one class each. Every message is one line: expected, received, what to do.

And what ends a command whatever it is at: too little memory, and a signal of the system's.
"""

import errno


class GalleryError(Exception):
    """Base of all errors that end a command with one line and exit status 2."""


class SettingsError(GalleryError):
    """A setting or flag is unknown, of the wrong type or out of range."""


class ModelError(GalleryError):
    """The model file is missing, is no model, or is one that cannot be drawn."""


class ImageError(GalleryError):
    """An image is missing, unreadable or too large."""


class LayerError(GalleryError):
    """The chosen layers do not exist, or none of them can be drawn."""


class OutputError(GalleryError):
    """The output folder is not ours to write, or cannot be written."""


class BusyError(OutputError):
    """Another process is writing the same."""


class ProjectError(GalleryError):
    """A project leads out of itself, or holds what is neither a file nor a folder."""


class WorkerError(GalleryError):
    """A process that did a part of the work ended before it was done."""


class WebsiteError(GalleryError):
    """MkDocs could not build the pages."""


class StoppedError(BaseException):
    """The system asked the program to end. Not an `Exception`, so that nothing on the way up handles it.

    `number` is that of the signal.
    """

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def is_lack_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that it followed from, is for lack of memory.

    TensorFlow's own error is known by its name, that of a library's loader by its words.
    """
    words = ("Cannot allocate memory", "failed to map segment", "std::bad_alloc")
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            return True
        if getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if isinstance(error, OSError | ImportError) and any(each in str(error) for each in words):
            return True
        error = error.__cause__ or error.__context__
    return False


def raise_lack_of_memory(error: Exception) -> None:
    """Raise `MemoryError` where that is what `error` is, so that it is not taken for a fault of the file."""
    if is_lack_of_memory(error):
        raise MemoryError from error
