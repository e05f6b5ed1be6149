import pytest

from bench.core.record import Work
from bench.limits.model import Bandwidth, Flow, GpuLimits, Limits, Peak

# One thread reaches 100 GFLOP/s; its bandwidth falls tenfold from 1 kB to 100 kB.
LIMITS = Limits(
    peaks=[Peak(isa="avx512", threads=1, gflops=100), Peak(isa="avx2", threads=1, gflops=50)],
    bandwidths=[
        Bandwidth(working_set_bytes=100_000, threads=1, bytes_per_second=1e9),
        Bandwidth(working_set_bytes=1_000, threads=1, bytes_per_second=10e9),
    ],
)


def work(macs: int, least_bytes: int) -> Work:
    return Work(macs=macs, least_bytes=least_bytes, parameters=0)


@pytest.mark.parametrize(
    ("macs", "least_bytes", "isa", "gflops"),
    [
        (10**9, 1_000, None, 100),  # bound by the best peak
        (10**9, 1_000, "avx2", 50),  # bound by the peak of what the target allows
        (500, 1_000, None, 10),  # 1 FLOP/byte x 10 GB/s
        (50, 100, None, 10),  # smaller than any measured: the smallest counts
        (10**6, 10**6, None, 2),  # larger than any measured: 2 FLOP/byte x 1 GB/s
        (5_000, 10_000, None, 10**0.5),  # halfway in the logarithms: sqrt(10 x 1) GB/s
        (1, 0, None, 100),
        (0, 1_000, None, 0),
    ],
)
def test_the_roofline(macs: int, least_bytes: int, isa: str | None, gflops: float) -> None:
    assert LIMITS.attainable_gflops(work(macs, least_bytes), 1, isa) == pytest.approx(gflops)


@pytest.mark.parametrize(("threads", "isa"), [(1, "avx1024"), (7, None)])
def test_what_was_not_measured_is_refused(threads: int, isa: str | None) -> None:
    with pytest.raises(ValueError, match=r"no limit measured .* only for avx512 with 1 thread"):
        LIMITS.attainable_gflops(work(1, 1), threads, isa)


GPU = GpuLimits(
    gpu="A GPU",
    peaks={"float32": 50e3, "tf32": 400e3},
    flows=[Flow(working_set_bytes=10**9, bytes_per_second=3e12), Flow(working_set_bytes=10**6, bytes_per_second=9e12)],
    empty_graph_ns=1500.0,
)


@pytest.mark.parametrize(
    ("least_bytes", "arithmetic", "option", "gflops"),
    [
        (1, None, None, 50e3),  # bound by the peak of what is multiplied
        (1, "tf32", None, 400e3),
        (10**6, "tf32", None, 9e3),  # 1 FLOP a byte, through the cache
        (10**6, "tf32", "cold", 3e3),  # and with the cache emptied
        (10**6, "tf32", "graph", 9e3),
    ],
)
def test_the_roofline_of_a_gpu(least_bytes: int, arithmetic: str | None, option: str | None, gflops: float) -> None:
    macs = least_bytes // 2 if least_bytes > 1 else 10**9
    asked = work(macs, least_bytes).model_copy(update={"arithmetic": arithmetic})
    assert GPU.attainable_gflops(asked, 16, option) == pytest.approx(gflops)


def test_arithmetic_that_was_not_measured_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no limit measured for float16, only for float32, tf32"):
        GPU.attainable_gflops(work(1, 1).model_copy(update={"arithmetic": "float16"}), 16)


def test_roofs_are_those_of_the_threads_and_all_of_a_gpus() -> None:
    assert LIMITS.roofs(1).peaks == [("avx512 peak", 100), ("avx2 peak", 50)]
    assert LIMITS.roofs(2) == ([], [])
    assert GPU.roofs(16).peaks == [("float32 product", 50e3), ("tf32 product", 400e3)]
    assert len(GPU.roofs(16).flows) == 2
