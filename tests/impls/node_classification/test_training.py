"""The training loop, the choice of an epoch, and widths for equal parameters."""

import numpy as np
import pytest
import torch

from bench.core import registry
from bench.core.target import Target
from impls.node_classification._choice import PATIENCE, Choice
from impls.node_classification._training import TrainedModel, gcn3_parameters, parameters
from impls.node_classification.gcn3 import Gcn3, Gcn3Network
from impls.node_classification.workload import NodeClassification, NodeClassificationCase

WORKLOAD = NodeClassification()
EDGE = Target("edge")
MODELS = [entry for entry in registry.implementations() if entry.workload == "node_classification"]


def chosen(epochs: list[tuple[float, float]]) -> int:
    choice = Choice()
    for epoch, (accuracy, loss) in enumerate(epochs):
        choice.improves(epoch, accuracy, loss)
    return choice.epoch


def test_the_best_accuracy_is_chosen_and_of_equals_the_lowest_loss() -> None:
    assert chosen([(0.5, 1.0), (0.7, 3.0), (0.7, 2.0), (0.7, 2.0), (0.6, 0.1)]) == 2


def test_nothing_is_chosen_after_training_would_have_stopped() -> None:
    flat = [(0.5, 1.0)] * (PATIENCE + 1)
    assert chosen([*flat[:-1], (0.9, 1.0)]) == PATIENCE
    assert chosen([*flat, (0.9, 1.0)]) == 0


def test_a_diverged_loss_is_no_improvement() -> None:
    assert chosen([(0.5, 1.0), (0.5, float("nan"))]) == 0


@pytest.mark.parametrize("name", [entry.name for entry in MODELS])
def test_equal_parameters_are_as_near_as_the_width_allows(name: str) -> None:
    model = registry.load(next(entry for entry in MODELS if entry.name == name))
    assert isinstance(model, TrainedModel)
    case = NodeClassificationCase(equal_parameters=True, epochs=1)
    if model.supports(case):
        pytest.skip(model.supports(case))
    wanted = gcn3_parameters(1433, 128, 7)
    width = model._width_for(wanted, 1433, 7)

    def off(width: int) -> int:
        return abs(parameters(model.build(1433, width, 7, 0.0)) - wanted)

    assert off(width) <= min(off(width - 1), off(width + 1))
    assert off(width) < 0.01 * wanted
    if name in ("gcn3", "residual_gcn", "multipath_p", "multipath_s"):  # of one size to begin with
        assert width == 128


def test_the_reference_of_equal_parameters_is_gcn3() -> None:
    assert parameters(Gcn3Network(50, 16, 3, 0.0)) == gcn3_parameters(50, 16, 3)


def test_the_call_is_the_model_of_the_chosen_epoch() -> None:
    """Trained on only so far, the model gives the same predictions as in the longer history."""
    long = Gcn3().prepare(WORKLOAD.problem(NodeClassificationCase(epochs=30), 0), EDGE)
    answer = np.asarray(long()).argmax(axis=1)
    np.testing.assert_array_equal(answer, long.history["predictions"][long.history["chosen"]])
    for epochs in (1, 3):
        short = Gcn3().prepare(WORKLOAD.problem(NodeClassificationCase(epochs=epochs), 0), EDGE)
        np.testing.assert_array_equal(short.history["predictions"], long.history["predictions"][:epochs])


def test_training_lowers_the_loss_and_repeats_itself() -> None:
    case = NodeClassificationCase(recipe="regularised", epochs=60)
    first, again = (Gcn3().prepare(WORKLOAD.problem(case, 0), EDGE).history for _ in range(2))
    assert first["train_loss"] == again["train_loss"]
    assert first["train_loss"][-1] < 0.5 * first["train_loss"][0]
    other = Gcn3().prepare(WORKLOAD.problem(case.model_copy(update={"seed": 1}), 0), EDGE).history
    assert other["train_loss"] != first["train_loss"]


def test_recipes_differ_in_dropout_and_decay() -> None:
    plain, regularised = (
        Gcn3().prepare(WORKLOAD.problem(NodeClassificationCase(recipe=recipe, epochs=5), 0), EDGE).history
        for recipe in ("plain", "regularised")
    )
    assert plain["train_loss"][0] != regularised["train_loss"][0]


def test_sparse_features_train_as_dense_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = WORKLOAD.problem(NodeClassificationCase(epochs=10), 0)  # one feature a node: sparse
    sparse = Gcn3().prepare(problem, EDGE).history["train_loss"]
    monkeypatch.setattr("impls.node_classification._training.SPARSE_BELOW", 0.0)
    dense = Gcn3().prepare(problem, EDGE).history["train_loss"]
    torch.testing.assert_close(sparse, dense, rtol=1e-4, atol=1e-5)
