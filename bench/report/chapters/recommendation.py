"""The recommendation first: which implementation to take for each workload, and how sure that is."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import pandas as pd

from bench.report.accuracy import Experiment, experiments
from bench.report.accuracy_tables import mean_text, value_text
from bench.report.chapter import Chapter, Report
from bench.report.choice import ChoiceOver, SectionChoice
from bench.report.grid import Column, Grid, GridCell
from bench.report.section import Section
from bench.report.summary import noise
from bench.report.units import MISSING, counted, ratio_with_interval
from bench.stats.best import Choice, Contender

_MIN_LEAD = 0.01
"""Low ends of leads that are smaller are shown as 0."""
MAX_OPEN_LINES = 40
"""Maximum number of lines in the tables of a page that are shown before the reader opens more."""


@dataclass(frozen=True)
class Recommendation:
    """The line on one section, or on the trained models of several runs."""

    title: str
    run: str
    number: int
    """The number of the section that says why records did not pass."""
    take: Sequence[str]
    """The implementation to take, or those that the data cannot tell apart; empty where there is none."""
    certainty: str
    """How sure that is, in a sentence."""
    warnings: Sequence[str] = ()
    """What a reader must not miss, such as incorrect outputs."""
    remarks: Sequence[str] = ()
    by_value: Grid | None = None
    """A choice for each value of a parameter, or for each experiment."""
    failures: int = 0
    """The number of records that did not pass."""
    summaries: Mapping[str, str] = field(default_factory=dict)
    """What each recommended implementation is, by name, where this checkout knows it."""


@dataclass(frozen=True)
class _Advice:
    """What to take, and how sure that is, before the section is added."""

    take: Sequence[str]
    certainty: str
    remarks: Sequence[str] = field(default_factory=list)
    by_value: Grid | None = None
    by_value_take: Sequence[str] = ()
    """What ``by_value`` recommends."""


class RecommendationChapter(Chapter):
    """Which implementation to take, against the runner-up and not only against the baseline."""

    name = "recommendation"
    title = "Which one to take"
    template = "recommendation.html"

    def content(self, report: Report) -> Mapping[str, Any]:
        recommendations = list(_recommendations(report))
        common = _common([recommendation.remarks for recommendation in recommendations])
        return {
            "recommendations": recommendations,
            "shown": _shown(recommendations),
            "common": common,
            "has_factors": any(report.choice(section) for section in report.sections),
            "noises": _noises(report),
            "matrices": report.matrices,
        }


def _shown(recommendations: Sequence[Recommendation]) -> list[bool]:
    """Return for each recommendation whether its table is open: those of a page are, as far as MAX_OPEN_LINES go."""
    lines = accumulate(len(each.by_value.lines) if each.by_value else 0 for each in recommendations)
    return [index == 0 or total <= MAX_OPEN_LINES for index, total in enumerate(lines)]


def _noises(report: Report) -> list[tuple[str, str]]:
    """Return what is known of the noise of each run, after its name; once, without a name, where it is the same."""
    sentences = [(run.name, noise(run)) for run in report.runs]
    different = {sentence for _, sentence in sentences}
    return sentences if len(different) > 1 else [("", sentences[0][1])]


def _common(remarks: Sequence[Sequence[str]]) -> list[str]:
    """Return the remarks that all of several sections have."""
    return [text for text in remarks[0] if all(text in other for other in remarks)] if len(remarks) > 1 else []


def _recommendations(report: Report) -> Iterator[Recommendation]:
    """Yield a recommendation for each section, and one for all sections whose trained models are taken together."""
    joint_by_number = {number: joint for joint in report.pooled_models for number in joint.numbers}
    for number, section in enumerate(report.sections):
        joint = joint_by_number.get(number)
        if joint is None:
            yield _recommendation(report, [number], section.run.name, _advice(report, section))
        elif number == joint.numbers[0]:
            yield _recommendation(report, joint.numbers, joint.runs_text, _trained(joint.experiments))


def _advice(report: Report, section: Section) -> _Advice:
    if section.seed_parameter:
        return _trained(experiments(section))
    choice = report.choice(section)
    return _timed(choice) if choice else _nothing(section)


def _recommendation(report: Report, numbers: Sequence[int], run: str, line: _Advice) -> Recommendation:
    """Return the advice on the sections of these numbers, with what a reader must know of their records."""
    section = report.sections[numbers[0]]
    rows = pd.concat([report.sections[number].rows for number in numbers])
    incorrect = rows[rows["status"] == "incorrect"]["implementation"].value_counts()
    names = ", ".join(f"{name} in {counted(count, 'case')}" for name, count in incorrect.items())
    warnings = [f"Wrong outputs, for which no speed is given, from {names}."] if names else []
    remarks = [*line.remarks, *filter(None, [section.remark])]
    failures = rows[rows["status"] != "passed"]
    failed_in = [number for number in numbers if (report.sections[number].rows["status"] != "passed").any()]
    return Recommendation(
        section.title,
        run,
        failed_in[0] if failed_in else numbers[0],
        line.take,
        line.certainty,
        warnings,
        remarks,
        line.by_value,
        len(failures),
        report.summaries(section.workload, [*line.take, *line.by_value_take]),
    )


def _nothing(section: Section) -> _Advice:
    if (section.rows["status"] == "passed").any():
        return _Advice([], "No case has two implementations that passed, so there is nothing to choose from.")
    return _Advice([], "Nothing passed.")


def _timed(choice: SectionChoice) -> _Advice:
    overall = choice.overall
    if overall.choice is None:
        certainty = f"{_without_choice(overall)} {_by_case(choice)}".strip()
    else:
        certainty = _certainty(overall.choice, overall.cases)
        if overall.cases > 1:
            certainty += f" {_by_case(choice)}"
    by_value_take = [name for over in choice.by_value.values() for name in (*_take(over), *over.fastest_in)]
    return _Advice(_take(overall), certainty, list(_remarks(choice)), _by_value(choice), by_value_take)


def _take(over: ChoiceOver) -> Sequence[str]:
    if over.choice:
        return over.choice.candidates
    return [over.only] if over.only else []


def _without_choice(overall: ChoiceOver) -> str:
    if overall.only:
        return f"It alone passed on all {counted(overall.cases, 'case')}, so no mean compares it with others."
    return f"No implementation passed on all {counted(overall.cases, 'case')}, so no mean compares them."


def _certainty(choice: Choice, cases: int) -> str:
    leader = choice.leader
    lead = _lead_text(leader)
    over = "" if cases == 1 else f" in the geometric mean over the {cases} cases"
    if choice.is_sure:
        return f"It is the fastest{over}, ahead of the runner-up {leader.best_other} by a factor of {lead}."
    return f"The data cannot tell them apart{over}: {leader.name} leads {leader.best_other} by a factor of {lead}."


def _by_case(choice: SectionChoice) -> str:
    """Return in how many cases each is surely the fastest, in a sentence."""
    sure, total = choice.surely_fastest, len(choice.by_case)
    if total < 2:
        return ""
    parts = [f"{name} in {count}" for name, count in sure.most_common(3)]
    rest = sum(sure.values()) - sum(count for _, count in sure.most_common(3))
    parts += [f"others in {rest}"] if rest else []
    unsure = total - sum(sure.values())
    parts += [f"undecided in {unsure}"] if unsure else []
    return f"Case by case, the fastest of {total}: {', '.join(parts)}."


def _remarks(choice: SectionChoice) -> Iterator[str]:
    overall = choice.overall
    if overall.left_out:
        yield f"Not compared over all cases, as they did not pass on every one: {_left_out_text(overall)}."
    total = len(choice.by_case)
    for caution, count in choice.cautions.items():
        yield f"Note for {'all' if count == total else f'{count} of {total}'} cases: {caution}."


def _left_out_text(over: ChoiceOver) -> str:
    """Return the implementations that are not compared, each with the number of cases on which it passed."""
    return ", ".join(f"{name} ({count} of {over.cases})" for name, count in over.left_out.items())


def _by_value(choice: SectionChoice) -> Grid | None:
    """Return the choice for each value of the axis, and which implementations it does not compare."""
    if not choice.by_value:
        return None
    columns = [
        Column(choice.axis.replace("_", " "), numeric=False),
        Column("Take", numeric=False),
        Column("Ahead of", numeric=False, hint="the runner-up"),
        Column("by a factor of", hint="the runner-up's latency / its own, and the interval of that"),
        Column("Cases"),
    ]
    lines = [_value_line(value, over) for value, over in choice.by_value.items()]
    if any(over.left_out for over in choice.by_value.values()):
        columns.append(Column("Not compared (passed on)", numeric=False, hint="they passed on only some of the cases"))
        for line, over in zip(lines, choice.by_value.values(), strict=True):
            line.append(GridCell(_left_out_text(over)))
    return Grid(columns, lines)


def _value_line(value: str, over: ChoiceOver) -> list[GridCell]:
    cases = GridCell(str(over.cases))
    if over.choice is None:
        asides = (["alone passed on all of them"] if over.only else []) + _better_where_they_run(over)
        alone = GridCell(over.only or MISSING, "; ".join(asides))
        return [GridCell(value), alone, GridCell(MISSING), GridCell(MISSING), cases]
    if not over.choice.is_sure:
        asides = ["the data cannot tell them apart", *_better_where_they_run(over)]
        take = GridCell(" or ".join(over.choice.candidates), "; ".join(asides))
        return [GridCell(value), take, GridCell(MISSING), GridCell(MISSING), cases]
    leader = over.choice.leader
    lead = GridCell(_lead_text(leader))
    take = GridCell(leader.name, "; ".join(_better_where_they_run(over)))
    return [GridCell(value), take, GridCell(leader.best_other), lead, cases]


def _better_where_they_run(over: ChoiceOver) -> list[str]:
    """Return, for each implementation that is not compared, in how many of its cases it is surely the fastest."""
    return [
        f"but {name} where it can run: surely the fastest in {count} of its {over.left_out[name]} cases"
        for name, count in over.fastest_in.items()
    ]


def _lead_text(contender: Contender) -> str:
    """Return the lead with its interval; a low end near 0, of few rounds, as 0."""
    lead = contender.lead
    return ratio_with_interval(lead.estimate, lead.low if lead.low > _MIN_LEAD else 0.0, lead.high)


def _trained(judged: Sequence[Experiment]) -> _Advice:
    """Return which model is best in the metric that models are judged by."""
    trained = [experiment for experiment in judged if experiment.leader]
    if not trained:
        return _Advice([], "No two models have the metric that they are judged by.")
    metric = trained[0].metrics[0]
    best = Counter(_candidates(experiment)[0] for experiment in trained)
    sure = Counter(_candidates(experiment)[0] for experiment in trained if _is_sure(experiment))
    extreme = "highest" if metric.higher_is_better else "lowest"
    if len(trained) == 1:
        return _Advice(_candidates(trained[0]), _leader_text(trained[0], extreme))
    counts = ", ".join(f"{name} in {count}" for name, count in best.most_common())
    surely = ", ".join(f"{name} in {count}" for name, count in sure.most_common()) or "none"
    over = counted(len(trained), "experiment")
    certainty = f"The {extreme} {metric.title} over {over}: {counts}. Statistically certain: {surely}."
    take = [best.most_common(1)[0][0]] if len(sure) == 1 and sum(sure.values()) == len(trained) else []
    columns = [
        Column("Experiment", numeric=False),
        Column("Take", numeric=False),
        Column(metric.heading, hint=metric.meaning),
        Column("Repeats"),
    ]
    lines = [_experiment_line(experiment) for experiment in trained]
    return _Advice(take, certainty, by_value=Grid(columns, lines))


def _is_sure(experiment: Experiment) -> bool:
    return bool(experiment.leader and not experiment.leader.unsure and not experiment.leader.tied)


def _candidates(experiment: Experiment) -> list[str]:
    leader = experiment.leader
    return [] if leader is None else list(dict.fromkeys([leader.implementation, *leader.tied, *leader.unsure]))


def _leader_text(experiment: Experiment, extreme: str) -> str:
    metric, leader = experiment.metrics[0], experiment.leader
    if leader is None:
        return ""
    mean = mean_text(metric, leader.mean)
    if leader.tied:
        return f"They share the {extreme} {metric.title}, {value_text(metric, leader.mean.estimate)}."
    surely = "surely better than every other" if not leader.unsure else "the data cannot tell them apart"
    over = counted(leader.seeds, "repeat")
    return f"{leader.implementation} has the {extreme} mean {metric.title}, {mean} over {over}; {surely}."


def _experiment_line(experiment: Experiment) -> list[GridCell]:
    metric, leader = experiment.metrics[0], experiment.leader
    if leader is None:
        return [GridCell(experiment.title or "all"), GridCell(MISSING), GridCell(MISSING), GridCell(MISSING)]
    names = _candidates(experiment)
    aside = "" if len(names) == 1 else "the data cannot tell them apart"
    if len(names) == len(experiment.models) > 3:
        names, aside = [f"any of {len(names)}"], f"{leader.implementation} has the best mean, but not surely"
    cells = [GridCell(experiment.title or "all"), GridCell(" or ".join(names), aside)]
    return [*cells, GridCell(mean_text(metric, leader.mean)), GridCell(str(leader.seeds))]
