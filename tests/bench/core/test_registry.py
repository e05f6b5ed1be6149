"""The registry reads implementations without running them."""

from pathlib import Path

import pytest

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.implementation import Implementation

SOURCE = '''
raise RuntimeError("this file must not be run by the registry")
from bench.core.implementation import Implementation
class Mine(Implementation):
    """Mine is best.

    More words."""
    workload = "grouped_conv2d"
    requires = ("numpy", "no-such-distribution")
    targets = ("cpu",)
    note = "Timed: " "everything."
    size = compute()
    def prepare(self, problem, target): ...
'''


def plugin(folder: Path, source: str, name: str = "mine") -> Path:
    path = folder / f"{name}.py"
    path.write_text(source)
    return path


def test_class_attributes_are_read_from_the_source_text(tmp_path: Path) -> None:
    entry = registry.implementations([plugin(tmp_path, SOURCE)])[-1]
    assert (entry.name, entry.workload, entry.targets) == ("mine", "grouped_conv2d", ("cpu",))
    assert (entry.summary, entry.note) == ("Mine is best.", "Timed: everything.")
    assert entry.missing() == "needs no-such-distribution: pip install no-such-distribution"


def test_annotated_attributes_are_read_as_well(tmp_path: Path) -> None:
    source = SOURCE.replace("workload =", "workload: ClassVar[str] =").replace(
        "targets =", "targets: tuple[str, ...] ="
    )
    entry = registry.implementations([plugin(tmp_path, source)])[-1]
    assert (entry.workload, entry.targets) == ("grouped_conv2d", ("cpu",))


def test_a_name_in_place_of_a_tuple_is_refused(tmp_path: Path) -> None:
    source = SOURCE.replace('requires = ("numpy", "no-such-distribution")', 'requires = "torch"')
    with pytest.raises(UsageError, match=r"requires must be a tuple of names, such as \('torch',\), not 'torch'"):
        registry.implementations([plugin(tmp_path, source)])


FAMILY = '''
from bench.core.implementation import Implementation
class Family(Implementation):
    """Narrow tiles."""
    workload = "grouped_conv2d"
    requires = ("numpy",)
    note = "Timed: everything."
    tile = (4, 4)
    variants = {
        "narrow": {},
        "wide": {
            "tile": (4, 16),
            "requires": ("numpy", "no-such-distribution"),
            "targets": ("cuda",),
            "summary": "Wide tiles.",
            "note": "Timed: the product.",
        },
    }
    def prepare(self, problem, target): ...
'''


def test_each_variant_is_an_implementation_with_its_own_description(tmp_path: Path) -> None:
    narrow, wide = registry.implementations([plugin(tmp_path, FAMILY)])[-2:]
    assert (narrow.name, narrow.workload, narrow.requires) == ("narrow", "grouped_conv2d", ("numpy",))
    assert (narrow.targets, narrow.summary, narrow.note) == (("cpu", "edge"), "Narrow tiles.", "Timed: everything.")
    assert (wide.name, wide.workload, wide.targets) == ("wide", "grouped_conv2d", ("cuda",))
    assert (wide.summary, wide.note) == ("Wide tiles.", "Timed: the product.")
    assert wide.missing() == "needs no-such-distribution: pip install no-such-distribution"


def test_instances_have_the_attributes_of_their_variant(tmp_path: Path) -> None:
    narrow, wide = registry.describe(plugin(tmp_path, FAMILY))
    create = registry.factory(wide)
    first, second = create(), create()
    assert first is not second
    assert {each.tile for each in (first, second)} == {(4, 16)}
    assert first.targets == ("cuda",)
    assert registry.load(narrow).tile == (4, 4)


def test_an_attribute_that_the_class_does_not_declare_is_refused(tmp_path: Path) -> None:
    source = FAMILY.replace('"tile": (4, 16)', '"tlie": (4, 16)')
    narrow, wide = registry.describe(plugin(tmp_path, source))
    with pytest.raises(TypeError, match=r"mine\.py: variant wide sets tlie, which Family does not declare; give it"):
        registry.load(wide)
    assert registry.load(narrow).tile == (4, 4)


