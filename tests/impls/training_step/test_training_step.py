"""Training steps: gradients, MACs, and what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from bench.core.target import Target
from impls.training_step._network import count_training_macs, create, loss_and_gradients, with_parameters
from impls.training_step._step import prepare_step, unsupported
from impls.training_step.workload import TrainingStep, TrainingStepCase

WORKLOAD = TrainingStep()
CASE = TrainingStepCase(network="resnet8", width_mult=0.5, cg=2, co=0.5, size=9, batch=3)


def test_the_reference_is_the_derivative_of_the_loss() -> None:
    problem = WORKLOAD.problem(CASE, 1)
    network = with_parameters(problem).double()
    loss, *_ = loss_and_gradients(network, **_arguments(problem.inputs))
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(_loss(network, problem.inputs), parameters)
    random = torch.Generator().manual_seed(2)
    direction = [torch.randn(parameter.shape, generator=random, dtype=torch.float64) for parameter in parameters]
    slope = sum(float((gradient * step).sum()) for gradient, step in zip(gradients, direction, strict=True))
    losses = []
    for sign in (1, -1):
        with torch.no_grad():
            for parameter, step in zip(parameters, direction, strict=True):
                parameter.add_(step, alpha=1e-7 if sign == 1 else -2e-7)
            losses.append(float(_loss(network, problem.inputs)))
    assert (losses[0] - losses[1]) / 2e-7 == pytest.approx(slope, rel=1e-3)
    assert loss.item() == pytest.approx(sum(losses) / 2, rel=1e-5)


def _arguments(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"images": inputs["x"], "labels": inputs["labels"]}


def _loss(network: nn.Module, inputs: dict[str, np.ndarray]) -> torch.Tensor:
    logits = network(torch.from_numpy(inputs["x"]).double())
    return nn.functional.cross_entropy(logits, torch.from_numpy(inputs["labels"]))


@pytest.mark.parametrize(
    "backend", ["masked_dense", "window_groups", "sliced_gemm", "sliced_gemm_nhwc", "native", "auto"]
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_every_backend_computes_the_gradients_of_the_reference(backend: str, channels_last: bool) -> None:
    problem = WORKLOAD.problem(CASE, 1)
    call = prepare_step(problem, Target("edge"), backend, channels_last=channels_last)
    check = WORKLOAD.check(problem, call, 3)
    assert check.passed, check.reason


def test_a_network_whose_windows_are_shifted_is_refused() -> None:
    problem = WORKLOAD.problem(CASE, 1)
    network = with_parameters(problem)
    for layer in network.modules():
        if hasattr(layer, "windows"):
            layer.register_forward_pre_hook(lambda _, inputs: (inputs[0].roll(1, dims=1),))
    x, labels = torch.from_numpy(problem.inputs["x"]), torch.from_numpy(problem.inputs["labels"])
    check = WORKLOAD.check(problem, lambda: loss_and_gradients(network, x, labels), 3)
    assert not check.passed
    assert "is above the tolerance" in check.reason


def test_the_first_layer_needs_no_gradient_of_its_input() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 5, 1), nn.Flatten(), nn.Linear(80, 2)
    )
    first, second, third = 16 * 4 * 27, 16 * 5 * 4, 160
    assert count_training_macs(network, 4) == 2 * first + 3 * second + 3 * third


def test_what_cannot_be_computed_is_refused_with_a_reason() -> None:
    assert unsupported(CASE, "window_groups") is None
    uneven = CASE.model_copy(update={"co": 0.2})
    assert "cycle" in str(unsupported(uneven, "window_groups"))
    plain = TrainingStepCase(network="resnet8", block="dw_pw", size=9, batch=3)
    assert unsupported(plain, "native") == "block=dw_pw has no sliding-channel convolution"
    assert unsupported(plain, "masked_dense") is None
    odd = CASE.model_copy(update={"cg": 5})
    assert "divide" in str(unsupported(odd, "masked_dense"))


@pytest.mark.parametrize(("fields", "words"), [({"cg": 2}, "no channel groups"), ({"co": 0.5}, "no overlap")])
def test_settings_of_other_blocks_are_refused(fields: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TrainingStepCase(block="dw_pw", **fields)


def test_equal_cases_have_equal_networks() -> None:
    first, second = (create(CASE).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
