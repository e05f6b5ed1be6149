"""Claims files: each fault is one line, which says where it is and what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.claims.model import ClaimsFile, Kind, Quantifier
from bench.claims.read import ClaimsError, read_claims

Write = Callable[..., Path]
TABLE = """
[[table]]
id = "accuracy"
title = "Accuracy"
where = "table 2"
columns = { "GCN" = "%", "ours" = "%" }
rows = { "karate" = [77.0, 80.10], "cora" = [62.5, ""] }
"""
ACCURACY = """
[[claim]]
id = "accuracy"
text = "The network is this accurate."
where = "table 2"
kind = "accuracy"
published = { table = "accuracy", rows = ["karate"], columns = ["GCN"] }
quantifier = "each"
scope = { workload = "node_classification", suite = "quick", impl = ["gcn3"] }
measure = { quantity = "accuracy" }
rule = { plus_minus = 1 }
protocol = { distance = "proxy", differences = ["seeds: others"] }
"""
DERIVED = """
[[claim]]
id = "gain"
text = "Ours is more accurate than GCN."
where = "table 2"
kind = "derived"
published = { unit = "points" }
quantifier = "all"
rule = { above = 0 }
protocol = { distance = "exact" }
[claim.derived]
operation = "difference"
cells = { table = "accuracy", columns = ["ours"], rows = ["karate"] }
baselines = { table = "accuracy", columns = ["GCN"], rows = ["karate"] }
"""


def faults(path: Path) -> list[str]:
    with pytest.raises(ClaimsError) as caught:
        read_claims(path)
    assert all(line.startswith(str(path)) and "\n" not in line for line in caught.value.lines)
    return [line.removeprefix(f"{path}: ") for line in caught.value.lines]


def test_a_claim_is_read(claims: Callable[..., ClaimsFile]) -> None:
    (claim,) = claims().claim
    assert (claim.id, claim.kind, claim.quantifier) == ("faster", Kind.RATIO, Quantifier.ALL)
    assert claim.scope is not None
    assert [case.texts()["groups"] for case in claim.scope.cases()] == ["8", "16"]


def test_tables_keep_the_digits_that_were_printed(write: Write) -> None:
    claims = read_claims(write(TABLE + ACCURACY + DERIVED))
    assert [cell.text() for cell in claims.table[0].cells(["karate"])] == ["77.0\u00a0%", "80.10\u00a0%"]


SCOPE = '{ workload = "grouped_conv2d", suite = "quick", impl = ["native"], case = ["groups=8"] }'


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("scope", SCOPE.replace("grouped", "grupped"), "scope: no workload 'grupped_conv2d'; choose from"),
        ("scope", SCOPE.replace("quick", "quack"), "scope: grouped_conv2d has no suite 'quack'; choose from first"),
        ("scope", SCOPE.replace("groups", "grops"), "scope: no parameter 'grops' to filter by; choose from n, cin"),
        ("scope", SCOPE.replace("=8", "=7"), "scope: no case of suite quick has groups=7"),
        ("scope", SCOPE.replace("native", "naive"), "scope: grouped_conv2d has no implementation 'naive'; choose from"),
        ("scope", SCOPE.replace('suite = "quick", ', ""), "scope.suite: field required"),
        ("measure", '{ quantity = "speed" }', "measure: no quantity 'speed'; choose from latency, speedup"),
        ("measure", '{ quantity = "speedup" }', "measure: a speedup needs baselines = [IMPLEMENTATION]"),
        ("measure", '{ quantity = "latency", sweep = "grops" }', "measure: no parameter 'grops' to sweep"),
        ("published", '{ value = 2, unit = "ms" }', "unit: 'ms' is a unit of time, and speedup is a ratio"),
        ("published", '{ value = 2, unit = "miles" }', "published.unit: no unit 'miles'; choose from x"),
        ("published", '{ unit = "x" }', "rule: the rule needs a published value"),
        ("published", '{ table = "speed" }', "published: no table 'speed'; choose from none"),
        ("quantifier", '"most"', "quantifier: input should be 'all', 'any', 'each' or 'geometric_mean'"),
        ("quantifier", "", "quantifier is missing; give it, or say why in not_attempted"),
        ("protocol", '{ distance = "exact", differences = ["code"] }', "an exact protocol has no differences"),
        ("protocol", '{ distance = "proxy" }', "protocol: a proxy has differences; list them"),
        ("not_attempted", '"No time."', "not_attempted, and yet it has protocol; drop one"),
        ("colour", '"red"', "colour: unknown field; drop it or correct its name"),
        ("origin", '"us"', "origin: input should be 'paper', 'related' or 'check'"),
        ("scope", SCOPE.replace('impl = ["native"], ', ""), "scope: it names no implementation; give impl"),
        ("kind", '"order"', "rule of kind order is above or below: what is equal does not bear it out"),
        ("protocol", "", "protocol is missing; give it, or say why in not_attempted"),
        ("kind", '"trend"', "rule of kind trend is above or below"),
    ],
)
def test_a_fault_of_a_claim_is_one_line(write: Write, field: str, value: str, fault: str) -> None:
    (line,) = faults(write(**{field: value}))
    assert line.startswith("claim faster: ")
    assert fault in line


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('["karate"], columns = ["GCN"] }\nq', '["karat"] }\nq', "published: table accuracy has no row 'karat'"),
        ('["karate"], columns = ["GCN"] }\nq', '["cora"], columns = ["ours"] }\nq', "covers nothing"),
        ("[77.0, 80.10]", "[77.0]", "table accuracy: row 'karate' has 1 cells and the table 2 columns"),
        ("[77.0, 80.10]", '["high", 80.10]', "table accuracy: rows.karate.0: 'high' is no number"),
        ('rows = ["karate"] }\nbase', 'rows = ["cora"] }\nbase', "gain: published: derived covers no known cell"),
        ('unit = "points"', 'unit = "x"', "claim gain: unit: 'x' is a unit of ratio, and difference is a fraction"),
        ('id = "gain"', 'id = "accuracy"', "two claims have the id 'accuracy'; an id is permanent and unique"),
        ("rule = { plus", 'bind = { "cra" = {} }\nrule = { plus', "bind: 'cra' is no row, column or cell"),
        ('protocol = { distance = "exact" }', "", "claim gain: protocol is missing"),
        ("rule = { plus", 'bind.GCN = { impl = ["gcm"] }\nrule = { plus', "scope: with 'GCN': node_cla"),
    ],
)
def test_a_fault_of_a_table_or_a_reference_is_one_line(write: Write, old: str, new: str, fault: str) -> None:
    text = TABLE + ACCURACY + DERIVED
    assert old in text
    (line,) = faults(write(text.replace(old, new)))
    assert fault in line


OF_NETWORKS = '{ workload = "node_classification", suite = "multipath", impl = ["gcn3"] }'


@pytest.mark.parametrize(
    ("metric", "unit", "fault"),
    [
        ("epochs_to_peak", "ms", "'ms' is a unit of time, and epochs_to_peak is a number of epochs"),
        ("epoch_s", "epochs", "'epochs' is a unit of epochs, and epoch_s is a time"),
        ("train_loss", "x", "'x' is a unit of ratio, and train_loss is a number"),
        ("accuracy", "ms", "'ms' is a unit of time, and accuracy is a fraction"),
    ],
)
def test_a_unit_that_the_metric_cannot_have_is_refused(write: Write, metric: str, unit: str, fault: str) -> None:
    published, measure = f'{{ value = 2, unit = "{unit}" }}', f'{{ quantity = "{metric}" }}'
    path = write(published=published, measure=measure, scope=OF_NETWORKS)
    assert faults(path) == [f"claim faster: unit: {fault}; correct one of them"]


@pytest.mark.parametrize(
    ("metric", "unit"), [("epochs_to_peak", "epochs"), ("epoch_s", "ms"), ("train_loss", ""), ("accuracy", "points")]
)
def test_a_unit_of_the_same_dimension_as_the_metric_is_taken(write: Write, metric: str, unit: str) -> None:
    published, measure = f'{{ value = 2, unit = "{unit}" }}', f'{{ quantity = "{metric}" }}'
    claims = read_claims(write(published=published, measure=measure, scope=OF_NETWORKS))
    assert claims.claim[0].published.unit == unit


def test_related_work_has_an_address_or_says_that_none_is_known(write: Write) -> None:
    (line,) = faults(write(origin='"related"'))
    assert 'a claim of related work needs url: its own, or "" where none is known' in line
    claims = read_claims(write(origin='"related"', url='""'))
    assert claims.url_of(claims.claim[0]) == ""
    own = read_claims(write(url='"https://example.org/other"'))
    assert own.url_of(own.claim[0]) == "https://example.org/other"
    papers = read_claims(write())
    assert papers.url_of(papers.claim[0]) == papers.paper.url


def test_all_faulty_claims_are_told_at_once(write: Write) -> None:
    text = (TABLE + ACCURACY + DERIVED).replace('unit = "points"', 'unit = "x"').replace('"gcn3"', '"gcn9"')
    assert [line.partition(":")[0] for line in faults(write(text))] == ["claim accuracy", "claim gain"]


def test_no_toml_and_no_file(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    with pytest.raises(ClaimsError, match="cannot read"):
        read_claims(path)
    path.write_text("[paper")
    with pytest.raises(ClaimsError, match="is no TOML"):
        read_claims(path)


def test_a_file_without_claims(write: Write) -> None:
    assert faults(write("")) == ["file: it has no [[claim]]"]


def test_ratios_of_one_session_make_no_geometric_mean(write: Write) -> None:
    measure = '{ quantity = "speedup", baselines = ["pytorch", "tflite"] }'
    (line,) = faults(write(measure=measure, quantifier='"geometric_mean"'))
    assert "measure: ratios that share a record are not independent" in line


def test_a_trend_needs_a_parameter_to_sweep(write: Write) -> None:
    (line,) = faults(write(kind='"trend"', rule="{ above = 1 }"))
    assert "measure: a trend needs sweep = PARAMETER" in line


def test_successive_steps_make_no_geometric_mean(write: Write) -> None:
    """Their product is the last value divided by the first, whatever lies between."""
    measure = '{ quantity = "latency", sweep = "groups" }'
    (line,) = faults(write(measure=measure, quantifier='"geometric_mean"', kind='"trend"', rule="{ below = 1 }"))
    assert "measure: the mean of successive steps depends on the first and the last value alone" in line


def test_a_claim_does_not_mix_times_and_accuracies(write: Write) -> None:
    text = """
