"""Published numbers are as precise as they were printed."""

from decimal import Decimal

import pytest

from bench.claims.published import Cell, Number, Published, Table
from bench.claims.units import digits_for, parse_unit
from bench.core.errors import UsageError

TABLE = Table.model_validate(
    {
        "id": "accuracy",
        "title": "Accuracy",
        "where": "table 1",
        "columns": {"GCN": "%", "ours": "%"},
        "rows": {"Cora": [Decimal("77.00"), Decimal("80.1")], "Citeseer": [Decimal("62.5"), ""]},
    }
)


def cell_of(number: Number) -> Cell:
    return Cell("accuracy", "Cora", "GCN", number, parse_unit("%"))


@pytest.mark.parametrize(
    ("text", "low", "high"), [("95.40", 95.395, 95.405), ("888", 887.5, 888.5), ("0.3", 0.25, 0.35)]
)
def test_a_number_stands_for_all_that_round_to_it(text: str, low: float, high: float) -> None:
    interval = cell_of(Number(value=Decimal(text))).interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.confidence == 1


def test_a_number_with_a_spread_has_students_interval() -> None:
    interval = cell_of(Number(value=Decimal("95.79"), spread=Decimal("0.40"), runs=10)).interval(0.95)
    reach = 2.262157 * 0.40 / 10**0.5  # t for 9 degrees of freedom
    assert (interval.low, interval.high) == pytest.approx((95.79 - reach, 95.79 + reach), abs=1e-5)


def test_the_size_of_a_test_set_is_about_accuracies_alone() -> None:
    columns = {"top-1": "%", "parameters": "M parameters"}
    rows = {"ours": [Decimal("95.00"), Decimal("6.89")]}
    described = {"id": "tested", "title": "Tested", "where": "table 2", "columns": columns, "rows": rows}
    accuracy, parameters = Table.model_validate({**described, "tested": 10_000}).cells()
    reach = 1.959964 * 100 * (0.95 * 0.05 / 10_000) ** 0.5
    assert accuracy.interval(0.95).high == pytest.approx(95 + reach, abs=1e-5)
    assert parameters.interval(0.95).high == pytest.approx(6.895)


def test_cells_are_found_by_row_and_column() -> None:
    assert [cell.name for cell in TABLE.cells()] == ["Cora, GCN", "Cora, ours", "Citeseer, GCN"]
    (cell,) = TABLE.cells(["Cora"], ["GCN"])
    assert cell.text() == "77.00\u00a0%"


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        (["Coral"], [], "no row 'Coral'; choose from Cora, Citeseer"),
        ([], ["GAT"], "no column 'GAT'; choose from GCN, ours"),
    ],
)
def test_an_unknown_cell_is_refused_with_the_choices(rows: list[str], columns: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TABLE.cells(rows, columns)


@pytest.mark.parametrize(
    ("published", "text"),
    [
        ({"value": 8, "unit": "x"}, "8\u00a0×"),
        ({"low": Decimal("1.3"), "high": Decimal("1.5"), "unit": "x"}, "1.3 to 1.5\u00a0×"),
        ({"low": 4, "unit": "x"}, "at least 4\u00a0×"),
        ({"unit": "points"}, ""),
    ],
)
def test_what_a_claim_says_in_numbers(published: dict[str, object], text: str) -> None:
    assert Published.model_validate(published).text() == text


def test_units() -> None:
    assert parse_unit("M parameters").scale == 1e6
    assert parse_unit("ms").dimension == parse_unit("ns").dimension == "time"
    with pytest.raises(ValueError, match="no unit 'furlongs'; choose from x, %"):
        parse_unit("furlongs")
    assert [digits_for(value) for value in (1234.0, 12.3, 1.23, 0.0123, 0.0)] == [0, 1, 2, 4, 0]
    assert digits_for(1234.0, least=2) == 2
