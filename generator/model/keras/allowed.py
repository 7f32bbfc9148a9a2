"""Say why what a model file names may not be built: all that may is on a list, and nothing else is looked up.

Keras builds any public class and calls any public function whose name a configuration has, and some of them
read files, reach the network or run code.
"""

import inspect
import re
from collections.abc import Iterator
from functools import reduce
from typing import Any

import keras
from keras.src import ops
from keras.src.applications import convnext, inception_resnet_v2
from keras.src.models import functional

from generator.core.formatting import one_line

MODELS = ("Model", "Functional", "Sequential")
UNSAFE = (
    "Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TextVectorization", "StringLookup",
)  # fmt: skip
ABSTRACT = ("Layer", "Wrapper")
# All other public layers of Keras 3.15. They compute, and touch no file: a new one has to be looked at first.
LAYER_NAMES = """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
    AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average AveragePooling1D AveragePooling2D
    AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization Bidirectional CategoryEncoding
    CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D
    Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
    Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose
    Cropping1D Cropping2D Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout
    ELU EinsumDense Embedding Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D
    GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D
    GlobalMaxPooling3D GroupNormalization GroupQueryAttention HashedCrossing Hashing Identity InputLayer
    IntegerLookup LSTM LSTMCell LayerNormalization LeakyReLU Masking MaxNumBoundingBoxes MaxPool1D MaxPool2D
    MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum MixUp MultiHeadAttention
    Multiply Normalization PReLU Permute Pipeline RMSNormalization RNN RandAugment RandomBrightness
    RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing
    RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective
    RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation
    RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram
    SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D SimpleRNN SimpleRNNCell
    Softmax Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization
    StackedRNNCells Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D"""
LAYERS = frozenset(LAYER_NAMES.split())
OPERATION_MODULES = ("core", "einops", "image", "linalg", "math", "nn", "numpy")
# They call what they are given, as often as they are told.
OF_FUNCTION_NAMES = """
    associative_scan cond custom_gradient fori_loop jvp map scan switch vectorize vectorized_map while_loop"""
OF_FUNCTIONS = frozenset(OF_FUNCTION_NAMES.split())
FUNCTION_MODULES = ("activations", "ops", "ops.image", "ops.linalg", "ops.nn", "ops.numpy")
MACHINERY = ("get", "serialize", "deserialize")
# Written for what JSON has no word for. Those that TensorFlow makes something of itself are not here.
SPECIAL_NAMES = "__keras_tensor__ __tensor__ __numpy__ __bytes__ __ellipsis__ __slice__ __tuple__ TensorShape"
SPECIAL = frozenset(SPECIAL_NAMES.split())
DTYPE = re.compile(r"bool|u?int\d\d?|b?float\d\d?\w{0,8}|complex\d\d\d?")

PATH = re.compile(r"[/\\]|^\s*~|^\s*[A-Za-z][\w+.-]*:")
DTYPE_POLICY = re.compile(r"((int4|gptq|awq)(/-?\d+){1,2})(_from_\w+)?")
READ_FROM_FILES = ("vocabulary", "idf_weights", "weights")
NAMES = ("name", "class_name", "module", "registered_name")
REFERENCES = ("inbound_nodes", "input_layers", "output_layers", "keras_history")

CODE = "its code (a Lambda layer) is not run without --allow-unsafe"
FILE = "names a file or an address, which is not read without --allow-unsafe"


def find_custom(name: str | None) -> Any:
    """Return the class or function that was registered under a name, with or without its package."""
    known, bare = keras.utils.get_custom_objects(), (name or "").rpartition(">")[2]
    return known.get(name) or next((known[key] for key in known if key.rpartition(">")[2] == bare), None)


def needs(name: Any) -> str:
    """Return the reason why something with a class or function of this name is not built."""
    name = one_line(str(name))[:80]
    if name in UNSAFE:
        return f"needs {name}, which may read files or run code: it is not built without --allow-unsafe"
    if any(hasattr(each, name) for each in PUBLIC_MODULES):
        return f"needs {name} of Keras, which is not on the list of what only computes"
    return f"needs {name}, which only its author has: --custom-objects module:{name}"


