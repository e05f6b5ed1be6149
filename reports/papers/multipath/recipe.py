"""Tables and figures of arXiv 2105.01510: accuracy as published and as soundly measured, and learning curves."""

import numpy as np
import pandas as pd

from bench.claims.evidence import RecordRef
from bench.claims.model import Measure
from bench.core.record import Status
from bench.core.target import Target
from bench.paper.content import Figure, Measured, Table, TableCell
from bench.paper.drawing import INK, legend, new_figure, series_style
from bench.paper.material import Material, references
from bench.paper.recipe import Recipe
from bench.report.query import Query
from bench.store import Request

DATASETS = {"cora": "Cora", "citeseer": "Citeseer"}
NETWORKS = {"gcn3": "GCN", "residual_gcn": "residual", "multipath_s": "multipath", "multipath_p": "multipath"}
"""The paper's networks, each with the column of the published table; both variants stand beside the same number."""
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


def accuracies(material: Material) -> Table | None:
    """Return the published accuracies beside those by each way to choose the epoch."""
    rows: list[list[TableCell]] = []
    for dataset, title in DATASETS.items():
        for name, column in NETWORKS.items():
            published = material.quoted("max-accuracy", title, column)
            rows.append([f"{title}: {name}", published, *_metrics(material, name, dataset)])
        tuned = [_metric(material, TUNED, "gcn_tuned", dataset, metric) or "–" for metric in PROTOCOLS]
        rows.append([f"{title}: gcn_tuned", material.quoted("tuned", title, "tuned GCN"), *tuned])
    if not any(isinstance(cell, Measured) for row in rows for cell in row):
        return None
    return Table(
        "multipath-accuracy",
        "Test accuracy by the choice of the epoch",
        "Means over the seeds with 95 % intervals. The paper publishes the best test accuracy of any epoch; the tuned "
        "GCN of arXiv 1609.02907 was published with an epoch chosen by validation.",
        ["network", "published", *PROTOCOLS.values()],
        rows,
    )


def figure_accuracy(material: Material) -> Figure | None:
    """Draw the published accuracy, and the measured one by both choices of the epoch."""
    points: list[dict[str, object]] = []
    records: list[RecordRef] = []
    for dataset, title in DATASETS.items():
        for name in (*NETWORKS, "gcn_tuned"):
            query = TUNED if name == "gcn_tuned" else PLAIN
            for metric in ("accuracy_peeking", "accuracy"):
                if number := _metric(material, query, name, dataset, metric):
                    interval = number.interval
                    points.append(
                        {"dataset": title, "network": name, "protocol": PROTOCOLS[metric]}
                        | {"accuracy": interval.estimate, "low": interval.low, "high": interval.high}
                    )
                    records += number.records
    if not points:
        return None
    data = pd.DataFrame(points)
    names = [name for name in (*NETWORKS, "gcn_tuned") if name in set(data["network"])]
    figure, panels = new_figure(columns=len(DATASETS), width=7.6, height=3.4, share_y=True)
    for axes, title in zip(panels, DATASETS.values(), strict=True):
        for index, metric in enumerate(("accuracy_peeking", "accuracy")):
            colour, marker = series_style(index)
            rows = data[(data["dataset"] == title) & (data["protocol"] == PROTOCOLS[metric])].set_index("network")
            places = [names.index(name) + (index - 0.5) * 0.25 for name in rows.index]
            bars = [rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]]
            axes.errorbar(
                rows["accuracy"], places, xerr=bars, linestyle="", color=colour, marker=marker, markersize=5,
                label=PROTOCOLS[metric],
            )  # fmt: skip
        published = [_published(material, title, name) for name in names]
        axes.scatter(published, range(len(names)), marker="|", s=220, color=INK, label="published")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_title(title)
        axes.set_xlabel("test accuracy, %")
    legend(figure, panels, columns=3)
    return Figure(
        "multipath-accuracy-by-protocol",
        "What choosing the epoch by the test nodes adds",
        "Means over the seeds with 95 % intervals; a bar marks the published number.",
        "Dots with intervals: the accuracy of each network on each graph by both choices of the epoch; the table above "
        "has the numbers.",
        figure,
        data,
        tuple(sorted(set(records))),
    )


def figure_curves(material: Material) -> Figure | None:
    """Draw test accuracy against the epoch for the paper's networks."""
    tables: list[pd.DataFrame] = []
    records: list[RecordRef] = []
    for dataset, title in DATASETS.items():
        for name in ("gcn3", "residual_gcn", "multipath_s"):
            matches = material.select(PLAIN.narrowed((name,), (f"dataset={dataset}",)))
            passed = [match for match in matches if match.record.status is Status.PASSED and match.record.check]
            curves = [match.record.check.curves["accuracy"] for match in passed if match.record.check]
            if not curves:
                continue
            seeds = 100 * np.array(curves)
            columns = {"epoch": np.arange(1, seeds.shape[1] + 1), "mean": seeds.mean(axis=0)}
            columns |= {"least": seeds.min(axis=0), "greatest": seeds.max(axis=0)}
            tables.append(pd.DataFrame({"dataset": title, "network": name} | columns))
            records += references(passed)
    if not tables:
        return None
    data = pd.concat(tables, ignore_index=True)
    figure, panels = new_figure(columns=len(DATASETS), width=7.6, height=3.2)
    for axes, title in zip(panels, DATASETS.values(), strict=True):
        for index, (network, rows) in enumerate(data[data["dataset"] == title].groupby("network", sort=False)):
            colour, marker = series_style(index)
            label = str(network)
            axes.fill_between(rows["epoch"], rows["least"], rows["greatest"], color=colour, alpha=0.15, linewidth=0)
            axes.plot(rows["epoch"], rows["mean"], color=colour, marker=marker, markevery=20, markersize=4, label=label)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.set_ylim(bottom=float(data["mean"].quantile(0.05)) - 10)
    panels[0].set_ylabel("test accuracy, %")
    legend(figure, panels, columns=3)
    return Figure(
        "multipath-curves",
        "Test accuracy during training",
        "Mean over the seeds, and the range from the least to the greatest. The published number is the mean of the "
        "highest points of the curves of single seeds.",
        "Curves of test accuracy against the epoch for three networks on each graph.",
        figure,
        data,
        tuple(sorted(set(records))),
    )


def _metrics(material: Material, name: str, dataset: str) -> list[TableCell]:
    return [_metric(material, PLAIN, name, dataset, metric) or "–" for metric in PROTOCOLS]


def _metric(material: Material, query: Query, name: str, dataset: str, metric: str) -> Measured | None:
    """Return the mean of a metric over the seeds of a network on a graph; None where it has no record."""
    cells = material.cells(query.narrowed((name,), (f"dataset={dataset}",)), Measure(quantity=metric))
    unit = "points" if metric == "inflation" else "%"
    return material.value(cells[0], unit, least_digits=2) if cells else None


def _published(material: Material, dataset: str, name: str) -> float:
    table, column = ("tuned", "tuned GCN") if name == "gcn_tuned" else ("max-accuracy", NETWORKS[name])
    return material.published_value(table, dataset, column)


RECIPE = Recipe(
    requests=(
        Request(
            workloads=("node_classification",),
            suite="multipath",
            target=Target("edge"),
            implementations=(*NETWORKS, "gcn_tuned"),
        ),
    ),
    tables=(accuracies,),
    figures=(figure_accuracy, figure_curves),
)
