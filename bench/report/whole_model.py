"""A model as the sum of its measured layers, for each implementation and for the best mix of them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.core.layers import ModelLayers
from bench.core.record import Latency, Record
from bench.report.compare import CONFIDENCE, default_margin, failure_text, known_baselines
from bench.stats.interval import Interval
from bench.stats.latencies import session_ratio
from bench.stats.sums import weighted_sum
from bench.stats.verdict import Verdict, judge, judge_all
from bench.store import Run

BEST_MIX = "best mix"


@dataclass(frozen=True)
class Total:
    """The sum over the layers of a model for one implementation, or for the best mix."""

    name: str
    passed_layers: int
    """The number of the model's layers on which it passed; equal layers count separately."""
    latency: Interval | None = None
    """Sum of latencies, ns; None unless all layers passed."""
    ratio: Interval | None = None
    """The sum divided by the baseline's, at the confidence at which it was judged; None where it has no baseline."""
    verdict: Verdict | None = None
    reason: str = ""
    """Why there is no sum: what became of the first layer that did not pass."""
    choices: tuple[tuple[str, int], ...] = ()
    """For the best mix: how many layers each implementation computes, the most first."""


@dataclass(frozen=True)
class WholeModel:
    """The totals of a model whose layers a run has measured."""

    run: str
    model: ModelLayers
    distinct_layers: int
    """The number of distinct layers, each of which was measured once."""
    macs: int | None
    """The multiply-accumulates of all layers together; None where some layer has no record yet."""
    baseline: str
    """The name of the total that ratios are taken against: the baseline of each layer's workload."""
    remark: str
    """Why there are no ratios; empty where there are."""
    margin: float
    totals: list[Total]
    """The baseline first, then the others from the shortest time to the longest, then those without a sum."""
    mix: Total | None
    """The total of the fastest implementation of each layer; None where some layer has none."""


@dataclass(frozen=True)
class _Layer:
    """A distinct layer, and how often it occurs."""

    count: int
    records: Mapping[str, Record]
    """Its records by implementation."""
    baseline: str | None


def whole_model(run: Run, baseline: str | None = None, margin: float | None = None) -> WholeModel | None:
    """Return the totals of the model whose layers ``run`` measures; None where it measures something else.

    Layers are measured one by one, so the sum leaves out what lies between them: activations, additions, and how the
    caches are when a layer begins. Ratios compare sums: they are means of the layers' paired ratios, weighted by the
    baseline's share of the time, and verdicts allow for the number of totals.

    Args:
        run: the run.
        baseline: the implementation that sums are compared with, by default that of each layer's workload.
        margin: the largest difference that does not matter (a fraction), by default ``default_margin`` of the run.
    """
    model = run.info.request.model
    if model is None or not run.records:
        return None
    layers = _layers(run, model, baseline)
    margin = default_margin(run) if margin is None else margin
    against = " + ".join(dict.fromkeys(layer.baseline for layer in layers if layer.baseline))
    picks = {name: [layer.records.get(name) for layer in layers] for layer in layers for name in layer.records}
    picks[against] = [layer.records.get(layer.baseline or "") for layer in layers]
    best = [_fastest(layer) for layer in layers]
    complete = {name: records for name, records in picks.items() if all(map(_passed, records))}
    candidates = {**complete, **({BEST_MIX: best} if all(map(_passed, best)) else {})}
    ratios = judge_all(
        [_ratio_at(layers, records) for records in candidates.values()], [margin] * len(candidates), CONFIDENCE
    )
    totals = {
        name: _total(name, layers, records, ratio, margin)
        for (name, records), ratio in zip(candidates.items(), ratios, strict=True)
    }
    totals |= {name: _incomplete(name, layers, records) for name, records in picks.items() if name not in complete}
    mix = totals.pop(BEST_MIX, None)
    if not totals[against].passed_layers:
        del totals[against]
    return WholeModel(
        run=run.name,
        model=model,
        distinct_layers=len(layers),
        macs=_macs(layers),
        baseline=against,
        remark="" if against in complete else f"no ratios, as the baseline {against} did not pass on every layer",
        margin=margin,
        totals=sorted(totals.values(), key=lambda total: (total.name != against, total.latency is None, _time(total))),
        mix=mix,
    )


