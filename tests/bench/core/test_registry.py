"""Workloads and implementations are found in ``impls``, in plug-ins and through entry points."""

from pathlib import Path

import pytest

from bench.core import registry
from bench.core.errors import UsageError

SOURCE = '''
raise RuntimeError("this file must not be run by the registry")
class Mine(Implementation):
    workload = "grouped_conv2d"
'''


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


def test_entry_points_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugin(tmp_path, SOURCE, "their_package_kernel")
    monkeypatch.syspath_prepend(tmp_path)
    points = registry.importlib.metadata.EntryPoints(
        [registry.importlib.metadata.EntryPoint("theirs", "their_package_kernel", registry.ENTRY_POINTS)]
    )
    monkeypatch.setattr(registry.importlib.metadata, "entry_points", lambda group: points.select(group=group))
    entry = registry.implementations()[-1]
    assert (entry.name, entry.module, entry.workload) == ("theirs", "their_package_kernel", "grouped_conv2d")
