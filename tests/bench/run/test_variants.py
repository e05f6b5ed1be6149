"""Variants of one plug-in file are measured and recorded as implementations of their own."""

import pytest

from bench.core.budget import Budget
from bench.core.record import Record, Status
from bench.run.launch import Outcome, launch
from bench.store import Request

PLUGIN = '''
from impls.grouped_conv2d.im2col import Im2col


class Family(Im2col):
    """im2col times a factor, which only 1 makes right."""

    workload = "grouped_conv2d"
    requires = ("numpy",)
    factor = 1
    variants = {
        "right": {},
        "wrong": {"factor": 2},
        "misspelt": {"facter": 1},
        "elsewhere": {"targets": ("cuda",)},
        "described": {"note": "Its own remark."},
    }

    def prepare(self, problem, target):
        call = super().prepare(problem, target)
        return lambda: self.factor * call()
'''
NAMES = ("right", "wrong", "misspelt", "elsewhere", "described")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, one_process: None) -> Outcome:
    folder = tmp_path_factory.mktemp("variants")
    (folder / "family.py").write_text(PLUGIN)
    request = Request(
        workloads=("grouped_conv2d",),
        suite="odd",
        target="edge",
        implementations=NAMES,
        case_filters=("kernel=1", "kernel=5"),
        plugins=(str(folder / "family.py"),),
    )
    return launch(request, budget=Budget(timed_s=0.1), results=folder / "results")


def records(outcome: Outcome, name: str) -> list[Record]:
    return [record for record in outcome.run.records if record.implementation == name]


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("right", Status.PASSED, ""),
        ("described", Status.PASSED, ""),
        ("wrong", Status.INCORRECT, "above the tolerance"),
        ("misspelt", Status.FAILED, "variant misspelt sets facter, which Family does not declare; give it a value in"),
        ("elsewhere", Status.UNSUPPORTED, "runs on cuda, not on edge"),
    ],
)
def test_each_variant_has_its_own_records(outcome: Outcome, name: str, status: Status, reason: str) -> None:
    first, second = records(outcome, name)
    assert first.case != second.case
    assert {record.status for record in (first, second)} == {status}, first.reason
    assert all(reason in record.reason for record in (first, second))


def test_variants_of_a_file_share_a_session(outcome: Outcome) -> None:
    assert len({record.session for record in outcome.run.records}) == 2


def test_notes_and_hashes_are_kept_for_each_variant(outcome: Outcome) -> None:
    info = outcome.run.info
    assert info.notes["grouped_conv2d/described"] == "Its own remark."
    assert info.notes["grouped_conv2d/right"] == "im2col times a factor, which only 1 makes right."
    assert info.sources.keys() == {"impls", *(f"grouped_conv2d/{name}" for name in NAMES)}
