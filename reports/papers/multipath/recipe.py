"""Tables and figures of arXiv 2105.01510: accuracy as published and as soundly measured, and learning curves."""

import numpy as np
import pandas as pd

from bench.claims.evidence import RecordRef, references
from bench.claims.machines import MachineKind
from bench.claims.model import Measure
from bench.claims.published import Cells
from bench.core.record import Status
from bench.core.target import Target
from bench.paper.content import Chapter, Computed, Figure, Measured, Quoted, Sentence, Table, TableCell
from bench.paper.data import PaperData
from bench.paper.drawing import INK, add_legend, new_figure, series_style
from bench.paper.page import number_of
from bench.paper.recipe import Recipe
from bench.report.query import Query
from bench.store import Request

DATASETS = {"cora": "Cora", "citeseer": "Citeseer"}
OTHER_DATASETS = ("amazon_computers", "amazon_photo", "coauthor_cs", "reddit", "cora_full")
"""Graphs of the published tables without a table or figure of measured numbers."""
NETWORKS = {"gcn3": "GCN", "residual_gcn": "residual", "multipath_s": "multipath", "multipath_p": "multipath"}
"""The paper's networks, each with the column of the published table; both variants stand beside the same number."""
ALL = (*NETWORKS, "gcn_tuned")
PLAIN = Query(workload="node_classification", suite="multipath", case=("recipe=plain",))
TUNED = Query(
    workload="node_classification", suite="multipath", impl=("gcn_tuned",), case=("recipe=regularised", "hidden=16")
)
PROTOCOLS = {
    "accuracy_peeking": "best epoch by test nodes (as published)",
    "accuracy": "epoch by validation nodes (sound)",
    "accuracy_last": "last epoch",
    "inflation": "gained by peeking",
}


def accuracies(data: PaperData) -> Table | None:
    """Return the published accuracies beside those by each way to choose the epoch."""
    rows: list[list[TableCell]] = []
    for machine, within in data.by_machine(PLAIN).items():
        for dataset, title in DATASETS.items():
            for name in ALL:
                table, column = _published_column(name)
                numbers = [_metric(within, name, dataset, metric) or "–" for metric in PROTOCOLS]
                rows.append([f"{title}: {name}", machine.name, data.quote(table, title, column) or "–", *numbers])
    if not any(isinstance(cell, Measured) for row in rows for cell in row):
        return None
    return Table(
        "multipath-accuracy",
        "Test accuracy by the choice of the epoch",
        "Means over the seeds with 95 % intervals. The paper publishes the best test accuracy of any epoch; the tuned "
        "GCN of arXiv 1609.02907 was published with an epoch chosen by validation.",
        ["network", "machine", "published", *PROTOCOLS.values()],
        rows,
    )


def figure_accuracy(data: PaperData) -> Figure | None:
    """Draw the published accuracy, and the measured accuracy by both choices of the epoch."""
    points: list[dict[str, object]] = []
    records: list[RecordRef] = []
    for machine, within in data.by_machine(PLAIN).items():
        for dataset, title in DATASETS.items():
            for name in ALL:
                for metric in ("accuracy_peeking", "accuracy"):
                    if number := _metric(within, name, dataset, metric):
                        interval = number.interval
                        points.append(
                            {"panel": _panel(data, machine, title), "dataset": title, "network": name}
                            | {"protocol": PROTOCOLS[metric], "accuracy": interval.estimate}
                            | {"low": interval.low, "high": interval.high}
                        )
                        records += number.records
    if not points:
        return None
    drawn = pd.DataFrame(points)
    names = [name for name in ALL if name in set(drawn["network"])]
    titles = list(dict.fromkeys(drawn["panel"]))
    figure, panels = new_figure(columns=len(titles), width=7.6, height=3.4, share_y=True)
    for axes, title in zip(panels, titles, strict=True):
        shown = drawn[drawn["panel"] == title]
        for index, metric in enumerate(("accuracy_peeking", "accuracy")):
            colour, marker = series_style(index)
            rows = shown[shown["protocol"] == PROTOCOLS[metric]].set_index("network")
            heights = [names.index(name) + (index - 0.5) * 0.25 for name in rows.index]
            bars = [rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]]
            axes.errorbar(
                rows["accuracy"], heights, xerr=bars, linestyle="", color=colour, marker=marker, markersize=5,
                label=PROTOCOLS[metric],
            )  # fmt: skip
        published = {
            names.index(name): value
            for name in names
            if (value := _published(data, str(shown["dataset"].iloc[0]), name)) is not None
        }
        axes.scatter(list(published.values()), list(published), marker="|", s=220, color=INK, label="published")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_title(title)
        axes.set_xlabel("test accuracy, %")
    add_legend(figure, panels, columns=3)
    return Figure(
        "multipath-accuracy-by-protocol",
        "What choosing the epoch by the test nodes adds",
        "Means over the seeds with 95 % intervals; a bar marks the published number.",
        "Dots with intervals: the accuracy of each network on each graph by both choices of the epoch; the table above "
        "has the numbers.",
        figure,
        drawn,
        tuple(sorted(set(records))),
    )


