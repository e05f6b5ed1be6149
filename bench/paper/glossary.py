"""What the names on a page mean: its implementations, each in a sentence, and its targets."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from bench.claims.model import ClaimsFile
from bench.core import registry
from bench.core.target import Target
from bench.paper.recipe import Recipe


class Glossary(NamedTuple):
    """The names on a page with their meanings, each in order."""

    implementations: dict[str, str]
    targets: dict[str, str]


def glossary(claims: ClaimsFile, recipe: Recipe) -> Glossary:
    """Return the meanings of the names that a paper's claims and requests have.

    A name that implementations of several workloads have stands with its workload: ``grouped_conv2d/native``.
    """
    used = sorted({*_in_claims(claims), *_in_requests(recipe)})
    summaries = _summaries()
    known = [key for key in dict.fromkeys((workload, name) for workload, name, _ in used) if key in summaries]
    workloads = Counter(name for _, name in known)
    targets = dict.fromkeys(target for _, _, target in used)
    return Glossary(
        {f"{workload}/{name}" if workloads[name] > 1 else name: summaries[workload, name] for workload, name in known},
        {target: Target.parse(target).meaning for target in targets},
    )


def _in_claims(claims: ClaimsFile) -> Iterator[tuple[str, str, str]]:
    """Yield workload, implementation and target of all that claims are about."""
    for claim in claims.claim:
        if claim.scope and claim.measure:
            bound = (name for binding in claim.bind.values() for name in binding.impl)
            for name in (*claim.scope.impl, *claim.measure.baselines, *bound):
                yield claim.scope.workload, name, claim.scope.target


def _in_requests(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Yield workload, implementation and target of all that is requested."""
    for request in recipe.requests:
        for workload in request.workloads:
            for name in request.implementations:
                yield workload, name, str(request.target)


@cache
def _summaries() -> dict[tuple[str, str], str]:
    """Return the summary and paper of each implementation; cached, as all their files are read for it."""
    return {
        (spec.workload, spec.name): "; ".join(filter(None, (spec.summary.rstrip("."), spec.paper)))
        for spec in registry.implementations()
        if spec.workload
    }
