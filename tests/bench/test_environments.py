"""Environments are installed once, whole or not at all, and a failure is one line."""

import multiprocessing
import os
import re
import sys
from pathlib import Path

import pytest

from bench import environments
from bench.core import child
from bench.core.errors import RunError
from bench.core.implementation_spec import ImplementationSpec

PINS = ("typer==0.1.0",)
SPEC = ImplementationSpec("mine", "grouped_conv2d", "mine.py", environment=PINS)


@pytest.fixture(autouse=True)
def root(installable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FEATHERBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    return tmp_path / "environments"


def use_installer(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have Python code install in place of uv or pip; its ``target`` is the folder."""
    code = f"import os, sys, time; target = sys.argv[sys.argv.index('--target') + 1]; {code}"
    monkeypatch.setattr(environments, "_installer", lambda: [sys.executable, "-c", code])


def in_other_processes(count: int) -> list[int | None]:
    """Install in several processes at once; return their exit codes."""
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=environments.install, args=(PINS,)) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def test_an_environment_holds_what_is_stated_and_nothing_that_it_depends_on(root: Path) -> None:
    assert environments.missing(SPEC)
    environments.install(PINS)
    packages = environments.packages(PINS)
    assert environments.missing(SPEC) is None
    assert packages.is_relative_to(root)
    names = {path.name for path in packages.iterdir() if not path.name.startswith(".")}  # uv leaves a lock
    assert names == {"typer", "typer-0.1.0.dist-info"}


def test_it_is_installed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    environments.install(PINS)
    marker = environments.packages(PINS) / "marker"
    marker.touch()
    use_installer(monkeypatch, "sys.exit('not again')")
    environments.install(PINS)
    assert marker.exists()


def test_two_processes_install_it_once(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_installer(monkeypatch, f"time.sleep(0.5); open({str(tmp_path / 'count')!r}, 'a').write('installed\\n')")
    assert in_other_processes(2) == [0, 0]
    assert (tmp_path / "count").read_text() == "installed\n"


def test_an_interrupted_installation_is_not_taken_for_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        use_installer(patch, "open(target + '/half', 'w').close(); os.kill(os.getppid(), 9)")
        assert in_other_processes(1) == [-9]
    (half,) = environments.packages(PINS).parent.glob("*/half")
    assert environments.missing(SPEC)
    environments.install(PINS)
    assert (environments.packages(PINS) / "typer").is_dir()
    assert not half.exists()


def test_a_failure_is_one_line_and_leaves_nothing_behind() -> None:
    pins = ("featherbench-no-such-distribution==1.0",)
    with pytest.raises(RunError) as raised:
        environments.install(pins)
    message = str(raised.value)
    assert re.match(r"cannot install featherbench-no-such-distribution==1\.0: .*featherbench-no-such-distri", message)
    assert "\n" not in message
    folder = environments.packages(pins).parent
    assert message.endswith(f"(see {folder / 'install.log'})")
    assert {path.name for path in folder.iterdir()} == {"lock", "requirements.txt", "install.log"}


def test_a_folder_that_cannot_be_written_is_one_line(root: Path) -> None:
    root.write_text("a file where a folder should be")
    with pytest.raises(RunError, match=r"^cannot install typer==0\.1\.0 in .*: "):
        environments.install(PINS)


def test_constraints_of_the_user_do_not_hold_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "constraints.txt").write_text("typer==99\n")
    for tool in ("PIP", "UV"):
        monkeypatch.setenv(f"{tool}_CONSTRAINT", str(tmp_path / "constraints.txt"))
    environments.install(PINS)
    assert (environments.packages(PINS) / "typer-0.1.0.dist-info").is_dir()


def test_uv_installs_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\necho "$@" > {tmp_path / "arguments"}\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(uv.parent), prepend=os.pathsep)
    environments.install(PINS)
    arguments = (tmp_path / "arguments").read_text()
    assert arguments.startswith(f"pip install --python {sys.executable} --no-deps --target ")


def test_without_uv_and_pip_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "_installer", lambda: [sys.executable, "-m", "no_such_pip"])
    with pytest.raises(RunError, match=r"^cannot install typer==0\.1\.0: .*No module named no_such_pip \(see "):
        environments.install(PINS)


def test_the_folder_depends_on_versions_but_not_on_their_order() -> None:
    assert environments.key(("a==1", "b==2")) == environments.key(("b==2", "a==1"))
    assert environments.key(("a==1", "b==2")) != environments.key(("a==1", "b==3"))


def test_what_is_missing_comes_with_the_command_that_installs_it() -> None:
    command = "featherbench build grouped_conv2d --impl mine"
    assert environments.missing(SPEC) == (f"needs an environment of its own (typer==0.1.0): {command} --plugin mine.py")
    beside = ImplementationSpec("mine", "grouped_conv2d", "mine.py", "impls.grouped_conv2d.mine", environment=PINS)
    assert str(environments.missing(beside)).endswith(command)
    assert environments.missing(ImplementationSpec("mine", "grouped_conv2d", "mine.py")) is None


def test_only_a_process_that_imports_from_it_runs_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environments.active(ImplementationSpec("mine", "grouped_conv2d", "mine.py"))
    assert not environments.active(SPEC)
    monkeypatch.syspath_prepend(str(environments.packages(PINS)))
    assert not environments.active(SPEC), "nothing is installed there"
    environments.install(PINS)
    assert environments.active(SPEC)


def test_it_comes_before_the_folder_of_this_project_which_may_hold_all_that_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "of the user")
    packages = environments.packages(PINS)
    first, _, last = child.variables(packages)["PYTHONPATH"].split(os.pathsep)
    assert (first, last) == (str(packages), "of the user")
