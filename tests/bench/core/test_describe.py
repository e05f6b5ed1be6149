"""Implementations are described by their source text, without running it."""

from pathlib import Path

import pytest

from bench.core.describe import describe
from bench.core.errors import UsageError

SOURCE = '''
raise RuntimeError("this file must not be run")
from bench.core.implementation import Implementation
class Mine(Implementation):
    """Mine is best.

    More words."""
    workload = "grouped_conv2d"
    requires = ("numpy", "no-such-distribution")
    targets = ("cpu",)
    paper = "arXiv 2006.09791"
    note = "Timed: " "everything."
    setup = "Tune it: python tune.py"
    size = compute()
    def prepare(self, problem, target): ...
'''
VARIANTS = """variants = {
        "narrow": {},
        "wide": {
            "size": (4, 16),
            "requires": ("numpy",),
            "targets": ("cuda",),
            "summary": "Mine is wide.",
            "note": "Timed: the product.",
        },
    }"""


def write(folder: Path, source: str) -> Path:
    path = folder / "mine.py"
    path.write_text(source)
    return path


def test_class_attributes_are_read_from_the_source_text(tmp_path: Path) -> None:
    (spec,) = describe(write(tmp_path, SOURCE))
    assert (spec.name, spec.workload, spec.targets) == ("mine", "grouped_conv2d", ("cpu",))
    assert (spec.summary, spec.note, spec.variant) == ("Mine is best.", "Timed: everything.", None)
    assert (spec.paper, spec.setup) == ("arXiv 2006.09791", "Tune it: python tune.py")
    assert spec.missing() == "needs no-such-distribution: pip install no-such-distribution"


def test_annotated_attributes_are_read_as_well(tmp_path: Path) -> None:
    source = SOURCE.replace("workload =", "workload: ClassVar[str] =").replace(
        "targets =", "targets: tuple[str, ...] ="
    )
    (spec,) = describe(write(tmp_path, source))
    assert (spec.workload, spec.targets) == ("grouped_conv2d", ("cpu",))


def test_a_summary_has_no_markup(tmp_path: Path) -> None:
    (spec,) = describe(write(tmp_path, SOURCE.replace("size = compute()", "summary = 'Calls ``torch.compile``.'")))
    assert spec.summary == "Calls torch.compile."


def test_a_summary_stands_for_the_first_line_of_the_docstring(tmp_path: Path) -> None:
    (spec,) = describe(write(tmp_path, SOURCE.replace("size = compute()", "summary = 'In short.'")))
    assert spec.summary == "In short."


def test_a_name_in_place_of_a_tuple_is_refused(tmp_path: Path) -> None:
    source = SOURCE.replace('requires = ("numpy", "no-such-distribution")', 'requires = "torch"')
    with pytest.raises(UsageError, match=r"requires must be a tuple of names, such as \('torch',\), not 'torch'"):
        describe(write(tmp_path, source))


def test_an_environment_is_read_and_needs_exact_versions(tmp_path: Path) -> None:
    stated = SOURCE.replace("size = compute()", 'environment = ("some-library==1.0.post1", "Other_one==2.0+cpu")')
    (spec,) = describe(write(tmp_path, stated))
    assert spec.environment == ("some-library==1.0.post1", "Other_one==2.0+cpu")
    assert spec.distributions == ("numpy", "no-such-distribution", "some-library", "Other_one")
    for text in ("some-library>=1.0", "some-library", "some-library==1.*", "-r file==1"):
        source = stated.replace("some-library==1.0.post1", text)
        with pytest.raises(UsageError, match=r"environment must state exact versions, such as numpy==1\.26\.4, not "):
            describe(write(tmp_path, source))


def test_a_file_that_cannot_be_parsed_is_left_to_its_worker(tmp_path: Path) -> None:
    (spec,) = describe(write(tmp_path, "def broken("))
    assert (spec.name, spec.workload) == ("mine", None)


