"""The state dict records the layer's windows, and states without them, files, casts and copies still work."""

import copy
import io
from pathlib import Path

import pytest
import torch
from torch import nn

from impls.sliding_channel_conv2d import SlidingChannelConv2d


def saved_and_loaded(state: dict[str, torch.Tensor], **options: object) -> dict[str, torch.Tensor]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, torch.Tensor] = torch.load(file, weights_only=True, **options)
    return loaded


def network(**setting: object) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 16, 3), SlidingChannelConv2d(16, 32, **setting))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cin", "setting", "saved_windows"),
    [(16, {"cg": 4, "co": 0.25}, "cg=4, co=1/4"), (8, {"cg": 2}, "in_channels=8, cg=2, co=1/2")],
)
def test_weights_of_another_layer_are_refused_though_they_fit(
    cin: int, setting: dict[str, object], saved_windows: str
) -> None:
    other = SlidingChannelConv2d(cin, 32, **setting)  # type: ignore[arg-type]
    layer = SlidingChannelConv2d(16, 32, cg=4)
    assert layer.weight.shape == other.weight.shape
    for strict in (True, False):
        with pytest.raises(ValueError, match=f"{saved_windows}, this one has in_channels=16, cg=4, co=1/2"):
            layer.load_state_dict(other.state_dict(), strict=strict)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("assign", [True, False])
def test_a_state_without_windows_is_loaded(strict: bool, assign: bool) -> None:
    source, target = network(co=0.25), network(co=0.5)
    state = {name: tensor for name, tensor in source.state_dict().items() if not name.endswith("_extra_state")}
    names = set(state)
    assert not any(target.load_state_dict(state, strict=strict, assign=assign))
    assert set(state) == names
    torch.testing.assert_close(target[1].weight, source[1].weight)
    del state["1.weight"]
    if strict:
        with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "1.weight"'):
            target.load_state_dict(state)


def test_states_can_be_saved_and_loaded() -> None:
    source, target = network(co="1/3"), network(co="1/3")
    assert not any(target.load_state_dict(saved_and_loaded(source.state_dict())))
    torch.testing.assert_close(target[1].weight, source[1].weight)
    with pytest.raises(ValueError, match="co=1/3, this one has"):
        network(co=0.5).load_state_dict(saved_and_loaded(source.state_dict()))
    with torch.device("meta"):
        empty, state = network(co="1/3"), source.state_dict()
    empty.load_state_dict(state, assign=True)
    with pytest.raises(ValueError, match="co=1/3, this one has"):
        network(co=0.5).load_state_dict(state)
    empty.load_state_dict(saved_and_loaded(source.state_dict(), map_location="meta"), assign=True)
    assert empty[1].weight.is_meta


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_states_may_be_cast_as_a_whole(dtype: torch.dtype) -> None:
    state = {name: tensor.to(dtype) for name, tensor in network(co=0.25).state_dict().items()}
    network(co=0.25).load_state_dict(state)
    with pytest.raises(ValueError, match="co=1/4, this one has"):
        network(co=0.5).load_state_dict(state)


def test_copied_cast_compiled_and_exported_layers_keep_their_windows(tmp_path: Path) -> None:
    net, x = network(co=0.25), torch.randn(2, 3, 5, 5)
    for variant in (net, copy.deepcopy(net), copy.deepcopy(net).half(), torch.compile(net, backend="aot_eager")):
        state = {name.removeprefix("_orig_mod."): tensor for name, tensor in variant.state_dict().items()}
        network(co=0.25).load_state_dict(state)
        with pytest.raises(ValueError, match="co=1/4, this one has"):
            network(co=0.5).load_state_dict(state)
    torch.export.save(torch.export.export(net, (x,)), tmp_path / "net.pt2")
    torch.testing.assert_close(torch.export.load(tmp_path / "net.pt2").module()(x), net(x))
