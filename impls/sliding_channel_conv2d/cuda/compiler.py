"""Kernels compiled at run time, for one architecture each, and kept on disk."""

import io
import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from bench.core.files import whole

SOURCES = Path(__file__).parent / "kernels"
STANDARD = "c++17"
ADVICE = "pip install 'featherbench[cuda]'"


@dataclass(frozen=True)
class Compiled:
    """One kernel's machine code, its name there, and what a thread of it needs."""

    name: str
    registers: int
    spilled_bytes: int
    shared_bytes: int
    """Of a block."""
    code: bytes


@cache
def unavailable() -> str | None:
    """Why nothing can be compiled here, in one line, or None."""
    try:
        version("cuda-core")
        _compiler()
    except ImportError:  # of cuda-core or of what it calls
        return f"the CUDA kernels are compiled by cuda-core, which is not installed, or in part only: {ADVICE}"
    except RuntimeError as error:
        return " ".join(str(error).split())
    return None


def compiled(expression: str, architecture: str) -> Compiled:
    """The kernel ``expression``, such as ``product<Half, false, 8>``, for ``sm_90`` or another architecture.

    Compiled once for each state of the sources and version of the compiler, in about a second, and then read from
    ``$XDG_CACHE_HOME/featherbench/kernels``. Raises RuntimeError where no compiler can be loaded, or it refuses.
    """
    if reason := unavailable():
        raise RuntimeError(reason)
    key = sha256("\n".join((expression, architecture, STANDARD, _compiler(), _sources())).encode()).hexdigest()
    path = _folder() / f"{key}.cubin"
    about = path.with_suffix(".json")
    if path.is_file() and about.is_file():
        return Compiled(**json.loads(about.read_text()), code=path.read_bytes())
    made = _compile(expression, architecture)
    with suppress(OSError):  # where nothing can be kept, it is compiled again next time
        for file, content in ((path, made.code), (about, json.dumps(_told(made)).encode())):
            with whole(file) as target:
                target.write(content)
    return made


def _told(made: Compiled) -> dict[str, object]:
    return {name: value for name, value in asdict(made).items() if name != "code"}


def _compile(expression: str, architecture: str) -> Compiled:
    from cuda.core import Program, ProgramOptions

    source = "".join(f'#include "{path.name}"\n' for path in sorted(SOURCES.glob("*.cu")))
    options = ProgramOptions(std=STANDARD, arch=architecture, include_path=[str(SOURCES)], ptxas_options="-v")
    log = io.StringIO()
    try:
        program = Program(source, "c++", options)
        made = program.compile("cubin", name_expressions=(expression,), logs=log)
    except Exception as error:  # of several libraries' own kinds, which only they export
        reason = " ".join(str(error).replace("\0", "").split())
        raise RuntimeError(f"{expression} cannot be compiled for {architecture}: {reason}") from error
    told = log.getvalue()
    return Compiled(
        name=made.symbol_mapping[expression].decode(),
        registers=_number(r"Used (\d+) registers", told),
        spilled_bytes=_number(r"(\d+) bytes spill stores", told) + _number(r"(\d+) bytes spill loads", told),
        shared_bytes=_number(r"(\d+) bytes smem", told, 0),
        code=bytes(made.code),
    )


def _number(pattern: str, text: str, otherwise: int | None = None) -> int:
    match = re.search(pattern, text)
    if match is None and otherwise is None:
        raise RuntimeError(f"the compiler does not say {pattern!r}")
    return int(match[1]) if match else int(otherwise or 0)


@cache
def _sources() -> str:
    digest = sha256()
    for path in sorted(SOURCES.iterdir()):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def _compiler() -> str:
    """NVRTC and its version. Raises RuntimeError, with the search of its library, where it cannot be loaded."""
    from cuda.bindings import nvrtc

    try:
        return f"NVRTC {nvrtc.nvrtcVersion()}"
    except RuntimeError as error:
        raise RuntimeError(f"the CUDA compiler library NVRTC is not found: {ADVICE}; {error}") from error


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "featherbench" / "kernels"
