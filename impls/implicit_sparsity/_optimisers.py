"""The optimisers, and the decay that PyTorch's lack."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from impls.training.training import ParameterGroups

_BETAS = (0.9, 0.999)


class OptimiserSettings(NamedTuple):
    """All that decides an optimiser, except for its regularisation."""

    algorithm: str
    """Its class in ``torch.optim``."""
    learning_rate: float
    options: Mapping[str, Any]
    """The other arguments of the class that decide its steps."""


OPTIMISERS = {
    "sgd": OptimiserSettings("SGD", 0.01, {"momentum": 0.9, "dampening": 0, "nesterov": False}),
    "adam": OptimiserSettings("Adam", 0.001, {"betas": _BETAS, "eps": 1e-8, "amsgrad": False}),
    "amsgrad": OptimiserSettings("Adam", 0.001, {"betas": _BETAS, "eps": 1e-8, "amsgrad": True}),
    "adamax": OptimiserSettings("Adamax", 0.002, {"betas": _BETAS, "eps": 1e-8}),
    "adagrad": OptimiserSettings("Adagrad", 0.01, {"lr_decay": 0, "initial_accumulator_value": 0, "eps": 1e-10}),
    "adadelta": OptimiserSettings("Adadelta", 1.0, {"rho": 0.9, "eps": 1e-6}),
    "rmsprop": OptimiserSettings("RMSprop", 0.001, {"alpha": 0.99, "eps": 1e-8, "momentum": 0, "centered": False}),
}
"""The optimisers of arXiv 1811.12495 by the names of implementations. We had no access to its learning rates.

These are the defaults of PyTorch 2.13, except for SGD and RMSprop, whose rates were clearly more accurate on the
held-out images of digits, of 0.1, 0.3, 1, 3 and 10 times the default, for two seeds and 6 epochs without
regularisation.
"""


def create_optimiser(
    settings: OptimiserSettings, groups: ParameterGroups, decoupled_decay: float
) -> torch.optim.Optimizer:
    """Return an optimiser that multiplies all parameters by ``1 - decoupled_decay`` after each of its steps.

    The ``weight_decay`` of the groups is L2 regularisation in all of these optimisers: they add ``weight_decay`` times
    the parameter to its gradient, before anything else. Decoupled decay is that of arXiv 1811.12495; that of PyTorch's
    AdamW is multiplied by the learning rate.
    """
    optimiser: torch.optim.Optimizer = getattr(torch.optim, settings.algorithm)(
        groups, lr=settings.learning_rate, **settings.options
    )

    def decay_parameters(*_: Any) -> None:
        with torch.no_grad():
            for group in optimiser.param_groups:
                for parameter in group["params"]:
                    parameter.mul_(1 - decoupled_decay)

    if decoupled_decay:
        optimiser.register_step_post_hook(decay_parameters)
    return optimiser
