"""What runtimes tell of the layers of a network."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from impls.loaders.layer_times import WARMUP_CALLS, repeat
from impls.networks.block import STANDARD
from impls.networks.catalogue import create_network
from impls.runtimes.catalogue import RUNTIMES

CONVOLUTIONS = {"native": ("3 x 3", "1 x 1", "Winograd"), "onnxruntime": ("Conv ",), "openvino": ("Convolution ",)}
"""How the names of convolutions begin, which a runtime computes together with what follows them."""
CALLS = 3


@pytest.mark.parametrize("name", [name for name, runtime in RUNTIMES.items() if runtime.has_layer_times])
def test_each_layer_of_a_network_has_its_times(name: str) -> None:
    runtime = RUNTIMES[name]
    if reason := runtime.unavailable():
        pytest.skip(reason)
    torch.manual_seed(1)
    network, x = create_network("resnet8", STANDARD, width_mult=0.5).eval(), torch.randn(2, 3, 32, 32)
    source = runtime.convert(network, x) if runtime.converter else network
    layers = runtime.layer_times(source, x, 1, CALLS)
    assert all(len(seconds) == (1 if name == "openvino" else CALLS) for _, seconds in layers)
    assert all(0 <= each < 1 for _, seconds in layers for each in seconds)
    assert sum(seconds[0] for _, seconds in layers) > 0
    beginnings = CONVOLUTIONS.get(name, ("Conv2d ",))
    assert sum(layer.startswith(beginnings) for layer, _ in layers) == 9


def test_layers_of_pytorch_are_its_modules_in_order() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Flatten()))
    layers = RUNTIMES["pytorch"].layer_times(network, torch.randn(1, 3, 4, 4), 1, 2)
    assert [name for name, _ in layers] == ["Conv2d 0", "ReLU 1.0", "Flatten 1.1"]


def test_the_first_calls_do_not_count() -> None:
    times = iter(range(100))

    def call() -> list[tuple[str, float]]:
        time = float(next(times))
        return [("first", time), ("second", -time)]

    counted = [float(WARMUP_CALLS), float(WARMUP_CALLS + 1)]
    assert repeat(call, 2) == [("first", counted), ("second", [-time for time in counted])]


class RunningMeans:
    """A request of OpenVINO's whose only node takes 1 s in the first call, and 2 ms in each later one."""

    def __init__(self) -> None:
        self.calls = 0

    def infer(self) -> None:
        self.calls += 1

    @property
    def profiling_info(self) -> list[Any]:
        mean = (1 + 0.002 * (self.calls - 1)) / self.calls
        time, status = SimpleNamespace(total_seconds=lambda: mean), SimpleNamespace(EXECUTED="executed")
        node = {"node_type": "Add", "node_name": "y", "Status": status, "real_time": time}
        return [SimpleNamespace(**node, status="executed"), SimpleNamespace(**node, status="not run")]


def test_openvinos_running_means_are_those_of_the_calls_that_count(monkeypatch: pytest.MonkeyPatch) -> None:
    openvino = pytest.importorskip("impls.loaders.openvino")
    monkeypatch.setattr(openvino, "_compile", lambda *_, **__: None)
    monkeypatch.setattr(openvino, "_request", lambda *_: RunningMeans())
    ((name, seconds),) = openvino.layer_times(b"", np.zeros(1, np.float32), 1, 10)
    assert name == "Add y"
    assert seconds == pytest.approx([0.002])
