"""Tables and figures of arXiv 2105.01510: accuracy as published and as soundly measured, and learning curves."""

import numpy as np
import pandas as pd

from bench.claims.evidence import RecordRef
from bench.claims.machines import MachineKind
from bench.claims.model import Measure
from bench.core.record import Status
from bench.core.target import Target
from bench.paper.content import Figure, Measured, Table, TableCell
from bench.paper.data import PaperData, references
from bench.paper.drawing import INK, add_legend, new_figure, series_style
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
)
