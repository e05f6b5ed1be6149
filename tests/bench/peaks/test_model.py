import pytest

from bench.core.record import Work
from bench.peaks.model import Bandwidth, GpuPeaks, HostBandwidth, Peak, Peaks

# One thread reaches 100 GFLOP/s; its bandwidth falls tenfold from 1 kB to 100 kB.
PEAKS = Peaks(
    peaks=[Peak(isa="avx512", threads=1, gflops=100), Peak(isa="avx2", threads=1, gflops=50)],
    bandwidths=[
        HostBandwidth(working_set_bytes=100_000, threads=1, bytes_per_second=1e9),
        HostBandwidth(working_set_bytes=1_000, threads=1, bytes_per_second=10e9),
    ],
)


def work(macs: int, least_bytes: int) -> Work:
    return Work(macs=macs, least_bytes=least_bytes, parameters=0)


@pytest.mark.parametrize(
    ("macs", "least_bytes", "isa", "gflops"),
    [
        (10**9, 1_000, None, 100),  # bound by the best peak
        (10**9, 1_000, "avx2", 50),  # bound by the peak of the target's instruction set
        (500, 1_000, None, 10),  # 1 FLOP/byte x 10 GB/s
        (50, 100, None, 10),  # below all measured working sets: the smallest counts
        (10**6, 10**6, None, 2),  # above all measured working sets: 2 FLOP/byte x 1 GB/s
        (5_000, 10_000, None, 10**0.5),  # halfway on a logarithmic scale: sqrt(10 x 1) GB/s
        (1, 0, None, 100),
        (0, 1_000, None, 0),
    ],
)
def test_roofline_is_the_lower_of_peak_and_bandwidth(
    macs: int, least_bytes: int, isa: str | None, gflops: float
) -> None:
    assert PEAKS.attainable_gflops(work(macs, least_bytes), 1, isa) == pytest.approx(gflops)


@pytest.mark.parametrize(("threads", "isa"), [(1, "avx1024"), (7, None)])
def test_threads_and_instruction_sets_that_were_not_measured_are_refused(threads: int, isa: str | None) -> None:
    with pytest.raises(ValueError, match=r"no peak measured .* only for avx512 with 1 thread"):
        PEAKS.attainable_gflops(work(1, 1), threads, isa)


GPU = GpuPeaks(
    gpu="A GPU",
    peaks={"float32": 50e3, "tf32": 400e3},
    bandwidths=[
        Bandwidth(working_set_bytes=10**9, bytes_per_second=3e12),
        Bandwidth(working_set_bytes=10**6, bytes_per_second=9e12),
    ],
    empty_graph_ns=1500.0,
)


@pytest.mark.parametrize(
    ("least_bytes", "arithmetic", "option", "gflops"),
    [
        (1, None, None, 50e3),  # bound by the peak of the case's dtype
        (1, "tf32", None, 400e3),
        (10**6, "tf32", None, 9e3),  # 1 FLOP/byte, through the cache
        (10**6, "tf32", "cold", 3e3),  # 1 FLOP/byte, with the cache emptied
        (10**6, "tf32", "graph", 9e3),
    ],
)
def test_roofline_of_a_gpu_depends_on_arithmetic_and_cache(
    least_bytes: int, arithmetic: str | None, option: str | None, gflops: float
) -> None:
    macs = least_bytes // 2 if least_bytes > 1 else 10**9
    gpu_work = work(macs, least_bytes).model_copy(update={"arithmetic": arithmetic})
    assert GPU.attainable_gflops(gpu_work, 16, option) == pytest.approx(gflops)


def test_arithmetic_that_was_not_measured_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no peak measured for float16, only for float32, tf32"):
        GPU.attainable_gflops(work(1, 1).model_copy(update={"arithmetic": "float16"}), 16)


def test_a_roofline_holds_the_peaks_of_the_thread_count_or_all_of_a_gpu() -> None:
    assert PEAKS.roofline(1).peaks == [("avx512 peak", 100), ("avx2 peak", 50)]
    assert PEAKS.roofline(2) == ([], [])
    assert GPU.roofline(16).peaks == [("float32 product", 50e3), ("tf32 product", 400e3)]
    assert len(GPU.roofline(16).bandwidths) == 2