def figure_curves(data: PaperData) -> Figure | None:
    """Draw test accuracy against the epoch for the paper's networks."""
    tables: list[pd.DataFrame] = []
    records: list[RecordRef] = []
    for machine, within in data.by_machine(PLAIN).items():
        for dataset, title in DATASETS.items():
            for name in ("gcn3", "residual_gcn", "multipath_s"):
                matches = within.select(PLAIN.narrowed((name,), (f"dataset={dataset}",)))
                passed = [match for match in matches if match.record.status is Status.PASSED and match.record.check]
                curves = [match.record.check.curves["accuracy"] for match in passed if match.record.check]
                if not curves:
                    continue
                seeds = 100 * np.array(curves)
                columns = {"epoch": np.arange(1, seeds.shape[1] + 1), "mean": seeds.mean(axis=0)}
                columns |= {"min": seeds.min(axis=0), "max": seeds.max(axis=0)}
                names = {"panel": _panel(data, machine, title), "network": name}
                tables.append(pd.DataFrame(names | columns))
                records += references(passed)
    if not tables:
        return None
    drawn = pd.concat(tables, ignore_index=True)
    titles = list(dict.fromkeys(drawn["panel"]))
    figure, panels = new_figure(columns=len(titles), width=7.6, height=3.2)
    for axes, title in zip(panels, titles, strict=True):
        for index, (network, rows) in enumerate(drawn[drawn["panel"] == title].groupby("network", sort=False)):
            colour, marker = series_style(index)
            label = str(network)
            axes.fill_between(rows["epoch"], rows["min"], rows["max"], color=colour, alpha=0.15, linewidth=0)
            axes.plot(rows["epoch"], rows["mean"], color=colour, marker=marker, markevery=20, markersize=4, label=label)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.set_ylim(bottom=float(drawn["mean"].quantile(0.05)) - 10)
    panels[0].set_ylabel("test accuracy, %")
    add_legend(figure, panels, columns=3)
    return Figure(
        "multipath-curves",
        "Test accuracy during training",
        "Mean over the seeds, and their range (minimum to maximum). The published number is the mean of the highest "
        "points of the curves of single seeds.",
        "Curves of test accuracy against the epoch for three networks on each graph.",
        figure,
        drawn,
        tuple(sorted(set(records))),
    )


def published_accuracies(data: PaperData) -> Chapter:
    """Return what is wrong with the published accuracies, in measured and published numbers."""
    sentences = [_peeking(data), _replaced_runs(data), _wrong_graph(data), _baselines(data)]
    tables = [_inflation(data), _replaced_runs_table(data)]
    return Chapter(
        "published-accuracies",
        "What is wrong with the published accuracies",
        [sentence for sentence in sentences if sentence],
        [table for table in tables if table],
    )


def _inflations(data: PaperData) -> dict[tuple[str, str, str], Measured]:
    """Return what choosing the epoch by the test nodes adds, by machine, graph and network."""
    return {
        (machine.name, title, name): number
        for machine, within in data.by_machine(PLAIN).items()
        for dataset, title in DATASETS.items()
        for name in NETWORKS
        if (number := _metric(within, name, dataset, "inflation"))
    }


def _peeking(data: PaperData) -> Sentence:
    """Say by how much the choice of the epoch inflates accuracy."""
    claim = "multipath-max-accuracy"
    rule = (
        "Each published accuracy is a mean of the highest test accuracy of any epoch: the test nodes choose the epoch. "
    )
    compared: Sentence = [
        "Measured again in the same way, the published numbers have these verdicts: ",
        data.verdict_counts(claim),
        ".",
    ]
    numbers = sorted(_inflations(data).values(), key=lambda number: number.interval.estimate)
    if not numbers:
        return [rule, *compared]
    least, *_, most = numbers * 2
    gained: Sentence = ["That choice alone adds between ", least, " and ", most, " to the mean accuracy. "]
    return [rule, *gained, *compared]


def _replaced_runs(data: PaperData) -> Sentence:
    """Say which runs on Amazon Photo differ between the versions, and what follows from each version."""
    replaced = len(data.claims.cells(Cells(table="amazon-photo-runs", columns=("second version",))))
    first = data.claims.cells(Cells(table="amazon-photo", rows=("first version",)))
    total = sum(cell.number.runs or 0 for cell in first)
    return [
        "On Amazon Photo, ", Computed(str(replaced)), " of the ", Computed(str(total)), " runs have other numbers in "
        "the second version of the spreadsheet than in the first, a day earlier. According to the first, multipath "
        "gains ", *_gain(data, "multipath-amazon-photo-first"), " over the residual network, and according to the "
        "second ", *_gain(data, "multipath-amazon-photo-second"), ".",
    ]  # fmt: skip


