"""The steps that measure a run again: what to install, what to tune, and the command."""

import importlib.metadata
from dataclasses import replace

import pytest

from bench.core.record import Status
from bench.report.chapter import Report
from bench.report.html import write_report
from bench.report.rerun import rerun

REQUIREMENTS = [
    "torch<3,>=2.11",
    'openvino; extra == "openvino"',
    'apache-tvm; extra == "tvm"',
    'openvino; extra == "dev"',
    'featherbench[openvino,tvm]; extra == "edge"',
]


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: REQUIREMENTS)


def commands(report):
    return [step.command for step in rerun(report.runs[0], report.specs)]


def test_extras_are_installed_first_and_then_the_command_of_the_run_is_repeated(make_run, make_record):
    report = Report([make_run([make_record(name) for name in ("pytorch", "wide", "plugged_in")])])
    assert commands(report) == [
        "pip install -c constraints.txt '.[openvino]' wide-kernels",
        "featherbench run conv",
        "featherbench compare latest made",
    ]


def test_the_new_run_does_not_take_the_name_of_the_old(make_run, make_record):
    """A new run of the same name would be compared with itself."""
    report = Report([make_run([make_record()], command="featherbench run conv --name made --target edge")])
    assert commands(report)[1:] == ["featherbench run conv --target edge", "featherbench compare latest made"]


def test_what_is_tuned_for_a_machine_is_tuned_before_it_is_measured(make_run, make_record):
    report = Report([make_run([make_record("tuned"), make_record("pytorch")])])
    install, tune, measure, _ = rerun(report.runs[0], report.specs)
    assert "commit 0123abc" in install.text
    assert tune == ("tuned needs a step of its own on each new machine. Tune it.", "python tune.py")
    assert "train" not in measure.text


def test_what_did_not_pass_needs_nothing(make_run, make_record):
    records = [make_record(), make_record("tuned", status=Status.UNSUPPORTED, reason="not tuned", check=None)]
    assert commands(Report([make_run(records)]))[0] == "pip install -c constraints.txt ."


def test_networks_are_trained_first(make_run, make_trained):
    report = Report([make_run([make_trained("pytorch", 0, 0.8)])])
    assert "first trains the networks" in rerun(report.runs[0], report.specs)[1].text


def test_a_checkout_that_is_not_installed_names_the_libraries(make_run, make_record, monkeypatch):
    def not_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", not_installed)
    assert commands(Report([make_run([make_record()])]))[0] == "pip install -c constraints.txt . torch"


def test_the_page_says_how_to_measure_again(make_run, make_record, tmp_path):
    text = write_report([make_run([make_record("tuned")])], tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h4>Measure it again</h4>" in text
    assert "<code>featherbench run conv</code>" in text


def test_an_environment_of_its_own_is_installed_before_it_is_measured(make_run, make_record):
    report = Report([make_run([make_record("tuned"), make_record("pytorch")])])
    own = replace(report.specs["conv", "tuned"], environment=("apache-tvm-ffi==0.1.14",))
    _, install, tune, _, _ = rerun(report.runs[0], {**report.specs, ("conv", "tuned"): own})
    assert install == ("Install the environments of tuned.", "featherbench build conv --impl tuned")
    assert tune.command == "python tune.py"
