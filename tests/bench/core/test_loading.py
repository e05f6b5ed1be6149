"""Loading an implementation's file gives instances of its one class."""

from pathlib import Path

import pytest

from bench.core.describe import describe
from bench.core.implementation import Implementation
from bench.core.implementation_spec import ImplementationSpec
from bench.core.loading import factory, load

HEAD = "from bench.core.implementation import Implementation\n"
CLASS = """
class A{}(Implementation):
    workload = 'grouped_conv2d'
    def prepare(self, problem, target): ...
"""
FAMILY = """
class Family(Implementation):
    workload = 'grouped_conv2d'
    tile = (4, 4)
    variants = {'narrow': {}, 'wide': {'tile': (4, 16), 'targets': ('cuda',)}}
    def prepare(self, problem, target): ...
"""


def specs(folder: Path, name: str, source: str) -> list[ImplementationSpec]:
    path = folder / f"{name}.py"
    path.write_text(HEAD + source)
    return describe(path)


@pytest.mark.parametrize("count", [0, 2])
def test_a_file_must_define_one_implementation(tmp_path: Path, count: int) -> None:
    (spec,) = specs(tmp_path, f"file_with_{count}", "".join(CLASS.format(number) for number in range(count)))
    with pytest.raises(TypeError, match=rf"file_with_{count}\.py must define one complete Implementation, not {count}"):
        load(spec)


def test_an_implementation_with_the_old_name_of_unsupported_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Mine\.supports is called unsupported now: rename the method"):
        type("Mine", (Implementation,), {"supports": lambda self, case: None})


def test_every_instance_of_a_variant_has_its_attributes(tmp_path: Path) -> None:
    narrow, wide = specs(tmp_path, "family", FAMILY)
    create = factory(wide)
    first, second = create(), create()
    assert first is not second
    for instance in (first, second):
        assert vars(instance) == {"tile": (4, 16), "targets": ("cuda",)}
    assert load(narrow).tile == (4, 4)


def test_an_attribute_that_the_class_does_not_declare_is_refused(tmp_path: Path) -> None:
    narrow, wide = specs(tmp_path, "misspelt", FAMILY.replace("'tile'", "'tlie'"))
    with pytest.raises(TypeError, match=r"misspelt\.py: variant wide sets tlie, which Family does not declare; give"):
        load(wide)
    assert load(narrow).tile == (4, 4)
