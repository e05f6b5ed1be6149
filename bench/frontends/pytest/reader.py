"""Reader of the file of ``pytest --benchmark-only --benchmark-json FILE`` as a run."""

import json
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.core.errors import UsageError
from bench.core.record import SCHEMA, Latency, Record, Status
from bench.run.plausibility import implausible
from bench.stats.latencies import estimate, storable_ends
from bench.store import Run, RunInfo
from bench.store.schema import refuse_newer

ROUND_NS = 20e6
"""Duration of the rounds that consecutive samples are divided into, ns."""
CAVEAT = "in one process with all other implementations, one after another: not isolated, not interleaved"


Duration = Annotated[float, Field(gt=1e-12, lt=1e9)]


class _Stats(BaseModel):
    data: list[Duration] = Field(min_length=1, description="seconds a call, of each round in order")
    iterations: int = Field(ge=1)


class _RecordFields(BaseModel):
    """All fields of a Record that pytest-benchmark does not know."""

    model_config = ConfigDict(extra="allow")

    facts: dict[str, str]


class _ExtraInfo(BaseModel):
    record: _RecordFields | None = Field(None, description="None in benchmarks of the user's own")


class _Benchmark(BaseModel):
    stats: _Stats
    extra_info: _ExtraInfo

    def record(self, fields: _RecordFields, version: str) -> Record:
        timed = {
            "status": Status.PASSED,
            "facts": fields.facts | {"timed by": f"pytest-benchmark {version}, {CAVEAT}"},
            "latency": _latency([1e9 * seconds for seconds in self.stats.data], self.stats.iterations),
        }
        return Record.model_validate(fields.model_dump() | timed)


class _Featherbench(BaseModel):
    run: RunInfo
    others: list[Record]


class _MachineInfo(BaseModel):
    featherbench: _Featherbench


class _File(BaseModel):
    version: str
    machine_info: _MachineInfo
    benchmarks: list[_Benchmark]


def read(path: Path, results: Path) -> Run:
    """Return the run in the file ``path``, and store it in ``results`` unless the same content is stored there already.

    Raises:
        UsageError: where the file is not complete, or was not made by ``bench.frontends.pytest``.
    """
    try:
        content = path.read_bytes()
        parsed = json.loads(content)
        _require_current_schema(parsed, path)
        file = _File.model_validate(parsed)
        records = [
            benchmark.record(benchmark.extra_info.record, file.version)
            for benchmark in file.benchmarks
            if benchmark.extra_info.record
        ]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path} is not a file that pytest-benchmark wrote: {field}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON, or not whole: {error}") from None
    featherbench = file.machine_info.featherbench
    if not records and not featherbench.others:
        raise UsageError(f"{path} holds no benchmark of featherbench; leave out -k, or select other tests with it")
    records = [_checked_for_plausibility(record, featherbench.run) for record in records]
    name = f"{featherbench.run.started:%Y%m%d-%H%M%S}-pytest-benchmark-{sha256(content).hexdigest()[:8]}"
    return _store(featherbench.run.model_copy(update={"name": name}), [*records, *featherbench.others], results)


def _require_current_schema(parsed: Any, path: Path) -> None:
    try:
        run = parsed["machine_info"]["featherbench"]["run"]
        version = run["schema_version"]
    except (KeyError, TypeError):
        raise UsageError(
            f"{path} is not from benchmarks of featherbench; make one: pytest --benchmark-only --benchmark-json FILE"
        ) from None
    refuse_newer(run, str(path))
    if isinstance(version, int) and version < SCHEMA:
        raise UsageError(
            f"{path} was written by an older featherbench (schema {version}); run pytest --benchmark-only again"
        )


def _checked_for_plausibility(record: Record, info: RunInfo) -> Record:
    """Return the record with the run's machine, and without its latency where that machine cannot be so fast."""
    machine_id, machine = next(iter(info.machines.items()))
    changes: dict[str, Any] = {"machine": machine_id}
    if machine.peaks and record.work and record.latency:
        reason = implausible(record.latency.estimate, record.work, machine.peaks, machine.threads)
        if reason:
            changes |= {"status": Status.IMPLAUSIBLE, "reason": reason, "latency": None, "memory": None}
    return record.model_copy(update=changes)


def _store(info: RunInfo, records: list[Record], results: Path) -> Run:
    folder = results / info.name
    run = Run.open(folder) if (folder / "run.json").exists() else Run.create(folder, info)
    with run.locked():
        stored_keys = {record.key for record in run.records}
        if missing := [record for record in records if record.key not in stored_keys]:
            run.append(missing)
    return run


def _latency(samples: list[float], calls_per_sample: int) -> Latency:
    """Return the latency of these samples; pytest-benchmark records no preemption and has its own stopping rule."""
    rounds = _rounds(samples, calls_per_sample)
    means, processes = [fmean(round_samples) for round_samples in rounds], [0] * len(rounds)
    interval = estimate(means, processes)
    low, high = storable_ends(interval, means)
    return Latency(
        rounds=rounds,
        numbers=list(range(len(rounds))),
        processes=processes,
        calls_per_sample=calls_per_sample,
        estimate=interval.estimate,
        low=low,
        high=high,
        stopped=None,
    )


def _rounds(samples: list[float], calls_per_sample: int) -> list[list[float]]:
    """Divide consecutive samples, ns a call, into rounds of about ROUND_NS.

    Calls in a row are not independent: if each were a round, thousands of them would give an interval that is far too
    narrow. Rounds of a run are shorter, but other implementations are timed between two of them.
    """
    rounds: list[list[float]] = []
    remaining_ns = 0.0
    for sample in samples:
        if remaining_ns <= 0:
            rounds.append([])
            remaining_ns = ROUND_NS
        rounds[-1].append(sample)
        remaining_ns -= sample * calls_per_sample
    if remaining_ns > 0 and len(rounds) > 1:  # too short for a round of its own
        rounds[-2:] = [rounds[-2] + rounds[-1]]
    return rounds
