"""A section in words: who is fastest, how surely, and what went wrong."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.core.record import NO_OTHERS, OTHERS
from bench.report.accuracy import Experiment, experiments
from bench.report.accuracy_tables import mean_text, value_text
from bench.report.compare import CONFIDENCE, default_margin
from bench.report.section import Section
from bench.report.units import number, percent
from bench.stats.paired import geometric_mean
from bench.stats.repeats import Finding
from bench.stats.verdict import Verdict


@dataclass(frozen=True)
class Standing:
    """One implementation over all cases of a section."""

    implementation: str
    passed: int
    cases: int
    fastest: int
    ratio: str
    """Geometric mean of its ratios, as text; empty where it has none."""
    verdicts: Counter[Verdict]
    findings: Counter[Finding]
    """Of the metric that implementations are judged by, over the section's experiments."""
    is_baseline: bool

    @property
    def compared(self) -> int:
        """How many cases, or experiments, the geometric mean summarises."""
        return self.verdicts.total()


@dataclass(frozen=True)
class Trouble:
    """One reason for which an implementation has no speed."""

    implementation: str
    status: str
    reason: str
    cases: list[str]


@dataclass(frozen=True)
class Summary:
    run: str
    title: str
    sentences: list[str]
    incorrect: str
    """What to warn of; empty where every answer was right."""
    standings: list[Standing]
    baseline: str | None
    judged_by: str
    """The metric that implementations are judged by; empty where there is none."""
    troubles: list[Trouble]


UNTRIED = (
    "No GPU has run this project's tests yet: neither the way in which it measures GPUs nor its own kernels for them "
    "have been tried but on simulated ones."
)


def summarise(section: Section) -> Summary:
    """The section's ``Summary``; every text in it is plain and still to be escaped."""
    fastest, trained = _fastest(section), experiments(section)
    incorrect = section.rows[section.rows["status"] == "incorrect"]
    warning = ""
    if len(incorrect):
        wrong = incorrect["implementation"].value_counts().items()
        names = ", ".join(f"{name} in {_count(count, 'case')}" for name, count in wrong)
        warning = f"wrong answers, for which no speed is given, from {names}."
    return Summary(
        run=section.run.name,
        title=section.title,
        sentences=[
            *(_who_is_best(found) for found in trained),
            _who_is_fastest(section, fastest),
            *_verdicts(section),
            *([] if warning else ["No answer was incorrect."]),
            _noise(section),
            *_cautions(section),
            *filter(None, [section.remark]),
        ],
        incorrect=warning,
        standings=_standings(section, fastest, trained),
        baseline=section.baseline,
        judged_by=section.metrics[0].title if trained else "",
        troubles=_troubles(section),
    )


def _fastest(section: Section) -> dict[str, str]:
    """Case -> the implementation with the lowest median, where at least two passed."""
    passed = section.rows[section.rows["status"] == "passed"]
    return {
        str(case): str(rows["implementation"].iloc[int(rows["latency_ns"].argmin())])
        for case, rows in passed.groupby("case", sort=False)
        if len(rows) > 1
    }


def _who_is_best(experiment: Experiment) -> str:
    """By the metric that implementations are judged by, and whether it is surely the best."""
    metric, leader = experiment.metrics[0], experiment.leader
    where = " in " + experiment.title if experiment.title else ""
    if leader is None:
        return f"{metric.heading}{where}: no two implementations have it."
    extreme = "highest" if metric.more_is_better else "lowest"
    if leader.tied:
        names = " and ".join((", ".join([leader.implementation, *leader.tied[:-1]]), leader.tied[-1]))
        shared = value_text(metric, leader.mean.estimate)
        return f"{metric.heading}{where}: {names} share the {extreme} mean, {shared}; the table has their intervals."
    sure = f"not surely better than {', '.join(leader.unsure)}" if leader.unsure else "surely better than every other"
    return (
        f"{metric.heading}{where}: {leader.implementation} has the {extreme} mean, {mean_text(metric, leader.mean)} "
        f"over {_count(leader.seeds, 'repeat')}; {sure}."
    )


def _who_is_fastest(section: Section, fastest: dict[str, str]) -> str:
    if not fastest:
        return "No case has two implementations that passed, so there is nothing to rank."
    (first, most), *others = Counter(fastest.values()).most_common()
    rest = "".join(f", {name} in {count}" for name, count in others)
    counts = f"{first} has the lowest median time in {most} of {_count(len(fastest), 'case')}{rest}"
    left_out = section.rows["case"].nunique() - len(fastest)
    without = f", not counting {_count(left_out, 'case')} where fewer than two passed" if left_out else ""
    return f"{counts}{without}; by how much, and how surely, say the verdicts."


