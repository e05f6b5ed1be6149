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


class Helper:
    """What the original needs."""


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
        return NetLayers(f"{self.depth}", self.depth, self.depths)


class NetLayers:
    """The layers."""
'''
COPY = '''"""mine: say here what it is."""

from garden.flowers.layers import Layer
from garden.flowers import layers


class Helper:
    """What the original needs."""


class Mine(Model):
    """Say in one line what it is; featherbench list shows it."""

    workload = "flowers"
    note = 'Timed: more.'
    targets = ('cpu',)

    def build(self):
        return MineLayers(f"{5}", 5, self.depths)


class MineLayers:
    """The layers."""
'''


def write(folder: Path, source: str) -> Path:
    path = folder / "net.py"
    path.write_text(source)
    return path


def test_a_copy_is_the_one_variant_that_the_original_is(tmp_path: Path) -> None:
    _, deep = describe(write(tmp_path, FAMILY))
    assert copied_source(deep, "mine", "Mine", "garden.flowers") == COPY


def test_a_copy_of_the_first_variant_has_the_attributes_of_the_class(tmp_path: Path) -> None:
    plain, _ = describe(write(tmp_path, FAMILY))
    copy = copied_source(plain, "mine", "Mine", "garden.flowers")
    assert 'note = "Timed: all of it."' in copy
    assert "targets" not in copy
    assert 'MineLayers(f"{3}", 3, self.depths)' in copy


def test_an_attribute_that_a_base_reads_stays_with_its_value(tmp_path: Path) -> None:
    _, deep = describe(write(tmp_path, FAMILY.replace("self.depth,", "").replace("{self.depth}", "")))
    assert "    depth = 5\n" in copied_source(deep, "mine", "Mine", "garden.flowers")


def test_a_file_without_a_class_is_refused(tmp_path: Path) -> None:
    (entry,) = describe(write(tmp_path, "def broken("), workload="flowers")
    with pytest.raises(UsageError, match=r"net\.py cannot be copied: no class in it states its workload"):
        copied_source(entry, "mine", "Mine", "garden.flowers")
