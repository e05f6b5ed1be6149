"""Quantities that a user writes."""

import pytest

from bench.core.errors import UsageError
from bench.core.option_values import parse_bytes, parse_fraction, parse_seconds


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90), ("90s", 90), ("1.5m", 90), ("500ms", 0.5), (".5 s", 0.5), ("2h", 7200)]
)
def test_a_duration_is_in_seconds(text: str, expected: float) -> None:
    assert parse_seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"), [("16777216", 1 << 24), ("512MiB", 1 << 29), ("4GiB", 1 << 32), ("32768 KiB", 1 << 25)]
)
def test_a_size_is_in_bytes(text: str, expected: int) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("5%", 0.05), ("0.05", 0.05), ("99.9%", 0.999), (".5 %", 0.005)])
def test_a_share_is_a_fraction(text: str, expected: float) -> None:
    assert parse_fraction(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "0", "0s", "-1s", "soon", "1e3", "5 GB", "s", "inf", "nan", "1s2", "5%%"])
def test_what_is_no_positive_quantity_is_refused(text: str) -> None:
    for parse, description in (
        (parse_seconds, "a time such as 90s"),
        (parse_bytes, "a size such as"),
        (parse_fraction, "a share such"),
    ):
        with pytest.raises(UsageError, match=f"is not {description}"):
            parse(text)


def test_what_is_too_little_or_too_much_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'15MiB' is too little for any worker; give at least 16MiB"):
        parse_bytes("15MiB")
    with pytest.raises(UsageError, match=r"'100%' is 100 % or more; write a share such as 5% or 0\.05"):
        parse_fraction("100%")
