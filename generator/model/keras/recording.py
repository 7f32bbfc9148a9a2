"""Run a model once and keep what every layer made of its input.

A layer's symbolic `output` is that of its first call only, and sub-classed models have none. So the layers'
own `call` is replaced on each instance, for one real forward pass, and put back.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import keras

from generator.core.facts import Notice, Shown

_recording = threading.Lock()
_ABSENT = object()


@dataclass(frozen=True)
class Call:
    """One call of a layer: its arguments and its first result, as the backend's own tensors.

    `name` has the path through nested models and the number of the call from the second on. `fused` is set
    where the result is what goes into the layer's own activation. `notice` tells what was left out.
    """

    operation: keras.Operation
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    fused: bool = False
    notice: Notice | None = None

    @property
    def given(self) -> Any:
        """The first tensor that went in."""
        flat = keras.tree.flatten((self.args, self.kwargs))
        return flat[0] if flat else None


@dataclass
class Recording:
    """Collects calls, with `fused` also what goes into fused activations."""

    fused: bool = False
    calls: list[Call] = field(default_factory=list)
    watched: list[tuple[keras.Operation, bool]] = field(default_factory=list)
    _called: set[int] = field(default_factory=set)
    _made: set[int] = field(default_factory=set)
    _path: list[str] = field(default_factory=list)
    _steps: list[int] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)
    _undo: list[tuple[Any, str, Any]] = field(default_factory=list)

    @property
    def idle(self) -> list[keras.Operation]:
        """The layers without layers inside that were never called."""
        return [each for each, inner in self.watched if not inner and id(each) not in self._called]

    def watch(self, operation: keras.Operation) -> None:
        """Replace the calls of an operation and of all inside it, once."""
        if any(each is operation for each, _ in self.watched):
            return
        inner = inner_operations(operation)
        self.watched.append((operation, bool(inner)))
        for name in ("call", "quantized_call"):
            self._replace(operation, name, self._recorded(operation, getattr(operation, name), inner))
        if self.fused and fused_activation(operation):
            self._replace(operation, "activation", self._before(operation, operation.activation))
        for each in inner:
            self.watch(each)

    def restore(self) -> None:
        """Put everything back."""
        for operation, name, value in reversed(self._undo):
            if value is _ABSENT:
                del operation.__dict__[name]
            else:
                operation.__dict__[name] = value

    def _replace(self, operation: keras.Operation, name: str, value: Any) -> None:
        self._undo.append((operation, name, operation.__dict__.get(name, _ABSENT)))
        operation.__dict__[name] = value

    def _recorded(self, operation: keras.Operation, original: Callable, inner: list) -> Callable:
        steps = isinstance(operation, keras.layers.TimeDistributed) and bool(inner)

        def call(*args, **kwargs):
            self._path.append(operation.name)
            name, depth = "/".join(self._path), len(self._path)
            if self._steps and depth == self._steps[-1] + 1:  # a time step: its calls count from one again
                self._counts = {
                    key: count for key, count in self._counts.items() if not f"{key}/".startswith(f"{name}/")
                }
            if steps:
                self._steps.append(depth)
            try:
                result = original(*args, **kwargs)
            finally:
                self._path.pop()
                if steps:
                    self._steps.pop()
            first = first_tensor(result)
            if not (inner and (steps or id(first) in self._made)):  # else what is inside has shown it
                self._add(Call(operation=operation, name=name, args=args, kwargs=kwargs, result=first))
            return result

        return call

    def _before(self, operation: keras.Operation, activation: Callable) -> Callable:
        def call(x, *args, **kwargs):
            name = f"{'/'.join(self._path)} before {function_name(activation)}"
            self._add(Call(operation=operation, name=name, args=(), kwargs={}, result=x, fused=True))
            return activation(x, *args, **kwargs)

        return call

    def _add(self, call: Call) -> None:
        count = self._counts[call.name] = self._counts.get(call.name, 0) + 1
        self.calls.append(replace(call, name=f"{call.name} (call {count})") if count > 1 else call)
        self._called.add(id(call.operation))
        self._made.add(id(call.result))


@contextmanager
def recorded(
    model: keras.Model, fused: bool = False, only: Sequence[keras.Operation] | None = None
) -> Iterator[Recording]:
    """Record the calls of all layers of `model`, or of `only` these, for as long as the context lasts.

    With `fused` also what goes into activations that are part of another layer. What is recorded is kept in
    memory.
    """
    recording = Recording(fused)
    with _recording:
        try:
            for operation in inner_operations(model) if only is None else only:
                recording.watch(operation)
            yield recording
        finally:
            recording.restore()


@contextmanager
def eager_functions() -> Iterator[None]:
    """Let TensorFlow's compiled functions run line by line: from a cached one no layer is called."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def middle_steps(calls: list[Call]) -> list[Call]:
    """Keep of the calls for each time step, which share a name, the middle one."""
    steps: dict[str, list[Call]] = {}
    for call in calls:
        steps.setdefault(call.name, []).append(call)
    kept = []
    for each in steps.values():
        middle = len(each) // 2
        many = len(each) > 1
        notice = Notice(shown=Shown.TIME_STEP, number=middle + 1, total=len(each)) if many else None
        kept.append(replace(each[middle], notice=notice))
    return kept


def inner_operations(operation: keras.Operation) -> list[keras.Operation]:
    """Return what to look at inside: of models and of layers that are not Keras's own, all; else nothing."""
    if isinstance(operation, keras.layers.TimeDistributed):
        return [operation.layer] if inner_operations(operation.layer) else []
    if isinstance(operation, keras.Model):
        inner = getattr(operation, "operations", operation.layers)
    elif isinstance(operation, keras.Layer) and not type(operation).__module__.startswith("keras."):
        inner = operation._flatten_layers(include_self=False, recursive=False)
    else:
        inner = []
    return [each for each in inner if not isinstance(each, keras.layers.InputLayer)]


def fused_activation(operation: keras.Operation) -> str | None:
    """Return the name of the function that a layer applies to its own result, `None` where there is none."""
    function = vars(operation).get("activation")
    if function is None or isinstance(operation, keras.layers.Activation):
        return None
    name = function_name(function)
    return None if name == "linear" else name


def function_name(function: Any) -> str:
    """Return the name of an activation, a function or a layer."""
    return getattr(function, "__name__", None) or getattr(function, "name", type(function).__name__)


def first_tensor(result: Any) -> Any:
    """Return the first tensor of a result, `None` where there is none."""
    flat = keras.tree.flatten(result)
    return flat[0] if flat and hasattr(flat[0], "shape") else None
