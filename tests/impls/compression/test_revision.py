"""Compressed networks that are kept are built again after the code that decides their weights has changed."""

import sys
from pathlib import Path

import pytest

from impls.compression._compressed_network import REVISION
from tests.impls.code_hash import hash_of_code

IMPLS = Path(__file__).parents[3] / "impls"
COMPRESSION_CODE = {1: "f89bf8b3b44cba2f"}
"""A hash of the code that decides what is removed, without docstrings and comments, by REVISION."""


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="syntax trees differ between versions of Python")
def test_the_code_of_the_methods_is_that_of_its_revision() -> None:
    """Where this fails: raise REVISION if the same case now makes other weights, then state the new hash here."""
    compression = [path for path in sorted((IMPLS / "compression").glob("*.py")) if path.name != "workload.py"]
    assert {REVISION: hash_of_code([*sorted((IMPLS / "pruning").glob("*.py")), *compression])} == COMPRESSION_CODE
