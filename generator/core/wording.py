"""The words for what an extractor tells in members and records (`generator.core.facts`)."""

from generator.core.facts import (
    AttributionNotice,
    ClassScore,
    Fed,
    FedConstant,
    FedImage,
    FedPictures,
    Missing,
    Notice,
    Obstacle,
    ScoreKind,
    Shown,
)

NOTICES = {
    Shown.SEQUENCE: "one picture of the sequence: time from left to right, channels from top to bottom",
    Shown.SLICE: "slice {number} of {total}",
    Shown.TIME_STEP: "time step {number} of {total}",
}
MISSING = {
    Missing.NEVER_CALLED: "never called on the way to the output",
    Missing.NO_LAYER: "an operation, not a layer",
}
SCORES = {
    ScoreKind.LOGIT: "the logit, which is what goes into the last {activation}",
    ScoreKind.PROBABILITY: "the probability itself, since what goes into the {activation} is not known",
}
OBSTACLES = {
    Obstacle.NO_GRADIENTS: "this needs gradients, which a model of this kind does not give",
    Obstacle.BACKEND_WITHOUT_GRADIENTS: (
        "this needs gradients, which are computed with TensorFlow or PyTorch, and Keras runs on {detail}"
    ),
    Obstacle.NO_CONVOLUTION: "no convolution with two-dimensional maps is drawn",
    Obstacle.GRADIENT_FAILED: "the gradient could not be computed: {detail}",
    Obstacle.ABLATION_FAILED: "no channel could be set to zero: {detail}",
}


def say_notice(notice: Notice) -> str:
    """Say what the picture of an output shows, to follow "Shown is"."""
    return NOTICES[notice.shown].format(number=notice.number, total=notice.total)


def say_missing(missing: Missing | str) -> str:
    """Say why there is no output; what a loader has to say of a layer that it left out is said already."""
    return MISSING[missing] if isinstance(missing, Missing) else missing


def say_fed(name: str, fed: Fed) -> str:
    """Say what the input called `name` gets."""
    match fed:
        case FedImage(frames=frames):
            return f"the test image, the same {frames} times" if frames else "the test image"
        case FedConstant(number=number):
            return f"{number} everywhere"
        case FedPictures(folder=folder):
            return f"the picture of the same name in {folder.name}, or the only one there"
    return f"zeros, since nothing was given (--input {name}=…)"


def say_class_score(score: ClassScore) -> str:
    """Say how a class's probability follows from a model's output."""
    return f"{score.activation.value} of the output" if score.of_output else score.activation.value


def say_score(score: ClassScore, kind: ScoreKind) -> str:
    """Say what was differentiated for a class."""
    if score.of_output:
        text = "the logit, which is the model’s output"
    else:
        text = SCORES[kind].format(activation=score.activation.value)
    negated = score.opposite and kind is ScoreKind.LOGIT
    return f"{text}, negated, since the output speaks for the other class" if negated else text


def say_obstacle(notice: AttributionNotice) -> str:
    """Say why an attribution, or part of one, is not there."""
    return OBSTACLES[notice.obstacle].format(detail=notice.detail)
