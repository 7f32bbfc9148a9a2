"""What a model file says about its layers and their calls, in one form, whichever Keras wrote it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

TENSORFLOW_CALLS = ("TFOpLambda", "SlicingOpLambda")  # their first argument may be a list of one


@dataclass
class Part:
    """A layer of the file, and `layer`, what was built of it, or else the `reason` why nothing was.

    `parts` are the layers of a model, or the one that a layer wraps, in the order of the file. `outputs` says
    for each of a model's outputs where it is among those of `layer`, or else which layer it lacks.
    """

    name: str
    kind: str
    config: dict[str, Any]
    calls: list[Any] = field(default_factory=list)
    is_model: bool = False
    is_operation: bool = False
    layer: Any = None
    reason: str = ""
    parts: list["Part"] = field(default_factory=list)
    outputs: list[int | str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing in it."""
        return self.layer is not None and all(each.is_whole for each in self.parts)

    def missing(self, path: str = "") -> Iterator[tuple[str, str, str]]:
        """Give name, class and reason of all that is missing inside, in the order of the file."""
        for each in self.parts:
            if each.layer is None and not each.parts:
                yield path + each.name, each.kind, each.reason
            else:
                yield from each.missing(f"{path}{each.name}/")


@dataclass(frozen=True)
class Ref:
    """An output of a layer's call."""

    layer: str
    call: int
    output: int


@dataclass
class Call:
    """A call of a layer; the arguments have a `Ref` for each tensor."""

    part: Part
    number: int
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def refs(self) -> list[Ref]:
        """The tensors that the call takes."""
        return [each for each in keras.tree.flatten((self.args, self.kwargs)) if isinstance(each, Ref)]


class Graph:
    """The calls inside a model, and the `results` of those made so far.

    A result is the list of a call's outputs, in which the name of a layer stands for an output that is not
    there for lack of it, or that name alone.
    """

    def __init__(self, model: Part):
        names = {each.name for each in model.parts}
        self.entries = decoded(model.config["input_layers"], names)
        self.ends = decoded(model.config["output_layers"], names)
        self.calls = [
            Call(part, number, *_read_call(stored, names, part.kind))
            for part in model.parts
            for number, stored in enumerate(part.calls)
        ]
        # The making of a model may have been its first call, so that the others are counted from one.
        refs = [*keras.tree.flatten(self.ends), *(ref for call in self.calls for ref in call.refs)]
        self.first = {
            each.name: min((ref.call for ref in refs if ref.layer == each.name), default=0)
            for each in model.parts
            if each.is_model
        }
        self.results: dict[tuple[str, int], list[Any] | str] = {}
        for each in model.parts:
            if each.kind == "InputLayer":
                self.results[each.name, 0] = [each.layer.output] if each.layer else each.name
        self.made: list[Any] = []
        self.taken: set[int] = set()

    def tensor(self, ref: Ref) -> Any:
        """Return a tensor, the name of the layer for lack of which it is not there, or `None`: not yet."""
        found = self.results.get((ref.layer, ref.call - self.first.get(ref.layer, 0)))
        return found[ref.output] if isinstance(found, list) else found

    def leaves(self, known: list[Any]) -> list[Any]:
        """Return the tensors that no call takes, but for the `known` ones."""
        taken = self.taken | set(map(id, known))
        return [each for each in self.made if id(each) not in taken]

    def cause(self, part: Part) -> str | None:
        """Return the layer for lack of which a part gives nothing; `None` where it was never to be called."""
        return next((found for (name, _), found in self.results.items() if name == part.name), None)

    def is_called(self, part: Part) -> bool:
        """Whether there is a result of a part."""
        return any(name == part.name and isinstance(found, list) for (name, _), found in self.results.items())


def single(value: Any) -> Any:
    """Return the only one of a list, and everything else as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def decoded(value: Any, names: Collection[str] = (), kwargs: dict[str, Any] | None = None) -> Any:
    """Return a value from a file as Python has it, with a `Ref` for each tensor of the layers called `names`.

    Keras 2 keeps the other arguments of a call beside its first tensors: they are added to `kwargs`.
    """
    if isinstance(value, list):
        is_tensor = len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int)
        if is_tensor and (value[0] in names or value[0] == "_CONSTANT_VALUE"):
            if kwargs is not None and len(value) == 4:
                kwargs |= value[3]
            return Ref(*value[:3]) if value[0] in names else value[2]
        return [decoded(each, names, kwargs) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("class_name"), str) and value["class_name"].startswith("__"):
        return _special(value["class_name"], value.get("config") or value)
    if value.keys() == {"start", "stop", "step"}:
        return slice(value["start"], value["stop"], value["step"])
    return {key: decoded(each, names, kwargs) for key, each in value.items()}


def _special(kind: str, config: dict[str, Any]) -> Any:
    match kind:
        case "__keras_tensor__":
            return Ref(*config["keras_history"])
        case "__ellipsis__":
            return ...
        case "__slice__":
            return slice(*(decoded(config[each]) for each in ("start", "stop", "step")))
        case "__numpy__" | "__tensor__":
            return np.array(config["value"], config["dtype"])
        case "__tuple__":
            return tuple(map(decoded, config["items"]))
    return config


def _read_call(stored: Any, names: Collection[str], kind: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call, each tensor as a `Ref`, from any version's way to write them."""
    if isinstance(stored, dict) and "args" in stored:
        return tuple(decoded(stored["args"])), decoded(stored["kwargs"])
    kwargs: dict[str, Any] = {}
    first = decoded(stored, names, kwargs)
    kwargs = {key: decoded(value, names) for key, value in kwargs.items() if value is not None}
    return (first if kind in TENSORFLOW_CALLS else single(first),), kwargs
