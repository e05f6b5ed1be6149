"""The tidy DataFrame agrees with hand-computed numbers and has missing values where nothing was measured."""

import pandas as pd
import pytest

from bench.core.record import Check, Status, Work
from bench.report.frame import derived_columns, frame, group_by_shape, metric_columns, parameter_columns


def test_speed_counts_two_flop_per_mac(make_record, make_run):
    # 5000 MACs = 10000 FLOP in 1000 ns: 10 FLOP/ns. 10 FLOP/byte at 190 GB/s would allow 1900: the peak of 180 binds.
    row = frame([make_run([make_record()])]).iloc[0]
    assert row["flop"] == 10_000
    assert row["gflops"] == pytest.approx(10.0)
    assert row["roofline_share"] == pytest.approx(10 / 180)


def test_without_peaks_there_is_no_roofline_share(make_record, make_run):
    assert frame([make_run([make_record()], peaks=None)])["roofline_share"].isna().all()


def test_peaks_of_another_thread_count_give_no_roofline_share(make_record, make_run):
    assert frame([make_run([make_record()], threads=7)])["roofline_share"].isna().all()


def test_work_without_products_has_no_speed(make_record, make_run):
    table = frame([make_run([make_record(work=Work(macs=0, least_bytes=10, parameters=0))])])
    assert table["gflops"].isna().all()


def test_parameters_have_columns_of_their_own(make_record, make_run):
    parameters = {"groups": 4, "kernel": [3, 5], "bias": True, "dtype": "float32", "target": "x"}
    table = frame([make_run([make_record(parameters=parameters), make_record(parameters={"groups": 8})])])
    assert parameter_columns(table) == ["groups", "kernel", "bias", "dtype", "case_target"]
    assert table["kernel"][0] == "3x5"
    assert table["groups"].tolist() == [4, 8]
    assert table["groups"].dtype == "Int64"
    assert table["target"].tolist() == ["edge", "edge"]


def test_derived_parameters_have_columns_but_are_no_parameters(make_record, make_run):
    table = frame(
        [make_run([make_record(parameters={"cin": 64, "groups": 16}), make_record(parameters={"groups": 1})])]
    )
    assert table["channels_per_group"].tolist() == [4, 64]
    assert parameter_columns(table) == ["cin", "groups"]
    assert derived_columns(table) == {"channels_per_group": "groups"}


def test_a_derived_parameter_stands_in_for_its_own_on_an_axis(make_record, make_run):
    parameters = [{"cin": cin, "groups": groups} for cin in (32, 64) for groups in (1, 2, 4)]
    table = frame([make_run([make_record(parameters=case) for case in parameters])])
    for axis in ("groups", "channels_per_group"):
        assert [(title, len(rows)) for title, rows in group_by_shape(table, axis)] == [("cin 32", 3), ("cin 64", 3)]


def test_parameters_that_this_checkout_cannot_read_have_no_derived_ones(make_record, make_run):
    table = frame([make_run([make_record(parameters={"cin": "many"}), make_record(workload="unknown")])])
    assert "channels_per_group" not in table


def test_a_percentile_needs_enough_samples_of_single_calls(make_record, make_run):
    few = make_record("few", [1000.0] * 600)
    many = make_record("many", [1000.0] * 700)
    means = make_record("means", [1000.0] * 700)
    assert means.latency is not None
    means = means.model_copy(update={"latency": means.latency.model_copy(update={"calls_per_sample": 2})})
    assert frame([make_run([few, many, means])])["p99_ns"].notna().tolist() == [False, True, False]


def test_a_record_that_did_not_pass_has_a_reason_and_no_numbers(make_record, make_run):
    row = frame([make_run([make_record(status=Status.UNSUPPORTED, reason="only float64", check=None)])]).iloc[0]
    assert (row["status"], row["reason"]) == ("unsupported", "only float64")
    assert row[["latency_ns", "peak_bytes", "error", "gflops"]].isna().all()


def test_metrics_of_the_check_have_columns_of_their_own(make_record, make_run):
    trained = make_record(check=Check(passed=True, metrics={"top-1": 0.91}))
    table = frame([make_run([trained, make_record("other")])])
    assert metric_columns(table) == ["metric_top-1"]
    assert table["metric_top-1"].isna().tolist() == [False, True]


def test_an_empty_run_has_the_columns(make_run):
    table = frame([make_run([])])
    assert len(table) == 0
    assert {"run", "latency_ns", "gflops"} <= set(table.columns)


def test_the_tail_share_is_the_mean_beyond_the_median(make_record, make_run):
    """One call in twenty takes 21 times as long: the mean is twice the median."""
    table = frame([make_run([make_record("even"), make_record("tail", [1000.0] * 19 + [21_000.0])])])
    assert table["tail_share"].tolist() == pytest.approx([0.0, 1.0])
    assert table["latency_ns"].tolist() == pytest.approx([1000.0, 2000.0])


def test_processes_and_rounds_are_counted(make_record, make_run):
    single = make_record("one", processes=[0] * 20, disturbed=[2, 5])
    row, other_row = frame([make_run([single, make_record("nobody")])]).to_dict("records")
    assert (row["processes"], row["rounds"], row["samples"], row["disturbed"]) == (1, 20, 20, 2)
    assert other_row["processes"] == 4
    assert pd.isna(other_row["disturbed"]), "nobody looked"


def test_memory_growth_is_the_measured_value(make_record, make_run):
    def growing(growth):
        record = make_record(f"{growth}")
        return record.model_copy(update={"memory": record.memory.model_copy(update={"growth_bytes": growth})})

    growth_bytes = frame([make_run([growing(64.0), growing(0.0), growing(None)])])["growth_bytes"]
    assert growth_bytes.tolist()[:2] == [64.0, 0.0]
    assert pd.isna(growth_bytes[2])
