"""The sentences of the summary, and its warnings."""

import json
from pathlib import Path

import pytest

from bench.core.record import NO_OTHER_PROCESSES, OTHER_PROCESSES, THREADS_THAT_RAN, Status
from bench.report.compare import compare_each
from bench.report.frame import frame
from bench.report.overview import overviews
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


NOISE = [0.99, 1.0, 1.0, 1.01] * 10


@pytest.fixture
def summary_of(make_run):
    """Return a function that gives the sentences about a run of records."""

    def summary(*records, **changes):
        run = make_run(records, **changes)
        (section,) = sections([run], frame([run]), compare_each([run]))
        return " ".join(summarise(section).sentences).replace("\u00a0", " ")

    return summary


def test_more_threads_than_cores_are_reported(make_record, summary_of):
    greedy = make_record("greedy", facts={THREADS_THAT_RAN: "4"})
    fair = make_record("fair", facts={THREADS_THAT_RAN: "2"})
    text = summary_of(make_record(), fair, greedy, threads=2)
    assert "In 1 of 3 measurements more threads ran than the target has cores (greedy), so they shared cores." in text


def test_as_many_threads_as_cores_are_not_reported(make_record, summary_of):
    assert "more threads ran" not in summary_of(make_record(facts={THREADS_THAT_RAN: "2"}), threads=2)


def test_disturbances_of_a_gpu_are_reported(make_record, summary_of):
    calm, hot, late = (make_record(name) for name in ("calm", "hot", "late"))
    hot = hot.model_copy(update={"latency": hot.latency.model_copy(update={"throttled": [3, 4], "launch_bound": 0})})
    late = late.model_copy(update={"latency": late.latency.model_copy(update={"throttled": [], "launch_bound": 7})})
    text = summary_of(calm, hot, late)
    assert "In 1 of 3 measurements the GPU held its clock down in some rounds" in text
    assert "In 1 of 3 measurements some samples may include launching" in text
    assert "GPU" not in summary_of(calm, name="undisturbed")


def test_rounds_in_which_others_took_the_core_are_reported(make_record, summary_of):
    text = summary_of(make_record(), make_record("beside", disturbed=[3]), make_record("alone", disturbed=[]))
    assert (
        "In 1 of 3 measurements other processes took the core in some rounds; estimates leave out a minority." in text
    )
    assert "took the core" not in summary_of(make_record(), name="alone")


def test_memory_growth_is_reported_with_its_maximum_over_all_cases(make_record, summary_of):
    def leaking(groups, growth):
        record = make_record("leaky", parameters={"groups": groups})
        return record.model_copy(update={"memory": record.memory.model_copy(update={"growth_bytes": growth})})

    text = summary_of(make_record(parameters={"groups": 1}), leaking(1, 512.0), leaking(2, 2048.0), leaking(4, 0.0))
    assert "Memory grows with every call of leaky, by up to 2.00 KiB per call, in 2 cases." in text
    assert "Memory grows" not in summary_of(make_record(), leaking(1, 0.0), leaking(2, None), name="tight")


def test_an_implausible_speed_is_reported(make_record, summary_of):
    reason = "9 us a call means 900 GFLOP/s at the fewest multiplications, and this machine reaches 100"
    text = summary_of(make_record(), make_record("magic", status=Status.IMPLAUSIBLE, reason=reason))
    assert "1 measurement would be faster than this machine can be (magic), so no speed is given." in text


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("2 (7, 9)", "Other processes used the GPU during 1 measurement"),
        ("cannot tell (no permission)", "It is unknown whether other processes used the GPU during 1 measurement."),
    ],
)
def test_other_processes_on_a_gpu_are_reported(make_record, summary_of, fact, expected):
    alone = make_record("alone", facts={OTHER_PROCESSES: NO_OTHER_PROCESSES})
    assert expected in summary_of(alone, make_record(facts={OTHER_PROCESSES: fact}))
    assert "others" not in summary_of(alone, name="quiet")


def test_pages_say_that_no_gpu_has_run_the_project_until_such_a_run_is_committed(make_record, summary_of):
    runs = [Request(**json.loads(path.read_text())["request"]) for path in ROOT.glob("results/reference/*/run.json")]
    assert runs
    no_gpu_run = not any(request.target.kind == "cuda" for request in runs)
    request = Request(workloads=("conv",), suite="quick", target="cuda:cold")
    text = summary_of(make_record(target="cuda:cold"), request=request)
    assert ("This project has not run on a real GPU yet" in text) == no_gpu_run
    pages = (ROOT / "README.md").read_text() + (ROOT / "docs/gpu.md").read_text()
    for phrase in UNTRIED_YET:
        assert (phrase in pages) == no_gpu_run, phrase


def test_ratios_between_sessions_are_warned_of(make_record, summary_of):
    apart = make_record("apart", session="two")
    assert "Note for 1 of them: measured one after the other, not interleaved" in summary_of(make_record(), apart)
    assert "Note for" not in summary_of(make_record(), make_record("together"), name="turns")


def test_cases_in_which_fewer_than_two_passed_are_reported_and_not_counted(make_record, summary_of):
    cases = [{"groups": groups} for groups in (1, 2, 4)]
    records = [make_record(parameters=case) for case in cases]
    records += [make_record("fast", [500.0] * 20, parameters=case) for case in cases[:1]]
    records += [
        make_record("fast", parameters=case, status=Status.UNSUPPORTED, reason="no", check=None) for case in cases[1:]
    ]
    text = summary_of(*records)
    assert "fast has the lowest latency in 1 of 1 case, not counting 2 cases where fewer than two passed;" in text
    text = summary_of(records[0], records[3], name="ranked")
    assert "fast has the lowest latency in 1 of 1 case; the verdicts" in text


def test_a_mean_ratio_has_its_interval_as_compare_prints_it(make_record, make_run):
    cases = [{"groups": groups} for groups in (1, 2, 4)]
    records = [make_record(parameters=case, session=str(case)) for case in cases]
    records += [
        make_record("fast", [500 * factor for factor in NOISE], parameters=case, session=str(case)) for case in cases
    ]
    run = make_run(records)
    comparisons = compare_each([run])
    (section,) = sections([run], frame([run]), comparisons)
    baseline, fast = summarise(section).rankings
    (overview,) = overviews(comparisons, run)
    mean = overview.means[0].ratio
    assert mean.low < mean.estimate < mean.high
    assert (baseline.ratio, fast.ratio) == ("", f"{mean.estimate:.3f} [{mean.low:.3f}, {mean.high:.3f}]")


def test_the_remark_of_the_workload_is_in_the_summary(make_record, summary_of):
    assert "All <i>layers</i> are square." in summary_of(make_record(), make_record("other"))
