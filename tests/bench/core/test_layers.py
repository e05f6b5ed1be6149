"""Layers of a model are counted by case, and sizes of inputs are parsed once."""

import pytest

from bench.core.errors import UsageError
from bench.core.layers import InputSize, Layer, ModelLayers, parse_input_sizes


def test_equal_layers_are_one_case() -> None:
    layers = tuple(
        Layer(name=name, workload=workload, case=case)
        for name, workload, case in [("a", "conv", "x"), ("b", "scc", "x"), ("c", "conv", "x"), ("d", "conv", "y")]
    )
    counts = ModelLayers(source="net.onnx", layers=layers).counts()
    assert counts == {("conv", "x"): 2, ("scc", "x"): 1, ("conv", "y"): 1}


def test_sizes_are_named_or_in_order() -> None:
    sizes = parse_input_sizes(["1x3x224x224", "mask=1x224"])
    assert sizes == (InputSize("", (1, 3, 224, 224)), InputSize("mask", (1, 224)))
    assert list(map(str, sizes)) == ["1x3x224x224", "mask=1x224"]


@pytest.mark.parametrize("text", ["", "224,224", "1x0x3", "x=", "1x3x-1", "1x3x99999999999"])
def test_a_text_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no size; write 1x3x224x224"):
        parse_input_sizes([text])
