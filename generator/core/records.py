"""The records that flow through a build. All are frozen, and none knows of settings or loggers.

They are defined by what they are about, and imported from here. The cache reads back those named here.
"""

from generator.core.image_records import (
    Activations,
    Attribution,
    Check,
    InputImage,
    Prediction,
    PreparedImage,
)
from generator.core.model_records import (
    FAMILIES,
    MOST_BARS,
    Layer,
    LayerInfo,
    ModelInfo,
    ModelInput,
    ReceptiveField,
)
from generator.core.result_records import (
    Animation,
    BuildReport,
    Download,
    DrawnAttribution,
    FailedImage,
    ImageResult,
    LayerResult,
    Picture,
    ProcessedImage,
    Progress,
    RenderResult,
    RenderTask,
    ReportProgress,
    ShownImage,
    Singles,
    Thumbnails,
)
from generator.core.statistics_records import LayerHealth, LayerNumbers, MapStatistics, PartialStatistics

__all__ = [
    "FAMILIES",
    "MOST_BARS",
    "Activations",
    "Animation",
    "Attribution",
    "BuildReport",
    "Check",
    "Download",
    "DrawnAttribution",
    "FailedImage",
    "ImageResult",
    "InputImage",
    "Layer",
    "LayerHealth",
    "LayerInfo",
    "LayerNumbers",
    "LayerResult",
    "MapStatistics",
    "ModelInfo",
    "ModelInput",
    "PartialStatistics",
    "Picture",
    "Prediction",
    "PreparedImage",
    "ProcessedImage",
    "Progress",
    "ReceptiveField",
    "RenderResult",
    "RenderTask",
    "ReportProgress",
    "ShownImage",
    "Singles",
    "Thumbnails",
]
