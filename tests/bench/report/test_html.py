"""The page as text: complete, self-contained, and safe against what a name may hold."""

import json
import re
from html.parser import HTMLParser

import pytest

from bench.core.errors import BadUse, CannotGoOn
from bench.core.record import Check, Status
from bench.limits.model import Flow, GpuLimits
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
    found = [make_record(name, parameters=case) for case in cases for name in ("pytorch", EVIL)]
    found.append(make_record("careless", parameters=cases[0], status=Status.INCORRECT, reason=f"off by {EVIL}"))
    return found


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
    assert [s for s in scripts if s.get("type") != "application/json"] == [{}, {}, {}]
    assert page.text.count(EVIL) > 5
    names = {trace.get("name") for data in page.data for trace in json.loads(data)["data"]}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in names
    assert not any("<" in data for data in page.data)


def test_says_what_matters(page):
    text = " ".join(page.text.replace("\u00a0", " ").split())
    for said in (
        "Grouped convolution on edge",
        "wrong answers, for which no speed is given, from careless in 1 case.",
        "careless incorrect on cin=64,groups=1: off by",
        "Of 2 comparisons with pytorch: 0 faster, 0 slower, 2 cannot tell.",
        "Noise floor of this machine, used as the margin: 1.80 %",
        "over 2 cases",
        "0123abc with uncommitted changes",
        "torch: 2.13.0",
        "Example CPU <b>3 GHz</b>",
        "FLOP = 2 × MAC",
    ):
        assert said in text, said


def test_all_three_figures(page):
    assert len(page.data) == 3
    for heading in ("Latency against groups", "Roofline", "Memory against latency"):
        assert heading in page.text


def test_sorts_by_numbers_not_by_text(page):
    values = [
        attributes["data-value"] for tag, attributes in page.elements if tag == "td" and "data-value" in attributes
    ]
    assert "1000.0" in values
    assert "" in values


def test_without_noise_floor_limits_or_baseline(make_record, make_run, tmp_path):
    run = make_run([make_record("alone", parameters={"depth": 3})], noise_floor=None, limits=None)
    page = Page(write_report([run], tmp_path / "report.html").read_text(encoding="utf-8"))
    text = page.text.replace("\u00a0", " ")
    assert "noise floor of this machine is unknown" in text
    assert "margin 2.00 %" in text
    assert "There is no ratio to a baseline: no record of the baseline pytorch" in text
    assert "there are no roofs" in text
    assert "Latency against" not in text


def test_what_another_tool_timed_is_explained_as_such(make_record, make_run, tmp_path):
    def said(*runs):
        return Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8")).text

    latency = make_record().latency.model_copy(update={"stopped": None})
    own = make_run([make_record(), make_record("fast")], "own")
    foreign = make_run([make_record(sitting=name, latency=latency, implementation=name) for name in ("pytorch", "b")])
    in_turns, elsewhere = "took turns in the same rounds", "made: pytest-benchmark called the implementations one after"
    assert [text in said(own) for text in (in_turns, elsewhere)] == [True, False]
    assert [text in said(foreign) for text in (in_turns, elsewhere)] == [False, True]
    assert [text in said(own, foreign) for text in (in_turns, elsewhere)] == [True, True]
    assert said(foreign).count("measured one after the other, not in turns") == 2  # in the summary and the row


def test_a_run_on_a_gpu(make_record, make_run, tmp_path):
    slow = make_record("slow", target="cuda")
    disturbed = slow.latency.model_copy(update={"preempted": None, "throttled": [0, 1, 2], "exposed": 20})
    memory = slow.memory.model_copy(update={"driver_bytes": 2**21})
    limits = GpuLimits(
        gpu="A GPU",
        peaks={"float32": 50e3, "tf32": 400e3},
        flows=[Flow(working_set_bytes=2**30, bytes_per_second=3e12)],
        empty_graph_ns=1500.0,
    )
    records = [make_record(target="cuda"), slow.model_copy(update={"latency": disturbed, "memory": memory})]
    run = make_run(records, request=Request(workloads=("conv",), suite="quick", target="cuda"), limits=limits)
    page = Page(write_report([run], tmp_path / "report.html").read_text(encoding="utf-8"))
    text = page.text.replace("\u00a0", " ")
    assert "3 rounds with the GPU's clock held down" in text
    assert "in 20 of 20 samples the GPU may have waited for the host" in text
    for limit in ("A GPU", "tf32 product", "3,000 GB/s", "1.00 GiB working set", "1.500 µs", "driver 2.00 MiB"):
        assert limit in text, limit
    assert any("tf32 product" in data for data in page.data), "as a roof of the roofline"
    for words in (
        "No GPU has run this project's tests yet",
        "Nobody has measured a noise floor",
        "By the GPU’s own clock",
    ):
        assert words in text


def test_a_fact_with_many_values_is_shortened(make_record, make_run, tmp_path):
    records = [
        make_record(parameters={"groups": groups}, facts={"GPU clock": f"{1900 + groups} MHz", "torch": "2.13.0"})
        for groups in range(6)
    ]
    text = Page(write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "GPU clock: 1900 MHz or 1901 MHz or 1902 MHz or 3 others; torch: 2.13.0" in text


def test_nothing_passed(make_record, make_run, tmp_path):
    run = make_run([make_record(status=Status.TIMEOUT, reason="120 s", check=None)])
    assert "nothing to draw" in write_report([run], tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_model_that_was_never_trained_has_no_work_and_the_page_is_written_all_the_same(
    make_run, make_trained, tmp_path
):
    died = make_trained("died", 0, 0.0, work=None, status=Status.FAILED, reason="prepare: no", check=None)
    text = write_report([make_run([make_trained("pytorch", 0, 0.8), died])], tmp_path / "page.html").read_text()
    assert "prepare: no" in text


def test_several_runs_workloads_and_metrics(make_record, make_run, tmp_path):
    trained = make_record(
        workload="training", parameters={"epochs": 2}, check=Check(passed=True, metrics={"top-1": 0.9})
    )
    runs = [make_run([make_record(), trained], "first"), make_run([make_record()], "second", noise_floor=None)]
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    headings = [a["data-heading"] for tag, a in page.elements if tag == "th" and "data-heading" in a]
    assert headings[:3] == ["Run", "Workload", "Implementation"]
    assert "Top-1" in headings
    assert "training on edge" in page.text


def test_implementations_of_one_workload_have_colours_of_their_own(make_record, make_run, tmp_path):
    """However many another workload has: here all together are one more than there are colours."""
    last = len(COLOURS)
    records = [make_record(f"{i:02}", workload="a" if i in (0, last) else "b") for i in range(last + 1)]
    page = Page(write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8"))
    for data in page.data:
        colours = [trace["marker"]["color"] for trace in json.loads(data)["data"] if "marker" in trace]
        assert len(set(colours)) == len(colours) >= 2


def test_wrong_use(make_record, make_run, tmp_path):
    with pytest.raises(BadUse, match="nothing to report"):
        write_report([make_run([])], tmp_path / "report.html")
    run = make_run([make_record()], "twice")
    with pytest.raises(BadUse, match="same name"):
        write_report([run, run], tmp_path / "report.html")


def test_a_place_that_cannot_be_written(make_record, make_run, tmp_path):
    with pytest.raises(CannotGoOn, match="choose another place"):
        write_report([make_run([make_record()])], tmp_path)