def test_a_subclass_of_a_family_has_no_variants_unless_it_states_them(tmp_path: Path) -> None:
    source = "from impls.grouped_conv2d.pytorch import PyTorch\nclass Mine(PyTorch):\n    workload = 'grouped_conv2d'\n"
    path = plugin(tmp_path, source)
    (entry,) = registry.describe(path)
    assert (entry.name, entry.variant) == ("mine", None)


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
    source = SOURCE.replace("size = compute()", f"variants = {variants}")
    with pytest.raises(UsageError, match=rf"mine\.py: .*{words}"):
        registry.implementations([plugin(tmp_path, source)])


def test_a_variant_may_not_have_the_name_of_another_implementation(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"two implementations are named im2col: .*rename a file or a variant"):
        registry.implementations([plugin(tmp_path, FAMILY.replace('"wide"', '"im2col"'))])


def test_a_file_that_cannot_be_parsed_is_left_to_its_worker(tmp_path: Path) -> None:
    entry = registry.implementations([plugin(tmp_path, "def broken(")])[-1]
    assert (entry.name, entry.workload) == ("mine", None)


def test_two_implementations_of_the_same_name_are_refused(tmp_path: Path) -> None:
    source = SOURCE.replace('raise RuntimeError("this file must not be run by the registry")', "")
    with pytest.raises(UsageError, match=r"two implementations are named im2col: .*rename a file"):
        registry.implementations([plugin(tmp_path, source, "im2col")])


def test_a_file_that_cannot_be_parsed_clashes_with_any_implementation_of_its_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two implementations are named im2col"):
        registry.implementations([plugin(tmp_path, "def broken(", "im2col")])


def test_a_broken_entry_point_is_skipped_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken_package").mkdir()
    (tmp_path / "broken_package" / "__init__.py").write_text("raise RuntimeError('no licence')")
    monkeypatch.syspath_prepend(tmp_path)
    points = registry.importlib.metadata.EntryPoints(
        [registry.importlib.metadata.EntryPoint("theirs", "broken_package.kernel", registry.ENTRY_POINTS)]
    )
    monkeypatch.setattr(registry.importlib.metadata, "entry_points", lambda group: points.select(group=group))
    assert "theirs" not in [entry.name for entry in registry.implementations()]
    assert "entry point theirs cannot be used: RuntimeError: no licence" in caplog.text


def test_a_missing_plugin_file_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no plug-in file nowhere\.py"):
        registry.implementations(["nowhere.py"])


def test_a_plugin_of_an_unknown_workload_is_refused(tmp_path: Path) -> None:
    source = SOURCE.replace('"grouped_conv2d"', '"gruoped_conv2d"')
    with pytest.raises(UsageError, match=r"mine\.py: unknown workload 'gruoped_conv2d'; .*grouped_conv2d"):
        registry.implementations([plugin(tmp_path, source)])


def test_an_unknown_workload_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match=r"no workload 'conv9d'; choose from .*grouped_conv2d"):
        registry.workload("conv9d")


@pytest.mark.parametrize("count", [0, 2])
def test_a_file_must_define_one_implementation(tmp_path: Path, count: int) -> None:
    definition = (
        "class A{}(Implementation):\n    workload = 'grouped_conv2d'\n    def prepare(self, problem, target): ...\n"
    )
    head = "from bench.core.implementation import Implementation\n"
    path = plugin(tmp_path, head + "".join(definition.format(number) for number in range(count)), f"file_with_{count}")
    with pytest.raises(TypeError, match=f"must define one complete Implementation, not {count}"):
        registry.load(registry.implementations([path])[-1])


def test_entry_points_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugin(tmp_path, SOURCE, "their_package_kernel")
    monkeypatch.syspath_prepend(tmp_path)
    points = registry.importlib.metadata.EntryPoints(
        [registry.importlib.metadata.EntryPoint("theirs", "their_package_kernel", registry.ENTRY_POINTS)]
    )
    monkeypatch.setattr(registry.importlib.metadata, "entry_points", lambda group: points.select(group=group))
    entry = registry.implementations()[-1]
    assert (entry.name, entry.module, entry.workload) == ("theirs", "their_package_kernel", "grouped_conv2d")


def test_an_implementation_with_the_old_name_of_unsupported_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Mine\.supports is called unsupported now: rename the method"):
        type("Mine", (Implementation,), {"supports": lambda self, case: None})
