"""Implicit sparsity under each optimiser."""

from bench.core.artifact import Artifact
from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Problem
from impls.implicit_sparsity._regularised_network import RegularisedNetwork
from impls.implicit_sparsity.workload import ImplicitSparsityCase
from impls.trained_networks.deployment import deploy, device
from impls.trained_networks.trained_network import TrainedNetwork


class Optimiser(Implementation):
    """BasicNet, trained by an optimiser of PyTorch."""

    workload = "implicit_sparsity"
    requires = ("torch", "safetensors")
    targets = ("cpu", "edge", "cuda")
    note = "Timed: logits of a normalised image by the dense network, inactive filters included. Training is not in it."
    optimiser = "sgd"
    """Its name in ``_optimisers.OPTIMISERS``."""
    variants = {
        "sgd": {"summary": "Stochastic gradient descent with momentum 0.9, learning rate 0.01."},
        "adam": {"optimiser": "adam", "summary": "Adam, learning rate 0.001.", "paper": "arXiv 1412.6980"},
        "amsgrad": {"optimiser": "amsgrad", "summary": "Adam with AMSGrad, learning rate 0.001."},
        "adamax": {"optimiser": "adamax", "summary": "Adamax, learning rate 0.002.", "paper": "arXiv 1412.6980"},
        "adagrad": {"optimiser": "adagrad", "summary": "Adagrad, learning rate 0.01."},
        "adadelta": {"optimiser": "adadelta", "summary": "Adadelta, learning rate 1.", "paper": "arXiv 1212.5701"},
        "rmsprop": {"optimiser": "rmsprop", "summary": "RMSprop, learning rate 0.001."},
    }

    def artifact(self, case: ImplicitSparsityCase, target: Target) -> RegularisedNetwork:
        """Return the network that the case measures."""
        return RegularisedNetwork(case, self.optimiser, device(target))

    def artifacts(self, case: ImplicitSparsityCase, target: Target) -> tuple[Artifact, ...]:
        return (self.artifact(case, target),)

    def prepare(self, problem: Problem, target: Target) -> TrainedNetwork:
        return deploy(problem, target, self.artifact(problem.case, target))
