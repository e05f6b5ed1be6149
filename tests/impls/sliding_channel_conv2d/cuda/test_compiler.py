"""The CUDA kernels compile for both architectures without spills. This needs no GPU."""

import re
from importlib.metadata import PackageNotFoundError

import pytest

from impls.sliding_channel_conv2d.cuda import compiler
from impls.sliding_channel_conv2d.cuda.compiler import SOURCES, STANDARD, compiled, unavailable
from impls.sliding_channel_conv2d.cuda.tiling import MACROS

needs_compiler = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

ARCHITECTURES = ("sm_80", "sm_90")
FORMATS = {"Tf32": 4, "Half": 8, "Bfloat16": 8}
FAST = [
    *(
        f"{kernel}<{name}, {last}, {vector}>"
        for kernel in ("forward", "weight_gradient")
        for name, vector in FORMATS.items()
        for last in ("false", "true")
    ),
    *(f"{kernel}_simt<{last}, 4>" for kernel in ("forward", "weight_gradient") for last in ("false", "true")),
    *(f"{kernel}<{name}>" for kernel in ("pack_weights", "reduce_split_k") for name in ("Float", *FORMATS)),
    *(
        f"published_{kernel}<{reuse}>"
        for kernel in ("forward", "output_centric", "input_centric")
        for reuse in ("false", "true")
    ),
]
NARROWER = [
    re.sub(r"\d>$", f"{vector}>", expression)
    for expression in FAST
    if (widest := re.search(r", (\d)>$", expression))
    for vector in (1, 2, 4)
    if vector < int(widest[1])
]
"""The kernels of ``FAST`` for images that cannot be loaded 16 bytes at a time."""


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_every_kernel_of_the_sources_is_compiled():
    sources = "".join(path.read_text() for path in SOURCES.glob("*.cu"))
    kernels = set(re.findall(r"__global__\s+void\s+(?:__launch_bounds__\(\w+\)\s+)?(\w+)\(", sources))
    assert kernels == {expression.partition("<")[0] for expression in FAST}


@needs_compiler
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("expression", FAST)
def test_fast_paths_spill_nothing_and_leave_room_for_several_blocks(expression, architecture):
    kernel = compiled(expression, architecture)
    assert kernel.spilled_bytes == 0
    assert kernel.registers <= 168, "of 65,536: three blocks of 128 threads at least"
    assert kernel.shared_bytes <= 32 << 10
    assert kernel.code.startswith(b"\x7fELF")


@needs_compiler
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("expression", NARROWER)
def test_narrower_vectors_spill_nothing_either(expression, architecture):
    assert compiled(expression, architecture).spilled_bytes == 0


def ptx(expression):
    """Return a kernel's PTX without its name. Calls NVRTC directly, since cuda-core asks a driver first."""
    from cuda.bindings import nvrtc

    def checked(status, *results):
        assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS
        return results[0] if results else None

    source = "".join(f'#include "{path.name}"\n' for path in sorted(SOURCES.glob("*.cu")))
    program = checked(*nvrtc.nvrtcCreateProgram(source.encode(), b"kernels.cu", 0, [], []))
    checked(*nvrtc.nvrtcAddNameExpression(program, expression.encode()))
    sizes = [f"-D{name}={value}" for name, value in MACROS.items()]
    options = [f"--std={STANDARD}", "--gpu-architecture=compute_80", f"-I{SOURCES}", *sizes]
    checked(*nvrtc.nvrtcCompileProgram(program, len(options), [option.encode() for option in options]))
    text = bytearray(checked(*nvrtc.nvrtcGetPTXSize(program)))
    checked(*nvrtc.nvrtcGetPTX(program, text))
    name = checked(*nvrtc.nvrtcGetLoweredName(program, expression.encode())).decode()
    return text.decode().partition(".reg")[2].replace(name, "")


@needs_compiler
@pytest.mark.parametrize(
    ("name", "instruction"),
    [
        ("Tf32", "m16n8k8.row.col.f32.tf32.tf32.f32"),
        ("Half", "m16n8k16.row.col.f32.f16.f16.f32"),
        ("Bfloat16", "m16n8k16.row.col.f32.bf16.bf16.f32"),
    ],
)
@pytest.mark.parametrize("kernel", ["forward", "weight_gradient"])
def test_each_format_uses_its_own_tensor_core_instruction(kernel, name, instruction):
    instructions = set(re.findall(r"mma\.sync\.aligned\.(\S+)", ptx(f"{kernel}<{name}, false, {FORMATS[name]}>")))
    assert instructions == {instruction}


@needs_compiler
@pytest.mark.parametrize("kernel", ["forward", "output_centric", "input_centric"])
def test_published_kernels_differ_with_and_without_reuse(kernel):
    assert ptx(f"published_{kernel}<true>") != ptx(f"published_{kernel}<false>")


@needs_compiler
def test_a_compiled_kernel_is_read_from_disk_until_its_source_changes(monkeypatch, tmp_path):
    first = compiled("pack_weights<Half>", "sm_90")
    monkeypatch.setattr(compiler, "_compile", lambda *arguments: pytest.fail("compiled again"))
    assert compiled("pack_weights<Half>", "sm_90") == first
    monkeypatch.setattr(compiler, "_sources", lambda: "changed")
    with pytest.raises(BaseException, match="compiled again"):
        compiled("pack_weights<Half>", "sm_90")


@needs_compiler
def test_a_failed_compilation_raises_the_compilers_error():
    with pytest.raises(RuntimeError, match=r'nothing<1> cannot be compiled for sm_90: .*"nothing" is undefined'):
        compiled("nothing<1>", "sm_90")


def test_a_missing_compiler_is_reported_with_the_way_to_install_it(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(compiler, "version", missing)
    unavailable.cache_clear()
    try:
        assert compiler.unavailable() == (
            "the CUDA kernels are compiled by cuda-core, which is not installed, or in part only: "
            "pip install 'featherbench[cuda]'"
        )
        with pytest.raises(RuntimeError, match="not installed"):
            compiled("pack_weights<Half>", "sm_90")
    finally:
        unavailable.cache_clear()
