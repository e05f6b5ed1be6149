"""What the options of ``featherbench run`` ask for: a suite, problems, a model, or its layers."""

import sys
from collections.abc import Sequence
from typing import Any

from bench import store
from bench.core import registry
from bench.core.errors import UsageError
from bench.core.layers import InputSize, parse_input_sizes
from bench.run.layers import read_layers
from bench.run.plan import parse_problems

DEFAULT_SUITE = "first"


def make_request(
    workload: Sequence[str] | None,
    suite: str | None,
    problem: Sequence[str] | None,
    layers_of: str | None,
    model: str | None,
    input_size: Sequence[str] | None,
    **others: Any,
) -> store.Request:
    """Return the request for a suite, for problems, for a whole model, or for a model's layers.

    Raises:
        UsageError: where options do not go together, or a problem or a model cannot be read.
    """
    workloads = tuple(dict.fromkeys(workload or sorted(registry.workloads())))
    if problem and (suite or others["case_filters"] or len(workloads) > 1):
        raise UsageError(
            "--problem describes cases of one workload, in place of a suite's: name that workload, and drop --suite "
            "and --case"
        )
    if layers_of and (suite or others["case_filters"] or problem):
        raise UsageError("--layers-of stands in place of a suite: drop --suite, --case and --problem")
    if model and (suite or others["case_filters"] or problem or layers_of):
        raise UsageError("--model stands in place of a suite: drop --suite, --case, --problem and --layers-of")
    if input_size and not (layers_of or model):
        raise UsageError("--input-size needs a model; give one with --model or --layers-of")
    if model:
        name, slug = _whole_model(model, parse_input_sizes(input_size or ()), workloads)
        return store.Request(workloads=(name,), suite=store.PROBLEMS, case_slugs=(slug,), **others)
    if layers_of:
        layers = read_layers(layers_of, parse_input_sizes(input_size or ()), workloads)
        for name, reason in layers.left_out.items():
            print(f"left out: {name}: {reason}", file=sys.stderr)
        measured = tuple(dict.fromkeys(layer.workload for layer in layers.layers))
        return store.Request(workloads=measured, suite=store.LAYERS, model=layers, **others)
    if problem:
        slugs = parse_problems(workloads[0], problem)
        return store.Request(workloads=workloads, suite=store.PROBLEMS, case_slugs=slugs, **others)
    return store.Request(workloads=workloads, suite=suite or DEFAULT_SUITE, **others)


def _whole_model(model: str, inputs: tuple[InputSize, ...], workloads: Sequence[str]) -> tuple[str, str]:
    """Return the first of the workloads that computes a whole model, and the slug of its case.

    Raises:
        UsageError: where none does, or the model cannot be read.
    """
    for name in workloads:
        if case := registry.workload(name).model_case(model, inputs):
            return name, case.slug
    raise UsageError(f"{', '.join(workloads)} cannot run a whole model; drop the workload, and one that can is chosen")
