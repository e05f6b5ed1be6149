"""Reads the file of ``pytest --benchmark-only --benchmark-json FILE`` as a run."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.core.errors import BadUse
from bench.core.record import SCHEMA, Latency, Record, Status
from bench.measure.latency import TURN_NS
from bench.run.sitting import summarise
from bench.store import Run, RunInfo

HOW = "in one process with all other implementations, one after another: not isolated, not interleaved"


Duration = Annotated[float, Field(gt=1e-12, lt=1e9)]


class _Stats(BaseModel):
    data: list[Duration] = Field(min_length=1, description="seconds a call, of each round in order")
    iterations: int = Field(ge=1)


class _About(BaseModel):
    """Of a Record, all but what pytest-benchmark knows."""

    model_config = ConfigDict(extra="allow")

    facts: dict[str, str]


class _Extra(BaseModel):
    record: _About | None = Field(None, description="None in benchmarks of the user's own")


class _Benchmark(BaseModel):
    stats: _Stats
    extra_info: _Extra

    def record(self, about: _About, version: str) -> Record:
        found = {
            "status": Status.PASSED,
            "facts": about.facts | {"timed by": f"pytest-benchmark {version}, {HOW}"},
            "latency": _latency([1e9 * seconds for seconds in self.stats.data], self.stats.iterations),
        }
        return Record.model_validate(about.model_dump() | found)


class _Ours(BaseModel):
    run: RunInfo
    others: list[Record]


class _MachineInfo(BaseModel):
    featherbench: _Ours


class _File(BaseModel):
    version: str
    machine_info: _MachineInfo
    benchmarks: list[_Benchmark]


def read(path: Path, results: Path) -> Run:
    """The run of ``path``, stored in ``results`` when first read: the same content is the same run.

    Raises BadUse where the file is not whole, or none that ``bench.frontends.pytest`` made.
    """
    try:
        content = path.read_bytes()
        found = json.loads(content)
        _require_known(found, path)
        file = _File.model_validate(found)
        records = [
            benchmark.record(benchmark.extra_info.record, file.version)
            for benchmark in file.benchmarks
            if benchmark.extra_info.record
        ]
    except OSError as error:
        raise BadUse(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadUse(f"{path} is not as pytest-benchmark writes it: {where}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise BadUse(f"{path} is not JSON, or not whole: {error}") from None
    told = file.machine_info.featherbench
    if not records and not told.others:
        raise BadUse(f"{path} holds no benchmark of featherbench; leave out -k, or choose others with it")
    name = f"{told.run.started:%Y%m%d-%H%M%S}-pytest-benchmark-{sha256(content).hexdigest()[:8]}"
    return _stored(told.run.model_copy(update={"name": name}), [*records, *told.others], results)


def _require_known(found: Any, path: Path) -> None:
    try:
        version = found["machine_info"]["featherbench"]["run"]["schema_version"]
    except (KeyError, TypeError):
        raise BadUse(
            f"{path} is not from benchmarks of featherbench; make one: pytest --benchmark-only --benchmark-json FILE"
        ) from None
    if isinstance(version, int) and version > SCHEMA:
        raise BadUse(f"{path} has schema {version}, and this featherbench reads {SCHEMA}: upgrade it")


def _stored(info: RunInfo, records: list[Record], results: Path) -> Run:
    folder = results / info.name
    run = Run.open(folder) if (folder / "run.json").exists() else Run.create(folder, info)
    with run.locked():
        there = {record.key for record in run.records}
        if missing := [record for record in records if record.key not in there]:
            run.append(missing)
    return run


def _latency(samples: list[float], inner: int) -> Latency:
    turns = _turns(samples, inner)
    # Whether the process kept its core, pytest-benchmark does not look; it stops by its own rules, not when sure.
    return summarise(turns, inner, stopped=None)


def _turns(samples: list[float], inner: int) -> list[list[float]]:
    """Consecutive samples, ns a call, in turns of about TURN_NS.

    Single calls in a row are not independent: taken as rounds, thousands of them would give an interval that is far too
    narrow. Turns as long as those of a run are treated as its rounds are.
    """
    turns: list[list[float]] = []
    room = 0.0
    for sample in samples:
        if room <= 0:
            turns.append([])
            room = TURN_NS
        turns[-1].append(sample)
        room -= sample * inner
    if room > 0 and len(turns) > 1:  # too short for a turn of its own
        turns[-2:] = [turns[-2] + turns[-1]]
    return turns
