"""What a user can get wrong, one class each. Every message is one line: expected, received, what to do."""


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


class WebsiteError(GalleryError):
    """MkDocs could not build the pages."""
