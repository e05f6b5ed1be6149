"""Reads a model into the layers that a run measures."""

from collections.abc import Iterable

from bench.core import registry
from bench.core.case import Case
from bench.core.errors import UsageError
from bench.core.layers import InputSize, Layer, ModelLayers


def read_layers(source: str, inputs: tuple[InputSize, ...], workload_names: Iterable[str]) -> ModelLayers:
    """Return the layers of a model that workloads compute.

    A layer that several of them compute belongs to the one that does so with the fewest multiplications.

    Args:
        source: ``FILE.onnx``, ``torchvision:NAME`` or ``module:function``.
        inputs: the sizes of its inputs, as far as the model leaves them open.
        workload_names: the workloads to consider.

    Raises:
        UsageError: where the model cannot be read, or none of its layers is a case of these workloads.
    """
    names = tuple(workload_names)
    chosen: dict[str, tuple[str, Case]] = {}
    left_out: dict[str, str] = {}
    order: dict[str, None] = {}
    for workload_name in names:
        own_layers = registry.workload(workload_name).layers_of(source, inputs)
        left_out |= own_layers.left_out
        order |= dict.fromkeys(own_layers.order or own_layers.cases)
        for layer, case in own_layers.cases.items():
            if layer not in chosen or _macs(workload_name, case) < _macs(*chosen[layer]):
                chosen[layer] = (workload_name, case)
    if not chosen:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:3])
        raise UsageError(
            f"{source} has no layer that {', '.join(names)} can measure{f' ({reasons})' if reasons else ''}"
        )
    return ModelLayers(
        source=source,
        inputs=tuple(map(str, inputs)),
        layers=tuple(_layer(name, *chosen[name]) for name in order if name in chosen),
        left_out={name: reason for name, reason in left_out.items() if name not in chosen},
    )


def _layer(name: str, workload: str, case: Case) -> Layer:
    return Layer(name=name, workload=workload, case=case.slug)


def _macs(workload_name: str, case: Case) -> int:
    work = registry.workload(workload_name).work(case)
    return work.macs if work else 0
