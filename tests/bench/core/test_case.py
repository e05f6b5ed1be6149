"""Cases: their slugs are readable and tell them apart."""

import pytest
from pydantic import ValidationError

from bench.core.case import Case


class Layer(Case):
    channels: int
    padding: tuple[int, int] = (1, 1)
    bias: bool = False
    dtype: str = "float32"


def test_slug_names_only_what_differs_from_the_default() -> None:
    assert Layer(channels=8).slug == "channels=8"
    assert Layer(channels=8, padding=(2, 2), bias=True).slug == "channels=8,padding=2,bias=true"
    assert Layer(channels=8, padding=(0, 2)).slug == "channels=8,padding=0x2"


def test_texts_hold_every_parameter_as_a_filter_writes_it() -> None:
    assert Layer(channels=8).texts() == {"channels": "8", "padding": "1", "bias": "false", "dtype": "float32"}


def test_equal_cases_hash_alike_and_cannot_change() -> None:
    case = Layer(channels=8)
    assert len({case, Layer(channels=8), Layer(channels=9)}) == 2
    with pytest.raises(ValidationError, match="frozen"):
        case.channels = 9  # type: ignore[misc]
