"""The trials of doctor: which subjects they compare, and how often."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import psutil
import pytest

from bench.core import registry
from bench.core.errors import RunError, UsageError
from bench.core.record import Record, Status
from bench.core.target import Target
from bench.doctor import trial
from bench.doctor.trial import (
    CopyComparison,
    Subject,
    Trial,
    compare_copies,
    subjects,
)

EDGE = Target("edge")
IMPLEMENTATIONS = registry.implementations()
"""The implementations of ``impls`` and of entry points."""


class TestSubjects:
    def test_they_are_all_edge_implementations_on_their_quick_cases(self) -> None:
        chosen = subjects()
        expected = {
            (spec.label, case.slug)
            for spec in IMPLEMENTATIONS
            if "edge" in spec.targets and not spec.missing() and not spec.environment
            for case in registry.workload(str(spec.workload)).suites()["quick"]
            if not registry.workload(str(spec.workload)).missing(case)
        }
        assert {(each.spec.label, each.case.slug) for each in chosen} == expected | {("chain/chain", "")}
        assert len(chosen) == len(expected) + 1

    def test_successive_subjects_have_different_implementations(self) -> None:
        labels = [each.spec.label for each in subjects()]
        assert all(label != next_label for label, next_label in pairwise(labels))
        assert len(set(labels[: len(set(labels))])) == len(set(labels)), (
            "each implementation comes once before any is repeated"
        )

    def test_only_named_implementations_are_chosen(self) -> None:
        chosen = subjects(["im2col", "chain"])
        assert {each.spec.name for each in chosen} == {"im2col", "chain"}
        with pytest.raises(UsageError, match="no implementation 'keras'; see featherbench list"):
            subjects(["im2col", "keras"])

    def test_a_case_without_its_data_is_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        workload = registry.workload("grouped_conv2d")
        monkeypatch.setattr(workload, "missing", lambda case: "download it" if case.bias else None)
        assert not [each for each in subjects(["im2col"]) if each.case.bias]


class TestTrials:
    @pytest.fixture
    def three_subjects(self) -> list[Subject]:
        return subjects(["im2col"])[:3]

    @pytest.fixture
    def measured(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
        """Replace measuring, and list the slugs of the measured cases; those in ``unsupported`` give no comparison."""

        def replace(*unsupported: str) -> list[str]:
            measured_slugs: list[str] = []

            def compare(kind: Trial, subject: Subject, budget_s: float) -> CopyComparison | None:
                measured_slugs.append(subject.case.slug)
                if subject.case.slug in unsupported:
                    return None
                fields = {"workload": "", "implementation": "", "latency_ns": 1e6, "processes": 12, "process_std": 0.01}
                return CopyComparison(**fields, trial=kind, case=subject.case.slug, ratio=1.0, low=0.998, high=1.002)

            monkeypatch.setattr(trial, "_compare", compare)
            return measured_slugs

        return replace

    def test_they_cycle_through_the_subjects(
        self, three_subjects: list[Subject], measured: Callable[..., list[str]]
    ) -> None:
        measured_slugs, kept = measured(), list[CopyComparison]()
        comparisons = compare_copies(Trial.SAME, 7, three_subjects, 0.1, kept.append)
        slugs = [each.case.slug for each in three_subjects]
        assert measured_slugs == [*slugs, *slugs, slugs[0]]
        assert comparisons == kept
        assert [each.case for each in comparisons] == measured_slugs

    def test_unsupported_subjects_are_dropped(
        self, three_subjects: list[Subject], measured: Callable[..., list[str]]
    ) -> None:
        slugs = [each.case.slug for each in three_subjects]
        measured_slugs, kept = measured(slugs[1]), list[CopyComparison]()
        compare_copies(Trial.SAME, 4, three_subjects, 0.1, kept.append)
        assert measured_slugs == [slugs[0], slugs[1], slugs[2], slugs[0], slugs[2]]
        assert [each.case for each in kept] == [slugs[0], slugs[2], slugs[0], slugs[2]]
        assert len(three_subjects) == 3, "the next trial has them all"

    def test_without_a_supported_subject_the_trial_fails(
        self, three_subjects: list[Subject], measured: Callable[..., list[str]]
    ) -> None:
        measured(*(each.case.slug for each in three_subjects))
        with pytest.raises(RunError, match="no implementation could be measured"):
            compare_copies(Trial.SAME, 4, three_subjects, 0.1, lambda comparison: None)

    @pytest.mark.parametrize("kind", Trial)
    def test_only_the_busy_trial_runs_beside_a_busy_core(
        self,
        three_subjects: list[Subject],
        measured: Callable[..., list[str]],
        kind: Trial,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        measured()
        events: list[str] = []

        class BusyCore:
            def __enter__(self) -> None:
                events.append("on")

            def __exit__(self, *_: object) -> None:
                events.append("off")

        monkeypatch.setattr(trial, "busy_core", BusyCore)
        compare_copies(kind, 1, three_subjects, 0.1, lambda comparison: None)
        assert events == (["on", "off"] if kind is Trial.BUSY else [])

    def test_a_busy_core_is_busy_and_then_released(self) -> None:
        before = set(psutil.Process().children(recursive=True))
        with trial.busy_core():
            (spinning,) = [
                child
                for child in set(psutil.Process().children(recursive=True)) - before
                if "resource_tracker" not in " ".join(child.cmdline())
            ]
            while spinning.cpu_times().user < 0.2:  # seconds
                assert spinning.is_running()
        assert not spinning.is_running()

    def test_a_pair_is_measured_in_processes_of_its_own(self) -> None:
        """Measures numpy's chain against its copy, each in processes of its own."""
        kept: list[CopyComparison] = []
        (pair,) = compare_copies(Trial.SAME, 1, subjects(["chain"]), 0.1, kept.append)
        assert kept == [pair]
        assert (pair.trial, pair.workload, pair.implementation, pair.case) == ("same", "chain", "chain", "")
        assert pair.processes >= 4
        assert pair.latency_ns > 0
        assert pair.process_std >= 0
        assert 0.5 < pair.ratio < 2
        assert pair.low <= pair.ratio <= pair.high

    def test_a_planted_slowdown_is_measured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Measures a copy that takes twice as long."""
        monkeypatch.setattr(trial, "PLANTED", 1.0)
        (pair,) = compare_copies(Trial.SLOWER, 1, subjects(["chain"]), 0.1, lambda comparison: None)
        assert pair.ratio > 1.3

    def test_a_failed_measurement_ends_the_trials(self) -> None:
        def record(status: Status, reason: str) -> Record:
            return Record(
                workload="chain",
                implementation="chain",
                case="",
                target="edge",
                parameters={},
                status=status,
                reason=reason,
                session="",
                started=datetime.now(UTC),
            )

        unsupported = record(Status.UNSUPPORTED, "only odd ones")
        trial._require_only_unsupported(unsupported, unsupported)
        with pytest.raises(RunError, match=r"doctor's trial of chain on  failed: it died"):
            trial._require_only_unsupported(unsupported, record(Status.CRASHED, "it died"))
