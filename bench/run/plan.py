"""Plans what a run will measure, before any worker starts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import environments
from bench.core import registry
from bench.core.case import Case
from bench.core.case_filter import CaseFilter
from bench.core.errors import UsageError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Key, Record, Status
from bench.core.target import Target
from bench.core.workload import Workload
from bench.store import Request


@dataclass(frozen=True)
class Session:
    """A case and the implementations that will be interleaved on it."""

    workload_name: str
    workload: Workload
    case: Case
    specs: tuple[ImplementationSpec, ...]
    unavailable: dict[ImplementationSpec, str] = field(default_factory=dict)
    """Implementations that cannot run here at all, with the reason."""
    missing: str | None = None
    """What the case needs and this machine does not have, see ``Workload.missing``."""

    def keys(self, target: Target) -> list[Key]:
        names = [spec.name for spec in (*self.specs, *self.unavailable)]
        return [Key(self.workload_name, name, self.case.slug, str(target)) for name in names]


def plan(request: Request, *, elsewhere: bool = False, installs: bool = False) -> list[Session]:
    """Return every case with its implementations.

    An implementation whose environment is not installed is unavailable, unless the request names it.

    Args:
        request: what to measure.
        elsewhere: whether to plan as on a machine that has the target, if this one does not.
        installs: whether all environments will be installed, not only those of implementations that the request names.

    Raises:
        UsageError: where the request names something unknown (the message names the valid choices), where the target is
            not on this machine, unless ``elsewhere``, or where nothing can be measured.
    """
    target = request.target
    if not elsewhere and (reason := target.unavailable()):
        raise UsageError(reason)
    specs = registry.implementations(request.plugins)
    _require_known(request, specs)
    workloads = {name: registry.workload(name) for name in request.workloads}
    sessions = [
        _session(name, case, specs, request, target, target.unavailable() is None, installs)
        for name, cases in _cases(request, workloads).items()
        for case in cases
    ]
    wanted = [session for session in sessions if session.specs or session.unavailable]
    if not wanted:
        names = ", ".join(dict.fromkeys(session.workload_name for session in sessions))
        if not request.implementations:
            raise UsageError(f"no implementation of {names} runs on {target.kind}; see featherbench list")
        raise UsageError(f"{', '.join(request.implementations)}: no implementation of {names}; see featherbench list")
    if all(session.missing for session in wanted):
        raise UsageError(_join_reasons(dict.fromkeys(str(session.missing) for session in wanted)))
    return wanted


def parse_problems(workload_name: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the slugs of the cases of a workload that ``texts`` describe, each once.

    ``@FILE`` stands for the lines of a file, without comments, which begin with ``#``.

    Raises:
        UsageError: where a text describes no valid case, or a file cannot be read.
    """
    case_type = registry.workload(workload_name).case_type
    slugs = []
    for text in texts:
        lines = _lines(Path(text[1:])) if text.startswith("@") else {f"--problem {text!r}": text}
        for origin, line in lines.items():
            try:
                slugs.append(case_type.from_text(line).slug)
            except UsageError as error:
                raise UsageError(f"{origin}: {error}") from None
    return tuple(dict.fromkeys(slugs))


def _lines(path: Path) -> dict[str, str]:
    """Return the problems in a file by where they stand."""
    try:
        lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the problems in {path}: {error}") from None
    problems = {f"{path}:{line_number}": line for line_number, line in enumerate(lines, 1) if line}
    if not problems:
        raise UsageError(f"{path} has no problem; write one a line, such as cin=96,cout=96,h=28,w=28")
    return problems


def _cases(request: Request, workloads: Mapping[str, Workload]) -> dict[str, list[Case]]:
    """Return the cases of a request by workload: its own, or those of its suite that it filters."""
    if own := request.own_cases():
        return {name: [workloads[name].case_type.from_text(slug) for slug in slugs] for name, slugs in own.items()}
    return filter_cases(workloads, request.suite, request.case_filters)