def _verdicts(section: Section) -> Iterator[str]:
    verdicts = Counter(row.verdict for row in section.comparisons if row.verdict)
    if not verdicts:
        why = Counter(row.reason for row in section.comparisons).most_common(1)
        yield "There is no ratio to a baseline" + (f": {why[0][0]}." if why else ".")
        return
    ratio = next(row.ratio for row in section.comparisons if row.ratio)
    counts = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in Verdict)
    yield f"Of {_count(verdicts.total(), 'comparison')} with {section.baseline}: {counts}."
    for caution, count in Counter(row.reason for row in section.comparisons if row.ratio and row.reason).items():
        yield f"To mind in {count} of them: {caution}."
    each, together = percent(ratio.confidence, 5), percent(CONFIDENCE, 2)
    yield f"Each interval holds with {each}, so that all of this page's comparisons hold at once with {together}."


def _noise(section: Section) -> str:
    margin = default_margin(section.run)
    band = f"a ratio from {number(1 / (1 + margin))} to {number(1 + margin)} counts as no difference"
    if section.run.info.on_gpu:
        return f"Nobody has measured a noise floor of this GPU; margin {percent(margin)}: {band}."
    if section.run.info.noise_floor is None:
        return f"The noise floor of this machine is unknown, see featherbench doctor; margin {percent(margin)}: {band}."
    return f"Noise floor of this machine, used as the margin: {percent(margin)}; {band}."


def _cautions(section: Section) -> Iterator[str]:
    """What makes the times less sure than wanted."""
    passed = section.rows[section.rows["status"] == "passed"]
    if passed.empty:
        return
    if section.run.info.on_gpu:
        yield UNTRIED
    of_all = f"of {_count(len(passed), 'measurement')}"
    if early := int((passed["stopped"] == "budget").sum()):
        yield f"In {early} {of_all} the budget ended before the interval was as narrow as wanted."
    if disturbed := int((passed["preempted"] > 0).sum()):
        yield f"In {disturbed} {of_all} a round's calling thread was off its core for a while, preempted or waiting."
    yield from _company(section)
    if throttled := int((passed["throttled"] > 0).sum()):
        yield f"In {throttled} {of_all} the GPU held its clock down in some rounds, for its temperature or its power."
    if exposed := int((passed["exposed"] > 0).sum()):
        yield f"In {exposed} {of_all} the GPU may have waited for the host in some samples, which show that too."
    many = passed[passed["threads"] > section.run.info.threads]
    if not many.empty:
        who = ", ".join(many["implementation"].unique())
        yield f"In {len(many)} {of_all} more threads worked than the target has cores ({who}): they shared them."


def _company(section: Section) -> Iterator[str]:
    """Who else was on the GPU."""
    told = [record.facts.get(OTHERS, NO_OTHERS) for record in section.run.records]
    unknown = sum(fact.startswith("cannot tell") for fact in told)
    if beside := sum(fact != NO_OTHERS for fact in told) - unknown:
        yield f"During {_count(beside, 'measurement')} other processes computed on the GPU; the facts below name them."
    if unknown:
        yield f"Whether others computed on the GPU during {_count(unknown, 'measurement')}, nobody can tell."


def _standings(section: Section, fastest: dict[str, str], trained: Sequence[Experiment]) -> list[Standing]:
    wins = Counter(fastest.values())
    differences = [found for each in trained for found in each.differences if found.metric == each.metrics[0]]
    standings = []
    for name, rows in section.rows.groupby("implementation", sort=False):
        judged = [row for row in section.comparisons if row.implementation == name and row.ratio is not None]
        ratios = [row.ratio.estimate for row in judged if row.ratio]
        standing = Standing(
            implementation=str(name),
            passed=int((rows["status"] == "passed").sum()),
            cases=len(rows),
            fastest=wins[str(name)],
            ratio=number(geometric_mean(ratios), 3) if ratios else "",
            verdicts=Counter(row.verdict for row in judged if row.verdict),
            findings=Counter(found.finding for found in differences if found.implementation == name),
            is_baseline=name == section.baseline,
        )
        standings.append(standing)
    return standings


def _troubles(section: Section) -> list[Trouble]:
    bad = section.rows[section.rows["status"] != "passed"]
    if bad.empty:
        return []
    return [
        Trouble(str(name), str(status), str(reason), [str(case) for case in rows["case"]])
        for (name, status, reason), rows in bad.groupby(["implementation", "status", "reason"], sort=False)
    ]


def _count(number_of: int, what: str) -> str:
    return f"{number_of} {what}" + ("" if number_of == 1 else "s")
