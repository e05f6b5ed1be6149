"""Networks that are ONNX files: deployments run the file, and others say why not."""

from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from bench import artifacts
from bench.core.errors import UsageError
from bench.core.implementation import Implementation
from bench.core.layers import InputSize
from bench.core.loading import factory
from bench.core.registry import implementations
from bench.core.target import Target
from bench.core.workload import Problem
from impls.network_inference.workload import NetworkInference, NetworkInferenceCase
from impls.networks.block import grouped
from impls.networks.wide_resnet import wide_resnet
from impls.runtimes.catalogue import RUNTIMES

WORKLOAD, EDGE, SHAPE = NetworkInference(), Target("edge"), (2, 3, 16, 16)
SPECS = {spec.name: spec for spec in implementations() if spec.workload == "network_inference"}
TAKE_ONNX = ("onnxruntime", "openvino", "tvm", "tvm_gspc")


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NetworkInferenceCase:
    """A case of a file with an open batch, an input of another name than ours, and weights in a file beside it."""
    torch.manual_seed(1)
    network, x = wide_resnet(10, 1, grouped(4)).eval(), torch.randn(SHAPE)
    options: dict[str, Any] = {"input_names": ["image"], "dynamic_axes": {"image": {0: "batch"}}}
    torch.onnx.export(network, (x,), tmp_path / "made.onnx", dynamo=False, **options)
    proto = onnx.load_model(tmp_path / "made.onnx")
    onnx.save_model(proto, tmp_path / "net.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEATHERBENCH_ARTIFACTS", str(tmp_path / "artifacts"))
    return WORKLOAD.model_case("net.onnx", (InputSize("image", SHAPE),))


def deployment(name: str) -> Implementation:
    spec = SPECS[name]
    if missing := spec.missing():
        pytest.skip(missing)
    return factory(spec)()


@pytest.mark.parametrize("name", TAKE_ONNX)
def test_a_deployment_that_takes_onnx_runs_the_file(name: str, case: NetworkInferenceCase) -> None:
    assert case == NetworkInferenceCase(network="net.onnx", batch=2, size=(16, 16))
    implementation, problem = deployment(name), WORKLOAD.problem(case, 1)
    assert implementation.unsupported(case) is None
    for artifact in implementation.artifacts(case, EDGE):
        artifacts.build(artifact, lambda: artifacts.BuiltBy(processor="test", libraries={}))
    call = implementation.prepare(problem, EDGE)
    assert WORKLOAD.check(problem, call, 5).passed
    name, filters = next((name, array) for name, array in problem.constants.items() if array.ndim == 4)
    other = Problem(case, problem.inputs, {**problem.constants, name: 1.1 * filters})
    assert "is above the tolerance" in WORKLOAD.check(other, call, 6).reason


def test_the_others_say_why_not(case: NetworkInferenceCase) -> None:
    assert {name for name, runtime in RUNTIMES.items() if runtime.takes_onnx} == set(TAKE_ONNX)
    for name in SPECS.keys() - set(TAKE_ONNX):
        if not SPECS[name].missing() and not RUNTIMES[name].unavailable():
            assert deployment(name).unsupported(case) == "it takes networks of PyTorch, and net.onnx is an ONNX file"


def test_another_file_of_the_same_name_is_another_artifact(case: NetworkInferenceCase) -> None:
    pytest.importorskip("onnxruntime")
    first = deployment("onnxruntime").artifacts(case, EDGE)[0].key
    weights = Path("weights.bin").read_bytes()
    Path("weights.bin").write_bytes(weights[:-4] + b"\0\0\0\0")
    from impls.models.onnx_network import read_network

    read_network.cache_clear()
    assert deployment("onnxruntime").artifacts(case, EDGE)[0].key != first


def test_the_work_of_a_file_is_that_of_the_network(case: NetworkInferenceCase) -> None:
    from impls.networks.count import count_macs, count_parameters

    network, work = wide_resnet(10, 1, grouped(4)).eval(), WORKLOAD.work(case)
    assert work is not None
    assert work.macs == 2 * count_macs(network, 3, 16, 16)
    folded = sum(2 * layer.num_features for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    assert 0 < work.parameters < count_parameters(network) + folded


def test_a_file_whose_name_ends_a_parameter_is_refused() -> None:
    with pytest.raises(UsageError, match="rename the file"):
        NetworkInferenceCase.from_parameters({"network": "a,b.onnx"})
