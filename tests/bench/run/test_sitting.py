"""One implementation's way through a sitting, with workers that only say what became of a step."""

from types import SimpleNamespace

import pytest

from bench.core.case import Case
from bench.core.record import Check, Status
from bench.run.protocol import Reply
from bench.run.sitting import Attempt, _disturbances


class Workers:
    def __init__(self, **replies):
        self.replies = {
            "prepare": {"prepare_s": 0.1, "work": None},
            "weigh": {"peak_bytes": 1, "prepared_bytes": 2},
            "check": Check(passed=True).model_dump(),
            "warm": {"inner": 1},
        } | replies
        self.asked = []

    def ask(self, entry, step, **_):
        self.asked.append(step)
        found = self.replies.get(step, {})
        return found if isinstance(found, Reply) else Reply(result=found, seconds=0.0)

    def drop(self, entry):
        self.asked.append("drop")


NO_MEMORY = Reply(status=Status.OUT_OF_MEMORY, reason="CUDA out of memory", seconds=0.0)
WRONG = Check(passed=False, reason="wrong").model_dump()


@pytest.mark.parametrize(
    ("replies", "status", "last"),
    [({"weigh": NO_MEMORY}, Status.OUT_OF_MEMORY, "weigh"), ({"check": WRONG}, Status.INCORRECT, "check")],
)
def test_who_fails_lets_go_of_the_case_at_once(replies, status, last):
    workers = Workers(**replies)
    attempt = Attempt(SimpleNamespace(name="one"), workers)
    attempt.prepare(Case(), "module", seed=1)
    attempt.finish(seed=1)
    assert attempt.status is status
    assert workers.asked[-2:] == [last, "drop"], "and only once"


def test_who_goes_on_lets_go_of_it_in_the_end():
    workers = Workers(recheck={"facts": {}, "check": Check(passed=True).model_dump()})
    attempt = Attempt(SimpleNamespace(name="one"), workers)
    attempt.prepare(Case(), "module", seed=1)
    assert "drop" not in workers.asked
    attempt.finish(seed=1)
    assert workers.asked[-2:] == ["recheck", "drop"]


def test_disturbances_are_counted_where_they_could_be_seen():
    def turn(preempted, throttled, exposed):
        return {"preempted": preempted, "throttled": throttled, "exposed": exposed}

    on_gpu = [turn(None, True, 0), turn(None, None, 2), turn(None, False, 1), turn(None, True, 0)]
    assert _disturbances(on_gpu) == {"throttled": [0, 3], "exposed": 3}
    assert _disturbances([turn(True, None, None), turn(False, None, None)]) == {"preempted": 1}
