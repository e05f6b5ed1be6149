"""The record of a trained model has its own work, metrics and curves, or says why it has no speed."""

import pytest

from bench.core.budget import Budget
from bench.core.record import Record, Status
from bench.run.launch import launch
from bench.store import Request

pytest.importorskip("torch_geometric")

PLUGIN = """
from dataclasses import replace

from impls.node_classification.gcn import Gcn


class Plugin(Gcn):
    workload = "node_classification"

    def prepare(self, problem, target):
        trained, calls = super().prepare(problem, target), []

        def call():
            calls.append(None)
            return CALL

        return replace(trained, predict=call)
"""
CALLS = {"like_gcn": "trained()", "changes": "trained() if len(calls) < 10 else trained().roll(1, 1)"}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, one_process: None) -> dict[str, Record]:
    """The records of gcn, and of plug-ins that return the CALLS, by implementation."""
    folder = tmp_path_factory.mktemp("trained")
    paths = [folder / f"{name}.py" for name in CALLS]
    for path, call in zip(paths, CALLS.values(), strict=True):
        path.write_text(PLUGIN.replace("CALL", call))
    request = Request(
        workloads=("node_classification",),
        suite="quick",
        target="edge",
        implementations=("gcn", *CALLS),
        case_filters=("recipe=plain",),
        plugins=tuple(map(str, paths)),
    )
    run = launch(request, budget=Budget(timed_s=0.1), results=folder).run
    return {record.implementation: record for record in run.records}


def test_the_record_of_a_trained_model_has_its_work_metrics_and_curves(records: dict[str, Record]) -> None:
    gcn, plugin = records["gcn"], records["like_gcn"]
    for record in (gcn, plugin):
        assert record.status is Status.PASSED, record.reason
        assert record.work is not None
        # 34 features to 128 hidden to 4 classes, for 34 nodes with 156 directed edges.
        assert record.work.parameters == 34 * 128 + 128 + 128 * 4 + 4
        assert record.work.sparse_macs == (156 + 34) * (128 + 4)
        assert record.work.macs - record.work.sparse_macs == 34 * (34 * 128 + 128 * 4)
        assert record.check is not None
        assert len(record.check.curves["accuracy"]) == 100
    assert gcn.check is not None
    assert plugin.check is not None
    times = {"epoch_s"}
    assert {name: value for name, value in gcn.check.metrics.items() if name not in times} == {
        name: value for name, value in plugin.check.metrics.items() if name not in times
    }


def test_a_model_whose_output_changes_once_it_is_timed_has_no_speed(records: dict[str, Record]) -> None:
    plugin = records["changes"]
    assert plugin.status is Status.INCORRECT
    assert "another class" in plugin.reason
    assert plugin.latency is None
