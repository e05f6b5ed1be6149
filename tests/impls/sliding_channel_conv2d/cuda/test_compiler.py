"""Every kernel compiles for both architectures, which needs no GPU."""

import re

import pytest

from impls.sliding_channel_conv2d.cuda import compiler
from impls.sliding_channel_conv2d.cuda.compiler import SOURCES, compiled, unavailable

needs_compiler = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

ARCHITECTURES = ("sm_80", "sm_90")
FORMATS = {"Tf32": 4, "Half": 8, "Bfloat16": 8}
FAST = [
    *(
        f"{kernel}<{name}, {last}, {vector}>"
        for kernel in ("product", "outer")
        for name, vector in FORMATS.items()
        for last in ("false", "true")
    ),
    *(f"{kernel}_exact<{last}, 4>" for kernel in ("product", "outer") for last in ("false", "true")),
    *(f"{kernel}<{name}>" for kernel in ("packed", "unpacked") for name in ("Float", *FORMATS)),
    *(
        f"published_{kernel}<{reuse}>"
        for kernel in ("forward", "output_centric", "input_centric")
        for reuse in ("false", "true")
    ),
]
SLOW = [re.sub(r"\d>$", "1>", expression) for expression in FAST if re.search(r", \d>$", expression)]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_every_kernel_is_compiled_here():
    sources = "".join(path.read_text() for path in SOURCES.glob("*.cu"))
    kernels = set(re.findall(r"__global__\s+void\s+(?:__launch_bounds__\(\w+\)\s+)?(\w+)\(", sources))
    assert kernels == {expression.partition("<")[0] for expression in FAST}


@needs_compiler
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("expression", FAST)
def test_fast_paths_spill_nothing_and_leave_room_for_several_blocks(expression, architecture):
    made = compiled(expression, architecture)
    assert made.spilled_bytes == 0
    assert made.registers <= 168, "of 65,536: three blocks of 128 threads at least"
    assert made.shared_bytes <= 32 << 10
    assert made.code.startswith(b"\x7fELF")


@needs_compiler
@pytest.mark.parametrize("expression", SLOW)
def test_slow_paths_compile(expression):
    assert compiled(expression, "sm_90").code


@needs_compiler
def test_what_was_compiled_is_read_from_disk_until_its_source_changes(monkeypatch, tmp_path):
    first = compiled("packed<Half>", "sm_90")
    monkeypatch.setattr(compiler, "_compile", lambda *arguments: pytest.fail("compiled again"))
    assert compiled("packed<Half>", "sm_90") == first
    monkeypatch.setattr(compiler, "_sources", lambda: "changed")
    with pytest.raises(BaseException, match="compiled again"):
        compiled("packed<Half>", "sm_90")


@needs_compiler
def test_what_cannot_be_compiled_says_why():
    with pytest.raises(RuntimeError, match=r'nothing<1> cannot be compiled for sm_90: .*"nothing" is undefined'):
        compiled("nothing<1>", "sm_90")


def test_without_the_compiler_one_line_says_how_to_get_it(monkeypatch):
    def missing(name):
        raise compiler.PackageNotFoundError(name)

    monkeypatch.setattr(compiler, "version", missing)
    unavailable.cache_clear()
    try:
        assert compiler.unavailable() == (
            "the CUDA kernels are compiled by cuda-core, which is not installed: pip install 'featherbench[cuda]'"
        )
        with pytest.raises(RuntimeError, match="not installed"):
            compiled("packed<Half>", "sm_90")
    finally:
        unavailable.cache_clear()
