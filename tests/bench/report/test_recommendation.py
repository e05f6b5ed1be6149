"""The recommendation of a report: what it says, and what it leaves out."""

import pytest

from bench.core.record import Status
from bench.report.chapter import Report
from bench.report.chapters import recommendation
from bench.report.chapters.recommendation import Recommendation, RecommendationChapter

SPREAD = [1.0, 1.01, 0.99, 1.002, 0.998] * 4


@pytest.fixture
def recommend(make_run):
    """Return a function that gives the recommendation for a run of these records."""

    def recommended(*records, **changes) -> Recommendation:
        (only,) = RecommendationChapter().content(Report([make_run(records, **changes)]))["recommendations"]
        return only

    return recommended


@pytest.fixture
def timed(make_record):
    """Return a function that makes a record from a time in ns, or one that failed where there is none."""

    def record(name: str, time: float | None, cin: int, channels_per_group: int):
        parameters = {"cin": cin, "groups": cin // channels_per_group}
        if time is None:
            return make_record(name, parameters=parameters, status=Status.FAILED, reason="no", check=None)
        return make_record(name, [time * factor for factor in SPREAD], parameters=parameters)

    return record


CASES = [(32, 4), (64, 4), (32, 8), (64, 8)]


def test_one_that_failed_on_a_case_is_named_beside_the_choice_that_leaves_it_out(recommend, timed):
    records = [timed(name, time, *case) for case in CASES for name, time in (("pytorch", 1000), ("wide", 700))]
    records += [timed("quick", None if case == (64, 4) else 100, *case) for case in CASES]
    table = recommend(*records).by_value
    assert table.columns[-1].heading == "Not compared (passed on)"
    (_, take, *_), _ = table.lines
    assert take.aside == "but quick where it can run: surely the fastest in 1 of its 1 cases"
    assert [[line[0].text, line[1].text, line[-1].text] for line in table.lines] == [
        ["4", "wide", "quick (1 of 2)"],
        ["8", "quick", ""],
    ]


def test_there_is_no_column_for_what_is_left_out_where_nothing_is(recommend, timed):
    records = [timed(name, time, *case) for case in CASES for name, time in (("pytorch", 1000), ("wide", 700))]
    assert [column.heading for column in recommend(*records).by_value.columns][-1] == "Cases"


def test_those_left_out_are_named_where_no_mean_compares_anything(recommend, timed):
    records = [timed("pytorch", 1000, *case) for case in CASES]
    records += [timed("quick", None if case == (64, 4) else 100, *case) for case in CASES]
    advice = recommend(*records)
    assert advice.take == ["pytorch"]
    assert advice.certainty.startswith("It alone passed on all 4 cases")
    assert advice.remarks[0] == "Not compared over all cases, as they did not pass on every one: quick (3 of 4)."


def test_it_says_what_each_recommended_implementation_is(make_run, timed):
    records = [timed(name, time, *case) for case in CASES for name, time in (("pytorch", 1000), ("wide", 700))]
    report = Report([make_run(records)])
    (only,) = RecommendationChapter().content(report)["recommendations"]
    assert only.summaries == {"wide": "This project's own kernel"}
    assert report.summaries("conv", ["pytorch", "unknown"]) == {"pytorch": "What most people <call>"}


def test_one_that_is_recommended_for_a_single_value_is_explained_too(recommend, make_record):
    records = [
        make_record(name, [time * factor for factor in SPREAD], parameters={"groups": groups})
        for groups, other in ((1, 100), (2, 100), (4, 3000))
        for name, time in (("pytorch", 1000), ("wide", other))
    ]
    assert recommend(*records).summaries.keys() == {"wide", "pytorch"}


def test_tables_by_value_are_open_until_the_page_would_be_full_of_them(make_run, timed, monkeypatch):
    records = [timed(name, time, *case) for case in CASES for name, time in (("pytorch", 1000), ("wide", 700))]
    report = Report([make_run(records, name) for name in ("first", "second", "third")])
    assert RecommendationChapter().content(report)["shown"] == [True, True, True]
    monkeypatch.setattr(recommendation, "MAX_OPEN_LINES", 5)
    assert RecommendationChapter().content(report)["shown"] == [True, True, False], "of tables with two lines each"


def test_cases_without_a_sure_winner_are_counted(recommend, make_record):
    records = [
        make_record(name, [time * factor for factor in SPREAD[shift:] + SPREAD[:shift]], parameters={"groups": groups})
        for groups, other in ((1, 1000), (2, 1000), (4, 3000))
        for shift, name, time in ((0, "pytorch", 1000), (1, "other", other))
    ]
    assert "Case by case, the fastest of 3: pytorch in 1, undecided in 2." in recommend(*records).certainty


def test_trained_models_that_differ_too_little_are_not_certain(recommend, make_trained):
    records = [
        make_trained(name, seed, 0.8 + 0.01 * ((seed + shift) % 3), dataset=dataset)
        for dataset in ("cora", "citeseer")
        for seed in range(3)
        for shift, name in enumerate(("pytorch", "other"))
    ]
    assert recommend(*records).certainty.endswith("Statistically certain: none.")
