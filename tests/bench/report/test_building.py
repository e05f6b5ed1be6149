"""What was built stands beside the latency, with its time and its size."""

import pytest

from bench.core.record import ArtifactReference
from bench.report.chapter import Report
from bench.report.chapters.building import BuildingChapter
from bench.report.frame import frame
from bench.report.html import write_report


def artifact(seconds: float | None = 2.5, size_bytes: int | None = 3 * 2**20) -> ArtifactReference:
    return ArtifactReference(key="k", sha256="s", seconds=seconds, size_bytes=size_bytes)


@pytest.fixture
def run(make_record, make_run):
    """A run of two cases: in the first, one implementation builds one artifact, one builds two, and one none."""
    two = {"network": artifact(60.0), "converted_model": artifact(0.5)}
    return make_run(
        [
            make_record("slow", [9000.0] * 20, artifacts={"converted_model": artifact()}),
            make_record("fast", [1000.0] * 20, artifacts=two, seconds={}),
            make_record("eager", [5000.0] * 20),
            make_record("eager", parameters={"cin": 1, "groups": 1}),
        ]
    )


def test_each_implementation_has_its_times_and_its_size_the_fastest_first(run):
    content = BuildingChapter().content(Report([run]))
    assert content is not None
    (section,) = content["built"]
    ((case, table),) = section.cases
    assert case == "cin=64,groups=4"
    assert [[cell.text.replace("\u00a0", " ") for cell in line] for line in table.lines] == [
        ["fast", "1.000 µs", "60.50 s", "6.00 MiB", "–"],
        ["eager", "5.000 µs", "–", "–", "500.0 ms"],
        ["slow", "9.000 µs", "2.500 s", "3.00 MiB", "500.0 ms"],
    ]
    assert table.lines[0][2].aside.replace("\u00a0", " ") == "network 60.00 s; converted model 500.0 ms"
    assert table.lines[2][2].aside == ""


def test_the_page_has_the_chapter_only_where_something_was_built(run, make_record, make_run, tmp_path):
    page = write_report([run], tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<a href="#building">Building and preparing</a>' in page
    old = make_run([make_record(artifacts={"network": artifact(None, None)})], name="old")
    page = write_report([old], tmp_path / "old.html").read_text(encoding="utf-8")
    assert "Building and preparing" not in page, "a record of an earlier release has no times"


def test_the_frame_has_both_as_numbers(run):
    table = frame([run])
    assert table["build_s"].tolist()[:2] == [2.5, 60.5]
    assert table["artifact_bytes"].tolist()[:2] == [3 * 2**20, 6 * 2**20]
    assert table.loc[2:, ["build_s", "artifact_bytes"]].isna().all().all()
