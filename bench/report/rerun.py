"""How to measure a run again on another machine, step by step."""

import importlib.metadata
import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Status
from bench.store import Run

_OPTIONAL = re.compile(r'([\w.-]+).*\bextra == "([\w-]+)"')
"""A requirement of an extra in the metadata of a distribution."""


class Step(NamedTuple):
    """What to do, and the command that does it."""

    text: str
    command: str


def rerun(run: Run, specs: Mapping[tuple[str, str], ImplementationSpec]) -> list[Step]:
    """Return the steps that measure ``run`` again on another machine; ``specs`` are known by workload and name."""
    passed = {(record.workload, record.implementation) for record in run.records if record.status is Status.PASSED}
    used = [spec for key, spec in specs.items() if key in passed]
    commit = run.info.machine.environment.commit
    at = f" (this run: commit {commit[:7]})" if commit else ""
    training = " It first trains the networks that are missing, which can take hours." if _trains(run) else ""
    return [
        Step(
            f"In a checkout of Featherbench{at}, install it with what the implementations need.",
            _install_command({name for spec in used for name in spec.requires}),
        ),
        *_environment_steps([spec for spec in used if spec.environment]),
        *(_setup_step(spec) for spec in used if spec.setup),
        Step(
            f"Measure. The command says what else is missing, such as a dataset, and how to get it.{training}",
            re.sub(r" --name [^ ]+", "", run.info.command),  # else the new run would be found in place of this one
        ),
        Step(
            "Compare. A run that is not in results/reference has to be copied first; then give the path of its folder.",
            f"featherbench compare latest {run.name}",
        ),
    ]


def _environment_steps(specs: Sequence[ImplementationSpec]) -> list[Step]:
    if not specs:
        return []
    workloads = dict.fromkeys(str(spec.workload) for spec in specs)
    names = ",".join(spec.name for spec in specs)
    return [Step(f"Install the environments of {names}.", f"featherbench build {' '.join(workloads)} --impl {names}")]


def _setup_step(spec: ImplementationSpec) -> Step:
    text, _, command = spec.setup.rpartition(": ")
    return Step(f"{spec.name} needs a step of its own on each new machine. {text}.", command)


def _trains(run: Run) -> bool:
    """Whether a workload of ``run`` that this checkout knows measures trained networks."""
    for name in run.info.request.workloads:
        try:
            workload = registry.workload(name)
            if workload.uses_artifacts and workload.evaluates:
                return True
        except UsageError:
            continue
    return False


def _install_command(needed: Collection[str]) -> str:
    """Return the command that installs Featherbench with the extras that contain ``needed``; others by their names."""
    try:
        requirements = importlib.metadata.requires("featherbench") or []
    except importlib.metadata.PackageNotFoundError:  # a checkout that is not installed
        requirements = []
    matches = [match for text in requirements if (match := _OPTIONAL.match(text))]
    extra_by_name = {match[1]: match[2] for match in matches if match[2] != "dev" and match[1] != "featherbench"}
    always = {re.split(r"[^\w.-]", text)[0] for text in requirements if "extra ==" not in text}
    extras = sorted({extra_by_name[name] for name in needed if name in extra_by_name})
    others = sorted(set(needed) - always - extra_by_name.keys())
    return " ".join(["pip install -c constraints.txt", f"'.[{','.join(extras)}]'" if extras else ".", *others])
