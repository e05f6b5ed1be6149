"""Node classification: a graph network learns the classes of some nodes and is tested on others."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
from pydantic import Field

from bench.core.case import Case
from bench.core.record import Check
from bench.core.trained import Trained
from bench.core.workload import Array, Call, Metric, Pick, Problem, Workload
from bench.measure.correctness import as_arrays
from impls.node_classification import _graphs
from impls.node_classification._choice import PATIENCE, Choice

AGREEMENT = 0.999
"""Share of nodes that a call must put in the class that the chosen epoch's model put them in: sums may be in another
order, so that a node whose two best classes are all but equal may change sides."""
MOVED = 0.01
"""Of the range of the answer's values: the least change of one when nodes exchange their features."""
CONVERGED = 0.01 + 1e-9
"""As far below its best as validation accuracy may be for a training to count as converged: one point, which rounding
must not cut short."""


class NodeClassificationCase(Case):
    """One training on one graph. Cases that differ in nothing but ``seed`` are repeats of one experiment."""

    dataset: _graphs.Name = "karate_club"
    split: Literal["public", "random"] = Field(default="random", description="random: 60, 20, 20 % by the seed")
    recipe: Literal["plain", "regularised"] = Field(
        default="plain", description="Adam at 0.01; regularised: dropout 0.5 and weight decay 5e-4 too"
    )
    hidden: int = Field(default=128, ge=1, description="width of hidden layers")
    equal_parameters: bool = Field(
        default=False, description="widths so chosen that parameters are as many as gcn3's of width hidden"
    )
    epochs: int = Field(default=100, ge=1)
    seed: int = Field(default=0, ge=0, description="of the initial weights, of dropout, and of a random split")


