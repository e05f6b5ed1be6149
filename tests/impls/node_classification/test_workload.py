"""The workload itself: its graphs and splits, its checks and its metrics."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
import pytest
import torch

from bench.core.errors import UsageError
from bench.core.target import Target
from bench.core.trained import Trained
from bench.core.workload import Problem
from impls.node_classification import _graphs
from impls.node_classification.gcn import Gcn
from impls.node_classification.workload import NodeClassification, NodeClassificationCase

WORKLOAD = NodeClassification()
CASE = NodeClassificationCase(epochs=20)


@pytest.fixture
def problem() -> Problem:
    return WORKLOAD.problem(CASE, 0)


@pytest.fixture
def trained(problem: Problem) -> Trained:
    return Gcn().prepare(problem, Target("edge"))


def test_the_karate_club_is_undirected_and_of_known_size() -> None:
    graph = _graphs.load("karate_club", "random", 0)
    assert (graph.nodes, graph.classes, graph.edges.shape[1]) == (34, 4, 156)
    assert not (graph.edges[0] == graph.edges[1]).any()
    reversed_edges = {(b, a) for a, b in graph.edges.T.tolist()}
    assert reversed_edges == set(map(tuple, graph.edges.T.tolist()))


@pytest.mark.parametrize("seed", range(5))
def test_a_random_split_is_60_20_20_by_the_seed(seed: int) -> None:
    train, validation, test = _graphs._random_split(1000, seed)
    assert (train.sum(), validation.sum(), test.sum()) == (600, 200, 200)
    assert ((train.astype(int) + validation + test) == 1).all()
    assert (train != _graphs._random_split(1000, seed + 1)[0]).any()


def test_edges_are_stored_once_in_each_direction() -> None:
    edges = _graphs._undirected(np.array([[0, 1, 0, 2, 3, 0], [1, 0, 1, 2, 0, 3]]))
    assert edges.tolist() == [[0, 0, 1, 3], [1, 3, 0, 0]]


def test_no_test_label_leaves_the_workload(problem: Problem) -> None:
    graph = _graphs.load(CASE.dataset, CASE.split, CASE.seed)
    known = problem.constants["train"] | problem.constants["validation"]
    assert (problem.constants["labels"][~known] == -1).all()
    assert (problem.constants["labels"][known] == graph.labels[known]).all()
    assert not (known & graph.test).any()


def test_a_split_that_a_dataset_does_not_have_is_refused() -> None:
    assert WORKLOAD.missing(NodeClassificationCase(split="public")) == (
        "karate_club has no public split; choose split=random"
    )
    with pytest.raises(UsageError, match="no public split"):
        _graphs.load("karate_club", "public", 0)


def test_a_dataset_that_is_not_there_can_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("FEATHERBENCH_DATA", str(tmp_path))
    reason = WORKLOAD.missing(NodeClassificationCase(dataset="cora", split="public"))
    assert reason is not None
    assert "featherbench data fetch cora" in reason
    assert "\n" not in reason


def test_metrics_follow_from_the_predictions(problem: Problem, trained: Trained) -> None:
    graph = _graphs.load(CASE.dataset, CASE.split, CASE.seed)
    check = WORKLOAD.check(problem, trained, seed=1)
    assert check.passed
    correct = trained.history["predictions"] == graph.labels
    chosen = trained.history["chosen"]
    by_epoch = [float(np.mean(row[graph.test])) for row in correct]
    assert check.metrics["accuracy"] == by_epoch[chosen]
    assert check.metrics["accuracy_peeking"] == max(by_epoch)
    assert check.metrics["inflation"] == max(by_epoch) - by_epoch[chosen]
    assert check.metrics["accuracy_last"] == by_epoch[-1]
    assert check.metrics["epoch_chosen"] == 1 + chosen
    assert check.metrics["train_loss"] == trained.history["train_loss"][chosen]
    assert check.metrics["epoch_s"] == pytest.approx(median(trained.history["seconds"]))
    assert check.metrics["epochs_to_peak"] == 1 + by_epoch.index(max(by_epoch))
    validation = [float(np.mean(row[graph.validation])) for row in correct]
    assert check.metrics["val_accuracy"] == validation[chosen] == max(validation)
    converged = next(epoch for epoch, share in enumerate(validation, 1) if share >= max(validation) - 0.01)
    assert check.metrics["epochs_to_converge"] == converged
    assert check.curves["accuracy"] == by_epoch
    assert {metric.name for metric in WORKLOAD.metrics} == set(check.metrics)


def constant_output(output: Any) -> Callable[[Problem, Trained], Any]:
    return lambda problem, trained: replace(trained, predict=lambda: output)


def stored_output(problem: Problem, trained: Trained) -> Trained:
    output = trained().numpy().copy()
    return replace(trained, predict=lambda: output)


def one_node_changed(problem: Problem, trained: Trained) -> Trained:
    def predict() -> torch.Tensor:
        output = trained().clone()
        output[5] = output[5].roll(1)
        return output

    return replace(trained, predict=predict)


def stored_output_plus_noise(problem: Problem, trained: Trained) -> Trained:
    output = trained().numpy().copy()
    return replace(trained, predict=lambda: output + np.float32(1e-6) * problem.inputs["x"][:, :1])


def with_history(**changes: Any) -> Callable[[Problem, Trained], Trained]:
    return lambda problem, trained: replace(trained, history={**trained.history, **changes})


@pytest.mark.parametrize(
    ("cheat", "reason"),
    [
        (one_node_changed, "2.9% of nodes are in another class"),
        (stored_output, "stays the same"),
        (stored_output_plus_noise, "stays the same"),
        (constant_output(np.zeros((34, 4), np.float32)), "another class than"),
        (constant_output(np.full((34, 4), np.nan, np.float32)), "NaN"),
        (constant_output(np.zeros((34, 4))), "float64"),
        (constant_output(np.zeros((34, 3), np.float32)), "float32 (34, 3)"),
        (with_history(chosen=20), "not one from 0 to 19"),
        (with_history(chosen=0), "it chose epoch 1, where validation chooses"),
        (with_history(train_loss=[float("nan")] * 20), "the training loss is NaN"),
        (with_history(predictions=np.zeros((19, 34), np.int16)), "predictions have the shape (19, 34)"),
        (with_history(seconds=[]), "seconds have the shape (0,)"),
        (lambda problem, trained: trained.predict, "must return a Trained"),
    ],
)
def test_cheats_are_refused(
    problem: Problem, trained: Trained, cheat: Callable[[Problem, Trained], Any], reason: str
) -> None:
    check = WORKLOAD.check(problem, cheat(problem, trained), seed=1)
    assert not check.passed
    assert reason in check.reason
    assert not check.metrics


def test_a_wrong_output_is_refused(problem: Problem, trained: Trained) -> None:
    assert WORKLOAD.check_output(problem, trained, trained()).passed
    assert not WORKLOAD.check_output(problem, trained, torch.roll(trained(), 1, dims=1)).passed


def test_the_check_leaves_the_features_as_they_were(problem: Problem, trained: Trained) -> None:
    before = problem.inputs["x"].copy()
    WORKLOAD.check(problem, trained, seed=1)
    np.testing.assert_array_equal(problem.inputs["x"], before)


def test_suites_have_ten_repeats_of_each_experiment() -> None:
    for name in ("multipath", "equal", "graphs"):
        cases = WORKLOAD.suites()[name]
        experiments = {case.model_copy(update={"seed": 0}) for case in cases}
        assert len(cases) == 10 * len(experiments), name