def _gain(data: PaperData, claim: str) -> Sentence:
    """Return the number of a claim about one difference, with its verdict."""
    (outcome,) = data.outcomes_of(claim)
    return [number_of(outcome) or "–", " (verdict: ", data.verdict_counts(claim), ")"]


def _wrong_graph(data: PaperData) -> Sentence:
    """Say which published logs are of another graph."""
    cell = "CoraFull, multipath"
    binding = next(claim for claim in data.claims.claim if claim.id == "multipath-max-accuracy").bind[cell]
    multipath, residual = (data.quote("max-accuracy", "CoraFull", column) for column in ("multipath", "residual"))
    return [
        "On CoraFull, the published accuracy is ", multipath or "–", " for multipath and ", residual or "–",
        f" for the residual network. {binding.not_attempted}",
    ]  # fmt: skip


def _baselines(data: PaperData) -> Sentence:
    """Say how the paper's networks compare with a tuned GCN, which the paper does not have."""
    tuned, multipath = data.quote("tuned", "Cora", "tuned GCN"), data.quote("max-accuracy", "Cora", "multipath")
    return [
        "None of the baselines is tuned. For Cora, the published accuracy of a tuned GCN of two layers is ",
        tuned or "–", ", with an epoch chosen by validation nodes; that of multipath is ", multipath or "–", ". The "
        "claim that "
        "multipath is more accurate than a tuned GCN, both with an epoch chosen by validation nodes, has these "
        "verdicts: ",
        data.verdict_counts("multipath-over-tuned-gcn"), ".",
    ]  # fmt: skip


def _inflation(data: PaperData) -> Table | None:
    """Return what choosing the epoch by the test nodes adds, a row for each network."""
    inflations = _inflations(data)
    machines = dict.fromkeys(machine for machine, _, _ in inflations)
    rows: list[list[TableCell]] = [
        [name, machine, *(inflations.get((machine, title, name), "–") for title in DATASETS.values())]
        for machine in machines
        for name in NETWORKS
    ]
    if not rows:
        return None
    return Table(
        "multipath-inflation",
        "What choosing the epoch by the test nodes adds to the accuracy",
        "The highest test accuracy of any epoch minus the test accuracy of the epoch that validation nodes choose; "
        "means over the seeds with 95 % intervals, in points.",
        ["network", "machine", *DATASETS.values()],
        rows,
    )


def _replaced_runs_table(data: PaperData) -> Table:
    """Return the runs whose numbers differ between the versions, with the change."""
    table = next(table for table in data.claims.table if table.id == "amazon-photo-runs")
    rows: list[list[TableCell]] = []
    for row in table.rows:
        before, after = data.claims.cells(Cells(table=table.id, rows=(row,)))
        change = Computed(before.unit._replace(name="points").text(float(after.number.value - before.number.value), 2))
        rows.append([row, *(Quoted(cell.text(), "") for cell in (before, after)), change])
    return Table("multipath-replaced-runs", table.title, table.note, ["run", *table.columns, "change"], rows)


def _panel(data: PaperData, machine: MachineKind, title: str) -> str:
    """Return the title of a graph's panel, with the machine where there are several."""
    return title if len(data.by_machine(PLAIN)) == 1 else f"{title} ({machine.name})"


def _metric(data: PaperData, name: str, dataset: str, metric: str) -> Measured | None:
    """Return the mean of a metric over the seeds of a network on a graph; None where some seed has none."""
    query = TUNED if name == "gcn_tuned" else PLAIN.narrowed((name,), ())
    cells = data.cells(query.narrowed((), (f"dataset={dataset}",)), Measure(quantity=metric))
    unit = "points" if metric == "inflation" else "%"
    return data.number(cells[0], unit, least_digits=2) if cells else None


def _published_column(name: str) -> tuple[str, str]:
    """Return the published table of a network, and its column there."""
    return ("tuned", "tuned GCN") if name == "gcn_tuned" else ("max-accuracy", NETWORKS[name])


def _published(data: PaperData, dataset: str, name: str) -> float | None:
    table, column = _published_column(name)
    return data.published_value(table, dataset, column)


def _request(suite: str, implementations: tuple[str, ...], cases: tuple[str, ...] = ()) -> Request:
    return Request(
        workloads=("node_classification",),
        suite=suite,
        target=Target("edge"),
        implementations=implementations,
        case_filters=cases,
    )


RECIPE = Recipe(
    requests=(
        _request("multipath", ALL),
        _request(
            "graphs",
            ("gcn3", "residual_gcn", "multipath_s"),
            tuple(f"dataset={name}" for name in OTHER_DATASETS),
        ),
    ),
    tables=(accuracies,),
    figures=(figure_accuracy, figure_curves),
    chapters=(published_accuracies,),
    extras=("graph",),
)
