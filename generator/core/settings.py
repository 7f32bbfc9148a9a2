"""The settings: one table, `SETTINGS`, and the record `Settings` that a build is given.

From the table follow the reader of `gallery.toml` (`settings_file`), the flags of the commands (`options`),
the texts of `gallery.toml` and of the README's tables (`settings_reference`), and what the fingerprints of a
build hold (`values_affecting`). A new setting is a row here and a field of `Settings`.
"""

import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any

from generator.core.setting import Affects, Flag, Setting
from generator.core.setting_values import (
    ARRAYS,
    PIXELS,
    SCALES,
    SINGLES,
    inputs_beside,
    one_of,
    read_arrays,
    read_channels,
    read_count,
    read_families,
    read_inputs,
    read_labels,
    read_path,
    read_size,
    read_switch,
    read_text,
    read_texts,
    split_channels,
    split_input,
)

SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="model",
        default=MISSING,
        affects=Affects.INPUTS,
        text="The trained model: .keras, .h5 or .hdf5.",
        read=read_path,
        flag=Flag(spelling="--model", metavar="PATH", help="Keras model: .keras, .h5, .hdf5.", parse=Path),
    ),
    Setting(
        name="images",
        default=MISSING,
        affects=Affects.INPUTS,
        text="A folder of PNG, JPEG, WebP, BMP, TIFF or GIF pictures. Folders inside it are not read.",
        read=read_path,
        flag=Flag(spelling="--images", metavar="PATH", help="Folder of test images.", parse=Path),
    ),
    Setting(
        name="output",
        default=Path("site"),
        affects=Affects.WEBSITE,
        text="Where the website goes. It must be empty, absent, or an earlier gallery.",
        read=read_path,
        flag=Flag(
            spelling="--output",
            metavar="PATH",
            help="Folder of the website [site].",
            parse=Path,
            commands=("build", "serve", "pack", "readme"),
        ),
    ),
    Setting(
        name="labels",
        default=None,
        affects=Affects.INPUTS,
        text="The names of the classes: a text file with one a line, or a list. Without it "
        "`<model>.labels.txt` is used.",
        read=read_labels,
    ),
    Setting(
        name="layers",
        default=(),
        affects=Affects.PLAN,
        text="Draw only layers whose name or kind matches one of these patterns; none means all: "
        '`["*conv*", "MaxPooling2D"]`.',
        read=read_texts,
        flag=Flag(
            spelling="--layers",
            metavar="PATTERN",
            help="Draw only layers whose name or kind matches; repeatable.",
            collect=tuple,
            commands=("build", "serve", "inspect"),
        ),
    ),
    Setting(
        name="channels",
        default=("convolution", "pooling"),
        affects=Affects.PLAN,
        text="Families of layers whose channels become pictures of their own: "
        + ", ".join(f'`"{family}"`' for family in SINGLES[:-1])
        + f' or `"{SINGLES[-1]}"`.',
        read=read_families,
    ),
    Setting(
        name="draw_identity",
        default=False,
        affects=Affects.PLAN,
        text="Draw layers that do nothing at inference, such as dropout, although they repeat the layer "
        "before.",
        read=read_switch,
    ),
    Setting(
        name="scale",
        default="channel",
        affects=Affects.PICTURES,
        text='How values become colours: `"channel"` (each channel from its minimum to its maximum), '
        '`"layer"` (one scale for all channels of a layer), `"zscore"` (each channel from two '
        "standard deviations below its mean to two above).",
        read=one_of(*SCALES),
    ),
    Setting(
        name="colours",
        default="viridis",
        affects=Affects.PICTURES,
        text="Any colour map of matplotlib.",
        read=read_text,
    ),
    Setting(
        name="pixels",
        default="auto",
        affects=Affects.PICTURES,
        text='What the model expects of pixel values: `"0..1"`, `"0..255"`, `"-1..1"`, `"caffe"` or '
        '`"torch"` (the conventions of keras.applications), or `"auto"`: 0..1, unless the model '
        "begins with its own Rescaling or Normalization.",
        read=one_of(*PIXELS),
    ),
    Setting(
        name="gif_channels_per_layer",
        default=32,
        affects=Affects.PLAN,
        text="At most this many channels of a layer in an animation over channels.",
        read=read_count,
    ),
    Setting(
        name="gif_channels",
        default=480,
        affects=Affects.PLAN,
        text="At most this many channels, of all layers together, in an animation over channels.",
        read=read_count,
    ),
    Setting(
        name="inputs",
        default={},
        affects=Affects.INPUTS | Affects.MODEL | Affects.PICTURES,
        text="What a model's other inputs get: a folder of pictures or a number, by the input's name: "
        "`{ size = 0.5 }`. Without it they get zeros.",
        read=read_inputs,
        beside=inputs_beside,
        flag=Flag(
            spelling="--input",
            metavar="NAME=VALUE",
            help="What another input gets: a folder of pictures or a number; repeatable.",
            parse=split_input,
            advice=": name an input and what it gets",
            collect=dict,
        ),
    ),
    Setting(
        name="input_channels",
        default=(),
        affects=Affects.PICTURES,
        text='What fills each channel of the model\'s input: `"R"`, `"G"`, `"B"`, `"L"` (grey) or a '
        'number from 0 to 255. Needed for models that take neither one nor three channels: `["R", '
        '"G", "B", "0"]`.',
        read=read_channels,
        flag=Flag(
            spelling="--channels",
            metavar="LIST",
            help="What fills the input's channels: R, G, B, L (grey) or numbers, as in R,G,B,0.",
            parse=split_channels,
            advice=": separate them by commas",
        ),
    ),
    Setting(
        name="longest_side",
        default=512,
        affects=Affects.PICTURES,
        text="The longest side, in pixels, of pictures for models that take any size.",
        read=read_count,
    ),
    Setting(
        name="pre_activation",
        default=False,
        affects=Affects.MODEL,  # which tells of more layers, and so the plan has more
        text="Draw what goes into an activation that is part of another layer as well.",
        read=read_switch,
        flag=Flag(spelling="--pre-activation", bare=True, help="Draw what goes into fused activations too."),
    ),
    Setting(
        name="verify",
        default=False,
        affects=Affects.PICTURES,  # what the check found is kept with them
        text="Compute every drawn layer again from its recorded input and compare.",
        read=read_switch,
        flag=Flag(spelling="--verify", bare=True, help="Compute every drawn layer again and compare."),
    ),
    Setting(
        name="arrays",
        default="none",
        affects=Affects.PICTURES,
        text='Write each image\'s activations as a compressed .npz file beside its page: `"float32"` (or '
        '`true`), `"float16"` (half the size, three digits, infinite above 65504) or `"none"` (or '
        "`false`).",
        read=read_arrays,
        flag=Flag(
            spelling="--arrays",
            metavar="TYPE",
            bare="float32",
            choices=ARRAYS,
            help="Write each image's activations as .npz [float32].",
        ),
    ),
    Setting(
        name="explain",
        default=True,
        affects=Affects.PICTURES,
        text="Show what each prediction rests on: Grad-CAM maps of all convolutions, and what the score "
        "loses without each channel of the last one.",
        read=read_switch,
        flag=Flag(
            spelling="--explain/--no-explain", bare=True, help="Show what each prediction rests on [yes]."
        ),
    ),
    Setting(
        name="fit",
        default=sys.maxsize,
        written="none",
        affects=Affects.PLAN,
        text='Leave out what does not fit into a website of this size, such as `"200MB"`: first single '
        'channels, evenly spaced, then layers. The pages say what was left out. `"none"` draws '
        "everything.",
        read=read_size,
        flag=Flag(
            spelling="--fit",
            metavar="SIZE",
            help="Leave out what does not fit, such as 200MB: first single channels, then layers.",
            parse=read_size,
        ),
    ),
    Setting(
        name="allow_unsafe",
        default=False,
        affects=Affects.MODEL | Affects.PICTURES,
        text="Run code in the model file (Lambda layers). Only a flag, never read from a settings file.",
        flag=Flag(
            spelling="--allow-unsafe",
            bare=True,
            help="Run code in the model file (Lambda layers).",
            commands=("build", "serve", "inspect"),
        ),
    ),
    Setting(
        name="custom_objects",
        default=(),
        affects=Affects.MODEL | Affects.PICTURES,
        text="Import a class or function that the model needs from your own code; repeatable. Only a "
        "flag, never read from a settings file.",
        flag=Flag(
            spelling="--custom-objects",
            metavar="MODULE:NAME",
            help="Import what the model needs, from your own code; repeatable.",
            collect=tuple,
            commands=("build", "serve", "inspect"),
        ),
    ),
    Setting(
        name="project",
        default=None,
        affects=Affects.INPUTS,
        text="The folder of the settings file.",
    ),
    Setting(
        name="site",
        default=True,
        affects=Affects.WEBSITE,
        text="Stop after the Markdown sources and make no website of them.",
        flag=Flag(
            spelling="--no-site", bare=False, help="Stop after the Markdown sources.", commands=("build",)
        ),
    ),
    Setting(
        name="force",
        default=False,
        affects=Affects.NOTHING,
        text="Draw everything again, also what did not change since the last build.",
        flag=Flag(
            spelling="--force",
            bare=True,
            help="Draw everything again, changed or not.",
            commands=("build",),
        ),
    ),
)


