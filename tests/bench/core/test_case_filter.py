"""Filters of cases: what they match, and what is refused with the choices."""

import pytest

from bench.core.case_filter import CaseFilter
from bench.core.errors import UsageError

CASES = [
    {"cin": cin, "groups": groups, "dtype": "float32"}
    for cin, groups in (("64", "8"), ("64", "16"), ("128", "8"), ("128", "128"))
] + [{"nodes": "10"}]


def matched(*filters: str) -> list[int]:
    """Return the indices of the cases that the filters let through."""
    case_filter = CaseFilter.parse(filters, CASES, "suite odd")
    return [index for index, case in enumerate(CASES) if case_filter.matches(case)]


def test_values_of_one_parameter_are_alternatives_and_different_parameters_must_all_match() -> None:
    assert matched() == [0, 1, 2, 3, 4]
    assert matched("groups=8") == [0, 2]
    assert matched("groups=8", "groups=16") == [0, 1, 2]
    assert matched("groups=8", "groups=16", "cin=64") == [0, 1]
    assert matched("groups=8", "groups=8") == [0, 2]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (["groups"], "^--case 'groups' has no value; write NAME=VALUE, such as groups=8$"),
        (["grops"], "^--case 'grops' has no value; write NAME=VALUE, such as grops=VALUE$"),
        (["grops=8"], "^no parameter 'grops' to filter by; choose from cin, groups, dtype, nodes$"),
        (["groups=7"], "^no case of suite odd has groups=7, and --case only filters; choose from 8, 16, 128$"),
        (["groups="], "^no case of suite odd has groups=, and --case only filters; choose from 8, 16, 128$"),
        (["groups=7", "cin=64"], "has groups=7, and --case only filters; choose from 8, 16$"),
        (["groups=7", "nodes=10"], "has groups=7, and --case only filters; choose from 8, 16, 128$"),
        (["groups=8,16"], "choose from 8, 16, 128, and repeat --case groups=... for each of several$"),
        (["groups=128", "cin=64"], "^no case of suite odd matches groups=128 and cin=64 together; drop one of them$"),
    ],
)
def test_what_no_case_has_is_refused_with_the_choices(filters: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        matched(*filters)


def test_advice_about_an_unknown_value_ends_the_message() -> None:
    with pytest.raises(UsageError, match=r"choose from 8, 16, 128; try groups with 7$"):
        CaseFilter.parse(["groups=7"], CASES, "suite odd", lambda name, value: f"; try {name} with {value}")
