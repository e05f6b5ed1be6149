"""Stored verdicts, which tell when what they came from has changed."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from bench.claims.evidence import CLASSES, changed_classes
from bench.claims.outcome import Outcome
from bench.claims.published import Strict
from bench.claims.rule import ClaimVerdict
from bench.core.errors import UsageError
from bench.core.files import write_whole
from bench.report.units import counted

FILE = "verdicts.json"


class StoredVerdict(Strict):
    """A verdict with the digests of its inputs."""

    verdict: ClaimVerdict
    inputs: dict[str, str]
    """A digest for each class of inputs, see ``bench.claims.evidence``."""
    runs: list[str]
    records: int
    """The number of records that it comes from."""


class StoredVerdicts(Strict):
    """The verdicts of a paper, by the name of the outcome, and the digests of all records that they come from."""

    verdicts: dict[str, StoredVerdict]
    records: dict[str, str]
    """A digest for each record by its name, ``RecordRef.name``."""


def store_verdicts(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Store the verdicts as JSON that version control can compare line by line.

    Raises:
        UsageError: where a claim could not be evaluated: an error is no verdict to keep.
    """
    if faults := [outcome for outcome in outcomes if outcome.verdict is ClaimVerdict.ERROR]:
        first = faults[0]
        raise UsageError(f"{first.name} could not be evaluated ({first.reason}); mend it before storing verdicts")
    stored = StoredVerdicts(
        verdicts={
            outcome.name: StoredVerdict(
                verdict=outcome.verdict,
                inputs=dict(outcome.evidence.inputs),
                runs=outcome.evidence.runs,
                records=len(outcome.evidence.records),
            )
            for outcome in outcomes
        },
        records={
            ref.name: ref.digest for ref in sorted({ref for outcome in outcomes for ref in outcome.evidence.records})
        },
    )
    write_whole(path, json.dumps(stored.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")


def read_verdicts(path: Path) -> StoredVerdicts | None:
    """Return the stored verdicts; None where there is no such file.

    Raises:
        UsageError: where the file holds something else.
    """
    try:
        return StoredVerdicts.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{path} holds no verdicts ({reason}); write it again with --store-verdicts") from None


def stale_lines(stored: StoredVerdicts, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield a line for each stored verdict whose inputs have changed, which says which of them."""
    names = {outcome.name for outcome in outcomes}
    for outcome in outcomes:
        old = stored.verdicts.get(outcome.name)
        if old is None:
            yield f"{outcome.name}: no verdict is stored; now it is {outcome.verdict}"
        elif changed := changed_classes(old.inputs, outcome.evidence.inputs):
            now = "the same" if old.verdict is outcome.verdict else str(outcome.verdict)
            what = " and ".join(CLASSES[name] for name in changed)
            which = f" ({_changed_records(stored, outcome)})" if "records" in changed else ""
            yield f"{outcome.name}: the stored verdict ({old.verdict}) is stale: {what} changed{which}; now {now}"
        elif old.verdict is not outcome.verdict:
            yield f"{outcome.name}: stored as {old.verdict}, and from the same inputs it is {outcome.verdict}"
    for name in sorted(stored.verdicts.keys() - names):
        yield f"{name}: a verdict is stored, but there is no such claim or cell any more"


def _changed_records(stored: StoredVerdicts, outcome: Outcome) -> str:
    """Return which records of an outcome are not those of the stored verdict."""
    changed = [ref.name for ref in outcome.evidence.records if stored.records.get(ref.name) != ref.digest]
    if not changed:
        return "some that it came from are gone"
    others = f" and {counted(len(changed) - 1, 'other')}" if len(changed) > 1 else ""
    return f"{changed[0]}{others}"
