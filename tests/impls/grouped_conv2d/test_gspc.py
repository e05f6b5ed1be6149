"""The paper's schedule on TVM: its untuned knobs, and the correctness of every choice of knobs."""

from dataclasses import asdict, astuple

import pytest

pytest.importorskip("tvm", reason="needs apache-tvm: pip install apache-tvm")

from bench.core.target import Target
from impls.grouped_conv2d import _tune_gspc
from impls.grouped_conv2d._choices import Choices
from impls.grouped_conv2d._gspc import prepare, untuned
from impls.grouped_conv2d._tune_gspc import allowed
from impls.grouped_conv2d.gspc.schedule import Knobs
from impls.grouped_conv2d.tvm_gspc_tuned import FILE
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase

WORKLOAD = GroupedConv2d()
EDGE = Target("edge")


@pytest.mark.parametrize(
    ("case", "lanes", "expected"),
    [
        # oc_bn: largest divisor of KPG <= lanes; ic_bn: of CPG <= oc_bn; reg_n: of OW <= 31 (arXiv 2006.09791's code).
        (GroupedConv2dCase(cin=64, cout=64, h=56, w=56, groups=4), 16, (16, 16, 28)),
        (GroupedConv2dCase(cin=64, cout=64, h=56, w=56, groups=4), 8, (8, 8, 28)),
        (GroupedConv2dCase(cin=36, cout=60, h=31, w=31, groups=3), 16, (6, 10, 31)),
        (GroupedConv2dCase(cin=8, cout=8, h=37, w=37, groups=8), 16, (1, 1, 1)),
    ],
)
def test_untuned_knobs_are_the_papers(case: GroupedConv2dCase, lanes: int, expected: tuple[int, int, int]) -> None:
    knobs = untuned(case, lanes)
    assert (knobs.ic_bn, knobs.oc_bn, knobs.reg_n) == expected


def test_every_choice_of_knobs_computes_the_case() -> None:
    case = GroupedConv2dCase(cin=12, cout=8, h=5, w=6, groups=2, bias=True, padding=(1, 0, 2, 1))
    problem = WORKLOAD.problem(case, seed=1)
    knobs = allowed(case, lanes=4)
    for ic_bn in knobs["ic_bn"]:
        for oc_bn in knobs["oc_bn"]:
            for unroll_kw in knobs["unroll_kw"]:
                for reg_n in (knobs["reg_n"][0], knobs["reg_n"][-1]):
                    call = prepare(problem, EDGE, Knobs(ic_bn, oc_bn, reg_n, unroll_kw))
                    assert WORKLOAD.check_output(problem, call, call()).passed, (ic_bn, oc_bn, reg_n, unroll_kw)


def test_tuning_finds_the_quickest_knobs(monkeypatch: pytest.MonkeyPatch) -> None:
    case, quickest = GroupedConv2dCase(cin=8, cout=8, h=4, w=4), Knobs(2, 8, 2, False)

    def cost(knobs: Knobs) -> float:
        return 1 + sum(value != best for value, best in zip(astuple(knobs), astuple(quickest), strict=True))

    monkeypatch.setattr(_tune_gspc._gspc, "prepare", lambda problem, target, knobs: knobs)
    monkeypatch.setattr(_tune_gspc, "quickest", cost)
    best, gain, tried = _tune_gspc.tune(WORKLOAD.problem(case, seed=1), EDGE, lanes=4)
    assert best == quickest
    assert gain == cost(untuned(case, lanes=4)) > 1
    assert tried >= 8


def test_tuned_knobs_compute_the_case() -> None:
    problem = WORKLOAD.problem(GroupedConv2dCase(cin=4, cout=4, h=4, w=4, groups=2), seed=1).aligned()
    best, _, _ = _tune_gspc.tune(problem, EDGE, lanes=4)
    call = prepare(problem, EDGE, best)
    assert WORKLOAD.check_output(problem, call, call()).passed


def test_stored_choices_can_be_read_back(tmp_path) -> None:
    case, knobs = GroupedConv2dCase(cin=4, cout=4, h=4, w=4, groups=2), Knobs(2, 2, 4, True)
    Choices(tmp_path / "tuned.json").store(case, "avx2", asdict(knobs))
    choices = Choices(tmp_path / "tuned.json")
    assert choices.find(case, "avx2") == asdict(knobs)
    assert choices.find(case, "avx512") is None


def test_the_suite_of_the_paper_is_tuned() -> None:
    choices = Choices(FILE)
    missing = [
        case.slug for case in WORKLOAD.suites()["gspc"] for isa in ("avx2", "avx512") if not choices.find(case, isa)
    ]
    assert not missing