def find_layer(kind: str) -> type | None:
    """Return Keras's own layer of a name on the list, or that of one of its applications."""
    found = getattr(keras.layers, kind, None) if kind in LAYERS else APPLICATION_LAYERS.get(kind)
    return found if isinstance(found, type) else None


def find_operation(kind: str) -> type | None:
    """Return Keras's own operation of a name, unless it calls functions that it is given."""
    return OPERATIONS.get(kind)


def refusal(value: Any, hdf5: bool = False, key: str = "", references: bool = False) -> str | None:
    """Return the reason why a stored configuration may not be handed to Keras, `None` where it may.

    `hdf5` says that Keras 3 reads it as it does HDF5 files, where more texts become functions. `key` is the
    name of the value; with `references` it is one that has layers' names in the first place of lists.
    """
    if isinstance(value, str):
        return _refuse_text(value, hdf5, key)
    references |= key in REFERENCES
    if isinstance(value, list | tuple):
        is_reference = (
            references and len(value) > 2 and isinstance(value[0], str) and isinstance(value[1], int)
        )
        children = [("", each) for each in value[is_reference:]]
    elif isinstance(value, dict):
        reason = _refuse_object(value, hdf5) if "class_name" in value else None
        if reason:
            return reason
        exempt = NAMES if "class_name" in value else NAMES[:1]
        children = [(k, each) for k, each in value.items() if k not in exempt or not isinstance(each, str)]
    else:
        return None
    found = (refusal(each, hdf5, name, references) for name, each in children)
    return next((reason for reason in found if reason), None)


def has_code(value: Any) -> bool:
    """Whether there is code in a configuration, or a layer that takes some."""
    return any(each.get("class_name") in ("Lambda", "__lambda__") for each in dictionaries(value))


def dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Give all dictionaries in a configuration."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from dictionaries(each)


def without_training(value: Any) -> Any:
    """Return a copy of a configuration without what objects were compiled with, which Keras would build."""
    if isinstance(value, list):
        return [without_training(each) for each in value]
    if not isinstance(value, dict):
        return value
    dropped = "compile_config" if "class_name" in value else None
    return {key: without_training(each) for key, each in value.items() if key != dropped}


def is_activation(name: str) -> bool:
    """Whether a name is that of an activation of Keras's own, or of a registered function."""
    return ("keras.activations", name) in FUNCTIONS or _registered(name)


def _refuse_text(text: str, hdf5: bool, key: str) -> str | None:
    if (key == "activation" or key.endswith("_activation")) and not is_activation(text):
        return needs(text)
    if key in READ_FROM_FILES or (PATH.search(text) and not DTYPE_POLICY.fullmatch(text)):
        return FILE
    if hdf5 and text in LAYER_FUNCTIONS and not _registered(text):
        return f"names a function of Keras, {text}, where a layer has none"
    return None


def _refuse_object(stored: dict[str, Any], hdf5: bool) -> str | None:
    """Return the reason why the class or function that a dictionary names may not be used."""
    kind, module, config = stored["class_name"], stored.get("module"), stored.get("config")
    if kind in ("Lambda", "__lambda__"):
        return CODE
    if kind == "function":
        known = isinstance(config, str) and _is_function(module, config)
        return None if known else needs(config if isinstance(config, str) else "a function")
    if not isinstance(kind, str) or not isinstance(module, str | None):
        return needs(kind)
    if stored.get("compile_config") and hdf5:
        return "has what it was trained with inside"
    if kind in SPECIAL:
        inner = config if isinstance(config, dict) else stored
        dtype = inner.get("dtype", "float32")
        fine = not module and isinstance(dtype, str) and DTYPE.fullmatch(dtype)
        return None if fine else f"has an array of an unknown type inside ({kind})"
    if (module, kind) in CLASSES or (not module and (kind in CLASS_NAMES or _registered(kind))):
        return None
    registered = stored.get("registered_name", kind)
    hidden = kind.startswith("__") or kind in LAYER_WORDS or kind in ("TypeSpec", "CompositeTensor")
    if isinstance(registered, str) and _registered(registered) and not hidden:
        return None
    return needs(kind)


