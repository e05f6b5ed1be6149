"""Image classification: outputs are verified, accuracies are those of the call, and what is wrong is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench import artifacts
from bench.core import registry
from bench.core.errors import UsageError
from bench.core.record import Check
from bench.core.target import Target
from bench.core.workload import Problem
from impls.image_classification._block_implementation import BlockImplementation
from impls.image_classification.dw_pw import DepthwisePointwise
from impls.image_classification.dw_scc import DepthwiseSlidingChannel
from impls.image_classification.standard import Standard
from impls.image_classification.workload import ImageClassification, ImageClassificationCase
from impls.networks.catalogue import NETWORKS
from impls.networks.count import count_macs, count_parameters
from impls.runtimes.catalogue import RUNTIMES
from impls.trained_networks import image_data
from impls.trained_networks.trained_network import TrainedNetwork

pytest.importorskip("sklearn")
WORKLOAD = ImageClassification()
CASE = ImageClassificationCase(recipe="smoke", epochs=2, batch=7, width_mult=0.5)
EDGE = Target("edge")


def prepared(
    implementation: BlockImplementation, case: ImageClassificationCase = CASE
) -> tuple[Problem, TrainedNetwork]:
    for artifact in implementation.artifacts(case, EDGE):
        artifacts.build(artifact, lambda: artifacts.BuiltBy(processor="test", libraries={}))
    problem = WORKLOAD.problem(case, seed=1)
    return problem, implementation.prepare(problem, EDGE)


def check(problem: Problem, call: Any) -> Check:
    return WORKLOAD.check(problem, call, seed=2)


@pytest.mark.parametrize("runtime", ["pytorch", "pytorch_channels_last"])
def test_a_trained_network_passes_and_its_accuracy_is_that_of_its_logits(runtime: str) -> None:
    problem, call = prepared(DepthwisePointwise(), CASE.model_copy(update={"runtime": runtime}))
    checked = check(problem, call)
    assert checked.passed, checked.reason
    assert checked.error is not None
    assert checked.error < 1e-5
    metrics = WORKLOAD.evaluate(problem, call).metrics
    for name, part in (("top1", "test"), ("top1_held_out", "held_out")):
        images, labels = getattr(image_data.load("digits"), part)
        logits = call.reference(image_data.normalise("digits", images))
        assert metrics[name] == np.mean(logits.argmax(axis=1) == labels)
    arrays = artifacts.load(call.artifact).arrays
    assert metrics["weight_bytes"] == sum(array.nbytes for array in arrays.values())
    assert metrics["images_per_s"] == pytest.approx(2 * (1257 // 64 * 64) / metrics["train_s"])


def test_facts_of_the_runtime_are_facts_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    if reason := RUNTIMES["native"].unavailable():
        pytest.skip(reason)
    monkeypatch.setattr("impls.runtimes.native.facts", lambda call: {"fallbacks": type(call).__name__})
    _, call = prepared(DepthwisePointwise(), CASE.model_copy(update={"runtime": "native"}))
    assert call.facts["fallbacks"] == "AcceleratedCall"


def test_the_work_is_that_of_the_whole_batch() -> None:
    _, call = prepared(Standard())
    network = call.artifact.create()
    assert call.work.macs == 7 * count_macs(network, 1, 8, 8)
    assert call.work.parameters == count_parameters(network)


def test_a_network_with_other_weights_is_refused() -> None:
    problem, call = prepared(DepthwisePointwise())
    other = call.artifact.create().eval()
    x = torch.from_numpy(problem.inputs["x"])

    def predict() -> torch.Tensor:
        with torch.inference_mode():
            return other(x)

    failed = check(problem, replace(call, predict=predict))
    assert not failed.passed
    assert "is above the tolerance" in failed.reason


def test_an_output_that_ignores_its_input_is_refused() -> None:
    problem, call = prepared(DepthwisePointwise())
    first = call().clone()
    assert not check(problem, replace(call, predict=lambda: first)).passed


def test_a_network_of_another_case_is_refused() -> None:
    _, call = prepared(DepthwisePointwise())
    other = CASE.model_copy(update={"seed": 9})
    failed = check(WORKLOAD.problem(other, seed=1), call)
    assert failed.reason == "the network was trained with seed=0, not 9"


def test_a_call_without_its_network_is_refused() -> None:
    problem, call = prepared(DepthwisePointwise())
    failed = check(problem, lambda: call())
    assert failed.reason == "prepare must return a TrainedNetwork, not a function"


def test_a_case_without_its_artifact_says_how_to_make_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATHERBENCH_ARTIFACTS", str(tmp_path))
    with pytest.raises(Exception, match="dw_pw digits smoke epochs=2 seed=0 is missing or damaged; build it with"):
        DepthwisePointwise().prepare(WORKLOAD.problem(CASE, seed=1), EDGE)


def test_no_problem_holds_labels() -> None:
    problem = WORKLOAD.problem(CASE, seed=1)
    assert not problem.constants
    assert list(problem.inputs) == ["x"]
    assert problem.inputs["x"].shape == (7, 1, 8, 8)


def test_every_network_of_a_case_is_in_the_catalogue() -> None:
    annotation = ImageClassificationCase.model_fields["network"].annotation
    assert set(annotation.__args__) <= set(NETWORKS)  # type: ignore[union-attr]


def test_images_that_are_too_small_are_unsupported_with_a_reason() -> None:
    too_small = ImageClassificationCase(dataset="digits", network="vgg16", width_mult=0.1)
    reason = DepthwisePointwise().unsupported(too_small)
    assert reason == "its five poolings need images of at least 32 x 32, not 8 x 8"
    assert DepthwisePointwise().unsupported(CASE) is None


def test_the_eleven_blocks_of_the_comparison_are_there() -> None:
    names = {spec.name for spec in registry.implementations() if spec.workload == "image_classification"}
    assert names == {
        "standard",
        "dw_pw",
        *(f"dw_gpw_cg{cg}" for cg in (2, 4, 8)),
        *(f"dw_scc_cg{cg}_co50" for cg in (2, 4, 8)),
        *(f"dw_scc_cg2_co{co}" for co in (25, 33, 75)),
    }


def test_a_network_whose_training_diverged_is_refused_with_that_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, call = prepared(DepthwisePointwise())
    monkeypatch.setattr(TrainedNetwork, "reference", lambda self, x: np.full((len(x), 10), np.nan))
    failed = check(problem, call)
    assert failed.reason == "the training diverged: logits of the network in float64 are not finite"


SMALL_NETWORKS = {
    "resnet8": ImageClassificationCase(recipe="smoke", epochs=3, batch=60, width_mult=0.5),
    "resnet20": ImageClassificationCase(network="resnet20", recipe="smoke", epochs=2, batch=60, width_mult=0.5),
    "mobilenet": ImageClassificationCase(network="mobilenet", recipe="smoke", epochs=2, batch=60, width_mult=0.25),
}


@pytest.mark.parametrize("network", SMALL_NETWORKS)
@pytest.mark.parametrize("runtime", [name for name in RUNTIMES if name != "pytorch"])
def test_a_deployed_network_is_as_accurate_as_in_pytorch(runtime: str, network: str) -> None:
    if reason := RUNTIMES[runtime].unavailable():
        pytest.skip(reason)
    right = []
    for name in ("pytorch", runtime):
        problem, call = prepared(
            DepthwiseSlidingChannel(), SMALL_NETWORKS[network].model_copy(update={"runtime": name})
        )
        right.append(WORKLOAD.evaluate(problem, call).metrics["top1"] * len(image_data.load("digits").test.labels))
    assert right[1] == pytest.approx(right[0], abs=2)


def test_a_runtime_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no runtime 'onnx'; choose from pytorch, .*onnxruntime"):
        ImageClassificationCase.from_parameters({"runtime": "onnx"})
