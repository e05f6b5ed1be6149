"""A model's layers become cases of the workloads that compute them, and one run measures them all."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.core import registry
from bench.core.budget import Budget
from bench.core.errors import UsageError
from bench.core.layers import ModelLayers, WorkloadLayers
from bench.core.target import Target
from bench.report.whole_model import whole_model
from bench.run.launch import launch
from bench.run.layers import read_layers
from bench.run.plan import plan
from bench.store import LAYERS, Request

CONV, SCC = "grouped_conv2d", "sliding_channel_conv2d"
DENSE, WINDOWS = "cin=8,cout=8,h=4,w=4,kernel=1,padding=0", "cin=8,cout=8,h=4,w=4"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both workloads find a layer of windows, and one of them two equal stems, in any model."""
    stem, dense = (
        registry.workload(CONV).case_type.from_text(text) for text in ("cin=3,cout=8,h=8,w=8,stride=2", DENSE)
    )
    windows = registry.workload(SCC).case_type.from_text(WINDOWS)
    own: Mapping[str, WorkloadLayers] = {
        CONV: WorkloadLayers({"stem": stem, "windows": dense, "again": stem}, {"up": "it is a transposed convolution"}),
        SCC: WorkloadLayers({"windows": windows}),
    }
    for name in own:
        monkeypatch.setattr(registry.workload(name), "layers_of", lambda *_, name=name: own[name])


def request(layers: ModelLayers) -> Request:
    workloads = tuple(dict.fromkeys(layer.workload for layer in layers.layers))
    return Request(workloads=workloads, suite=LAYERS, target=Target("edge"), model=layers)


@pytest.mark.usefixtures("model")
def test_a_layer_belongs_to_the_workload_that_multiplies_least() -> None:
    layers = read_layers("net.onnx", (), (CONV, SCC))
    assert [(layer.name, layer.workload) for layer in layers.layers] == [
        ("stem", CONV),
        ("windows", SCC),
        ("again", CONV),
    ]
    assert layers.left_out == {"up": "it is a transposed convolution"}


@pytest.mark.usefixtures("model")
def test_equal_layers_are_planned_once() -> None:
    sessions = plan(request(read_layers("net.onnx", (), (CONV, SCC))))
    assert [(session.workload_name, session.case.slug) for session in sessions] == [
        (CONV, "cin=3,cout=8,h=8,w=8,stride=2"),
        (SCC, WINDOWS),
    ]


@pytest.mark.usefixtures("model", "one_process")
def test_one_run_measures_a_model_and_adds_it_up(tmp_path: Path) -> None:
    own = request(read_layers("net.onnx", (), (CONV,))).model_copy(update={"implementations": ("im2col", "pytorch")})
    run = launch(own, budget=Budget(timed_s=0.2), results=tmp_path).run
    whole = whole_model(run)
    assert whole is not None
    assert [total.name for total in whole.totals] == ["pytorch", "im2col"]
    assert {total.passed_layers for total in whole.totals} == {3}
    assert whole.mix is not None


def test_a_model_without_a_layer_of_the_workloads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    left_out = WorkloadLayers({}, {"line": "it is a 1-D convolution"})
    monkeypatch.setattr(registry.workload(CONV), "layers_of", lambda *_: left_out)
    with pytest.raises(UsageError, match=r"no layer that grouped_conv2d can measure \(line: it is a 1-D convolution\)"):
        read_layers("net.onnx", (), (CONV,))


def test_a_workload_without_layers_of_models_finds_none() -> None:
    with pytest.raises(UsageError, match="no layer that graph_propagation can measure"):
        read_layers("net.onnx", (), ("graph_propagation",))
