"""A model is the sum of its layers, each as often as it occurs."""

from types import SimpleNamespace

import pytest

from bench.core import registry
from bench.core.layers import Layer, ModelLayers
from bench.core.record import Status
from bench.report.html import write_report
from bench.report.whole_model import whole_model
from bench.report.whole_model_table import choices_text, model_table
from bench.stats.verdict import Verdict
from bench.store import LAYERS, Request

STEM, BLOCK = {"cin": 3, "groups": 1}, {"cin": 64, "groups": 4}
NOISE = [0.99, 1.0, 1.0, 1.01] * 10


def model(*cases: str) -> ModelLayers:
    layers = tuple(Layer(name=f"layer{i}", workload="conv", case=case) for i, case in enumerate(cases))
    return ModelLayers(source="net.onnx", layers=layers, left_out={"up": "it is a transposed convolution"})


@pytest.fixture
def make_model_run(make_run, make_record):
    """Return a function that makes a run of a stem and two equal blocks, from times in ns by implementation."""

    def make(**times: tuple[float, float]):
        records = [
            make_record(name, [ns * factor for factor in NOISE], parameters=case, session=str(case))
            for name, pair in times.items()
            for case, ns in zip((STEM, BLOCK), pair, strict=True)
        ]
        return make_run(records, request=request("cin=3,groups=1", "cin=64,groups=4", "cin=64,groups=4"))

    return make


def request(*cases: str) -> Request:
    return Request(workloads=("conv",), suite=LAYERS, target="edge", model=model(*cases))


def test_equal_layers_count_as_often_as_they_occur(make_model_run):
    whole = whole_model(make_model_run(pytorch=(1000, 100), fast=(400, 300)))
    assert whole is not None
    assert (len(whole.model.layers), whole.distinct_layers, whole.macs) == (3, 2, 3 * 5000)
    assert [(total.name, round(total.latency.estimate)) for total in whole.totals] == [
        ("pytorch", 1200),
        ("fast", 1000),
    ]


def test_the_ratio_is_that_of_the_sums_and_has_a_verdict(make_model_run):
    whole = whole_model(make_model_run(pytorch=(1000, 100), fast=(400, 300), even=(900, 150)))
    baseline, fast, even = whole.totals
    assert (baseline.name, baseline.ratio) == ("pytorch", None)
    assert fast.ratio.estimate == pytest.approx(1000 / 1200)
    assert (fast.verdict, even.verdict) == (Verdict.FASTER, Verdict.CANNOT_TELL)


def test_the_reader_can_choose_the_baseline_and_the_margin(make_model_run):
    run = make_model_run(pytorch=(1000, 100), fast=(400, 300))
    baseline, other = whole_model(run, "fast").totals
    assert (baseline.name, baseline.ratio, other.name) == ("fast", None, "pytorch")
    assert other.ratio.estimate == pytest.approx(1200 / 1000)
    assert [whole_model(run, margin=margin).totals[1].verdict for margin in (0.02, 0.5)] == [
        Verdict.FASTER,
        Verdict.CANNOT_TELL,
    ]


def test_the_best_mix_takes_the_fastest_for_each_layer(make_model_run):
    whole = whole_model(make_model_run(pytorch=(1000, 100), fast=(400, 300)))
    assert whole.mix.latency.estimate == pytest.approx(600)
    assert whole.mix.ratio.estimate == pytest.approx(0.5)
    assert choices_text(whole) == "pytorch 2, fast 1"


def test_an_implementation_that_lacks_a_layer_has_no_sum_and_says_why(make_run, make_record):
    records = [
        make_record("pytorch", parameters=STEM),
        make_record("pytorch", parameters=BLOCK),
        make_record("picky", parameters=STEM, status=Status.UNSUPPORTED, reason="only multiples of 4"),
        make_record("picky", parameters=BLOCK),
    ]
    run = make_run(records, request=request("cin=3,groups=1", "cin=64,groups=4"))
    whole = whole_model(run)
    picky = whole.totals[-1]
    assert (picky.name, picky.passed_layers, picky.latency) == ("picky", 1, None)
    assert picky.reason == "cin=3,groups=1: unsupported: only multiples of 4"
    assert [cell.text for cell in model_table(whole).lines[1]] == ["picky", "1 of 2", "–", "–", "–"]


def test_a_layer_that_nothing_computes_leaves_no_mix(make_run, make_record):
    run = make_run([make_record(parameters=STEM)], request=request("cin=3,groups=1", "cin=64,groups=4"))
    whole = whole_model(run)
    assert (whole.mix, whole.macs) == (None, None)
    assert whole.totals[0].reason == "not all layers are measured yet"
    assert whole.remark == "no ratios, as the baseline pytorch did not pass on every layer"


def test_layers_of_two_workloads_have_the_baselines_of_both(make_run, make_record, monkeypatch):
    workload = registry.workload("conv")
    monkeypatch.setattr(
        registry,
        "workload",
        lambda name: workload if name == "conv" else SimpleNamespace(**vars(workload) | {"baseline": "dense"}),
    )
    records = [
        make_record(
            name, [ns * factor for factor in NOISE], parameters=STEM, workload=workload_name, session=workload_name
        )
        for workload_name, times in (("conv", {"pytorch": 1000, "fast": 500}), ("scc", {"dense": 300, "fast": 400}))
        for name, ns in times.items()
    ]
    layers = tuple(Layer(name=name, workload=name, case="cin=3,groups=1") for name in ("conv", "scc"))
    own = ModelLayers(source="net.onnx", layers=layers)
    run = make_run(records, request=Request(workloads=("conv", "scc"), suite=LAYERS, target="edge", model=own))
    whole = whole_model(run)
    assert [total.name for total in whole.totals if total.latency] == ["pytorch + dense", "fast"]
    assert whole.totals[1].ratio.estimate == pytest.approx(900 / 1300)
    assert [total.name for total in whole.totals if not total.latency] == ["pytorch", "dense"]


def test_rounds_of_two_sessions_do_not_pair(make_run, make_record):
    records = [make_record("pytorch", parameters=STEM), make_record("fast", parameters=STEM, session="another")]
    whole = whole_model(make_run(records, request=request("cin=3,groups=1")))
    assert whole.totals[1].ratio is None


def test_a_run_of_a_suite_is_no_model(make_run, make_record):
    assert whole_model(make_run([make_record()])) is None


def test_the_report_shows_the_model(make_model_run, tmp_path):
    page = write_report([make_model_run(pytorch=(1000, 100), fast=(400, 300))], tmp_path / "report.html").read_text()
    for text in ("Whole models", "net.onnx", "best mix", "3 layers", "2 of them distinct", "up (it is a transposed"):
        assert text in page