def filter_cases(workloads: Mapping[str, Workload], suite: str, filters: Sequence[str]) -> dict[str, list[Case]]:
    """Return the cases of a suite that match every filter ``name=value``, by workload.

    Several values of one name are alternatives. A workload without the suite, parameter or value has no such cases.

    Raises:
        UsageError: where no workload has the suite, a parameter or a value, or no case matches all filters.
    """
    cases = {name: list(workload.suites().get(suite, ())) for name, workload in workloads.items()}
    if not any(cases.values()):
        suites = dict.fromkeys(name for workload in workloads.values() for name in workload.suites())
        raise UsageError(f"no suite {suite!r}; choose from {', '.join(suites)}")
    texts = [case.texts() for suite_cases in cases.values() for case in suite_cases]
    case_filter = CaseFilter.parse(filters, texts, f"suite {suite}", partial(_advice, workloads))
    return {
        name: [case for case in suite_cases if case_filter.matches(case.texts())] for name, suite_cases in cases.items()
    }


def _advice(workloads: Mapping[str, Workload], name: str, value: str) -> str:
    """Return what to do about a value that no case of a suite has: which suites have it, and ``--problem``."""
    suites = dict.fromkeys(
        suite
        for workload in workloads.values()
        for suite, cases in workload.suites().items()
        if any(case.texts().get(name) == value for case in cases)
    )
    elsewhere = f", or a suite that has it: {', '.join(suites)}" if suites else ""
    return f"{elsewhere}, or measure a problem of your own: --problem"


def to_measure(sessions: Sequence[Session], recorded: Sequence[Record], target: Target) -> list[Session]:
    """Return the sessions that are not fully recorded yet.

    A case that was interrupted is measured again with all implementations that passed, so that its rounds pair up.
    """
    statuses = {record.key: record.status for record in recorded}
    open_sessions = []
    for session in sessions:
        keys = session.keys(target)
        if all(key in statuses for key in keys):
            continue
        not_passed = {key.implementation for key in keys if statuses.get(key, Status.PASSED) is not Status.PASSED}
        open_sessions.append(
            Session(
                session.workload_name,
                session.workload,
                session.case,
                tuple(spec for spec in session.specs if spec.name not in not_passed),
                {spec: reason for spec, reason in session.unavailable.items() if spec.name not in not_passed},
            )
        )
    return open_sessions


def _session(
    name: str,
    case: Case,
    specs: Sequence[ImplementationSpec],
    request: Request,
    target: Target,
    on_this_machine: bool,
    installs: bool,
) -> Session:
    """Return the session of a case; installed packages and data matter only ``on_this_machine``."""
    available, unavailable = [], {}
    installs = installs or bool(request.implementations)
    workload = registry.workload(name)
    missing_for_case = workload.missing(case) if on_this_machine else None
    for spec in specs:
        if spec.workload not in (name, None) or (request.implementations and spec.name not in request.implementations):
            continue
        if target.kind not in spec.targets:
            if request.implementations:  # else it is no part of the comparison
                unavailable[spec] = (
                    f"runs on {', '.join(spec.targets)}, not on {target.kind}: choose another with --target"
                )
        elif on_this_machine and (missing := _missing(spec, installs) or missing_for_case):
            unavailable[spec] = missing
        else:
            available.append(spec)
    return Session(name, workload, case, tuple(available), unavailable, missing_for_case)


def _missing(spec: ImplementationSpec, installs: bool) -> str | None:
    """Return what an implementation lacks on this machine, its environment included unless that will be installed."""
    return spec.missing() or (None if installs else environments.missing(spec))


def _join_reasons(reasons: Iterable[str]) -> str:
    """Join up to three reasons, or the first two of more."""
    first, *others = reasons
    if len(others) < 3:
        return "; ".join((first, *others))
    return f"{first}; {others[0]}; and {len(others) - 1} more cannot be had either"


def _require_known(request: Request, specs: Sequence[ImplementationSpec]) -> None:
    for name in request.workloads:
        _require_workload(name, specs)
    names = sorted({spec.name for spec in specs if spec.workload in (*request.workloads, None)})
    for name in request.implementations:
        if name not in names:
            raise UsageError(
                f"no implementation {name!r} of {', '.join(request.workloads)}; choose from {', '.join(names)}"
            )


def _require_workload(name: str, specs: Sequence[ImplementationSpec]) -> None:
    """Raise UsageError for an unknown workload, with a hint where ``--impl a, b`` has made ``b`` an argument."""
    try:
        registry.workload(name)
    except UsageError as error:
        implementation = name.strip(",")
        if implementation not in {spec.name for spec in specs}:
            raise
        hint = f"{implementation} is an implementation: write --impl a,b, without a space beside the comma"
        raise UsageError(f"{error}; {hint}") from None
