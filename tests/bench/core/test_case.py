"""Cases: their slugs are readable and tell them apart."""

from typing import Self

import pytest
from pydantic import ValidationError, model_validator

from bench.core.case import Case
from bench.core.errors import UsageError


class Layer(Case):
    channels: int
    padding: tuple[int, int] = (1, 1)
    bias: bool = False
    dtype: str = "float32"

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        if self.channels % 2:
            raise ValueError(f"channels={self.channels} must be even")
        return self


class Network(Case):
    layers: int
    width: int
    kernel: tuple[int, int, int, int] = (1, 1, 1, 1)


def test_slug_names_only_what_differs_from_the_default() -> None:
    assert Layer(channels=8).slug == "channels=8"
    assert Layer(channels=8, padding=(2, 2), bias=True).slug == "channels=8,padding=2,bias=true"
    assert Layer(channels=8, padding=(0, 2)).slug == "channels=8,padding=0x2"


def test_texts_hold_every_parameter_as_a_filter_writes_it() -> None:
    assert Layer(channels=8).texts() == {"channels": "8", "padding": "1", "bias": "false", "dtype": "float32"}


def test_equal_cases_hash_alike_and_cannot_change() -> None:
    case = Layer(channels=8)
    assert len({case, Layer(channels=8), Layer(channels=10)}) == 2
    with pytest.raises(ValidationError, match="frozen"):
        case.channels = 10  # type: ignore[misc]


@pytest.mark.parametrize(
    ("case_type", "text", "message"),
    [
        (Network, "", "not a valid case: layers and width are missing"),
        (Network, "layers=2", "not a valid case: width is missing"),
        (Network, "layers=2,kernel=3x0", "kernel takes 1 or 4 values joined by x, such as 1x1x1x1, not 2"),
        (Layer, "channels=8,padding=1x2x3", "padding takes 1 or 2 values joined by x, such as 1x1, not 3"),
        (Layer, "channels=7", "not a valid case: channels=7 must be even"),
        (
            Layer,
            "channels=8,padding=a",
            "not a valid case: padding: Input should be a valid integer, unable to parse string as an integer",
        ),
    ],
)
def test_a_text_that_describes_no_case_gets_one_clear_line(case_type: type[Case], text: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        case_type.from_text(text)
    assert str(refused.value) == message
