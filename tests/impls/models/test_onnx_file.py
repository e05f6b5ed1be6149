"""Every convolution of an ONNX file is read, and a file that cannot be read is refused in one line."""

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from bench.core.errors import UsageError
from bench.core.layers import InputSize
from impls.grouped_conv2d.workload import GroupedConv2d
from impls.models import onnx_file
from impls.models.model import Model
from impls.models.onnx_file import read_onnx
from impls.sliding_channel_conv2d._windows import Windows, overlap
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2d, SlidingChannelConv2dCase

Weights = dict[str, np.ndarray[Any, Any]]
IMAGE = (InputSize("image", (2, 3, 33, 29)),)


def conv(name: str, source: str, bias: str = "", **attributes: Any) -> NodeProto:
    inputs = [source, name, *([bias] if bias else [])]
    return helper.make_node("Conv", inputs, [f"{name}_out"], name=name, **attributes)


def model(nodes: list[NodeProto], weights: Weights, opset: int = 20, batch: int | str = 2) -> ModelProto:
    """Return a model of an image of 33 x 29 pixels, which leaves its batch open where ``batch`` is a name."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 33, 29])],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    domains = {"": opset, "acme": 1, "com.microsoft.nchwc": 1}
    imports = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def network(opset: int) -> ModelProto:
    """Return a network with layers that are dense, depthwise, strided, grouped, dilated and padded by rule."""
    rng = np.random.default_rng(0)
    shapes = {
        "stem": (16, 3, 3, 3),
        "depthwise": (16, 1, 5, 5),
        "pointwise": (32, 16, 1, 1),
        "grouped": (32, 8, 3, 3),
        "shortcut": (32, 16, 1, 1),
        "bias": (16,),
    }
    nodes = [
        conv("stem", "image", strides=[2, 2], pads=[0, 0, 1, 1], bias="bias"),
        helper.make_node("Relu", ["stem_out"], ["relu"]),
        conv("depthwise", "relu", group=16, auto_pad="SAME_UPPER", strides=[2, 2]),
        conv("pointwise", "depthwise_out"),
        conv("grouped", "pointwise_out", group=4, dilations=[2, 2], pads=[2, 2, 2, 2]),
        conv("shortcut", "relu", strides=[2, 2]),
        helper.make_node("Add", ["grouped_out", "shortcut_out"], ["sum"]),
    ]
    weights: Weights = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    return model(nodes, weights, opset, batch="batch")


def save(proto: ModelProto, path: Path, *, external: bool = False) -> Path:
    options = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0} if external else {}
    onnx.save_model(proto, str(path), **options)
    return path


def macs_that_ran(path: Path, image: tuple[int, ...]) -> int:
    """Return the multiply-accumulates of all convolutions, from the sizes of the outputs that ONNX Runtime computes."""
    proto = onnx.load_model(path)
    convolutions = [node for node in proto.graph.node if node.op_type == "Conv"]
    proto.graph.output.extend(onnx.ValueInfoProto(name=node.output[0]) for node in convolutions)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [node.output[0] for node in convolutions]
    outputs = session.run(names, {"image": np.zeros(image, np.float32)})
    weights = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    return sum(
        output.size * prod(weights[node.input[1]][1:]) for node, output in zip(convolutions, outputs, strict=True)
    )


@pytest.mark.parametrize(("opset", "external"), [(11, False), (20, True)])
def test_every_convolution_is_read_and_their_macs_are_those_that_run(
    opset: int, external: bool, tmp_path: Path
) -> None:
    path = save(network(opset), tmp_path / "model.onnx", external=external)
    cases = GroupedConv2d().layers_of(str(path), IMAGE).cases
    assert list(cases) == ["stem", "depthwise", "pointwise", "grouped", "shortcut"]
    assert cases["stem"].slug == "n=2,cin=3,cout=16,h=33,w=29,stride=2,padding=0x1x0x1,bias=true"
    assert cases["depthwise"].slug == "n=2,cin=16,cout=16,h=16,w=14,kernel=5,stride=2,padding=1x2x1x2,groups=16"
    assert cases["grouped"].slug == "n=2,cin=32,cout=32,h=8,w=7,padding=2,dilation=2,groups=4"
    assert sum(GroupedConv2d().work(case).macs for case in cases.values()) == macs_that_ran(path, IMAGE[0].shape)


def test_windows_of_channels_belong_to_the_sliding_channel_workload(tmp_path: Path) -> None:
    windows = Windows(12, 18, 3, overlap("0.25"))
    dense = np.zeros((18, 12), np.float32)
    np.put_along_axis(dense, windows.channels, 1, axis=1)
    nodes = [conv("stem", "image"), conv("windows", "stem_out"), conv("dense", "windows_out")]
    weights = {
        "stem": np.ones((12, 3, 1, 1), np.float32),
        "windows": dense[:, :, None, None],
        "dense": np.ones((4, 18, 1, 1), np.float32),
    }
    path = save(model(nodes, weights), tmp_path / "windows.onnx", external=True)
    layers = SlidingChannelConv2d().layers_of(str(path), ())
    assert layers.cases == {"windows": SlidingChannelConv2dCase(n=2, cin=12, cout=18, h=33, w=29, cg=3, co="0.25")}


def test_what_is_no_2d_convolution_of_floats_is_left_out_with_its_reason(tmp_path: Path) -> None:
    weights: Weights = {
        "up": np.ones((3, 4, 2, 2), np.float32),
        "quantised_values": np.ones((4, 3, 3, 3), np.int8),
        "scale": np.float32(0.1),
        "conv": np.ones((4, 3, 3, 3), np.float32),
    }
    nodes = [
        helper.make_node("ConvTranspose", ["image", "up"], ["up_out"], name="up"),
        helper.make_node("DequantizeLinear", ["quantised_values", "scale"], ["quantised"]),
        conv("quantised", "image"),
        conv("conv", "image"),
    ]
    read = read_onnx(save(model(nodes, weights), tmp_path / "model.onnx"), ())
    assert list(read.convolutions) == ["conv"]
    assert read.left_out == {"up": "it is a transposed convolution", "quantised": "it is quantised"}


def test_operators_of_other_domains_and_other_ranks_are_left_out(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "conv"], ["blocked"], name="blocked", domain="com.microsoft.nchwc"),
        conv("conv", "image"),
        helper.make_node("Reshape", ["image", "rows"], ["line"]),
        conv("line", "line"),
    ]
    weights: Weights = {
        "conv": np.ones((4, 3, 3, 3), np.float32),
        "rows": np.array([2, 99, 29], np.int64),
        "line": np.ones((4, 99, 3), np.float32),
    }
    nodes[-1].input[1] = "line_weight"
    weights["line_weight"] = weights.pop("line")
    read = read_onnx(save(model(nodes, weights), tmp_path / "model.onnx"), ())
    assert list(read.convolutions) == ["conv"]
    assert read.left_out == {
        "blocked": "it is the custom operator com.microsoft.nchwc::Conv",
        "line": "it is a 1-D convolution",
    }


def test_local_functions_are_read_into(tmp_path: Path) -> None:
    block = helper.make_function(
        "acme", "Block", ["x", "w"], ["y"], [helper.make_node("Conv", ["x", "w"], ["y"])], [helper.make_opsetid("", 20)]
    )
    nodes = [helper.make_node("Block", ["image", "weight"], ["out"], domain="acme")]
    proto = model(nodes, {"weight": np.ones((4, 3, 3, 3), np.float32)})
    proto.functions.append(block)
    (convolution,) = read_onnx(save(proto, tmp_path / "model.onnx"), ()).convolutions.values()
    assert (convolution.cin, convolution.cout, convolution.h) == (3, 4, 33)


def test_sizes_in_the_file_do_not_stand_against_the_given_ones(tmp_path: Path) -> None:
    """A file may have been given open inputs afterwards, and still state the old sizes of what lies behind them."""
    proto = onnx.shape_inference.infer_shapes(
        model(
            [conv("a", "image"), conv("b", "a_out")],
            {"a": np.ones((4, 3, 3, 3), np.float32), "b": np.ones((4, 4, 3, 3), np.float32)},
        )
    )
    for dim, name in zip(proto.graph.input[0].type.tensor_type.shape.dim, ("n", "", "h", "w"), strict=True):
        if name:
            dim.dim_param = name
    path = save(proto, tmp_path / "reopened.onnx")
    read = read_onnx(path, (InputSize("", (1, 3, 64, 64)),))
    assert [(layer.n, layer.h) for layer in read.convolutions.values()] == [(1, 64), (1, 62)]


@pytest.mark.parametrize("form", ["constant", "identity", "masked"])
def test_the_zeros_of_a_computed_weight_are_seen(form: str, tmp_path: Path) -> None:
    pattern = np.zeros((4, 3, 1, 1), np.float32)
    pattern[[0, 1, 2, 3], [0, 1, 2, 0]] = 1
    tensor = numpy_helper.from_array(pattern, "value")
    node, weights = {
        "constant": (helper.make_node("Constant", [], ["weight"], value=tensor), {}),
        "identity": (helper.make_node("Identity", ["stored"], ["weight"]), {"stored": pattern}),
        "masked": (
            helper.make_node("Mul", ["stored", "mask"], ["weight"]),
            {"stored": np.ones((4, 3, 1, 1), np.float32), "mask": pattern},
        ),
    }[form]
    layer = conv("layer", "image")
    layer.input[1] = "weight"
    path = save(model([node, layer], weights), tmp_path / "model.onnx")
    assert SlidingChannelConv2d().layers_of(str(path), ()).cases == {
        "layer": SlidingChannelConv2dCase(n=2, cin=3, cout=4, h=33, w=29, cg=3, co="0")
    }


def test_a_layer_that_is_applied_twice_counts_twice(tmp_path: Path) -> None:
    nodes = [conv("same", "image", pads=[1, 1, 1, 1]), conv("same", "same_out", pads=[1, 1, 1, 1])]
    nodes[1].output[0] = "second_out"
    read = read_onnx(save(model(nodes, {"same": np.ones((3, 3, 3, 3), np.float32)}), tmp_path / "model.onnx"), ())
    assert list(read.convolutions) == ["same", "same (2)"]


class TestWhatCannotBeRead:
    def test_an_open_size_is_asked_for(self, tmp_path: Path) -> None:
        path = save(network(20), tmp_path / "open.onnx")
        self.refuses(
            path,
            r"has dynamic dimensions, \(batch, 3, 33, 29\); give its size, such as --input-size image=1x3x33x29",
        )

    @pytest.mark.parametrize(
        ("size", "reason"),
        [
            (InputSize("picture", (1, 3, 33, 29)), "no input 'picture'; choose from image"),
            (
                InputSize("", (1, 4, 33, 29)),
                r"input image is \(batch, 3, 33, 29\), but --input-size is image=1x4x33x29",
            ),
        ],
    )
    def test_a_size_that_does_not_fit_is_refused(self, size: InputSize, reason: str, tmp_path: Path) -> None:
        self.refuses(save(network(20), tmp_path / "open.onnx"), reason, size)

    def test_a_size_too_many_is_refused(self, tmp_path: Path) -> None:
        path = save(network(20), tmp_path / "open.onnx")
        self.refuses(path, "only 1 input, so --input-size 1x2 is one too many", *IMAGE, InputSize("", (1, 2)))

    def test_a_size_that_is_given_twice_is_refused(self, tmp_path: Path) -> None:
        self.refuses(save(network(20), tmp_path / "open.onnx"), "gives input image twice", *IMAGE, *IMAGE)

    def test_an_unknown_padding_is_refused(self, tmp_path: Path) -> None:
        proto = model([conv("odd", "image", auto_pad="SAME")], {"odd": np.ones((4, 3, 3, 3), np.float32)})
        self.refuses(save(proto, tmp_path / "model.onnx"), "odd has an unknown auto_pad 'SAME'|contradict each other")

    def test_a_file_that_is_cut_off_is_refused(self, tmp_path: Path) -> None:
        path = save(network(20), tmp_path / "model.onnx")
        path.write_bytes(path.read_bytes()[:-1000])
        self.refuses(path, "is no ONNX file, or is cut off", *IMAGE)

    def test_an_empty_or_missing_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty.onnx").write_bytes(b"")
        self.refuses(tmp_path / "empty.onnx", "it has no layers")
        self.refuses(tmp_path / "missing.onnx", "cannot read .*missing.onnx: No such file")

    def test_a_custom_operator_before_a_convolution_is_named(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("Twist", ["image"], ["twisted"], domain="acme"), conv("after", "twisted")]
        path = save(model(nodes, {"after": np.ones((4, 3, 3, 3), np.float32)}), tmp_path / "model.onnx")
        self.refuses(path, "input of after is not known: acme::Twist before it is a custom operator")

    def test_a_single_file_above_the_limit_of_protobuf_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "large.onnx"
        with path.open("wb") as file:
            file.truncate(onnx_file.MAX_FILE_BYTES + 1)  # a sparse file, which takes no space
        self.refuses(path, r"has 2\.0 GiB, and protobuf reads at most 2 GiB: save weights as external data")

    def test_missing_external_data_is_named_where_it_is_needed(self, tmp_path: Path) -> None:
        path = save(network(20), tmp_path / "model.onnx", external=True)
        (tmp_path / "weights.bin").unlink()
        self.refuses(path, "cannot read weight pointwise", *IMAGE)

    def refuses(self, path: Path, reason: str, *sizes: InputSize) -> None:
        with pytest.raises(UsageError, match=reason) as refusal:
            read_onnx(path, sizes)
        assert "\n" not in str(refusal.value)


def test_a_model_without_convolutions_has_none(tmp_path: Path) -> None:
    path = save(model([helper.make_node("Relu", ["image"], ["out"])], {}), tmp_path / "model.onnx")
    assert read_onnx(path, ()) == Model({}, {})
