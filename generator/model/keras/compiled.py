"""Compile a recorded pass with TensorFlow: where there are many pictures, Python need not walk the layers.

TensorFlow's optimiser of graphs stays off: the same kernels run as in an ordinary pass, to the last bit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras

from generator.model.keras.recording import Call, middle_steps, recorded


@dataclass(frozen=True, kw_only=True)
class CompiledPass:
    """A model's pass over inputs of one shape, compiled twice: recorded, and with the model left alone.

    `calls` hold the tensors of the trace; `known` are those whose values the recorded function returns.
    """

    calls: list[Call]
    known: list[Any]
    recorded_function: Callable
    plain_function: Callable

    def run(self, fed: Any) -> tuple[list[Call], list[Any]]:
        """Return the calls and the flat outputs for inputs of the shape that was compiled."""
        with _unoptimised():
            values, outputs = self.recorded_function(fed)
        found = {id(tensor): value for tensor, value in zip(self.known, values, strict=True)}

        def fill(structure: Any) -> Any:
            return keras.tree.map_structure(lambda tensor: found.get(id(tensor), tensor), structure)

        filled = [
            replace(call, args=fill(call.args), kwargs=fill(call.kwargs), result=fill(call.result))
            for call in self.calls
        ]
        return filled, outputs

    def plain(self, fed: Any) -> list[Any]:
        """Return the flat outputs of the model left alone."""
        with _unoptimised():
            return self.plain_function(fed)


def compile_pass(model: keras.Model, fused: bool, fed: Any, names: Sequence[str]) -> CompiledPass | None:
    """Compile the pass over inputs like `fed`, `None` where that does not see the calls called `names`.

    That is so where layers decide in Python by a tensor's value, or run inside functions of their own.
    """
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    kept: list[Call] = []
    known: list[Any] = []

    def plain(inputs):
        return keras.tree.flatten(model(inputs, training=False))

    def with_calls(inputs):
        outputs = plain(inputs)
        kept[:] = middle_steps(recording.calls)
        unique = {id(each): each for each in (*keras.tree.flatten(inputs), *(call.result for call in kept))}
        known[:] = [each for each in unique.values() if each is not None]
        if any(each.graph is not tf.compat.v1.get_default_graph() for each in known):
            raise ValueError("a layer runs inside a function of its own")
        return known, outputs

    try:
        with _unoptimised():
            with recorded(model, fused) as recording:
                function = tf.function(with_calls, autograph=False).get_concrete_function(fed)
            alone = tf.function(plain, autograph=False).get_concrete_function(fed)
    except Exception:  # whatever a stranger's layer raises where it meets no values
        return None
    open_sides = any(None in call.result.shape for call in kept if call.result is not None)
    if open_sides or [call.name for call in kept] != list(names):
        return None
    return CompiledPass(calls=kept, known=known, recorded_function=function, plain_function=alone)


@contextmanager
def _unoptimised() -> Iterator[None]:
    import tensorflow as tf

    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False, **before})