def _layers(run: Run, model: ModelLayers, baseline: str | None) -> list[_Layer]:
    records: dict[tuple[str, str], dict[str, Record]] = {}
    for record in run.records:
        records.setdefault((record.workload, record.case), {})[record.implementation] = record
    baselines = known_baselines(run)
    return [
        _Layer(count, records.get(key, {}), baseline or baselines.get(key[0])) for key, count in model.counts().items()
    ]


def _passed(record: Record | None) -> bool:
    return record is not None and record.latency is not None


def _fastest(layer: _Layer) -> Record | None:
    passed = [record for record in layer.records.values() if record.latency]
    return min(passed, key=lambda record: _latency(record).estimate, default=None)


def _ratio_at(layers: Sequence[_Layer], records: Sequence[Record | None]) -> Callable[[float], Interval] | None:
    """Return a function from confidence to the ratio of the sum to the baseline's; None where layers lack a pair."""
    pairs: list[tuple[Latency, Latency]] = []
    weights: list[float] = []
    for layer, record in zip(layers, records, strict=True):
        baseline = layer.records.get(layer.baseline or "")
        if record is None or baseline is None or not record.latency or not baseline.latency:
            return None
        is_interleaved = record.session == baseline.session and session_ratio(record.latency, baseline.latency)
        if record is not baseline and not is_interleaved:
            return None
        pairs.append((record.latency, baseline.latency))
        weights.append(layer.count * baseline.latency.estimate)
    if all(ours is theirs for ours, theirs in pairs):
        return None  # the baseline itself
    shares = [weight / sum(weights) for weight in weights]
    return lambda confidence: weighted_sum([_pair_ratio(*pair, confidence) for pair in pairs], shares)


def _pair_ratio(ours: Latency, theirs: Latency, confidence: float) -> Interval:
    if ours is theirs:
        return Interval(1.0, 1.0, 1.0, confidence)
    ratio = session_ratio(ours, theirs, confidence)
    assert ratio is not None  # it was looked at before
    return ratio


def _total(
    name: str, layers: Sequence[_Layer], records: Sequence[Record | None], ratio: Interval | None, margin: float
) -> Total:
    latencies = [_latency(record) for record in records]
    counts = [layer.count for layer in layers]
    choices = Counter[str]()
    for record, count in zip(records, counts, strict=True):
        choices[record.implementation if record else ""] += count
    return Total(
        name=name,
        passed_layers=sum(counts),
        latency=weighted_sum([Interval(each.estimate, each.low, each.high, CONFIDENCE) for each in latencies], counts),
        ratio=ratio,
        verdict=judge(ratio, margin) if ratio else None,
        choices=tuple(choices.most_common()) if name == BEST_MIX else (),
    )


def _incomplete(name: str, layers: Sequence[_Layer], records: Sequence[Record | None]) -> Total:
    """Return the total of an implementation that did not pass on every layer."""
    passed = sum(layer.count for layer, record in zip(layers, records, strict=True) if _passed(record))
    index = next(index for index, record in enumerate(records) if not _passed(record))
    first = records[index]
    if first:
        reason = f"{first.case}: {failure_text(first)}"
    else:
        reason = "it does not compute all of them" if layers[index].records else "not all layers are measured yet"
    return Total(name, passed, reason=reason)


def _latency(record: Record | None) -> Latency:
    """Return the latency of a record that passed."""
    assert record is not None
    assert record.latency is not None
    return record.latency


def _macs(layers: Sequence[_Layer]) -> int | None:
    """Return the multiply-accumulates of all layers; those of one layer are the same in all of its records."""
    macs = 0
    for layer in layers:
        work = next((record.work for record in layer.records.values() if record.work), None)
        if work is None:
            return None
        macs += layer.count * work.macs
    return macs


def _time(total: Total) -> float:
    return total.latency.estimate if total.latency else 0.0