def test_each_variant_is_an_implementation_with_its_own_description(tmp_path: Path) -> None:
    narrow, wide = describe(write(tmp_path, SOURCE.replace("size = compute()", VARIANTS)), name="of an entry point")
    assert (narrow.name, narrow.variant, narrow.workload) == ("narrow", "narrow", "grouped_conv2d")
    assert (narrow.requires, narrow.targets) == (("numpy", "no-such-distribution"), ("cpu",))
    assert (narrow.summary, narrow.note) == ("Mine is best.", "Timed: everything.")
    assert (wide.name, wide.variant, wide.workload) == ("wide", "wide", "grouped_conv2d")
    assert (wide.requires, wide.targets) == (("numpy",), ("cuda",))
    assert (wide.summary, wide.note) == ("Mine is wide.", "Timed: the product.")


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        ('{name: {} for name in ("a", "b")}', "variants must be a plain dict of dicts, such as"),
        ('("narrow", "wide")', "variants must be a plain dict of dicts, such as"),
        ('{"narrow": 4}', r"not \{'narrow': 4\}"),
        ('{"wide,narrow": {}}', "'wide,narrow' cannot name a variant; use letters, digits and _"),
        ('{"wide": {"workload": "other"}}', "variant wide cannot have a workload of its own"),
    ],
)
def test_variants_that_are_no_dict_of_dicts_are_refused(tmp_path: Path, variants: str, words: str) -> None:
    with pytest.raises(UsageError, match=rf"mine\.py: .*{words}"):
        describe(write(tmp_path, SOURCE.replace("size = compute()", f"variants = {variants}")))


BASE = """
class Base(Implementation):
    workload = "grouped_conv2d"
    requires = ("numpy",)
    note = "Timed: everything."
"""
FAMILY = """
class Family(Base):
    '''A family.'''
    variants = {"small": {}, "large": {"note": "Timed: more."}}
    def prepare(self, problem, target): ...
"""


def test_attributes_are_inherited_from_a_base_in_the_same_file(tmp_path: Path) -> None:
    small, large = describe(write(tmp_path, BASE + FAMILY))
    assert (small.name, small.workload, small.requires) == ("small", "grouped_conv2d", ("numpy",))
    assert (small.summary, small.note, large.note) == ("A family.", "Timed: everything.", "Timed: more.")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (FAMILY, "class Family has variants but no workload; add workload = ..."),
        (
            BASE + FAMILY.replace("(Base)", "(Implementation)"),
            "class Family has variants, but class Base is the file's implementation; move one of them to another file",
        ),
    ],
)
def test_variants_of_a_class_that_is_not_the_implementation_are_refused(
    tmp_path: Path, source: str, words: str
) -> None:
    with pytest.raises(UsageError, match=rf"mine\.py: {words}"):
        describe(write(tmp_path, source))


@pytest.mark.parametrize("header", ["class Sizes:", "class Sizes(NamedTuple):"])
def test_a_helper_may_have_an_attribute_called_variants(tmp_path: Path, header: str) -> None:
    helper = f"{header}\n    variants = {{'small': 3}}\n"
    (spec,) = describe(write(tmp_path, helper + BASE))
    assert (spec.workload, spec.variant) == ("grouped_conv2d", None)


@pytest.mark.parametrize("requires", ['requires = Base.requires + ("jax",)', "@property\n    def requires(self): ..."])
def test_a_computed_attribute_does_not_have_the_value_of_the_base(tmp_path: Path, requires: str) -> None:
    (spec,) = describe(write(tmp_path, f"{BASE}class Mine(Base):\n    {requires}\n"))
    assert (spec.requires, spec.note) == ((), "Timed: everything.")


def test_a_subclass_of_a_family_has_no_variants_unless_it_states_them(tmp_path: Path) -> None:
    source = "from impls.grouped_conv2d.pytorch import PyTorch\nclass Mine(PyTorch):\n    workload = 'grouped_conv2d'\n"
    (spec,) = describe(write(tmp_path, source))
    assert (spec.name, spec.variant) == ("mine", None)
