"""Attribute one prediction: ask the extractor for gradients and scores, and hand them to the analysis."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from generator.analysis.attribution import (
    channel_strengths,
    choose_channels,
    grad_cam,
    order_changes,
    settled,
)
from generator.core.facts import AttributionNotice, ClassScore, Obstacle
from generator.core.formatting import one_line
from generator.core.records import Attribution, LayerInfo
from generator.model.extractor import DifferentiableExtractor, Extractor, GradientPass

logger = logging.getLogger(__name__)


def attribute(
    extractor: Extractor,
    values: np.ndarray,
    others: Mapping[str, np.ndarray],
    layers: Sequence[LayerInfo],
    convolutions: Sequence[LayerInfo],
    score: ClassScore,
) -> Attribution:
    """Explain the score of a class for an image that `extract` took.

    `layers` are all layers of the model in order, `convolutions` those of them that get a Grad-CAM map, each
    (height, width, channels). Whatever a model of a stranger raises here ends in the explanation's notice.
    """
    if not isinstance(extractor, DifferentiableExtractor):
        return _unattributed(Obstacle.NO_GRADIENTS)
    if backend := extractor.lacks_gradients():
        return _unattributed(Obstacle.BACKEND_WITHOUT_GRADIENTS, backend)
    if not convolutions:
        return _unattributed(Obstacle.NO_CONVOLUTION)
    try:
        weighed = {layer.index: settled(layers, layer.index) for layer in convolutions}
        gradients = extractor.gradients(values, others, weighed, score)
        attribution, strengths = _weigh(gradients, convolutions)
    except Exception as error:
        return _unattributed(Obstacle.GRADIENT_FAILED, _name(error))
    if not strengths:
        return attribution
    try:
        return _ablate(gradients, attribution, strengths)
    except Exception as error:
        notice = AttributionNotice(obstacle=Obstacle.ABLATION_FAILED, detail=_name(error))
        return replace(attribution, notice=notice)


def _weigh(
    gradients: GradientPass, convolutions: Sequence[LayerInfo]
) -> tuple[Attribution, dict[int, np.ndarray]]:
    """Return the Grad-CAM maps, and the strengths of the channels that can be set to zero, by layer index."""
    cams, strengths = {}, {}
    for layer in convolutions:
        found = gradients.maps_of(layer.index)
        if found is None:
            continue
        cams[layer.index] = grad_cam(*found)
        if not layer.before_activation:
            strengths[layer.index] = channel_strengths(*found)
    return Attribution(cams=cams, score=gradients.score, kind=gradients.kind), strengths


def _ablate(
    gradients: GradientPass, attribution: Attribution, strengths: Mapping[int, np.ndarray]
) -> Attribution:
    """Add how the score changes without channels of the last of the layers."""
    last = max(strengths)
    channels = choose_channels(strengths[last], not gradients.runs_rest_alone(last))
    scores = gradients.ablate(last, [None, *channels.tolist()])
    channels, changes = order_changes(channels, scores[0], scores[1:])
    return replace(attribution, layer=last, channels=channels, changes=changes, of=len(strengths[last]))


def _unattributed(obstacle: Obstacle, detail: str = "") -> Attribution:
    return Attribution(notice=AttributionNotice(obstacle=obstacle, detail=detail))


def _name(error: Exception) -> str:
    """Return the class of an error for a page, on which a library's own words have no place."""
    logger.info("%s: %s", type(error).__name__, one_line(str(error)))
    return type(error).__name__