@dataclass(frozen=True)
class Settings:
    """All that decides what a build makes: a field for each row of `SETTINGS`, which says what it means.

    `allow_unsafe` and `custom_objects` let code run, so they are flags only: a settings file may be a
    stranger's. `project` is the folder of `gallery.toml`, `None` where there is none.
    """

    model: Path
    images: Path
    output: Path = Path("site")
    labels: Path | tuple[str, ...] | None = None
    layers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("convolution", "pooling")
    draw_identity: bool = False
    scale: str = "channel"
    colours: str = "viridis"
    pixels: str = "auto"
    gif_channels_per_layer: int = 32
    gif_channels: int = 480
    inputs: Mapping[str, str] = field(default_factory=dict)
    input_channels: tuple[str, ...] = ()
    longest_side: int = 512
    pre_activation: bool = False
    verify: bool = False
    arrays: str = "none"
    explain: bool = True
    fit: int = sys.maxsize  # bytes
    allow_unsafe: bool = False
    custom_objects: tuple[str, ...] = ()
    project: Path | None = None
    site: bool = True
    force: bool = False


def values_affecting(settings: Settings, affected: Affects) -> dict[str, Any]:
    """Return what a fingerprint has to hold: the values of the settings that affect `affected`, by name."""
    names = [setting.name for setting in SETTINGS if setting.affects & affected]
    return {name: getattr(settings, name) for name in names}


def default_labels(model: Path) -> Path:
    """Return where the class names of a model lie unless the settings say something else."""
    return model.with_suffix(".labels.txt")
