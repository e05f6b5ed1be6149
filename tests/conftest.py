"""Options of the test run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--plugin",
        action="append",
        default=[],
        metavar="PATH",
        help="also hold the implementations in this file, or in this folder of a workload, to the contract",
    )
    parser.addoption("--examples", metavar="N", help="random cases in each contract test; default: what fits 8 s")
    parser.addoption(
        "--cuda-on-cpu", action="store_true", help="also what is for a GPU, on tensors in the CPU's memory"
    )
