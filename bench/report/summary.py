"""Summary of a section in sentences: which implementation is fastest, how surely, and what failed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.core.record import NO_OTHER_PROCESSES, OTHER_PROCESSES
from bench.report.accuracy import Experiment, experiments
from bench.report.accuracy_tables import mean_text, value_text
from bench.report.compare import default_margin
from bench.report.quantities import QUANTITIES
from bench.report.section import Section
from bench.report.units import counted, number, percent, ratio_with_interval, size
from bench.stats.interval import Interval
from bench.stats.ratios import mean_over_cases
from bench.stats.repeats import Finding
from bench.stats.verdict import Verdict
from bench.store import Run


@dataclass(frozen=True)
class Ranking:
    """The results of one implementation over all cases of a section."""

    implementation: str
    passed: int
    cases: int
    fastest: int
    ratio: str
    """Geometric mean of its ratios with the 95 % interval, as text; empty where it has none."""
    verdicts: Counter[Verdict]
    findings: Counter[Finding]
    """Findings on the primary metric, over the section's experiments."""
    is_baseline: bool

    @property
    def compared(self) -> int:
        """How many cases, or experiments, the geometric mean summarises."""
        return self.verdicts.total()


@dataclass(frozen=True)
class Failure:
    """One reason for which an implementation has no speed."""

    implementation: str
    status: str
    reason: str
    cases: list[str]


@dataclass(frozen=True)
class Summary:
    """The summary of a section."""

    run: str
    title: str
    sentences: list[str]
    incorrect: str
    """Warning about incorrect outputs; empty where every output was correct."""
    rankings: list[Ranking]
    baseline: str | None
    judged_by: str
    """The primary metric; empty where there is none."""
    failures: list[Failure]


UNTRIED = (
    "This project has not run on a real GPU yet: its GPU timing and its GPU kernels were tested only on simulated GPUs."
)


def summarise(section: Section) -> Summary:
    """Return the section's ``Summary``; its texts are plain and must be escaped."""
    fastest, trained = _fastest(section), experiments(section)
    incorrect = section.rows[section.rows["status"] == "incorrect"]
    warning = ""
    if len(incorrect):
        counts = incorrect["implementation"].value_counts().items()
        names = ", ".join(f"{name} in {counted(count, 'case')}" for name, count in counts)
        warning = f"wrong outputs, for which no speed is given, from {names}."
    return Summary(
        run=section.run.name,
        title=section.title,
        sentences=[
            *(_leader_sentence(experiment) for experiment in trained),
            _fastest_sentence(section, fastest),
            *_verdicts(section),
            *([] if warning else ["No output was incorrect."]),
            *_questioned(section),
            *_leaks(section),
            *_cautions(section),
            *filter(None, [section.remark]),
        ],
        incorrect=warning,
        rankings=_rankings(section, fastest, trained),
        baseline=section.baseline,
        judged_by=section.metrics[0].title if trained else "",
        failures=_failures(section),
    )


def _fastest(section: Section) -> dict[str, str]:
    """Return the implementation with the lowest latency, by case, where at least two passed."""
    passed = section.rows[section.rows["status"] == "passed"]
    return {
        str(case): str(rows["implementation"].iloc[int(rows["latency_ns"].argmin())])
        for case, rows in passed.groupby("case", sort=False)
        if len(rows) > 1
    }


def _leader_sentence(experiment: Experiment) -> str:
    """Return which model is best in the primary metric, and whether surely."""
    metric, leader = experiment.metrics[0], experiment.leader
    where = " in " + experiment.title if experiment.title else ""
    if leader is None:
        return f"{metric.heading}{where}: no two implementations have it."
    extreme = "highest" if metric.higher_is_better else "lowest"
    if leader.tied:
        names = " and ".join((", ".join([leader.implementation, *leader.tied[:-1]]), leader.tied[-1]))
        mean = value_text(metric, leader.mean.estimate)
        return f"{metric.heading}{where}: {names} share the {extreme} mean, {mean}; the table has their intervals."
    certainty = (
        f"not surely better than {', '.join(leader.unsure)}" if leader.unsure else "surely better than every other"
    )
    return (
        f"{metric.heading}{where}: {leader.implementation} has the {extreme} mean, {mean_text(metric, leader.mean)} "
        f"over {counted(leader.seeds, 'repeat')}; {certainty}."
    )


def _fastest_sentence(section: Section, fastest: dict[str, str]) -> str:
    if not fastest:
        return "No case has two implementations that passed, so there is nothing to rank."
    (first, most), *others = Counter(fastest.values()).most_common()
    runners_up = "".join(f", {name} in {count}" for name, count in others)
    counts = f"{first} has the lowest latency in {most} of {counted(len(fastest), 'case')}{runners_up}"
    left_out = section.rows["case"].nunique() - len(fastest)
    without = f", not counting {counted(left_out, 'case')} where fewer than two passed" if left_out else ""
    return f"{counts}{without}; the verdicts say by how much and how surely."