[[table]]
id = "both"
title = "Accuracy and time"
where = "table 1"
columns = { "accuracy" = "%", "epoch" = "ms" }
rows = { "Cora" = [80.0, 3.0] }

[[claim]]
id = "both"
text = "It is accurate and fast."
where = "table 1"
kind = "value"
published = { table = "both" }
quantifier = "each"
scope = { workload = "node_classification", suite = "multipath", impl = ["gcn3"], case = ["dataset=cora"] }
measure = { quantity = "accuracy" }
bind = { "epoch" = { quantity = "epoch_s" } }
rule = { within = "50%" }
protocol = { distance = "proxy", differences = ["seeds: others"] }
"""
    (line,) = faults(write(text))
    assert "times differ by machine and accuracies do not: make a claim of each" in line


def test_a_metric_has_either_a_sweep_or_baselines(write: Write) -> None:
    scope = '{ workload = "node_classification", suite = "quick", impl = ["multipath_s"] }'
    measure = '{ quantity = "accuracy", sweep = "dataset", baselines = ["gcn3"] }'
    (line,) = faults(
        write(kind='"trend"', rule="{ above = 0 }", published='{ unit = "points" }', scope=scope, measure=measure)
    )
    assert "measure: accuracy has either a sweep or baselines; drop one" in line


def test_a_crossover_is_along_numbers(write: Write) -> None:
    measure = '{ quantity = "speedup", baselines = ["pytorch"], sweep = "dtype" }'
    (line,) = faults(write(kind='"crossover"', rule="{ at_most = 2 }", measure=measure))
    assert "measure: a crossover needs a parameter whose values are numbers, and dtype has names" in line
