"""Queries select records by the words of ``featherbench run``."""

from pathlib import Path

import pytest

from bench.core.errors import UsageError
from bench.report.query import Query
from bench.store import Run

REFERENCE = Path(__file__).parents[3] / "results/reference"
QUERY = Query(workload="grouped_conv2d", suite="odd", impl=("native", "pytorch"), case=("groups=8", "kernel=3"))


@pytest.fixture(autouse=True)
def only_known_workload() -> None:
    """Use the workloads of this checkout, not the fixture of the same name that hides them."""


@pytest.fixture(scope="module")
def run() -> Run:
    return Run.open(REFERENCE / "grouped_conv2d-odd-edge-zen5")


def test_it_selects_by_implementation_case_and_suite(run: Run) -> None:
    matches = QUERY.select([run])
    assert {match.record.implementation for match in matches} == {"native", "pytorch"}
    assert {match.record.parameters["groups"] for match in matches} == {8}
    assert len(matches) == 2 * len(QUERY.cases())
    assert QUERY.model_copy(update={"suite": "gspc", "case": ()}).select([run]) == []
    assert QUERY.model_copy(update={"target": "cpu"}).select([run]) == []


def test_narrowed_it_has_more_filters_and_other_implementations(run: Run) -> None:
    narrow = QUERY.narrowed(("native",), ("cout=72",))
    (match,) = narrow.select([run])
    assert (match.record.implementation, match.record.parameters["cin"]) == ("native", 24)
    assert narrow.options() == (
        "grouped_conv2d --suite odd --target edge --impl native --case groups=8 --case kernel=3 --case cout=72"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"workload": "conv"}, "no workload 'conv'; choose from"),
        ({"suite": "even"}, "grouped_conv2d has no suite 'even'; choose from first"),
        ({"target": "phone"}, "no target 'phone'"),
        ({"impl": ("nativ",)}, "no implementation 'nativ'; choose from"),
        ({"case": ("groups=9",)}, "no case of suite odd has groups=9"),
        ({"case": ("grops=8",)}, "no parameter 'grops' to filter by"),
    ],
)
def test_what_is_not_known_is_refused_with_the_choices(changes: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        QUERY.model_copy(update=changes).check()
