"""The training loop, the choice of an epoch, and widths for equal parameters."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.core import loading, registry
from bench.core.target import Target
from impls.node_classification._choice import PATIENCE, Choice
from impls.node_classification._layers import Links
from impls.node_classification._training import Recipe, TrainedModel, gcn3_parameters, parameters, train
from impls.node_classification.gcn import Gcn
from impls.node_classification.gcn3 import Gcn3, Gcn3Network
from impls.node_classification.workload import NodeClassification, NodeClassificationCase

WORKLOAD = NodeClassification()
EDGE = Target("edge")
MODELS = [spec for spec in registry.implementations() if spec.workload == "node_classification"]


def load(name: str) -> TrainedModel:
    model = loading.load(next(spec for spec in MODELS if spec.name == name))
    assert isinstance(model, TrainedModel)
    return model


def choose(epochs: list[tuple[float, float]]) -> int:
    choice = Choice()
    for epoch, (accuracy, loss) in enumerate(epochs):
        choice.improves(epoch, accuracy, loss)
    return choice.epoch


def test_the_best_accuracy_is_chosen_and_the_lowest_loss_breaks_ties() -> None:
    assert choose([(0.5, 1.0), (0.7, 3.0), (0.7, 2.0), (0.7, 2.0), (0.6, 0.1)]) == 2


def test_nothing_is_chosen_after_training_would_have_stopped() -> None:
    flat = [(0.5, 1.0)] * (PATIENCE + 1)
    assert choose([*flat[:-1], (0.9, 1.0)]) == PATIENCE
    assert choose([*flat, (0.9, 1.0)]) == 0


def test_a_nan_loss_is_no_improvement() -> None:
    assert choose([(0.5, 1.0), (0.5, float("nan"))]) == 0


@pytest.mark.parametrize("name", [spec.name for spec in MODELS])
def test_equal_parameters_are_as_close_as_the_width_allows(name: str) -> None:
    model = load(name)
    case = NodeClassificationCase(equal_parameters=True, epochs=1)
    if model.unsupported(case):
        pytest.skip(model.unsupported(case))
    wanted = gcn3_parameters(1433, 128, 7)
    width = model._width_for(wanted, 1433, 7)

    def difference(width: int) -> int:
        return abs(parameters(model.build(1433, width, 7, 0.0)) - wanted)

    assert difference(width) <= min(difference(width - 1), difference(width + 1))
    assert difference(width) < 0.01 * wanted
    if name in ("gcn3", "residual_gcn", "multipath_p", "multipath_s"):  # they have equal parameters at equal width
        assert width == 128


def test_gcn3_parameters_are_those_of_gcn3() -> None:
    assert parameters(Gcn3Network(50, 16, 3, 0.0)) == gcn3_parameters(50, 16, 3)


def test_the_call_is_the_model_of_the_chosen_epoch() -> None:
    """A model that is trained for fewer epochs gives the same predictions as the longer training at those epochs."""
    long = Gcn3().prepare(WORKLOAD.problem(NodeClassificationCase(epochs=30), 0), EDGE)
    output = np.asarray(long()).argmax(axis=1)
    np.testing.assert_array_equal(output, long.history["predictions"][long.history["chosen"]])
    for epochs in (1, 3):
        short = Gcn3().prepare(WORKLOAD.problem(NodeClassificationCase(epochs=epochs), 0), EDGE)
        np.testing.assert_array_equal(short.history["predictions"], long.history["predictions"][:epochs])


def test_training_lowers_the_loss_and_is_reproducible() -> None:
    case = NodeClassificationCase(recipe="regularised", epochs=60)
    first, again = (Gcn3().prepare(WORKLOAD.problem(case, 0), EDGE).history for _ in range(2))
    assert first["train_loss"] == again["train_loss"]
    assert first["train_loss"][-1] < 0.5 * first["train_loss"][0]


def test_the_seed_also_seeds_the_weights() -> None:
    """All three trainings have the same split."""
    problem = WORKLOAD.problem(NodeClassificationCase(epochs=1), 0)
    other = replace(problem, case=problem.case.model_copy(update={"seed": 1}))
    losses = [Gcn3().prepare(seeded, EDGE).history["train_loss"] for seeded in (problem, problem, other)]
    assert losses[0] == losses[1] != losses[2]


def test_weight_decay_is_added_to_the_gradients() -> None:
    """One step of Adam moves each weight by the learning rate against the sign of its gradient."""
    problem = WORKLOAD.problem(NodeClassificationCase(epochs=1), 0)
    links = Links(torch.from_numpy(problem.constants["edges"]), 34)
    for decay in (0.0, 1e6):
        torch.manual_seed(0)
        model = Gcn3Network(34, 8, 4, 0.0)
        before = model.first.linear.weight.detach().clone()
        train(model, problem, links, weight_decay=decay)
        shrinkage = (before - model.first.linear.weight) * before.sign()
        if decay:
            torch.testing.assert_close(shrinkage, torch.full_like(before, 0.01), rtol=1e-3, atol=1e-5)
        else:
            assert (shrinkage < 0).any()


@pytest.mark.parametrize(
    ("case", "recipe"),
    [
        (NodeClassificationCase(hidden=7), Recipe(7, 0.0, 0.0)),
        (NodeClassificationCase(hidden=7, recipe="regularised"), Recipe(7, 0.5, 5e-4)),
        (NodeClassificationCase(hidden=7, equal_parameters=True), Recipe(None, 0.0, 0.0)),
    ],
)
def test_the_case_decides_the_recipe_except_for_gcn_tuned(case: NodeClassificationCase, recipe: Recipe) -> None:
    assert Gcn3().recipe(case) == recipe
    assert load("gcn_tuned").recipe(case) == Recipe(16, 0.5, 5e-4)


def test_the_trained_model_has_equal_parameters() -> None:
    case = NodeClassificationCase(hidden=32, equal_parameters=True, epochs=1)
    wanted = gcn3_parameters(34, 32, 4)
    work = Gcn().prepare(WORKLOAD.problem(case, 0), EDGE).work
    assert work.parameters == pytest.approx(wanted, rel=0.01)


def test_validation_loss_is_over_validation_nodes_without_dropout() -> None:
    case = NodeClassificationCase(recipe="regularised", epochs=1)
    problem = WORKLOAD.problem(case, 0)
    trained = Gcn3().prepare(problem, EDGE)
    validation, labels = (torch.from_numpy(problem.constants[name]) for name in ("validation", "labels"))
    loss = torch.nn.functional.cross_entropy(trained()[validation], labels[validation]).item()
    assert trained.history["validation_loss"][0] == pytest.approx(loss, rel=1e-4)


def test_sparse_features_train_like_dense_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = WORKLOAD.problem(NodeClassificationCase(epochs=10), 0)  # one feature per node: sparse
    sparse = Gcn3().prepare(problem, EDGE).history["train_loss"]
    monkeypatch.setattr("impls.node_classification._training.SPARSE_BELOW", 0.0)
    dense = Gcn3().prepare(problem, EDGE).history["train_loss"]
    torch.testing.assert_close(sparse, dense, rtol=1e-4, atol=1e-5)