class NodeClassification(Workload):
    """Logits of every node, from a model trained on the classes of a few.

    Input: ``x`` (nodes, features), float32. Constants: ``edges`` (2, edges), int64, each edge in both directions,
    without self-loops; ``labels`` (nodes,), int64, the class of each training and validation node and -1 elsewhere;
    ``train`` and ``validation`` (nodes,), bool; ``classes``, their number. Answer: logits (nodes, classes), float32,
    of the model as it was after the epoch chosen on validation.

    ``prepare`` trains for ``case.epochs`` epochs and returns a ``Trained`` whose history holds, epoch by epoch,
    ``predictions`` (epochs, nodes), the class that the model gives to each node after the epoch, without dropout;
    ``validation_loss`` (epochs,), the cross-entropy that goes with them; ``train_loss`` and ``seconds`` (epochs,), of
    the epoch's step alone; and ``chosen``, the number, from 0, of the epoch that ``Choice`` chooses by them. Accuracies
    are computed here from the predictions, since no problem holds test labels. ``TrainedModel`` does all that for a
    model. Work is each implementation's own word.
    """

    title = "Node classification"
    case_type = NodeClassificationCase
    baseline = "gcn3"
    repeats = "seed"
    metrics = (
        Metric(
            "accuracy",
            "test accuracy",
            "Share of test nodes right. The sound protocol: the epoch with the best validation accuracy is chosen (of "
            f"equal ones that of the lowest validation loss), as if training had stopped {PATIENCE} epochs after it, "
            "and tested once. All epochs are trained all the same, for the learning curves and the other protocol. "
            "A node is 0.1 points of the public splits of Cora, Citeseer and PubMed, and 17 of the karate club.",
            share=True,
            more_is_better=True,
        ),
        Metric(
            "accuracy_peeking",
            "best test accuracy of any epoch (peeking)",
            "Peeking: the protocol of arXiv 2105.01510, which chooses the epoch by the test nodes.",
            share=True,
            more_is_better=True,
        ),
        Metric("inflation", "gained by peeking", "Best test accuracy of any epoch less test accuracy.", share=True),
        Metric("accuracy_last", "test accuracy after the last epoch", "No choice at all.", share=True),
        Metric("val_accuracy", "validation accuracy", "Share of validation nodes right, chosen epoch.", share=True),
        Metric("train_loss", "training loss", "Mean cross-entropy of the training nodes, as trained on."),
        Metric(
            "epochs_to_converge",
            "epochs to converge",
            "Epochs until validation accuracy is first within one point of the best of all epochs.",
            more_is_better=False,
        ),
        Metric("epoch_chosen", "epoch chosen", "The sound protocol's epoch, counted from 1."),
        Metric(
            "epochs_to_peak",
            "epochs to best test accuracy",
            "The published protocol's epoch: the first with the best test accuracy.",
            more_is_better=False,
        ),
        Metric(
            "epoch_s",
            "time an epoch, s",
            "Median over epochs of the training step, without evaluation. Models are trained one after the other, "
            "not in turns.",
        ),
    )

    def suites(self) -> Mapping[str, Sequence[NodeClassificationCase]]:
        named = {
            "quick": [NodeClassificationCase(recipe=recipe) for recipe in ("plain", "regularised")],
            "multipath": _multipath(),
            "equal": _equal(),
            "graphs": _graphs_suite(),
        }
        return named | {"full": list(dict.fromkeys(case for cases in named.values() for case in cases))}

    def missing(self, case: NodeClassificationCase) -> str | None:
        return _graphs.missing(case.dataset, case.split)

    def problem(self, case: NodeClassificationCase, seed: int) -> Problem:
        """The graph itself, whatever ``seed`` is."""
        graph = _graphs.load(case.dataset, case.split, case.seed)
        known = graph.train | graph.validation
        constants = {
            "edges": graph.edges,
            "labels": np.where(known, graph.labels, -1),
            "train": graph.train,
            "validation": graph.validation,
            "classes": np.array(graph.classes),
        }
        return Problem(case, {"x": graph.x.copy()}, constants)

    def check(self, problem: Problem, call: Call, seed: int) -> Check:
        """Accuracies; refused where the call is not the chosen model, or does not read its input."""
        (answer,) = (array.copy() for array in as_arrays(call()))
        found = self.confirm(problem, call, answer)
        if not found.passed:
            return found
        x = problem.inputs["x"]
        features = x.copy()
        np.copyto(x, np.random.default_rng(seed).permutation(features))
        (moved,) = (array.copy() for array in as_arrays(call()))
        np.copyto(x, features)
        if moved.shape != answer.shape or not np.abs(moved - answer).max() > MOVED * np.ptp(answer):
            return Check(passed=False, reason="the answer stays the same when nodes exchange features")
        return found

    def confirm(self, problem: Problem, call: Call, answer: Any) -> Check:
        """Accuracies of the training and of this answer, which must be the chosen epoch's."""
        case: NodeClassificationCase = problem.case
        graph = _graphs.load(case.dataset, case.split, case.seed)
        if not isinstance(call, Trained):
            return Check(passed=False, reason=f"prepare must return a Trained, not a {type(call).__name__}")
        logits = as_arrays(answer)[0]
        if reason := _malformed(logits, call.history, case, graph):
            return Check(passed=False, reason=reason)
        chosen = int(call.history["chosen"])
        rightful = _rightful_choice(call.history, graph)
        if chosen != rightful:
            return Check(passed=False, reason=f"it chose epoch {chosen + 1}, where validation chooses {rightful + 1}")
        agreement = float(np.mean(logits.argmax(axis=1) == call.history["predictions"][chosen]))
        if agreement < AGREEMENT:
            reason = f"{1 - agreement:.1%} of nodes are in another class than the model of epoch {chosen + 1} put them"
            return Check(passed=False, reason=reason)
        return _evaluated(call.history, graph)

    def rehearsal(self, case: NodeClassificationCase) -> NodeClassificationCase:
        return case.model_copy(update={"epochs": 1})

    def work(self, case: NodeClassificationCase) -> None:
        return None

    def sample(self, pick: Pick[Any]) -> NodeClassificationCase:
        return NodeClassificationCase(
            recipe=pick(["plain", "regularised"]),
            hidden=pick([8, 16, 33]),
            equal_parameters=pick([False, True]),
            epochs=pick([1, 2, 5]),
            seed=pick(range(4)),
        )