def _verdicts(section: Section) -> Iterator[str]:
    verdicts = Counter(row.verdict for row in section.comparisons if row.verdict)
    if not verdicts:
        reasons = Counter(row.reason for row in section.comparisons).most_common(1)
        yield "There is no ratio to a baseline" + (f": {reasons[0][0]}." if reasons else ".")
        return
    counts = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in Verdict)
    yield f"Of {counted(verdicts.total(), 'comparison')} with {section.baseline}: {counts}."
    for caution, count in Counter(row.reason for row in section.comparisons if row.ratio and row.reason).items():
        yield f"Note for {count} of them: {caution}."


def noise(run: Run) -> str:
    """Return a sentence on the noise floor of a run and the ratios that count as no difference."""
    margin = default_margin(run)
    band = f"a ratio from {number(1 / (1 + margin))} to {number(1 + margin)} counts as no difference"
    if run.info.on_gpu:
        return f"The noise floor of this GPU has not been measured; margin {percent(margin)}: {band}."
    if run.info.machine.noise_floor is None:
        return f"The noise floor of this machine is unknown, see featherbench doctor; margin {percent(margin)}: {band}."
    return f"Noise floor of this machine, used as the margin: {percent(margin)}; {band}."


def _questioned(section: Section) -> Iterator[str]:
    """Yield a sentence on speeds that are not given because the machine cannot reach them."""
    rows = section.rows[section.rows["status"] == "implausible"]
    if not rows.empty:
        names = ", ".join(rows["implementation"].unique())
        measurements = counted(len(rows), "measurement")
        yield f"{measurements} would be faster than this machine can be ({names}), so no speed is given."


def _leaks(section: Section) -> Iterator[str]:
    """Yield a sentence for each implementation whose memory grows with every call."""
    leaking = section.rows[section.rows["growth_bytes"] > 0]
    for name, rows in leaking.groupby("implementation", sort=False):
        maximum = size(int(rows["growth_bytes"].max()))
        yield f"Memory grows with every call of {name}, by up to {maximum} per call, in {counted(len(rows), 'case')}."


def _cautions(section: Section) -> Iterator[str]:
    """Yield sentences on what makes the times less certain."""
    passed = section.rows[section.rows["status"] == "passed"]
    if passed.empty:
        return
    if section.run.info.on_gpu:
        yield UNTRIED
    total = f"of {counted(len(passed), 'measurement')}"
    for quantity in QUANTITIES:
        if quantity.caution and (affected := int(quantity.concerns(passed[quantity.name]).sum())):
            yield f"In {affected} {total} {quantity.caution}."
    yield from _gpu_neighbours(section)
    many = passed[passed["threads"] > section.run.info.machine.threads]
    if not many.empty:
        names = ", ".join(many["implementation"].unique())
        yield f"In {len(many)} {total} more threads ran than the target has cores ({names}), so they shared cores."


def _gpu_neighbours(section: Section) -> Iterator[str]:
    """Yield sentences on other processes that used the GPU."""
    facts = [record.facts.get(OTHER_PROCESSES, NO_OTHER_PROCESSES) for record in section.run.records]
    unknown = sum(fact.startswith("cannot tell") for fact in facts)
    if shared := sum(fact != NO_OTHER_PROCESSES for fact in facts) - unknown:
        yield f"Other processes used the GPU during {counted(shared, 'measurement')}; the facts below name them."
    if unknown:
        yield f"It is unknown whether other processes used the GPU during {counted(unknown, 'measurement')}."


def _rankings(section: Section, fastest: dict[str, str], trained: Sequence[Experiment]) -> list[Ranking]:
    wins = Counter(fastest.values())
    differences = [
        difference
        for experiment in trained
        for difference in experiment.differences
        if difference.metric == experiment.metrics[0]
    ]
    rankings = []
    for name, rows in section.rows.groupby("implementation", sort=False):
        compared = [row for row in section.comparisons if row.implementation == name]
        ratios = [row.uncorrected for row in compared if row.uncorrected]
        ranking = Ranking(
            implementation=str(name),
            passed=int((rows["status"] == "passed").sum()),
            cases=len(rows),
            fastest=wins[str(name)],
            ratio=_mean_text(ratios) if ratios else "",
            verdicts=Counter(row.verdict for row in compared if row.verdict),
            findings=Counter(difference.finding for difference in differences if difference.implementation == name),
            is_baseline=name == section.baseline,
        )
        rankings.append(ranking)
    return rankings


def _mean_text(ratios: Sequence[Interval]) -> str:
    mean = mean_over_cases(ratios)
    return ratio_with_interval(mean.estimate, mean.low, mean.high)


def _failures(section: Section) -> list[Failure]:
    failed = section.rows[section.rows["status"] != "passed"]
    if failed.empty:
        return []
    return [
        Failure(str(name), str(status), str(reason), [str(case) for case in rows["case"]])
        for (name, status, reason), rows in failed.groupby(["implementation", "status", "reason"], sort=False)
    ]
