"""The training loop of all models, which sees no test label."""

import copy
import time
from abc import abstractmethod
from bisect import bisect_left
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bench.core.implementation import Implementation
from bench.core.record import Work
from bench.core.target import Target
from bench.core.trained import Trained
from bench.core.workload import Problem
from impls.node_classification._choice import Choice
from impls.node_classification._layers import Features, Links, macs
from impls.node_classification._sparse import Sparse
from impls.node_classification.workload import NodeClassificationCase

LEARNING_RATE = 0.01
WEIGHT_DECAY = 5e-4
DROPOUT = 0.5
SPARSE_BELOW = 0.1
"""Fraction of non-zeros below which training takes the features, which never change, as a sparse matrix."""


class Recipe(NamedTuple):
    """The settings that differ between trainings."""

    width: int | None
    """Width of hidden layers; None means the width at which the model has as many parameters as gcn3."""
    dropout: float
    weight_decay: float
    """Weight decay of all parameters."""


class TrainedModel(Implementation):
    """A graph network: a subclass says how one is built.

    ``build`` returns a module that is called with features and links, ``model(x, links)``, and returns logits (nodes,
    classes). Features are a dense tensor in a call, and may be ``Sparse`` in training. Each layer that has
    multiply-accumulates states them by a method ``macs(nodes, links)``, and is used once in a pass.
    """

    def recipe(self, case: NodeClassificationCase) -> Recipe:
        """Return the case's recipe; a subclass may return one of its own."""
        width = None if case.equal_parameters else case.hidden
        return Recipe(width, DROPOUT, WEIGHT_DECAY) if case.recipe == "regularised" else Recipe(width, 0.0, 0.0)

    @abstractmethod
    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        """Return a new model with hidden layers of ``width``."""

    def prepare(self, problem: Problem, target: Target) -> Trained:
        torch.set_num_threads(len(target.cores))
        case: NodeClassificationCase = problem.case
        x = torch.from_numpy(problem.inputs["x"])
        nodes, features = x.shape
        links = Links(torch.from_numpy(problem.constants["edges"]), nodes)
        classes = int(problem.constants["classes"])
        recipe = self.recipe(case)
        width = recipe.width or self._width_for(gcn3_parameters(features, case.hidden, classes), features, classes)
        torch.manual_seed(case.seed)
        model = self.build(features, width, classes, recipe.dropout)
        history = train(model, problem, links, recipe.weight_decay)

        def call() -> Tensor:
            with torch.inference_mode():
                logits: Tensor = model(x, links)
                return logits

        facts = {"width": f"{width}", "dropout": f"{recipe.dropout:g}", "weight decay": f"{recipe.weight_decay:g}"}
        return Trained(call, _work(model, problem, classes), history, facts)

    def _width_for(self, wanted: int, features: int, classes: int) -> int:
        """Return the width at which the model's number of parameters is closest to ``wanted``."""

        def excess(width: int) -> int:
            with torch.device("meta"):
                return parameters(self.build(features, width, classes, 0.0)) - wanted

        above = bisect_left(range(1, wanted), 0, key=excess) + 1
        return min((width for width in (above - 1, above) if width), key=lambda width: abs(excess(width)))


def gcn3_parameters(features: int, hidden: int, classes: int) -> int:
    """Return the number of parameters that all models have where equal ones are asked for.

    It is that of gcn3: three graph convolutions and a linear layer.
    """
    return (features + 1) * hidden + 2 * (hidden + 1) * hidden + (hidden + 1) * classes


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def train(model: nn.Module, problem: Problem, links: Links, weight_decay: float) -> dict[str, Any]:
    """Train full-batch with Adam on cross-entropy, and restore the model of the epoch chosen on validation.

    Returns:
        The history that ``NodeClassification`` describes. Its times are those of the steps, without the evaluations.
    """
    case: NodeClassificationCase = problem.case
    labels, training, validation = (
        torch.from_numpy(problem.constants[name]) for name in ("labels", "train", "validation")
    )
    x = _sparse_or_dense(torch.from_numpy(problem.inputs["x"]))
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=weight_decay)
    losses, validation_losses, seconds = [], [], []
    predictions = np.empty((case.epochs, len(labels)), np.int16)
    choice, best = Choice(), copy.deepcopy(model.state_dict())
    for epoch in range(case.epochs):
        start = time.perf_counter()
        losses.append(_step(model, optimiser, x, links, labels, training))
        seconds.append(time.perf_counter() - start)
        logits = _evaluate(model, x, links)
        predictions[epoch] = logits.argmax(dim=1).numpy()
        loss = nn.functional.cross_entropy(logits[validation], labels[validation]).item()
        validation_losses.append(loss)
        accuracy = (logits[validation].argmax(dim=1) == labels[validation]).double().mean().item()
        if choice.improves(epoch, accuracy, loss):
            best = copy.deepcopy(model.state_dict())
    model.load_state_dict(best)
    model.zero_grad()  # predictions need no gradients
    model.eval()
    return {
        "predictions": predictions,
        "train_loss": losses,
        "validation_loss": validation_losses,
        "seconds": seconds,
        "chosen": choice.epoch,
    }


def _sparse_or_dense(x: Tensor) -> Features:
    return Sparse.from_dense(x) if x.count_nonzero() < SPARSE_BELOW * x.numel() else x


def _step(
    model: nn.Module, optimiser: torch.optim.Optimizer, x: Features, links: Links, labels: Tensor, training: Tensor
) -> float:
    model.train()
    optimiser.zero_grad()
    loss = nn.functional.cross_entropy(model(x, links)[training], labels[training])
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.item()


def _evaluate(model: nn.Module, x: Features, links: Links) -> Tensor:
    model.eval()
    with torch.no_grad():
        logits: Tensor = model(x, links)
        return logits


def _work(model: nn.Module, problem: Problem, classes: int) -> Work:
    x, edges = problem.inputs["x"], problem.constants["edges"]
    work = macs(model, len(x), edges.shape[1])
    count = parameters(model)
    return Work(
        macs=work.dense + work.sparse,
        sparse_macs=work.sparse,
        least_bytes=x.nbytes + (edges.nbytes if work.sparse else 0) + 4 * (count + len(x) * classes),
        parameters=count,
    )
