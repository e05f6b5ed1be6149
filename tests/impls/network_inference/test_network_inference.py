"""Network inference: weights, checks, counts, and what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from bench import artifacts
from bench.core.errors import UsageError
from bench.core.layers import InputSize
from bench.core.target import Target
from impls.network_inference import _network
from impls.network_inference.native import Native
from impls.network_inference.onnxruntime import OnnxRuntime
from impls.network_inference.pytorch import PyTorch
from impls.network_inference.workload import NETWORKS, TORCHVISION_NETWORKS, NetworkInference, NetworkInferenceCase
from impls.networks import catalogue
from impls.networks.count import count_macs, count_parameters
from impls.trained_networks.tolerance import MAX_TOLERANCE, TOLERANCE

WORKLOAD = NetworkInference()
CASE = NetworkInferenceCase(width_mult=0.5, block="dw_scc", cg=2, co=0.5, size=(9, 8), batch=2)
EDGE = Target("edge")


def test_the_networks_of_a_case_are_those_of_the_catalogue() -> None:
    assert sorted(NETWORKS) == sorted(catalogue.NETWORKS)


@pytest.mark.parametrize("case", WORKLOAD.suites()["small"], ids=str)
def test_logits_depend_on_the_image_far_more_than_the_tolerance(case: NetworkInferenceCase) -> None:
    problem = WORKLOAD.problem(case, 1)
    first = WORKLOAD.reference(problem)
    WORKLOAD.refill(problem, 2)
    second = WORKLOAD.reference(problem)
    assert np.isfinite(first).all()
    assert np.abs(first - second).max() > 10 * MAX_TOLERANCE * np.abs(second).max()


def test_constants_are_the_same_for_every_seed_and_on_every_number_of_threads() -> None:
    first = WORKLOAD.problem(CASE, 1).constants
    torch.set_num_threads(2)
    try:
        second = WORKLOAD.problem(CASE, 2).constants
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def sensitive() -> nn.Module:
    """Return a network that cancels nearly all of its sums, so that rounding is a large part of what remains."""
    network = nn.Sequential(nn.Conv2d(3, 64, 3), nn.Conv2d(64, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        network[0].bias += 1e3
        network[1].weight[:, ::2] = -network[1].weight[:, 1::2]
    return network


def test_a_network_that_amplifies_rounding_is_allowed_a_multiple_of_its_rounding_error() -> None:
    case = NetworkInferenceCase(network=f"{__name__}:sensitive", size=(9, 8))
    problem = WORKLOAD.problem(case, 1)
    call = PyTorch().prepare(problem, EDGE)
    check = WORKLOAD.check(problem, call, seed=2)
    assert check.passed, check.reason
    assert check.error is not None
    assert check.error > TOLERANCE
    reference = WORKLOAD.reference(problem)
    tolerance = WORKLOAD.tolerance_for_inputs(problem, reference)
    assert TOLERANCE < tolerance < MAX_TOLERANCE
    for times, passes in ((0.9, True), (1.1, False)):
        output = reference.copy()
        output.flat[0] += times * tolerance * np.abs(reference).max()
        assert WORKLOAD.check_output(problem, call, output.astype(np.float32)).passed == passes


def test_a_network_that_needs_larger_images_is_calibrated_with_those_of_the_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_network, "MAX_CALIBRATION_SIZE", 8)  # its poolings leave nothing of so small an image
    network = _network.create(NetworkInferenceCase(network="vgg16", width_mult=0.125))
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(norm.running_mean.abs().max() > 0 for norm in norms if norm.running_mean is not None)


def test_a_network_without_batch_norms_is_not_calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[torch.Tensor] = []
    network = nn.Conv2d(3, 2, 3)
    network.register_forward_hook(lambda *_: calls.append(torch.empty(0)))
    monkeypatch.setattr(_network, "create_network", lambda *_, **__: network)
    assert _network.create(CASE) is network
    assert not calls


def with_activation() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.GELU(), nn.Flatten(), nn.Linear(8 * 7 * 6, 4))


def test_what_falls_back_to_pytorch_is_a_fact() -> None:
    problem = WORKLOAD.problem(NetworkInferenceCase(network=f"{__name__}:with_activation", size=(9, 8)), 1)
    facts = getattr(Native().prepare(problem, EDGE), "facts")  # noqa: B009 - attached by with_facts
    assert facts["fallbacks"].startswith("gelu: ")
    assert not hasattr(Native().prepare(WORKLOAD.problem(CASE, 1), EDGE), "facts")


class Several(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


def test_a_network_has_to_return_one_tensor() -> None:
    problem = WORKLOAD.problem(NetworkInferenceCase(network=f"{__name__}:Several", size=(9, 8)), 1)
    with pytest.raises(TypeError, match="the network returns a tuple; it has to return one tensor"):
        WORKLOAD.reference(problem)


def test_drawing_weights_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    WORKLOAD.problem(CASE, 1)
    assert torch.equal(torch.rand(1), expected)


def test_batch_norms_keep_the_range_of_activations() -> None:
    network = _network.create(NetworkInferenceCase(network="wrn_40_2"))
    spreads = []
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_hook(lambda _layer, _inputs, output: spreads.append(float(output.std())))
    with torch.no_grad():
        network(torch.randn(4, 3, 32, 32))
    assert len(spreads) == 37
    assert all(0.5 < spread < 2 for spread in spreads)


def test_a_network_with_another_weight_is_incorrect() -> None:
    problem = WORKLOAD.problem(CASE, 1)
    network = _network.with_weights(problem)
    x = torch.from_numpy(problem.inputs["x"])

    def call() -> torch.Tensor:
        with torch.inference_mode():
            return network(x)

    assert WORKLOAD.check(problem, call, 5).passed
    with torch.no_grad():
        next(network.parameters())[0].mul_(1.1)
    assert "is above the tolerance" in WORKLOAD.check(problem, call, 5).reason


def test_the_work_is_that_of_the_whole_batch() -> None:
    work = WORKLOAD.work(CASE)
    network = _network.create(CASE)
    assert work is not None
    assert work.macs == 2 * count_macs(network, 3, 9, 8)
    assert work.parameters == count_parameters(network)


def test_g_1_of_gspc_is_the_network_itself_and_g_n_is_depthwise() -> None:
    cases = WORKLOAD.suites()["gspc"]
    assert len(cases) == 12
    assert [case.block_text for case in cases[:6]] == [
        "standard",
        *(f"grouped(groups={groups})" for groups in (2, 4, 8, 16, "N")),
    ]


def test_a_converted_model_is_an_artifact_that_the_call_loads(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("FEATHERBENCH_ARTIFACTS", str(tmp_path_factory.mktemp("artifacts")))
    deployment, problem = OnnxRuntime(), WORKLOAD.problem(CASE, 1)
    with pytest.raises(Exception, match=r"onnxruntime .* is missing or damaged; build it with featherbench build"):
        deployment.prepare(problem, EDGE)
    (artifact,) = deployment.artifacts(CASE, EDGE)
    artifacts.build(artifact, lambda: artifacts.BuiltBy(processor="test", libraries={}))
    assert WORKLOAD.check(problem, deployment.prepare(problem, EDGE), 5).passed


def test_artifacts_of_other_networks_and_shapes_have_other_keys() -> None:
    others = [CASE.model_copy(update=change) for change in ({"batch": 1}, {"co": 0.25}, {"width_mult": 1.0})]
    keys = {OnnxRuntime().artifacts(case, EDGE)[0].key for case in (CASE, *others)}
    assert len(keys) == 4


def test_eager_pytorch_needs_no_artifact() -> None:
    assert PyTorch().artifacts(CASE, EDGE) == ()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"network": "resnet9"}, "no network 'resnet9'; choose from basic_net, "),
        ({"network": "torchvision:resnet18", "block": "dw_pw"}, "torchvision:resnet18 has no block"),
        ({"cg": 2}, "block=standard has no channel groups"),
        ({"block": "dw_pw", "co": 0.5}, "block=dw_pw has no overlap"),
        ({"groups": 2}, "block=standard has no groups"),
        ({"size": (0, 3)}, "size must be from 1"),
    ],
)
def test_a_wrong_case_says_what_is_wrong(parameters: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        NetworkInferenceCase.from_parameters(parameters)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (NetworkInferenceCase(block="grouped", groups=3), "must be divisible by groups"),
        (NetworkInferenceCase(network="torchvision:resnet17"), "torchvision has no model 'resnet17'"),
        (NetworkInferenceCase(network="vgg16", size=(16, 16)), "its five poolings need images of at least 32 x 32"),
    ],
)
def test_a_network_that_cannot_be_made_is_unsupported(case: NetworkInferenceCase, words: str) -> None:
    reason = PyTorch().unsupported(case)
    assert reason is not None
    assert words in reason


@pytest.mark.parametrize("name", TORCHVISION_NETWORKS)
def test_the_networks_of_torchvision_can_be_made(name: str) -> None:
    assert PyTorch().unsupported(NetworkInferenceCase(network=f"torchvision:{name}", size=(64, 64))) is None


def test_a_network_that_cannot_be_made_has_no_work() -> None:
    assert WORKLOAD.work(NetworkInferenceCase(block="grouped", groups=3)) is None
    assert WORKLOAD.work(NetworkInferenceCase(network="missing.onnx")) is None


def test_a_model_of_the_users_own_is_a_case() -> None:
    case = WORKLOAD.model_case("torchvision:mobilenet_v2", ())
    assert case == NetworkInferenceCase(network="torchvision:mobilenet_v2", size=(224, 224))
    refused = {
        "model.onnx": "cannot read model.onnx: No such file",
        "model.pth": "a pickle is never loaded",
        "model": "no model 'model'; give FILE.onnx",
        "no_such_module:make": "cannot make model",
    }
    for source, words in refused.items():
        with pytest.raises(UsageError, match=words):
            WORKLOAD.model_case(source, (InputSize("", (1, 3, 8, 8)),))
    with pytest.raises(UsageError, match="one batch of images"):
        WORKLOAD.model_case("torchvision:mobilenet_v2", (InputSize("", (1, 3)),))
