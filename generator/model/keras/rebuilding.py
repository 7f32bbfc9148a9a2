"""Build a model from the configuration in its file, layer by layer, as far as that goes.

Keras builds all or nothing. Here a layer that cannot be built is left out, as is what depends on it, and the
model is the graph that remains.
"""

import base64
import dis
import inspect
import logging
import marshal
import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras.src.saving.serialization_lib import SafeModeScope

from generator.core.errors import raise_lack_of_memory
from generator.core.formatting import one_line
from generator.model.keras import allowed, keras1_and_2, tf_operations
from generator.model.keras.allowed import find_custom
from generator.model.keras.keras1_and_2 import MissingError
from generator.model.keras.stored_graph import Call, Graph, Part, Ref, decoded, single

INNER_LAYERS = ("layer", "backward_layer", "cell")
logger = logging.getLogger(__name__)


class Builder:
    """Builds what is in one file. `old` says that it is from before Keras 3; `repairs` gets what was done."""

    def __init__(self, old: bool, allow_unsafe: bool):
        self.old, self.allow_unsafe = old, allow_unsafe
        self.repairs: dict[str, None] = {}

    def build(self, stored: dict[str, Any]) -> Part:
        """Return a whole model, whose `layer` is `None` where nothing of it can be built."""
        with SafeModeScope(not self.allow_unsafe):
            return self._build(stored)

    def _build(self, stored: dict[str, Any]) -> Part:
        part = self._create(stored, top=True)
        if part.is_model:
            self._build_model(part, None)
        if part.is_model and part.layer and isinstance(part.layer.input, dict):  # it is called on a list
            part.layer = keras.Model(part.layer.inputs, part.layer.outputs, name=part.layer.name)
        return part

    def _create(self, stored: dict[str, Any], top: bool = False) -> Part:
        """Return a part with its layer, unless it is a model, whose graph comes later, or cannot be built."""
        kind, config = stored["class_name"].rpartition(">")[2], stored["config"]
        if isinstance(config, list):
            self.repairs[keras1_and_2.NAMED_LAYERS] = None
            config = {"name": keras1_and_2.name_of(stored), "layers": config}
        part = Part(
            name=keras1_and_2.name_of(stored),
            kind=kind,
            config=config,
            calls=stored.get("inbound_nodes") or [],
        )
        part.is_operation = (stored.get("module") or "").startswith("keras.src.ops.")
        part.is_model = kind in allowed.MODELS or self._is_plain_model(kind, config, top)
        if not part.is_model:
            try:
                part.layer = self._layer(part, stored)
            except Exception as error:
                raise_lack_of_memory(error)
                part.reason = _reason("Keras does not take its configuration", part, error)
        return part

    def _is_plain_model(self, kind: str, config: dict[str, Any], top: bool) -> bool:
        """Whether an object of its author's own class is a graph, or a chain, of layers in the file."""
        if not isinstance(config.get("layers"), list) or hasattr(keras.layers, kind) or kind == "Merge":
            return False
        custom = find_custom(kind)
        chain = custom is None and (top or "build_input_shape" in config)
        if "input_layers" not in config and not chain:
            return False
        if custom is None:
            self.repairs[keras1_and_2.PLAIN_MODEL] = None
        return True

    def _layer(self, part: Part, stored: dict[str, Any]) -> Any:
        kind, config = keras1_and_2.modern_class(part.kind, part.config), dict(part.config)
        config["name"] = part.name.replace("/", "_")
        if config["name"] != part.name:
            self.repairs[keras1_and_2.RENAMED] = None
        if isinstance(config.get("dtype"), dict):  # a policy, whose name says it all
            config["dtype"] = config["dtype"]["config"]["name"]
        if config.get("dtype") == "_infer":
            del config["dtype"]
        if kind == "InputLayer":
            shape = config.get("batch_input_shape") or config.get("batch_shape")
            return keras.layers.InputLayer(
                batch_shape=shape, dtype=config.get("dtype") or "float32", name=config["name"]
            )
        if kind in tf_operations.KINDS:
            return self._stand_in(config)
        cls = self._find_class(kind, stored.get("registered_name"), part.is_operation)
        if cls is None:
            raise MissingError(allowed.needs(part.kind))
        if not issubclass(cls, keras.Layer):
            return cls.from_config(decoded(self._checked(config)))
        if not cls.__module__.startswith("keras."):
            dropped = keras1_and_2.INPUT_ARGUMENTS if self.old else ()
            kept = {key: value for key, value in config.items() if key not in dropped}
            return cls.from_config(self._checked(kept))
        if kind == "Lambda":
            function, arguments = self._function(config["function"]), self._checked(config.get("arguments"))
            return keras.layers.Lambda(function, arguments=arguments, name=config["name"])
        kept = keras1_and_2.modern_arguments(part.kind, config, _accepted(cls), self.repairs)
        return cls(**{key: self._argument(part, key, value) for key, value in kept.items()})

    def _find_class(self, kind: str, registered: str | None, is_operation: bool) -> type | None:
        """Return the class of a layer or an operation: a registered one, or else Keras's own on the list."""
        custom = find_custom(registered) or find_custom(kind)
        if custom:
            return custom
        if is_operation:
            return allowed.find_operation(kind)
        if kind == "Lambda" or (kind in allowed.UNSAFE and self.allow_unsafe):
            return getattr(keras.layers, kind, None)
        return allowed.find_layer(kind)

    def _checked(self, value: Any, key: str = "") -> Any:
        """Return a value that goes to Keras; raises `MissingError` where that would read or run something."""
        reason = None if self.allow_unsafe else allowed.refusal(value, key=key)
        if reason:
            raise MissingError(reason)
        return value

    def _argument(self, part: Part, key: str, value: Any) -> Any:
        """Return the value of one argument of a class of Keras's own, which may be a layer or a function."""
        if key == "cells":
            return [self._argument(part, "cell", each) for each in value]
        if key in INNER_LAYERS:
            inner = self._create(value)
            if inner.is_model:
                self._build_model(inner, None)
            if not inner.is_whole:
                raise MissingError(next((reason for *_, reason in inner.missing() if reason), inner.reason))
            if part.kind == "TimeDistributed":
                part.parts = [inner]
            return inner.layer
        if key != "activation" and not key.endswith("_activation"):
            return decoded(self._checked(value, key))
        if isinstance(value, dict) and value["class_name"] not in ("function", "__lambda__"):
            return self._argument(part, "layer", value)
        return value if value is None else self._function(value)

    def _function(self, stored: Any) -> Callable[..., Any]:
        """Return a function: one of Keras's activations, a registered one, or one made of the file's code."""
        name = stored.get("config") if isinstance(stored, dict) else stored
        if not isinstance(name, str):
            return self._code(name)
        custom = find_custom(name)
        if custom:
            return custom
        if name == "hard_sigmoid" and self.old:
            self.repairs[keras1_and_2.HARD_SIGMOID] = None
            return hard_sigmoid
        try:
            return keras.activations.get(name)
        except ValueError:
            raise MissingError(allowed.needs(name)) from None

    def _code(self, stored: Any) -> Callable[..., Any]:
        """Return a function made of bytecode, which is its author's code: only where that is allowed."""
        if not self.allow_unsafe:
            raise MissingError(allowed.CODE)
        import tensorflow as tf
        from keras.src.legacy import backend  # what such code knows as K

        if isinstance(stored, dict):
            stored = stored.get("value") or [stored[key] for key in ("code", "defaults", "closure")]
        text, defaults, closure = decoded(stored)
        try:
            code = marshal.loads(base64.b64decode(text))
            operations = {each.opname for each in dis.get_instructions(code)}
        except Exception:
            operations = set()
        if "RESUME" not in operations or any(name.startswith("<") for name in operations):
            raise MissingError(
                "its code is bytecode of another version of Python"
            )  # which could crash this one
        known = {"tf": tf, "keras": keras, "K": backend, "np": np, **keras.utils.get_custom_objects()}
        cells = tuple(map(types.CellType, closure or ()))
        return types.FunctionType(code, known, code.co_name, tuple(defaults or ()), cells)

    def _stand_in(self, config: dict[str, Any]) -> Any:
        """Return a layer for one of TensorFlow's own operations."""
        node = config.get("node_def")
        name = node["op"] if node else config["function"]
        constants = config.get("constants") or {}
        function = (
            tf_operations.find_operation(node, constants) if node else tf_operations.find_function(name)
        )
        if function is None:
            raise MissingError(
                f"applies TensorFlow's {name}, which is not on the list of harmless operations"
            )
        self.repairs[keras1_and_2.OPERATIONS] = None
        return tf_operations.TFOpLambda(function, config["name"])

    def _build_model(self, part: Part, given: list[int | None] | None) -> None:
        """Build the graph of a model; `given` is the shape of what it is called on, if that is known."""
        if "input_layers" not in part.config:
            try:
                part.config = keras1_and_2.as_graph(part.config, given, self.repairs)
            except MissingError as error:
                part.reason = str(error)
                return
        part.parts = [self._create(each) for each in part.config["layers"]]
        graph = Graph(part)
        self._walk(part, graph)
        inputs = keras.tree.map_structure(graph.tensor, graph.entries)
        outputs = keras.tree.map_structure(graph.tensor, graph.ends)
        wanted = keras.tree.flatten(outputs)
        there = [each for each in wanted if not isinstance(each, str)]
        positions = iter(range(len(there)))
        part.outputs = [each if isinstance(each, str) else next(positions) for each in wanted]
        if len(there) < len(wanted):
            outputs = there + graph.leaves(there)
        if keras.tree.flatten(outputs):
            part.layer = keras.Model(single(inputs), single(outputs), name=part.name.replace("/", "_"))
        else:
            part.reason = "nothing in it can be built"

    def _walk(self, part: Part, graph: Graph) -> None:
        """Call the layers of a graph, each as soon as all that it takes is there; say why others are not."""
        pending = graph.calls
        while pending:
            later = []
            for call in pending:
                given = [graph.tensor(ref) for ref in call.refs]
                if any(each is None for each in given):
                    later.append(call)
                else:
                    graph.results[call.part.name, call.number] = self._call(graph, call, given)
            if len(later) == len(pending):
                break
            pending = later
        for each in part.parts:
            if not graph.is_called(each):
                cause = graph.cause(each)
                each.layer = None
                each.reason = each.reason or (
                    f"depends on {cause}, which is left out" if cause else "nothing leads to it"
                )

    def _call(self, graph: Graph, call: Call, given: list[Any]) -> list[Any] | str:
        """Return a call's outputs, each a tensor or the name of the layer for lack of which there is none."""
        part = call.part
        lost = next((each for each in given if isinstance(each, str)), None)
        if part.reason or lost:
            return part.name if part.reason else lost
        if part.is_model and part.layer is None:
            self._build_model(part, list(given[0].shape))
            if part.layer is None:
                return next((f"{part.name}/{name}" for name, *_ in part.missing()), part.name)
        args, kwargs = keras.tree.map_structure(
            lambda x: graph.tensor(x) if isinstance(x, Ref) else x, (call.args, call.kwargs)
        )
        try:
            self._checked([call.args, call.kwargs])
            if isinstance(part.layer, tf_operations.TFOpLambda):
                part.layer.bind(args, kwargs)
                args, kwargs = (single(given),), {}
            outputs = keras.tree.flatten(part.layer(*args, **kwargs))
            keras1_and_2.check_shape(part.kind, part.config, outputs[0].shape)
        except Exception as error:
            raise_lack_of_memory(error)
            part.reason = _reason("Keras cannot call it", part, error)
            return part.name
        graph.taken |= set(map(id, given))
        graph.made += outputs
        if not part.is_model:
            return outputs
        return [outputs[each] if isinstance(each, int) else f"{part.name}/{each}" for each in part.outputs]


@keras.saving.register_keras_serializable(package="activation_gallery", name="keras_2_hard_sigmoid")
def hard_sigmoid(x):
    """Return what Keras 1 and 2 call so, which is steeper than that of Keras 3."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def _reason(what: str, part: Part, error: Exception) -> str:
    """Return why a layer is left out, in our own words: a library's may hold what a file made it read."""
    if isinstance(error, MissingError):
        return str(error)
    logger.info("%s: %s: %s", part.name, type(error).__name__, one_line(str(error)))
    return f"{what} ({type(error).__name__})"


def _accepted(cls: type) -> set[str]:
    """Return the arguments that a layer of Keras's own is made with; its bases take what it passes on."""
    names: set[str] = set()
    for each in cls.__mro__:
        own = inspect.signature(each.__init__).parameters
        names |= set(own)
        if "kwargs" not in own:
            break
    return names