def _registered(name: str) -> bool:
    return keras.saving.get_registered_object(name) is not None


def _is_function(module: Any, name: str) -> bool:
    module = "keras.activations" if module == "builtins" else module
    return (module, name) in FUNCTIONS or _registered(name)


def _own_classes(module: Any, base: type) -> dict[str, type]:
    """Return the classes that a module defines itself, by name."""
    found = {name: each for name, each in vars(module).items() if isinstance(each, type)}
    return {name: each for name, each in found.items() if issubclass(each, base) and _is_own(each, module)}


def _is_own(cls: type, module: Any) -> bool:
    return cls.__module__ == module.__name__


def _operations() -> dict[str, type]:
    found = {}
    for name in OPERATION_MODULES:
        module = getattr(ops, name, None)  # not every Keras 3 has all of them
        found |= _own_classes(module, keras.Operation) if module else {}
    refused = {name.replace("_", "") for name in OF_FUNCTIONS}
    return {name: each for name, each in found.items() if name.lower() not in refused}


def _functions() -> frozenset[tuple[str, str]]:
    """Return module and name of all functions that only compute."""
    found = set()
    for path in FUNCTION_MODULES:
        module = reduce(getattr, path.split("."), keras)
        names = {name for name in dir(module) if inspect.isfunction(getattr(module, name))}
        found |= {(f"keras.{path}", name) for name in names - OF_FUNCTIONS - set(MACHINERY)}
    return frozenset(found)


def _classes() -> frozenset[tuple[str, str]]:
    """Return module and name of all classes that may be built, by their public and by their own names."""
    bases = {
        "initializers": keras.Initializer,
        "regularizers": keras.Regularizer,
        "constraints": keras.constraints.Constraint,
        "quantizers": (keras.Quantizer, getattr(keras.quantizers, "QuantizationConfig", keras.Quantizer)),
        "dtype_policies": (keras.DTypePolicy, keras.dtype_policies.DTypePolicyMap),
        "random": keras.random.SeedGenerator,
    }
    found = {("keras.layers", name): getattr(keras.layers, name, None) for name in LAYERS}
    for place, base in bases.items():
        public = vars(getattr(keras, place)).items()
        classes = {name: each for name, each in public if isinstance(each, type) and issubclass(each, base)}
        found |= {(f"keras.{place}", name): each for name, each in classes.items()}
    models = {"Model": keras.Model, "Sequential": keras.Sequential, "Functional": functional.Functional}
    found |= {(place, name): each for place in ("keras", "keras.models") for name, each in models.items()}
    found |= {("keras", name): getattr(keras, name) for name in ("DTypePolicy", "FloatDTypePolicy")}
    own = [each for each in found.values() if each is not None]
    own += [*OPERATIONS.values(), *APPLICATION_LAYERS.values()]
    return frozenset(found) | {(each.__module__, each.__name__) for each in own}


PUBLIC_MODULES = (*filter(inspect.ismodule, vars(keras).values()), keras.applications.imagenet_utils)
APPLICATION_LAYERS = {
    name: each
    for module in (convnext, inception_resnet_v2)
    for name, each in _own_classes(module, keras.Layer).items()
}
OPERATIONS, FUNCTIONS = _operations(), _functions()
CLASSES = _classes()
CLASS_NAMES = frozenset(name for _, name in CLASSES)
LAYER_WORDS = frozenset(vars(keras.src.layers))  # among which HDF5 files' names are looked up
LAYER_FUNCTIONS = frozenset(name for name in LAYER_WORDS if inspect.isfunction(vars(keras.src.layers)[name]))
