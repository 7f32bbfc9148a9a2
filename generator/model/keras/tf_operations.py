"""What Keras 3 has no class for: TensorFlow's own operations as layers, where they are harmless."""

import base64
import inspect
from collections.abc import Callable
from functools import reduce
from typing import Any

import keras
import tensorflow as tf

KINDS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")

# They compute and do nothing else: no files, no code, no variables. Names are below tf, and below tf.raw_ops.
FUNCTION_NAMES = """
    __operators__.add __operators__.getitem __operators__.eq __operators__.ne abs add argmax cast
    clip_by_value concat convert_to_tensor divide exp expand_dims fill gather identity maximum minimum
    multiply negative ones_like pad pow range reduce_max reduce_mean reduce_min reduce_prod reduce_sum
    reshape reverse shape slice split sqrt square squeeze stack stop_gradient strided_slice subtract tile
    transpose unstack where zeros_like math.abs math.add math.add_n math.argmax math.ceil math.cos
    math.cumsum math.divide math.divide_no_nan math.equal math.erf math.exp math.floor math.floordiv
    math.floormod math.greater math.l2_normalize math.less math.log math.log1p math.maximum math.minimum
    math.mod math.multiply math.multiply_no_nan math.negative math.pow math.reciprocal
    math.reduce_euclidean_norm math.reduce_max math.reduce_mean math.reduce_min math.reduce_prod
    math.reduce_std math.reduce_sum math.reduce_variance math.round math.rsqrt math.scalar_mul math.sigmoid
    math.sign math.sin math.softplus math.sqrt math.square math.squared_difference math.subtract math.tanh
    math.truediv linalg.einsum linalg.l2_normalize linalg.matmul linalg.norm nn.avg_pool nn.avg_pool2d
    nn.batch_normalization nn.bias_add nn.depth_to_space nn.elu nn.gelu nn.l2_normalize nn.leaky_relu
    nn.local_response_normalization nn.log_softmax nn.max_pool nn.max_pool2d nn.relu nn.relu6 nn.selu
    nn.sigmoid nn.silu nn.softmax nn.softplus nn.space_to_depth nn.swish nn.tanh image.adjust_contrast
    image.central_crop image.convert_image_dtype image.flip_left_right image.grayscale_to_rgb
    image.per_image_standardization image.resize image.resize_with_crop_or_pad image.resize_with_pad
    image.rgb_to_grayscale image.rgb_to_hsv image.rgb_to_yuv"""
OPERATION_NAMES = """
    Abs Add AddN AddV2 AvgPool BatchMatMulV2 BiasAdd Cast ClipByValue ConcatV2 DepthToSpace Div DivNoNan Elu
    Erf Exp ExpandDims Floor GatherV2 Identity LRN LeakyRelu Log Log1p MatMul Max MaxPool Maximum Mean Min
    Minimum MirrorPad Mul Neg Pack Pad PadV2 Pow Prod RealDiv Reciprocal Relu Relu6 Reshape ResizeBilinear
    ResizeNearestNeighbor ReverseV2 Rsqrt Selu Shape Sigmoid Sign Slice Softmax Softplus SpaceToDepth Sqrt
    Square SquaredDifference Squeeze StopGradient StridedSlice Sub Sum Tanh Tile Transpose"""
FUNCTIONS, OPERATIONS = frozenset(FUNCTION_NAMES.split()), frozenset(OPERATION_NAMES.split())
LIST_OPERATIONS = {"AddN": 0, "Pack": 0, "ConcatV2": 1}  # a list comes first, then so many other arguments


class TFOpLambda(keras.Layer):
    """Applies `function` to one tensor, or to a list of them, in the places that `bind` tells."""

    def __init__(self, function: Callable[..., Any], name: str):
        super().__init__(name=name, autocast=False)
        self.function, self.arguments = function, ((), {})

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Set all arguments of the function; the symbolic tensors among them stand for those of each call."""
        self.arguments = (args, kwargs)

    def call(self, tensors):
        """Return the function's result, with `tensors` in the places of the symbolic ones."""
        given = iter(tensors if isinstance(tensors, list) else [tensors])
        args, kwargs = keras.tree.map_structure(
            lambda x: next(given) if isinstance(x, keras.KerasTensor) else x, self.arguments
        )
        return self.function(*args, **kwargs)


def find_function(name: str) -> Callable[..., Any] | None:
    """Return TensorFlow's function of a name, such as "math.truediv"; `None` if it is not on the list."""
    if name.removeprefix("compat.v1.") not in FUNCTIONS:
        return None
    return reduce(lambda found, part: getattr(found, part, None), name.split("."), tf)


def find_operation(node: dict[str, Any], constants: dict[str, Any]) -> Callable[..., Any] | None:
    """Return a function of one tensor, or a list of them, for a node of a graph; `None` if it is not listed.

    `node` is its definition; `constants` are those of its inputs that are no tensors, by position.
    """
    if node["op"] not in OPERATIONS:
        return None
    operation = getattr(tf.raw_ops, node["op"])
    names = list(inspect.signature(operation).parameters)
    attributes = {key: _attribute(value) for key, value in node.get("attr", {}).items() if key in names}

    def apply(tensors: Any) -> Any:
        values = list(tensors) if isinstance(tensors, list) else [tensors]
        dtype = values[0].dtype
        for position, value in sorted((int(key), value) for key, value in constants.items()):
            is_real = any(isinstance(each, float) for each in keras.tree.flatten(value))
            values.insert(position, tf.constant(value, dtype) if is_real else value)
        if node["op"] in LIST_OPERATIONS:
            end = len(values) - LIST_OPERATIONS[node["op"]]
            values = [values[:end], *values[end:]]
        return operation(**dict(zip(names, values, strict=False)), **attributes)

    return apply


def _attribute(value: dict[str, Any]) -> Any:
    """Return an attribute of a node, which is written as {its type: its value}."""
    ((kind, content),) = value.items()
    match kind:
        case "i":
            return int(content)
        case "s":
            return base64.b64decode(content)
        case "type":
            return tf.as_dtype(content.removeprefix("DT_").lower())
        case "list":
            return [int(each) for each in next(iter(content.values()), ())]
    return content
