"""Conversion of records and runs of schema 1 to schema 2. Each record of schema 1 was measured in one process."""

from collections.abc import Mapping
from typing import Any

_STEPS = {"weigh": "measure_memory", "warm": "warm_up", "turn": "round"}


def upgraded_record(stored: Mapping[str, Any], machine: str) -> dict[str, Any]:
    """Convert a record of schema 1, made on ``machine``, to schema 2.

    Raises:
        KeyError: where ``stored`` is not of schema 1.
    """
    record = dict(stored)
    record |= {"schema_version": 2, "machine": machine, "session": record.pop("sitting")}
    record["seconds"] = {_STEPS.get(step, step): seconds for step, seconds in record.get("seconds", {}).items()}
    if latency := record.get("latency"):
        record["latency"] = _latency(latency)
    return record


def upgraded_run(stored: Mapping[str, Any], machine: str) -> dict[str, Any]:
    """Convert the description of a run of schema 1 to schema 2; ``machine`` is the id of the machine that made it.

    Raises:
        KeyError: where ``stored`` is not of schema 1.
    """
    run = dict(stored)
    spending = run.pop("spending")
    run["budget"] = {
        "timed_s": spending["budget_s"],
        "timeout_s": spending["timeout_s"],
        "memory_bytes": spending["memory_bytes"],
    }
    machine_fields = {name: run.pop(name) for name in ("environment", "threads", "noise_floor")}
    run["machines"] = {machine: machine_fields | {"peaks": run.pop("limits")}}
    return run | {"schema_version": 2}


def _latency(stored: Mapping[str, Any]) -> dict[str, Any]:
    latency = dict(stored)
    rounds = latency.pop("turns")
    return latency | {
        "rounds": rounds,
        "numbers": list(range(len(rounds))),
        "processes": [0] * len(rounds),
        "calls_per_sample": latency.pop("inner"),
        "estimate": latency.pop("median"),
        "off_cpu": latency.pop("preempted", None),
        "launch_bound": latency.pop("exposed", None),
        "stopped": {"sure": "precise"}.get(stopped := latency.pop("stopped", None), stopped),
    }
