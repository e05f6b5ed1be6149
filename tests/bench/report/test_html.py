"""The page as text is complete, self-contained, and safe against markup in names."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from bench.core.errors import RunError, UsageError
from bench.core.record import Check, Status
from bench.peaks.model import Bandwidth, GpuPeaks
from bench.report.html import write_report
from bench.report.palette import COLOURS
from bench.store import Request

EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Collects elements, the JSON of the figures, and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(text)

    @property
    def values(self) -> list[Any]:
        """What the scripts of the page are given."""
        return [json.loads(data) for data in self.data]

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        """The columns of the table of results, by heading."""
        (table,) = (value for value in self.values if "columns" in value)
        return {column["heading"]: column for column in table["columns"]}

    @property
    def figures(self) -> list[dict[str, Any]]:
        return [value for value in self.values if "panels" in value]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("type") or tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "application/json":
            self.data.append(data)
        elif not self._inside:
            self.text += data


@pytest.fixture
def records(make_record):
    cases = [{"cin": 64, "groups": groups} for groups in (1, 4)]
    records = [make_record(name, parameters=case) for case in cases for name in ("pytorch", EVIL)]
    records.append(make_record("careless", parameters=cases[0], status=Status.INCORRECT, reason=f"off by {EVIL}"))
    return records


@pytest.fixture
def page(records, make_run, tmp_path):
    run = make_run(records, notes={"pytorch": EVIL}, command=f"featherbench run {EVIL}")
    return Page(write_report([run], tmp_path / "new" / "report.html").read_text(encoding="utf-8"))


def test_loads_nothing(page):
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action", "poster", "background"):
            value = attributes.get(name) or ""
            assert value.startswith(("#", "data:,")) or not value, (tag, name, value)
    assert not [tag for tag, _ in page.elements if tag in ("iframe", "img", "object", "embed", "base")]
    (policy,) = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_styles_load_nothing(records, make_run, tmp_path):
    text = write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8")
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.S))
    assert "@page" in styles
    assert "url(" not in styles
    assert "@import" not in styles


def test_a_name_with_a_script_stays_text(page):
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert [s for s in scripts if s.get("type") != "application/json"] == [{}]
    assert page.text.count(EVIL) > 3
    names = {series["name"] for figure in page.figures for panel in figure["panels"] for series in panel["series"]}
    assert EVIL in names
    assert not any("<" in data for data in page.data)


def test_shows_results_noise_floor_and_environment(page):
    text = " ".join(page.text.replace("\u00a0", " ").split())
    for expected in (
        "Grouped convolution on edge",
        "wrong outputs, for which no speed is given, from careless in 1 case.",
        "careless incorrect on cin=64,groups=1: off by",
        "Of 2 comparisons with pytorch: 0 faster, 0 slower, 2 cannot tell.",
        "Noise floor of this machine, used as the margin: 1.80 %",
        "over 2 cases",
        "0123abc with uncommitted changes",
        "torch: 2.13.0",
        "Example CPU <b>3 GHz</b>",
        "target edge (one core, one thread)",
        "edge, 1 thread",
        "Cores available",
        "Measured peaks",
        "FLOP = 2 × MAC",
    ):
        assert expected in text, expected


def test_shows_all_three_figures(page):
    assert [figure["heading"] for figure in page.figures] == [
        "Latency against groups",
        "Roofline",
        "Memory against latency",
    ]


def test_the_answer_comes_first_with_its_interval(make_record, make_run, tmp_path):
    times = {"pytorch": 1000.0, "fast": 500.0, "near": 550.0}
    records = [
        make_record(name, [time * groups] * 20, parameters={"cin": 64, "groups": groups})
        for groups in (1, 4)
        for name, time in times.items()
    ]
    page = Page(write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8"))
    text = " ".join(page.text.split())
    recommendation = text[: text.index("Every ratio", text.index("Take"))]
    assert "Take fast" in recommendation
    assert (
        "It is the fastest in the geometric mean over the 2 cases, ahead of the runner-up near by a factor"
        in recommendation
    )
    assert "of 1.100 [1.100, 1.100]. Case by case, the fastest of 2: fast in 2." in recommendation
    assert "16 fast near 1.100 [1.100, 1.100] 1" in recommendation, "for each number of channels per group"


def test_those_that_cannot_be_told_apart_are_both_the_answer(make_record, make_run, tmp_path):
    noise = [1.0, 1.2, 0.9, 1.1] * 5
    records = [
        make_record(name, [1000 * factor for factor in noise[shift:] + noise[:shift]])
        for shift, name in enumerate(("pytorch", "other"))
    ]
    page = Page(write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8"))
    text = " ".join(page.text.split())
    assert "pytorch or other" in text or "other or pytorch" in text
    assert "The data cannot tell them apart: " in text


def test_every_ratio_to_every_baseline_is_in_the_page(make_record, make_run, tmp_path):
    times = {"pytorch": 1000.0, "fast": 500.0, "slow": 4000.0}
    records = [make_record(name, [time] * 20) for name, time in times.items()]
    page = Page(write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8"))
    (matrix,) = (value for value in page.values if "ratios" in value)
    assert matrix["implementations"] == ["fast", "pytorch", "slow"]
    assert {name: ratios["estimate"] for name, ratios in matrix["ratios"].items()} == {
        "pytorch": [0.5, None, 4.0],
        "fast": [None, 2.0, 8.0],
        "slow": [0.125, 0.25, None],
    }
    assert matrix["ratios"]["pytorch"]["verdicts"] == "f-s"
    assert matrix["candidates"] == [[0]]
    assert matrix["rows"] == [1, 0, 2]


def test_says_that_noise_floor_peaks_or_baseline_are_missing(make_record, make_run, tmp_path):
    run = make_run([make_record("alone", parameters={"depth": 3})], noise_floor=None, peaks=None)
    page = Page(write_report([run], tmp_path / "report.html").read_text(encoding="utf-8"))
    text = page.text.replace("\u00a0", " ")
    assert "noise floor of this machine is unknown" in text
    assert "margin 2.00 %" in text
    assert "There is no ratio to a baseline: no record of the baseline pytorch" in text
    assert "there are no roofs" in text
    assert "Latency against" not in text


def test_explains_how_another_tool_timed(make_record, make_run, tmp_path):
    def page_text(*runs):
        return Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8")).text

    latency = make_record().latency.model_copy(update={"stopped": None})
    own = make_run([make_record(), make_record("fast")], "own")
    foreign = make_run([make_record(session=name, latency=latency, implementation=name) for name in ("pytorch", "b")])
    interleaved, sequential = (
        "Both were measured in the same rounds",
        "made: pytest-benchmark ran the implementations one after",
    )
    assert [text in page_text(own) for text in (interleaved, sequential)] == [True, False]
    assert [text in page_text(foreign) for text in (interleaved, sequential)] == [False, True]
    assert [text in page_text(own, foreign) for text in (interleaved, sequential)] == [True, True]
    assert page_text(foreign).count("measured one after the other, not interleaved") == 2  # in the summary and the row


def test_shows_what_is_particular_to_a_run_on_a_gpu(make_record, make_run, tmp_path):
    slow = make_record("slow", target="cuda")
    disturbed = slow.latency.model_copy(update={"off_cpu": None, "throttled": [0, 1, 2], "launch_bound": 20})
    memory = slow.memory.model_copy(update={"driver_bytes": 2**21})
    peaks = GpuPeaks(
        gpu="A GPU",
        peaks={"float32": 50e3, "tf32": 400e3},
        bandwidths=[Bandwidth(working_set_bytes=2**30, bytes_per_second=3e12)],
        empty_graph_ns=1500.0,
    )
    records = [make_record(target="cuda"), slow.model_copy(update={"latency": disturbed, "memory": memory})]
    run = make_run(
        records, request=Request(workloads=("conv",), suite="quick", target="cuda"), peaks=peaks, noise_floor=None
    )
    page = Page(write_report([run], tmp_path / "report.html").read_text(encoding="utf-8"))
    text = page.text.replace("\u00a0", " ")
    (note,) = page.columns["Notes"]["words"]
    assert "3 rounds with the GPU's clock throttled" in note
    assert "in 20 of 20 samples the GPU may have waited for the host" in note
    for expected in ("A GPU", "tf32 product", "3,000 GB/s", "1.00 GiB working set", "1.500 µs"):
        assert expected in text, expected
    assert page.columns["Memory"]["driver_bytes"] == [None, 2.0**21]
    roofs = [
        guide["label"]["text"] for figure in page.figures for guide in figure["panels"][0]["guides"] if "label" in guide
    ]
    assert any("tf32 product" in roof for roof in roofs)
    for words in (
        "This project has not run on a real GPU yet",
        "The noise floor of this GPU has not been measured",
        "featherbench doctor does not measure it on GPUs",
        "Measured by GPU events",
    ):
        assert words in text


def test_a_fact_with_many_values_is_shortened(make_record, make_run, tmp_path):
    records = [
        make_record(parameters={"groups": groups}, facts={"GPU clock": f"{1900 + groups} MHz", "torch": "2.13.0"})
        for groups in range(6)
    ]
    text = Page(write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "GPU clock: 1900 MHz or 1901 MHz or 1902 MHz or 3 others; torch: 2.13.0" in text


def test_a_run_in_which_nothing_passed_has_a_page_without_figures(make_record, make_run, tmp_path):
    run = make_run([make_record(status=Status.TIMEOUT, reason="120 s", check=None)])
    assert "nothing to draw" in write_report([run], tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_page_is_written_although_a_model_was_never_trained_and_has_no_work(make_run, make_trained, tmp_path):
    died = make_trained("died", 0, 0.0, work=None, status=Status.FAILED, reason="prepare: no", check=None)
    text = write_report([make_run([make_trained("pytorch", 0, 0.8), died])], tmp_path / "page.html").read_text()
    assert "prepare: no" in text


def test_shows_several_runs_workloads_and_metrics(make_record, make_run, tmp_path):
    trained = make_record(
        workload="training", parameters={"epochs": 2}, check=Check(passed=True, metrics={"top-1": 0.9})
    )
    runs = [make_run([make_record(), trained], "first"), make_run([make_record()], "second", noise_floor=None)]
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    headings = list(page.columns)
    assert headings[:4] == ["Implementation", "Case", "Run", "Workload"]
    assert "Top-1" in headings
    assert "training on edge" in page.text
    for sentence in ("Noise floor of this machine, used as the margin", "The noise floor of this machine is unknown"):
        assert page.text.count(sentence) == 1, "once for each run, though the first has two sections"


def test_what_is_common_to_all_runs_is_said_once(make_record, make_run, tmp_path):
    runs = [make_run([make_record(), make_record("other")], name) for name in ("first", "second")]
    text = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert text.count("Noise floor of this machine, used as the margin") == 1
    assert text.count("All <i>layers</i> are square.") == 2, "in the recommendation and in the cautions"
    assert text.count("No output was incorrect.") == 1


def test_implementations_of_one_workload_have_colours_of_their_own(make_record, make_run, tmp_path):
    """This holds however many another workload has; in this test all together are one more than the colours."""
    last = len(COLOURS)
    records = [make_record(f"{i:02}", workload="a" if i in (0, last) else "b") for i in range(last + 1)]
    page = Page(write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8"))
    buttons = [attributes for _, attributes in page.elements if "data-implementation" in attributes]
    colours = {attributes["data-implementation"]: attributes["data-number"] for attributes in buttons}
    assert len(colours) == last + 1
    others = [colours[f"{i:02}"] for i in range(1, last)]
    assert len(set(others)) == len(others)
    assert colours["00"] != colours[f"{last:02}"]


def test_an_empty_run_and_two_runs_of_one_name_are_usage_errors(make_record, make_run, tmp_path):
    with pytest.raises(UsageError, match="nothing to report"):
        write_report([make_run([])], tmp_path / "report.html")
    run = make_run([make_record()], "twice")
    with pytest.raises(UsageError, match="same name"):
        write_report([run, run], tmp_path / "report.html")


def test_a_path_that_cannot_be_written_is_a_run_error(make_record, make_run, tmp_path):
    with pytest.raises(RunError, match="choose another place"):
        write_report([make_run([make_record()])], tmp_path)
