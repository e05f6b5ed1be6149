"""Compression: compact networks are verified and kept within their budget, and can be built with interruptions."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench import artifacts
from bench.core.target import Target
from impls.compression._compressed_network import CompressedNetwork, CompressionBuild, Task
from impls.compression._method import CompressionMethod
from impls.compression.channel_similarity import ChannelSimilarity
from impls.compression.depgraph import DepGraph
from impls.compression.geometric_median import GeometricMedian
from impls.compression.implicit_removal import ImplicitRemoval
from impls.compression.l1_from_scratch import L1FromScratch
from impls.compression.l1_norm import L1Norm
from impls.compression.network_slimming import SCALE_PENALTY_OF_OTHERS, NetworkSlimming
from impls.compression.random_channels import RandomChannels
from impls.compression.self_grouping import SelfGrouping
from impls.compression.uncompressed import Uncompressed
from impls.compression.uniform_width import UniformWidth
from impls.compression.workload import Compression, CompressionCase
from impls.networks.count import count_macs
from impls.runtimes.catalogue import RUNTIMES
from impls.trained_networks import image_data
from impls.trained_networks.network_artifact import NetworkArtifact
from impls.trained_networks.trained_network import TrainedNetwork
from impls.training.training import Images

pytest.importorskip("sklearn")
WORKLOAD = Compression()
CASE = CompressionCase(recipe="smoke", width_mult=0.5, epochs=3, fine_tuning_epochs=1, batch=7)
EDGE = Target("edge")
METHODS: list[type[CompressionMethod]] = [
    ChannelSimilarity,
    DepGraph,
    GeometricMedian,
    L1Norm,
    L1FromScratch,
    NetworkSlimming,
    RandomChannels,
    SelfGrouping,
    UniformWidth,
]


def built_by() -> artifacts.BuiltBy:
    return artifacts.BuiltBy(processor="test", libraries={})


def build(method: CompressionMethod, case: CompressionCase = CASE) -> CompressedNetwork:
    """Build the artifacts of a method, and return the compressed network."""
    for artifact in method.artifacts(case, EDGE):
        artifacts.build(artifact, built_by)
    compressed = method.artifact(case, EDGE)
    assert isinstance(compressed, CompressedNetwork)
    return compressed


def build_base(case: CompressionCase) -> NetworkArtifact:
    base = Uncompressed().base(case, EDGE)
    artifacts.build(base, built_by)
    return base


def prepared(method: CompressionMethod, case: CompressionCase = CASE) -> tuple[Any, TrainedNetwork]:
    for artifact in method.artifacts(case, EDGE):
        artifacts.build(artifact, built_by)
    problem = WORKLOAD.problem(case, seed=1)
    return problem, method.prepare(problem, EDGE)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_keeps_to_its_budget_and_passes(method: type[CompressionMethod]) -> None:
    problem, call = prepared(method())
    checked = WORKLOAD.check(problem, call, seed=2)
    assert checked.passed, checked.reason
    metrics = WORKLOAD.evaluate(problem, call).metrics
    base = method().base(CASE, EDGE).create()
    macs = count_macs(base, 1, 8, 8)
    assert metrics["macs_left"] == call.work.macs / (CASE.batch * macs)
    assert 0.35 < metrics["macs_left"] <= 0.5
    assert metrics["weight_bytes"] < sum(tensor.nbytes for tensor in base.state_dict().values())
    assert 0 < metrics["compress_s"] < 60
    assert metrics["top1"] > 0.3, "ten classes; the smallest networks learn the least in four epochs"


def test_the_uncompressed_network_is_the_one_that_others_begin_with() -> None:
    problem, call = prepared(Uncompressed())
    assert WORKLOAD.check(problem, call, seed=2).passed
    assert isinstance(call.artifact, NetworkArtifact)
    assert call.artifact.key == build(L1Norm()).base.key
    metrics = WORKLOAD.evaluate(problem, call).metrics
    assert metrics["macs_left"] == 1
    assert not {"top1_held_out_before", "compress_s", "train_s"} & metrics.keys(), "it was not compressed"


def test_the_whole_network_can_be_fine_tuned_like_the_others() -> None:
    method = Uncompressed()
    method.fine_tuned = True
    problem, call = prepared(method)
    assert WORKLOAD.check(problem, call, seed=2).passed
    metrics = WORKLOAD.evaluate(problem, call).metrics
    assert metrics["macs_left"] == 1
    assert metrics["train_s"] > 0


def test_removing_inactive_filters_changes_no_logits() -> None:
    case = CASE.model_copy(update={"network": "basic_net", "width_mult": 0.25, "epochs": 2, "fine_tuning_epochs": 0})
    method = ImplicitRemoval()
    base = method.base(case, EDGE)
    artifacts.build(base, built_by)
    network, x = base.load_network().eval(), torch.randn(4, 1, 8, 8)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.weight[::3] = 1e-9
            norm.bias[::3] = 0.3 if norm is norms[-1] else -0.3  # nothing pads after the last one
        expected = network(x)
    images = image_data.load("digits").train
    task = Task(0, 1, x[:1], Images(*map(torch.from_numpy, images), (0.0,), (1.0,)), 0)
    method.compress(network, task)
    with torch.no_grad():
        torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-5)
    assert [norm.num_features for norm in norms] == [10, 10, 21, 21, 42, 42, 42], "of 16, 32 and 64"
    problem, call = prepared(method, case)
    assert WORKLOAD.check(problem, call, seed=2).passed
    assert method.unsupported(CASE) == "the paper's training is of basic_net"


def test_network_slimming_trains_a_network_of_its_own_whose_scales_are_smaller() -> None:
    slimming = build(NetworkSlimming()).base
    assert slimming.key != Uncompressed().base(CASE, EDGE).key
    assert slimming.inputs["scale_penalty"] == SCALE_PENALTY_OF_OTHERS
    strong = NetworkArtifact("digits", "resnet8", 0.5, slimming.block, "smoke", 3, 0, scale_penalty=0.01)
    artifacts.build(strong, built_by)

    def scales(artifact: NetworkArtifact) -> float:
        layers = artifact.load_network().modules()
        return sum(layer.weight.abs().sum().item() for layer in layers if isinstance(layer, nn.BatchNorm2d))

    artifacts.build(Uncompressed().base(CASE, EDGE), built_by)
    assert scales(strong) < scales(slimming)
    assert scales(strong) < scales(Uncompressed().base(CASE, EDGE))


def test_without_fine_tuning_the_held_out_accuracy_is_that_before() -> None:
    case = CASE.model_copy(update={"fine_tuning_epochs": 0})
    problem, call = prepared(L1Norm(), case)
    metrics = WORKLOAD.evaluate(problem, call).metrics
    assert metrics["top1_held_out"] == pytest.approx(metrics["top1_held_out_before"], abs=0.01)
    assert metrics["train_s"] == 0


@pytest.mark.parametrize("method", [ChannelSimilarity, SelfGrouping])
@pytest.mark.parametrize("interrupted_after", [1, 2])
def test_an_interrupted_build_ends_in_the_same_weights(method: type[CompressionMethod], interrupted_after: int) -> None:
    artifact = build(method(), CASE.model_copy(update={"fine_tuning_epochs": 2}))
    first = artifact.begin()
    for _ in range(interrupted_after):
        first.build_part()
    second = artifact.begin()
    second.restore(first.state())
    assert second.done == interrupted_after
    while second.done < second.parts:
        second.build_part()
    expected = artifacts.load(artifact)
    content = second.content()
    assert content.arrays.keys() == expected.arrays.keys()
    assert all(np.array_equal(content.arrays[name], expected.arrays[name]) for name in expected.arrays)
    assert content.history["top1_held_out_before"] == expected.description.history["top1_held_out_before"]


def test_the_local_schedule_shrinks_in_steps_within_the_same_epochs() -> None:
    local, case = SelfGrouping(), CASE.model_copy(update={"fine_tuning_epochs": 5, "keep": 0.6})
    local.local = True
    assert local.fine_tuning(case).epochs == (1, 4)
    build = CompressionBuild(CompressedNetwork(build_base(case), local, case, local.fine_tuning(case)))
    left = []
    while build.done < build.parts:
        build.build_part()
        left.append(build.content().history["macs_left"][0])
    assert len(left) == 6
    assert 0.7 < left[0] == left[1] <= 0.8
    assert 0.52 < left[2] == left[-1] <= 0.6
    resumed = CompressionBuild(CompressedNetwork(build_base(case), local, case, local.fine_tuning(case)))
    first = CompressionBuild(CompressedNetwork(build_base(case), local, case, local.fine_tuning(case)))
    for _ in range(3):
        first.build_part()
    resumed.restore(first.state())
    while resumed.done < resumed.parts:
        resumed.build_part()
    contents = [each.content() for each in (build, resumed)]
    assert len(contents[0].history["train_loss"]) == 5
    assert contents[0].history["train_loss"] == contents[1].history["train_loss"]
    assert all(np.array_equal(array, contents[1].arrays[name]) for name, array in contents[0].arrays.items())


@pytest.mark.parametrize(
    "change",
    [{"keep": 0.4}, {"round_to": 4}, {"fine_tuning_epochs": 2}, {"seed": 1}, {"epochs": 2}, {"recipe": "fast"}],
)
def test_everything_that_decides_the_weights_changes_the_key(change: dict[str, Any]) -> None:
    assert L1Norm().artifact(CASE.model_copy(update=change), EDGE).key != L1Norm().artifact(CASE, EDGE).key


def test_methods_and_their_variants_have_keys_of_their_own() -> None:
    methods: list[CompressionMethod] = [method() for method in METHODS]
    for settings in ChannelSimilarity.variants.values():
        variant = ChannelSimilarity()
        for name, value in settings.items():
            setattr(variant, name, value)
        methods.append(variant)
    keys = [method.artifact(CASE, EDGE).key for method in methods]
    assert len(set(keys)) == len(keys) - 1, "the first variant of channel similarity is the class itself"


def test_runtime_and_batch_do_not_change_the_key() -> None:
    other = CASE.model_copy(update={"runtime": "onnxruntime", "batch": 1})
    assert L1Norm().artifact(other, EDGE).key == L1Norm().artifact(CASE, EDGE).key


def test_a_plug_in_is_known_by_its_source(tmp_path: Path) -> None:
    source = 'from impls.compression.l1_norm import L1Norm\n\n\nclass Own(L1Norm):\n    """Mine."""\n'
    identities = []
    for index, text in enumerate((source, source, f"{source}# changed\n")):
        path = tmp_path / f"own{index}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec
        assert spec.loader
        sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        identities.append(module.Own().identity())
        del sys.modules[path.stem]
    assert identities[0] == identities[1] != identities[2]


def test_a_network_of_another_case_is_refused() -> None:
    _, call = prepared(L1Norm())
    other = CASE.model_copy(update={"keep": 0.7})
    failed = WORKLOAD.check(WORKLOAD.problem(other, seed=1), call, seed=2)
    assert failed.reason == "the network was trained with keep=0.5, not 0.7"


def test_too_coarse_a_rounding_is_unsupported() -> None:
    reason = L1Norm().unsupported(CASE.model_copy(update={"round_to": 64}))
    assert reason == (
        "keep=0.5 cannot be reached: with round_to=64 and a tenth of each layer's channels, 100% of the MACs remain"
    )
    assert L1Norm().unsupported(CASE) is None


def test_the_local_schedule_needs_epochs_and_a_share_that_can_be_reached() -> None:
    local = SelfGrouping()
    local.local = True
    assert local.unsupported(CASE) == "local fine-tuning needs fine_tuning_epochs=4 or more"
    assert SelfGrouping().unsupported(CASE) is None
    reason = SelfGrouping().unsupported(CASE.model_copy(update={"keep": 0.02}))
    assert reason
    assert reason.startswith("keep=0.02 cannot be reached: with a channel for each filter")


def test_a_method_that_removes_too_little_fails() -> None:
    class Nothing(L1Norm):
        def compress(self, network: nn.Module, task: Any) -> None:
            pass

    artifact = CompressedNetwork(build(L1Norm()).base, Nothing(), CASE, Nothing().fine_tuning(CASE))
    with pytest.raises(ValueError, match="MACs are left, more than the"):
        CompressionBuild(artifact).build_part()


@pytest.mark.parametrize("method", [ChannelSimilarity, SelfGrouping])
@pytest.mark.parametrize("network", ["resnet8", "basic_net"])
@pytest.mark.parametrize("runtime", ["onnxruntime", "native"])
def test_compact_networks_classify_alike_on_other_runtimes(
    method: type[CompressionMethod], network: str, runtime: str
) -> None:
    """At most two images of the test set and of the held-out images may be classified otherwise."""
    if reason := RUNTIMES[runtime].unavailable():
        pytest.skip(reason)
    changes = {"network": network, "keep": 0.6, "epochs": 1, "fine_tuning_epochs": 0}
    right = {}
    for name in ("pytorch", runtime):
        problem, call = prepared(method(), CASE.model_copy(update=changes | {"runtime": name}))
        checked = WORKLOAD.check(problem, call, seed=3)
        assert checked.passed, checked.reason
        metrics = WORKLOAD.evaluate(problem, call).metrics
        splits = image_data.load("digits")
        right[name] = [
            metrics["top1"] * len(splits.test.labels),
            metrics["top1_held_out"] * len(splits.held_out.labels),
        ]
    assert np.abs(np.subtract(right["pytorch"], right[runtime])).max() <= 2


def test_the_control_from_scratch_has_the_shape_and_not_the_weights() -> None:
    scratch, l1 = (build(method).load_network() for method in (L1FromScratch(), L1Norm()))
    assert str(scratch) == str(l1)
    assert not torch.equal(next(scratch.parameters()), next(l1.parameters()))
    epochs = [method.fine_tuning(CASE).epochs for method in (L1FromScratch(), L1Norm())]
    assert epochs == [(4,), (1,)]
    equal_training_macs = L1FromScratch()
    equal_training_macs.equal_training_macs = True
    assert equal_training_macs.fine_tuning(CASE).epochs == (7,), (
        "3 epochs of the whole network cost as much as 6 of half of it"
    )
