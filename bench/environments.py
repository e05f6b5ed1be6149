"""Environments of implementations: folders of distributions that are imported in place of the installed ones.

An environment comes first on the import path of a worker. It holds exactly the distributions that the implementation
states in ``environment``. All others, including the dependencies of these, are the installed ones, so a large library
is not installed twice and an environment stays small. ``.pth`` files in it have no effect.

The folder is named by a hash of the stated versions, the Python version and the platform. It holds ``packages``,
``requirements.txt`` and ``install.log``. ``packages`` gets this name only when the installation is complete.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from bench.core.errors import RunError
from bench.core.files import locked, write_whole
from bench.core.implementation_spec import ImplementationSpec

_CONSTRAINTS = ("PIP_CONSTRAINT", "UV_CONSTRAINT")
"""Variables that pin what users install. Installers do not get them: an environment is there to have other versions."""
_ERROR = re.compile(r"^\W*(?:error:|×)\s*(.*)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
"""What pip and uv write from their first error on."""
_MAX_REASON = 300
"""Characters of an installer's error that a message holds."""


def root() -> Path:
    """Return the folder of environments: ``$FEATHERBENCH_ENVIRONMENTS``, else in the user's cache."""
    if chosen := os.environ.get("FEATHERBENCH_ENVIRONMENTS"):
        return Path(chosen).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "featherbench" / "environments"


def key(pins: Sequence[str]) -> str:
    """Return the name of an environment: a hash of its requirements, the Python version and the platform.

    Args:
        pins: the requirements, each as ``name==version``, in any order.
    """
    text = json.dumps([sorted(pins), sys.implementation.cache_tag, sysconfig.get_platform()])
    return sha256(text.encode()).hexdigest()[:16]


def packages(pins: Sequence[str]) -> Path:
    """Return the folder of an environment's packages; it exists only if all of them are installed."""
    return root() / key(pins) / "packages"


def missing(spec: ImplementationSpec) -> str | None:
    """Return what an implementation needs and the command that installs it; None if its environment is installed."""
    if not spec.environment or packages(spec.environment).is_dir():
        return None
    plugin = "" if spec.module else f" --plugin {spec.path}"
    return (
        f"needs an environment of its own ({', '.join(spec.environment)}): "
        f"featherbench build {spec.workload} --impl {spec.name}{plugin}"
    )


def active(spec: ImplementationSpec) -> bool:
    """Whether the implementation's environment is installed and on this process's path; true if it needs none."""
    if not spec.environment:
        return True
    folder = packages(spec.environment)
    return str(folder) in sys.path and folder.is_dir()


def install(pins: Sequence[str]) -> None:
    """Install an environment with uv, or with pip where uv is missing, unless it is installed already.

    If another process is installing it, wait for it. Leftovers of an interrupted installation are removed.

    Raises:
        RunError: where it cannot be installed; the message is one line.
    """
    place = packages(pins)
    try:
        with locked(place.parent):
            if not place.is_dir():
                _install(pins, place)
    except OSError as error:
        raise RunError(f"cannot install {', '.join(pins)} in {place.parent}: {error.strerror}") from None


def _install(pins: Sequence[str], place: Path) -> None:
    requirements, log = place.with_name("requirements.txt"), place.with_name("install.log")
    for leftover in place.parent.glob(f"{place.name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    write_whole(requirements, "\n".join(pins) + "\n")
    partial = Path(mkdtemp(dir=place.parent, prefix=f"{place.name}."))
    variables = {name: value for name, value in os.environ.items() if name not in _CONSTRAINTS}
    with log.open("w") as output:
        finished = subprocess.run(
            [*_installer(), "--no-deps", "--target", str(partial), "--requirement", str(requirements)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=variables,
            check=False,
        )
    if finished.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise RunError(f"cannot install {', '.join(pins)}: {_reason(log)} (see {log})")
    partial.chmod(0o755)
    partial.rename(place)


def _installer() -> list[str]:
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", sys.executable]
    return [sys.executable, "-P", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]


def _reason(log: Path) -> str:
    """Return what the installer wrote from its first error on, else its last line, in one line."""
    text = log.read_text(errors="replace").strip()
    error = _ERROR.search(text)
    words = (error[1] if error else text.rpartition("\n")[2]).split()
    return " ".join(words)[:_MAX_REASON]
