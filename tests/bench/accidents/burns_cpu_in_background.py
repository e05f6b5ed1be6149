from threading import Thread

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Starts a thread that never rests."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        Thread(target=_burn, daemon=True).start()
        return super().prepare(problem, target)


def _burn() -> None:
    while True:
        pass
