"""Compile kernels at run time, each for one architecture, and keep them on disk."""

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
from tempfile import NamedTemporaryFile

from impls.sliding_channel_conv2d.cuda.tiling import MACROS

SOURCES = Path(__file__).parent / "kernels"
STANDARD = "c++17"
ADVICE = "pip install 'featherbench[cuda]'"


@dataclass(frozen=True)
class Compiled:
    """One kernel's machine code, its name in that, and the resources it needs."""

    name: str
    registers: int
    """Registers of a thread."""
    spilled_bytes: int
    """Bytes of spill stores and loads of a thread."""
    shared_bytes: int
    """Bytes of shared memory of a block."""
    code: bytes


@cache
def unavailable() -> str | None:
    """Return why nothing can be compiled on this machine, in one line, or None."""
    try:
        version("cuda-core")
        _compiler()
    except ImportError:  # cuda-core or a package that it needs is missing
        return f"the CUDA kernels are compiled by cuda-core, which is not installed, or in part only: {ADVICE}"
    except RuntimeError as error:
        return " ".join(str(error).split())
    return None


def compiled(expression: str, architecture: str) -> Compiled:
    """Return the kernel ``expression``, such as ``forward<Half, false, 8>``, for ``sm_90`` or another architecture.

    It is compiled once for each state of the sources and version of the compiler, in about a second, and from then on
    read from ``$XDG_CACHE_HOME/featherbench/kernels``.

    Raises:
        RuntimeError: where no compiler can be loaded, or the compiler refuses the kernel.
    """
    if reason := unavailable():
        raise RuntimeError(reason)
    parts = (expression, architecture, STANDARD, json.dumps(MACROS), _compiler(), _sources())
    key = sha256("\n".join(parts).encode()).hexdigest()
    path = _folder() / f"{key}.cubin"
    metadata_path = path.with_suffix(".json")
    if path.is_file() and metadata_path.is_file():
        return Compiled(**json.loads(metadata_path.read_text()), code=path.read_bytes())
    kernel = _compile(expression, architecture)
    with suppress(OSError):  # a kernel that cannot be kept is compiled again next time
        _keep(path, kernel.code)
        _keep(metadata_path, json.dumps(_metadata(kernel)).encode())
    return kernel


def _keep(path: Path, content: bytes) -> None:
    """Write a file so that no reader ever finds half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, delete=False) as file:
        partial = Path(file.name)
        try:
            file.write(content)
            file.flush()
        except BaseException:
            partial.unlink()
            raise
    partial.replace(path)


def _metadata(kernel: Compiled) -> dict[str, object]:
    return {name: value for name, value in asdict(kernel).items() if name != "code"}


def _compile(expression: str, architecture: str) -> Compiled:
    from cuda.core import Program, ProgramOptions

    source = "".join(f'#include "{path.name}"\n' for path in sorted(SOURCES.glob("*.cu")))
    options = ProgramOptions(
        std=STANDARD,
        arch=architecture,
        include_path=[str(SOURCES)],
        define_macro=[(name, str(value)) for name, value in MACROS.items()],
        ptxas_options="-v",
    )
    log = io.StringIO()
    try:
        program = Program(source, "c++", options)
        module = program.compile("cubin", name_expressions=(expression,), logs=log)
    except Exception as error:  # several libraries raise exception types of their own
        reason = " ".join(str(error).replace("\0", "").split())
        raise RuntimeError(f"{expression} cannot be compiled for {architecture}: {reason}") from error
    text = log.getvalue()
    return Compiled(
        name=module.symbol_mapping[expression].decode(),
        registers=_number(r"Used (\d+) registers", text),
        spilled_bytes=_number(r"(\d+) bytes spill stores", text) + _number(r"(\d+) bytes spill loads", text),
        shared_bytes=_number(r"(\d+) bytes smem", text, 0),
        code=bytes(module.code),
    )


def _number(pattern: str, text: str, default: int | None = None) -> int:
    match = re.search(pattern, text)
    if match is None and default is None:
        raise RuntimeError(f"the compiler does not say {pattern!r}")
    return int(match[1]) if match else int(default or 0)


@cache
def _sources() -> str:
    digest = sha256()
    for path in sorted(SOURCES.iterdir()):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def _compiler() -> str:
    """Return the name and version of NVRTC.

    Raises:
        RuntimeError: where its library cannot be loaded; the message tells where it was searched for.
    """
    from cuda.bindings import nvrtc

    try:
        return f"NVRTC {nvrtc.nvrtcVersion()}"
    except RuntimeError as error:
        raise RuntimeError(f"the CUDA compiler library NVRTC is not found: {ADVICE}; {error}") from error


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "featherbench" / "kernels"
