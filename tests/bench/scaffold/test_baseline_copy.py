"""The copy of a baseline is its one variant, and carries nothing that belongs to the original alone."""

from pathlib import Path

import pytest

from bench.core.describe import describe
from bench.core.errors import UsageError
from bench.scaffold.baseline_copy import copied_source

FAMILY = '''"""The original's file.

More about it.
"""

from .layers import Layer
from . import layers
from ..garden import (
    Soil,
)
from ... import tools


class Helper:
    """What the original needs."""

    paper = "white"


class Net(Model):
    """The original.

    More about it."""

    workload = "flowers"
    paper = "arXiv 1234.56789"
    note = "Timed: all of it."
    depth = 3
    """How many layers it has."""
    variants = {
        "net": {},
        "deep_net": {"depth": 5, "summary": "A deep one.", "note": "Timed: more.", "targets": ("cpu",)},
    }

    def build(self):
        self.depth = min(self.depth, 4)
        return NetLayers(f"{self.depth}")


class NetLayers:
    """The layers."""
'''
COPY = '''"""mine: say here what it is."""

from earth.garden.flowers.layers import Layer
from earth.garden.flowers import layers
from earth.garden.garden import (
    Soil,
)
from earth import tools


class Helper:
    """What the original needs."""

    paper = "white"


class Mine(Model):
    """Say in one line what it is; featherbench list shows it."""

    workload = "flowers"
    note = 'Timed: more.'
    depth = 5
    """How many layers it has."""
    targets = ('cpu',)

    def build(self):
        self.depth = min(self.depth, 4)
        return MineLayers(f"{self.depth}")


class MineLayers:
    """The layers."""
'''
INHERITED = """
class Empty:
    paper = "arXiv 1234.56789"


class Base(Empty, Model):
    workload = "flowers"
    depth = 3
    variants = {"net": {}, "deep_net": {"depth": 5}}


class Net(Base):
    @cache
    def build(self):
        return self.depth
"""
COPY_OF_INHERITED = """
class Empty:
    pass


class Base(Empty, Model):
    workload = "flowers"
    depth = 3


class Mine(Base):
    depth = 5
    @cache
    def build(self):
        return self.depth
"""
PACKAGE = "earth.garden.flowers"


def write(folder: Path, source: str) -> Path:
    path = folder / "net.py"
    path.write_text(source)
    return path


def test_a_copy_is_the_one_variant_that_the_original_is(tmp_path: Path) -> None:
    _, deep = describe(write(tmp_path, FAMILY))
    assert copied_source(deep, "mine", "Mine", PACKAGE) == COPY


def test_a_copy_of_the_first_variant_has_the_attributes_of_the_class(tmp_path: Path) -> None:
    plain, _ = describe(write(tmp_path, FAMILY))
    copy = copied_source(plain, "mine", "Mine", PACKAGE)
    assert 'note = "Timed: all of it."' in copy
    assert "    depth = 3\n" in copy
    assert "targets" not in copy


def test_what_is_inherited_in_the_file_is_overridden_in_the_copy(tmp_path: Path) -> None:
    _, deep = describe(write(tmp_path, INHERITED))
    copy = copied_source(deep, "mine", "Mine", PACKAGE)
    assert copy == COPY_OF_INHERITED
    (spec,) = describe(write(tmp_path, copy))
    assert (spec.variant, spec.paper) == (None, "")


def test_a_file_without_a_class_is_refused(tmp_path: Path) -> None:
    (entry,) = describe(write(tmp_path, "def broken("), workload="flowers")
    with pytest.raises(UsageError, match=r"net\.py cannot be copied: no class in it states its workload"):
        copied_source(entry, "mine", "Mine", PACKAGE)