def _malformed(logits: Array, history: Mapping[str, Any], case: NodeClassificationCase, graph: _graphs.Graph) -> str:
    """What is wrong with the form of an answer and its history; empty where nothing is."""
    shape = (graph.nodes, graph.classes)
    if logits.shape != shape or logits.dtype != np.float32:
        return f"the answer is {logits.dtype} {logits.shape}, not float32 {shape}"
    if not np.isfinite(logits).all():
        return f"{np.count_nonzero(~np.isfinite(logits))} of the answer's {logits.size} values are NaN or infinite"
    wanted: dict[str, tuple[int, ...]] = dict.fromkeys(("train_loss", "validation_loss", "seconds"), (case.epochs,))
    wanted["predictions"] = (case.epochs, graph.nodes)
    for name, form in wanted.items():
        if np.shape(history.get(name, ())) != form:
            return f"the history's {name} have the shape {np.shape(history.get(name, ()))}, not {form}"
    if not np.isfinite(history["train_loss"]).all():
        return "the training loss is NaN or infinite in some epoch"
    if not 0 <= int(history.get("chosen", -1)) < case.epochs:
        return f"the history's chosen epoch is {history.get('chosen')}, not one from 0 to {case.epochs - 1}"
    return ""


def _rightful_choice(history: Mapping[str, Any], graph: _graphs.Graph) -> int:
    """The epoch that the sound protocol chooses."""
    right = np.asarray(history["predictions"])[:, graph.validation] == graph.labels[graph.validation]
    choice = Choice()
    for epoch, (count, loss) in enumerate(zip(right.sum(axis=1), history["validation_loss"], strict=True)):
        choice.improves(epoch, float(count), float(loss))
    return choice.epoch


def _evaluated(history: Mapping[str, Any], graph: _graphs.Graph) -> Check:
    right = np.asarray(history["predictions"]) == graph.labels
    test, validation = (right[:, mask].mean(axis=1) for mask in (graph.test, graph.validation))
    chosen = int(history["chosen"])
    accuracy = float(test[chosen])
    metrics = {
        "accuracy": accuracy,
        "accuracy_peeking": float(test.max()),
        "inflation": float(test.max()) - accuracy,
        "accuracy_last": float(test[-1]),
        "val_accuracy": float(validation[chosen]),
        "train_loss": float(history["train_loss"][chosen]),
        "epochs_to_converge": 1.0 + int(np.argmax(validation >= validation.max() - CONVERGED)),
        "epoch_chosen": 1.0 + chosen,
        "epochs_to_peak": 1.0 + int(test.argmax()),
        "epoch_s": float(np.median(history["seconds"])),
    }
    curves = {
        "val_accuracy": validation.tolist(),
        "accuracy": test.tolist(),
        "train_loss": np.asarray(history["train_loss"], np.float64).tolist(),
    }
    return Check(passed=True, metrics=metrics, curves=curves)


CITATIONS: tuple[_graphs.Name, ...] = ("cora", "citeseer")
SEEDS = range(10)
RECIPES: tuple[dict[str, Any], ...] = (
    {"recipe": "plain", "epochs": 100, "hidden": 128},
    {"recipe": "regularised", "epochs": 200, "hidden": 128},
    {"recipe": "regularised", "epochs": 200, "hidden": 16},
)
"""As arXiv 2105.01510 trains; the same width with what graph networks are usually regularised with; and the width of
Kipf and Welling's network (arXiv 1609.02907), which tuned so is gcn_tuned in every table."""


def _multipath() -> list[NodeClassificationCase]:
    """Cora and Citeseer, public split, ten seeds."""
    return [
        NodeClassificationCase(dataset=dataset, split="public", seed=seed, **recipe)
        for dataset, recipe, seed in product(CITATIONS, RECIPES, SEEDS)
    ]


def _equal() -> list[NodeClassificationCase]:
    """The paper's own training at equal parameter counts."""
    return [
        NodeClassificationCase(dataset=dataset, split="public", seed=seed, equal_parameters=True, **RECIPES[0])
        for dataset, seed in product(CITATIONS, SEEDS)
    ]


def _graphs_suite() -> list[NodeClassificationCase]:
    """The other graphs of the paper as it trains on them, but for the split."""
    wider = {"amazon_computers": 500, "amazon_photo": 500, "cora_full": 100}
    return [
        NodeClassificationCase(
            dataset=dataset,
            split="public" if dataset in ("pubmed", "reddit", "ogbn_arxiv") else "random",
            hidden=256 if dataset in wider else 128,
            epochs=wider.get(dataset, 100),
            seed=seed,
        )
        for dataset, seed in product(_graphs.NAMES, SEEDS)
        if dataset not in ("karate_club", "cora", "citeseer")
    ]
