"""Workloads and implementations are found in ``impls``, in plug-ins and through entry points."""

import shutil
import sys
from pathlib import Path

import pytest

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.loading import load, load_workload, workload_source

SOURCE = """
raise RuntimeError("this file must not be run by the registry")
class Mine(Implementation):
    workload = "grouped_conv2d"
"""


def plugin(folder: Path, source: str, name: str = "mine") -> Path:
    path = folder / f"{name}.py"
    path.write_text(source)
    return path


def test_a_variant_may_not_have_the_name_of_another_implementation(tmp_path: Path) -> None:
    source = f"{SOURCE}    variants = {{'fast': {{}}, 'im2col': {{}}}}\n"
    with pytest.raises(UsageError, match=r"two implementations are named im2col: .*rename a file or a variant"):
        registry.implementations([plugin(tmp_path, source)])


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
    assert "theirs" not in [spec.name for spec in registry.implementations()]
    assert "entry point theirs cannot be used: RuntimeError: no licence" in caplog.text


def test_a_missing_plugin_is_refused() -> None:
    for name in ("nowhere.py", "nowhere"):
        with pytest.raises(UsageError, match=rf"no plug-in file or folder .*/{name}$"):
            registry.implementations([name])


def test_a_plugin_of_an_unknown_workload_is_refused(tmp_path: Path) -> None:
    source = SOURCE.replace('"grouped_conv2d"', '"gruoped_conv2d"')
    with pytest.raises(UsageError, match=r"mine\.py: unknown workload 'gruoped_conv2d'; .*grouped_conv2d"):
        registry.implementations([plugin(tmp_path, source)])


def test_an_unknown_workload_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match=r"no workload 'conv9d'; choose from .*grouped_conv2d"):
        registry.workload("conv9d")


def test_entry_points_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugin(tmp_path, SOURCE, "their_package_kernel")
    monkeypatch.syspath_prepend(tmp_path)
    points = registry.importlib.metadata.EntryPoints(
        [registry.importlib.metadata.EntryPoint("theirs", "their_package_kernel", registry.ENTRY_POINTS)]
    )
    monkeypatch.setattr(registry.importlib.metadata, "entry_points", lambda group: points.select(group=group))
    spec = registry.implementations()[-1]
    assert (spec.name, spec.module, spec.workload) == ("theirs", "their_package_kernel", "grouped_conv2d")


EXAMPLE = Path(__file__).parents[3] / "docs/examples/conv1d"


@pytest.fixture
def conv1d(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example of a plug-in folder. What a test registers and imports is unknown to the next."""
    for name in [name for name in sys.modules if name.startswith(("featherbench_workload_", "their_package"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(registry, "_registered", {})
    folder = tmp_path / "conv1d"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_a_plugin_folder_holds_a_workload_and_its_implementations(conv1d: Path) -> None:
    (conv1d / "_helper.py").write_text("")
    assert "conv1d" not in registry.workloads()
    specs = [spec for spec in registry.implementations([conv1d]) if spec.workload == "conv1d"]
    assert [(spec.name, spec.path) for spec in specs] == [
        (name, str(conv1d / f"{name}.py")) for name in ("numpy", "pytorch")
    ]
    known = registry.workload("conv1d")
    assert (known.title, registry.folder("conv1d")) == ("1-D convolution", conv1d)
    assert registry.workloads()["conv1d"] is known
    assert load(specs[0]).prepare.__module__ == "featherbench_workload_conv1d.numpy"


def test_a_worker_loads_a_plugin_folder_by_its_path_and_others_by_their_module(conv1d: Path) -> None:
    registry.register([conv1d])
    source = workload_source(registry.workload("conv1d"))
    assert source == str(conv1d / "workload.py")
    assert type(load_workload(source)) is type(registry.workload("conv1d"))
    assert workload_source(registry.workload("grouped_conv2d")) == "impls.grouped_conv2d.workload"


def test_a_plugin_folder_that_is_given_twice_is_registered_once(conv1d: Path) -> None:
    registry.register([conv1d])
    known = registry.workload("conv1d")
    assert len(registry.implementations([conv1d, f"{conv1d}/"])) == len(registry.implementations([])), "and remembered"
    registry.register([registry.folder("grouped_conv2d")])
    assert registry.workload("conv1d") is known


def test_a_plugin_file_may_implement_the_workload_of_a_plugin_folder(conv1d: Path, tmp_path: Path) -> None:
    path = plugin(tmp_path, SOURCE.replace("grouped_conv2d", "conv1d"))
    assert registry.implementations([path, conv1d])[-1].label == "conv1d/mine"


DEFINES_NOTHING = "cannot be loaded: TypeError: .*workload.py must define one complete Workload, not 0"


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("empty", None, "empty has no workload.py, so it is no plug-in folder"),
        ("none", "", f"workload none {DEFINES_NOTHING}$"),
        ("two", "EXAMPLE\nclass Other(Conv1d): pass\n", "must define one complete Workload, not 2"),
        ("half", "from bench.core.workload import Workload\nclass Half(Workload): pass\n", "not 0: Half lacks check, "),
        ("grouped_conv2d", "EXAMPLE", "there is a workload grouped_conv2d already, in .*impls/grouped_conv2d; rename"),
        ("conv-1d", "EXAMPLE", "'conv-1d' cannot name a workload; rename the folder with letters, digits and _"),
        ("needy", "import no_such_module", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        ("torn", "def broken(", "workload torn cannot be loaded: SyntaxError: .*workload.py, line 1"),
        ("exits", "raise SystemExit('no licence')", "workload exits cannot be loaded: SystemExit: no licence"),
    ],
)
def test_a_folder_that_is_no_workload_is_refused(
    conv1d: Path, tmp_path: Path, name: str, source: str | None, words: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    if source is not None:
        (folder / "workload.py").write_text(source.replace("EXAMPLE", (conv1d / "workload.py").read_text()))
    with pytest.raises(UsageError, match=words):
        registry.implementations([folder])
    assert name not in registry._registered


@pytest.mark.parametrize(
    ("name", "module", "warning"),
    [
        ("theirs", "their_package.conv1d", ""),
        ("theirs", "their_package.conv2d", "entry point theirs cannot be used: ModuleNotFoundError: "),
        ("grouped_conv2d", "their_package.conv1d", "there is a workload of that name already"),
    ],
)
def test_workloads_of_entry_points_are_found(
    conv1d: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    module: str,
    warning: str,
) -> None:
    package = conv1d.parent / "their_package"
    package.mkdir()
    conv1d.rename(package / "conv1d")
    monkeypatch.syspath_prepend(package.parent)
    points = registry.importlib.metadata.EntryPoints(
        [registry.importlib.metadata.EntryPoint(name, module, registry.WORKLOAD_ENTRY_POINTS)]
    )
    monkeypatch.setattr(registry.importlib.metadata, "entry_points", lambda group: points.select(group=group))
    monkeypatch.setattr(registry, "_installed_workloads", registry._installed_workloads.__wrapped__)
    specs = [spec for spec in registry.implementations() if spec.workload == "theirs"]
    assert [spec.module for spec in specs] == ([] if warning else [f"{module}.numpy", f"{module}.pytorch"])
    assert ("theirs" in registry.workloads()) is (not warning)
    assert registry.workload("grouped_conv2d").title == "Grouped 2-D convolution"
    assert warning in caplog.text
