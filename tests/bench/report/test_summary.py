"""What the summary says in words, and what it warns of."""

import json
from pathlib import Path

import pytest

from bench.core.record import NO_OTHERS, OTHERS, THREADS_THAT_RAN, Status
from bench.report.compare import compare_each
from bench.report.frame import frame
from bench.report.section import sections
from bench.report.summary import summarise
from bench.store import Request

ROOT = Path(__file__).parents[3]
UNTRIED_YET = (
    "No GPU has run any of this project yet",
    "Nothing is known of their speed",
    "before a GPU has run them",
    "tried on a simulated one so far",
)


@pytest.fixture
def say(make_run):
    """The sentences about a run of these records."""

    def said(*records, **changes):
        run = make_run(records, **changes)
        (section,) = sections([run], frame([run]), compare_each([run]))
        return " ".join(summarise(section).sentences).replace("\u00a0", " ")

    return said


def test_more_threads_than_cores_are_told(make_record, say):
    greedy = make_record("greedy", facts={THREADS_THAT_RAN: "4"})
    fair = make_record("fair", facts={THREADS_THAT_RAN: "2"})
    said = say(make_record(), fair, greedy, threads=2)
    assert "In 1 of 3 measurements more threads worked than the target has cores (greedy): they shared them." in said


def test_as_many_threads_as_cores_are_not(make_record, say):
    assert "threads worked" not in say(make_record(facts={THREADS_THAT_RAN: "2"}), threads=2)


def test_what_disturbed_a_gpu_is_told(make_record, say):
    calm, hot, late = (make_record(name) for name in ("calm", "hot", "late"))
    hot = hot.model_copy(update={"latency": hot.latency.model_copy(update={"throttled": [3, 4], "exposed": 0})})
    late = late.model_copy(update={"latency": late.latency.model_copy(update={"throttled": [], "exposed": 7})})
    said = say(calm, hot, late)
    assert "In 1 of 3 measurements the GPU held its clock down in some rounds" in said
    assert "In 1 of 3 measurements the GPU may have waited for the host in some samples" in said
    assert "GPU" not in say(calm, name="undisturbed")


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("2 (7, 9)", "During 1 measurement other processes computed on the GPU"),
        ("cannot tell (no permission)", "Whether others computed on the GPU during 1 measurement, nobody can tell."),
    ],
)
def test_company_on_a_gpu_is_told(make_record, say, fact, told):
    alone = make_record("alone", facts={OTHERS: NO_OTHERS})
    assert told in say(alone, make_record(facts={OTHERS: fact}))
    assert "others" not in say(alone, name="quiet")


def test_that_no_gpu_has_run_the_project_is_said_until_a_run_of_one_is_committed(make_record, say):
    runs = [Request(**json.loads(path.read_text())["request"]) for path in ROOT.glob("results/reference/*/run.json")]
    assert runs
    none = not any(request.target.startswith("cuda") for request in runs)
    said = say(make_record(target="cuda:cold"), request=Request(workloads=("conv",), suite="quick", target="cuda:cold"))
    assert ("No GPU has run this project's tests yet" in said) == none
    readme = (ROOT / "README.md").read_text()
    for phrase in UNTRIED_YET:
        assert (phrase in readme) == none, phrase


def test_ratios_without_turns_are_warned_of(make_record, say):
    apart = make_record("apart", sitting="two")
    assert "To mind in 1 of them: measured one after the other, not in turns" in say(make_record(), apart)
    assert "To mind" not in say(make_record(), make_record("together"), name="turns")


def test_cases_without_a_rival_are_not_counted_and_told(make_record, say):
    cases = [{"groups": groups} for groups in (1, 2, 4)]
    records = [make_record(parameters=case) for case in cases]
    records += [make_record("fast", [500.0] * 20, parameters=case) for case in cases[:1]]
    records += [
        make_record("fast", parameters=case, status=Status.UNSUPPORTED, reason="no", check=None) for case in cases[1:]
    ]
    assert "fast has the lowest median time in 1 of 1 case, not counting 2 cases where fewer than two passed;" in say(
        *records
    )
    assert "fast has the lowest median time in 1 of 1 case; by" in say(records[0], records[3], name="ranked")


def test_what_every_reader_should_know_of_the_workload_is_said(make_record, say):
    assert "All <i>layers</i> are square." in say(make_record(), make_record("other"))
