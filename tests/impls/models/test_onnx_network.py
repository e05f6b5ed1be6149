"""An ONNX file as one network: its work, its output in float64, and what is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from bench.core.errors import UsageError
from bench.core.layers import InputSize
from impls.models.onnx_network import OnnxNetwork, read_network

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
Shape = tuple[int | str, ...]
IMAGE: dict[str, tuple[int, Shape]] = {"image": (FLOAT, (2, 3, 5, 4))}
Y: dict[str, tuple[int, Shape]] = {"y": (FLOAT, (2, 3, 5, 4))}
RNG = np.random.default_rng(0)


def model(
    nodes: list[NodeProto],
    weights: Mapping[str, NDArray[Any]] = {},
    inputs: Mapping[str, tuple[int, Shape]] = IMAGE,
    outputs: Mapping[str, tuple[int, Shape]] = Y,
) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, *tensor) for name, tensor in inputs.items()],
        [helper.make_tensor_value_info(name, *tensor) for name, tensor in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("acme", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def read(proto: ModelProto, folder: Path, *inputs: InputSize) -> OnnxNetwork:
    onnx.save_model(proto, folder / "net.onnx")
    read_network.cache_clear()
    return read_network(folder / "net.onnx", inputs)


CONV = helper.make_node("Conv", ["image", "filters"], ["channels"], pads=[1, 1, 1, 1], group=3)
FILTERS = {"filters": RNG.standard_normal((6, 1, 3, 3), np.float32)}


def test_products_are_counted_and_weights_in_float32_are_parameters(tmp_path: Path) -> None:
    nodes = [
        CONV,
        helper.make_node("Flatten", ["channels"], ["flat"]),
        helper.make_node("Gemm", ["flat", "matrix"], ["features"], transB=1),
        helper.make_node("MatMul", ["features", "last"], ["y"]),
    ]
    weights = FILTERS | {"matrix": np.ones((7, 120), np.float32), "last": np.ones((7, 11), np.float32)}
    network = read(model(nodes, weights, outputs={"y": (FLOAT, (2, 11))}), tmp_path)
    assert network.shape == (2, 3, 5, 4)
    assert network.macs() == 2 * 6 * 5 * 4 * 9 + 2 * 7 * 120 + 2 * 11 * 7
    assert network.parameters() == 54 + 7 * 120 + 77


def test_an_operator_without_a_rule_leaves_the_work_unknown(tmp_path: Path) -> None:
    nodes = [helper.make_node("Einsum", ["image"], ["y"], equation="nchw->nchw")]
    assert read(model(nodes), tmp_path).macs() is None


def test_the_output_is_that_of_float64_even_where_the_file_casts_to_float32(tmp_path: Path) -> None:
    third = numpy_helper.from_array(np.array(1 / 3, np.float32))
    nodes = [
        CONV,
        helper.make_node("Cast", ["channels"], ["cast"], to=FLOAT),
        helper.make_node("Constant", [], ["third"], value=third),
        helper.make_node("Mul", ["cast", "third"], ["y"]),
    ]
    network = read(model(nodes, FILTERS, outputs={"y": (FLOAT, (2, 6, 5, 4))}), tmp_path)
    x = RNG.standard_normal((2, 3, 5, 4))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    filters = FILTERS["filters"].astype(np.float64)[:, 0]
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3)).repeat(2, axis=1)
    expected = np.einsum("nchwij,cij->nchw", windows, filters) * np.float64(np.float32(1 / 3))
    output = network.compute(x, network.weights())
    assert output.dtype == np.float64
    np.testing.assert_allclose(output, expected, rtol=1e-12, atol=1e-13)
    doubled = {"filters": 2 * FILTERS["filters"]}
    np.testing.assert_allclose(network.compute(x, doubled), 2 * expected, rtol=1e-12, atol=1e-13)


def test_an_input_in_float32_is_computed_in_float32(tmp_path: Path) -> None:
    network = read(model([CONV], FILTERS, outputs={"channels": (FLOAT, (2, 6, 5, 4))}), tmp_path)
    x = RNG.standard_normal((2, 3, 5, 4)).astype(np.float32)
    single, double = (network.compute(x.astype(dtype), network.weights()) for dtype in (np.float32, np.float64))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    assert 0 < np.abs(single - double).max() < 1e-5


RELU = helper.make_node("Relu", ["image"], ["y"])
CAST = helper.make_node("Cast", ["image"], ["y"], to=INT64)
ADD = helper.make_node("Add", ["image", "other"], ["y"])


@pytest.mark.parametrize(
    ("proto", "words"),
    [
        (model([ADD], inputs=IMAGE | {"other": IMAGE["image"]}), "one batch of images and returns one tensor"),
        (model([RELU], outputs=Y | {"image": IMAGE["image"]}), "one batch of images and returns one tensor"),
        (model([RELU], inputs={"image": (FLOAT, (2, 3))}, outputs={"y": (FLOAT, (2, 3))}), "one batch of images"),
        (
            model([helper.make_node("Cast", ["image"], ["y"], to=INT64)], outputs={"y": (INT64, (2, 3, 5, 4))}),
            "float32",
        ),
        (model([helper.make_node("Own", ["image"], ["y"], domain="acme")]), "no valid ONNX model"),
        (model([helper.make_node("Relu", ["missing"], ["y"])]), "no valid ONNX model"),
        (model([RELU, RELU]), "no valid ONNX model"),
        (model([RELU], inputs={"image": (FLOAT, ("n", 3, 5, 4))}), "give its size, such as --input-size image=1x3x5x4"),
    ],
)
def test_what_is_no_network_of_images_is_refused_in_one_line(proto: ModelProto, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        read(proto, tmp_path)
    assert "\n" not in str(refused.value)


def test_weights_outside_the_folder_are_never_read(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(FILTERS["filters"].tobytes())
    proto = model([CONV], FILTERS, outputs={"channels": (FLOAT, (2, 6, 5, 4))})
    (tensor,) = proto.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    with pytest.raises(UsageError, match="no valid ONNX model"):
        read(proto, folder)


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.onnx").write_bytes(model([CONV], FILTERS).SerializeToString()[:-30])
    with pytest.raises(UsageError, match="is no ONNX file, or is cut off"):
        read_network(tmp_path / "cut.onnx", ())
