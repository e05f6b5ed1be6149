"""Stored verdicts, which tell when what they came from has changed."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from bench.claims.evaluate import Outcome
from bench.claims.evidence import changed_inputs
from bench.claims.published import Strict
from bench.claims.rule import Verdict
from bench.core.errors import UsageError
from bench.core.files import write_whole

FILE = "verdicts.json"


class StoredVerdict(Strict):
    """A verdict with the digests of its inputs."""

    verdict: Verdict
    inputs: dict[str, str]
    """A digest for each class of inputs, see ``bench.claims.evidence``."""
    runs: list[str]
    records: int
    """The number of records that it comes from."""


class StoredVerdicts(Strict):
    """The verdicts of a paper, by the name of the outcome."""

    verdicts: dict[str, StoredVerdict]


def store_verdicts(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Store the verdicts as JSON that version control can compare line by line."""
    stored = StoredVerdicts(
        verdicts={
            outcome.name: StoredVerdict(
                verdict=outcome.verdict,
                inputs=dict(outcome.evidence.inputs),
                runs=outcome.evidence.runs,
                records=len(outcome.evidence.records),
            )
            for outcome in outcomes
        }
    )
    write_whole(path, json.dumps(stored.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")


def read_verdicts(path: Path) -> dict[str, StoredVerdict]:
    """Return the stored verdicts; none where there is no such file.

    Raises:
        UsageError: where the file holds something else.
    """
    try:
        return StoredVerdicts.model_validate_json(path.read_bytes()).verdicts
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{path} holds no verdicts ({reason}); write it again with --store-verdicts") from None


def stale_lines(stored: dict[str, StoredVerdict], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield a line for each stored verdict whose inputs have changed, which says which of them."""
    names = {outcome.name for outcome in outcomes}
    for outcome in outcomes:
        old = stored.get(outcome.name)
        if old is None:
            yield f"{outcome.name}: no verdict is stored; now it is {outcome.verdict}"
        elif changed := changed_inputs(old.inputs, outcome.evidence.inputs):
            now = "the same" if old.verdict is outcome.verdict else str(outcome.verdict)
            what = " and ".join(changed)
            yield f"{outcome.name}: the stored verdict ({old.verdict}) is stale: {what} changed; now {now}"
        elif old.verdict is not outcome.verdict:
            yield f"{outcome.name}: stored as {old.verdict}, and from the same inputs it is {outcome.verdict}"
    for name in sorted(stored.keys() - names):
        yield f"{name}: a verdict is stored, but there is no such claim or cell any more"
