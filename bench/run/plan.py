"""What a run will measure: settled before any worker starts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.core import registry
from bench.core.case import Case
from bench.core.errors import BadUse
from bench.core.record import Key, Record, Status
from bench.core.registry import Entry
from bench.core.target import Target
from bench.core.workload import Workload
from bench.store import Request


@dataclass(frozen=True)
class Sitting:
    """A case and the implementations that will be interleaved on it."""

    workload_name: str
    workload: Workload
    case: Case
    entries: tuple[Entry, ...]
    unable: dict[Entry, str] = field(default_factory=dict)
    """Implementations that cannot run here at all, with the reason."""
    absent: str | None = None
    """What the case needs and this machine does not have, see ``Workload.missing``."""

    def keys(self, target: Target) -> list[Key]:
        names = [entry.name for entry in (*self.entries, *self.unable)]
        return [Key(self.workload_name, name, self.case.slug, str(target)) for name in names]


def plan(request: Request, *, elsewhere: bool = False) -> list[Sitting]:
    """Every case with its implementations; raises BadUse, naming the valid choices, where the request names others.

    It does so too where the target is not on this machine, unless ``elsewhere``: as it would be where there is one.
    """
    target = Target.parse(request.target)
    if not elsewhere and (reason := target.unavailable()):
        raise BadUse(reason)
    entries = registry.implementations(request.plugins)
    _require_known(request, entries)
    workloads = {name: registry.workload(name) for name in request.workloads}
    sittings = [
        _sitting(name, case, entries, request, target, here=target.unavailable() is None)
        for name, cases in filter_cases(workloads, request.suite, request.cases).items()
        for case in cases
    ]
    wanted = [sitting for sitting in sittings if sitting.entries or sitting.unable]
    if not wanted:
        names = ", ".join(dict.fromkeys(sitting.workload_name for sitting in sittings))
        if not request.implementations:
            raise BadUse(f"no implementation of {names} runs on {target.kind}; see featherbench list")
        raise BadUse(f"{', '.join(request.implementations)}: no implementation of {names}; see featherbench list")
    if all(sitting.absent for sitting in wanted):
        raise BadUse(_in_short(dict.fromkeys(str(sitting.absent) for sitting in wanted)))
    return wanted


def filter_cases(workloads: Mapping[str, Workload], suite: str, filters: Sequence[str]) -> dict[str, list[Case]]:
    """The cases of a suite that match every filter ``name=value``; several values of one name are alternatives.

    A workload without such a suite, parameter or value has no such cases; what none of them has raises BadUse.
    """
    cases = {name: list(workload.suites().get(suite, ())) for name, workload in workloads.items()}
    if not any(cases.values()):
        suites = dict.fromkeys(name for workload in workloads.values() for name in workload.suites())
        raise BadUse(f"no suite {suite!r}; choose from {', '.join(suites)}")
    wanted: dict[str, set[str]] = {}
    for text in filters:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadUse(f"--case {text!r} has no value; write NAME=VALUE, such as {text}={_some_value(text, cases)}")
        wanted.setdefault(name, set()).add(value)
    there = [case.texts() for found in cases.values() for case in found]
    for name, values in wanted.items():
        choices = list(dict.fromkeys(texts[name] for texts in there if name in texts))
        if not choices:
            parameters = dict.fromkeys(parameter for texts in there for parameter in texts)
            raise BadUse(f"no parameter {name!r} to filter by; choose from {', '.join(parameters)}")
        if unknown := values - set(choices):
            raise BadUse(_no_such_value(workloads, suite, name, unknown.pop(), choices))
    kept = {
        workload: [case for case in found if all(case.texts().get(name) in wanted[name] for name in wanted)]
        for workload, found in cases.items()
    }
    if not any(kept.values()):
        raise BadUse(f"no case of suite {suite} matches {' and '.join(filters)} together; drop one of them")
    return kept


def _some_value(name: str, cases: Mapping[str, Sequence[Case]]) -> str:
    """Of a parameter, as an example."""
    texts = (case.texts() for found in cases.values() for case in found)
    return next((text[name] for text in texts if name in text), "VALUE")


def _no_such_value(workloads: Mapping[str, Workload], suite: str, name: str, value: str, choices: Sequence[str]) -> str:
    """With the values that there are, and where else to find the one wanted."""
    told = f"no case of suite {suite} has {name}={value}; choose from {', '.join(choices)}"
    if "," in value:
        return f"{told}, and repeat --case {name}=... for each of several"
    having = dict.fromkeys(
        other
        for workload in workloads.values()
        for other, found in workload.suites().items()
        if any(case.texts().get(name) == value for case in found)
    )
    return told + (f"; or a suite that has it: {', '.join(having)}" if having else "")


def to_measure(sittings: Sequence[Sitting], recorded: Sequence[Record], target: Target) -> list[Sitting]:
    """What is still open. A case that was cut off is measured anew with all that passed, so that its rounds pair up."""
    outcome = {record.key: record.status for record in recorded}
    still_open = []
    for sitting in sittings:
        keys = sitting.keys(target)
        if all(key in outcome for key in keys):
            continue
        settled = {key.implementation for key in keys if outcome.get(key, Status.PASSED) is not Status.PASSED}
        still_open.append(
            Sitting(
                sitting.workload_name,
                sitting.workload,
                sitting.case,
                tuple(entry for entry in sitting.entries if entry.name not in settled),
                {entry: reason for entry, reason in sitting.unable.items() if entry.name not in settled},
            )
        )
    return still_open


def _sitting(name: str, case: Case, entries: Sequence[Entry], request: Request, target: Target, here: bool) -> Sitting:
    """What is installed, and which data are there, matters only ``here``."""
    able, unable = [], {}
    workload = registry.workload(name)
    absent = workload.missing(case) if here else None
    for entry in entries:
        if entry.workload not in (name, None) or (
            request.implementations and entry.name not in request.implementations
        ):
            continue
        if target.kind not in entry.targets:
            if request.implementations:  # else it is no part of the comparison
                unable[entry] = (
                    f"runs on {', '.join(entry.targets)}, not on {target.kind}: choose another with --target"
                )
        elif here and (missing := entry.missing() or absent):
            unable[entry] = missing
        else:
            able.append(entry)
    return Sitting(name, workload, case, tuple(able), unable, absent)


def _in_short(reasons: Iterable[str]) -> str:
    """All of a few, or the first two of many."""
    first, *others = reasons
    if len(others) < 3:
        return "; ".join((first, *others))
    return f"{first}; {others[0]}; and {len(others) - 1} more cannot be had either"


def _require_known(request: Request, entries: Sequence[Entry]) -> None:
    for name in request.workloads:
        registry.workload(name)
    names = sorted({entry.name for entry in entries if entry.workload in (*request.workloads, None)})
    for name in request.implementations:
        if name not in names:
            raise BadUse(
                f"no implementation {name!r} of {', '.join(request.workloads)}; choose from {', '.join(names)}"
            )
