"""Tables and figures of arXiv 2006.09791: the speed-up of GSPC for layers and for whole networks."""

from collections.abc import Iterable, Mapping
from math import isnan

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from seaborn import heatmap

from bench.claims.evidence import references
from bench.claims.model import Measure
from bench.claims.units import decimal
from bench.core.target import Target
from bench.paper.content import Figure, Measured, Quoted, Table, TableCell
from bench.paper.data import PaperData
from bench.paper.drawing import SOFT, new_figure
from bench.paper.page import number_of
from bench.paper.recipe import Recipe, Step
from bench.paper.speedups import CAPTION, SpeedupPoint, draw_speedups, speedup_data
from bench.report.query import Match, Query, case_texts
from bench.report.units import counted
from bench.store import Request

GSPC = "tvm_gspc_tuned"
BASELINES = {"tvm_unscheduled": "TVM, unscheduled", "pytorch": "PyTorch", "tflite": "TensorFlow Lite"}
"""What the paper compares with."""
OTHERS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "ncnn": "ncnn", "native": "Featherbench's own"}
"""What one would compare with today."""
ALL = BASELINES | OTHERS
CLAIMS = {"tvm_unscheduled": "gspc-over-tvm", "pytorch": "gspc-over-pytorch", "tflite": "gspc-over-tflite"}
GROUPS = {
    **{f"{groups} groups": f"groups={groups}" for groups in (2, 4, 8, 16)},
    "depthwise": "channels_per_group=1",
}
"""The paper's settings, each with its filter of cases."""
TICKS = {title: title.removesuffix(" groups") for title in GROUPS}
"""The settings on an axis of groups."""
LAYERS = Query(workload="grouped_conv2d", suite="gspc", impl=(GSPC,))

NETWORK_GSPC = "tvm_gspc"
"""GSPC within a whole network."""
NETWORK_BASELINES = {"tvm": "TVM, unscheduled", "pytorch": "PyTorch", "tflite": "TensorFlow Lite"}
"""What the paper compares with."""
ENGINE = "native"
"""Featherbench's own engine for whole networks."""
RUNTIMES = {
    "pytorch": "PyTorch",
    "pytorch_channels_last": "PyTorch, channels last",
    "torch_compile": "PyTorch, compiled",
    "tflite": "TensorFlow Lite",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "ncnn": "ncnn",
}
"""Runtimes that are in use today."""
NETWORKS = Query(workload="network_inference", suite="gspc", impl=(NETWORK_GSPC,), case=("block=grouped",))
NETWORK_SETTINGS = {"all, on average": ()} | {
    f"{title}, {setting}": (f"network={name}", f"groups={groups}")
    for title, name in (("ResNet34", "resnet34"), ("WRN-40-2", "wrn_40_2"))
    for setting, groups in (*((f"{groups} groups", groups) for groups in (2, 4, 8, 16)), ("depthwise", 0))
}


def averages(data: PaperData) -> Table | None:
    """Return the published averages beside those of each kind of machine."""
    rows: list[list[TableCell]] = []
    for baseline, title in BASELINES.items():
        for outcome in data.outcomes_of(CLAIMS[baseline]):
            if outcome.machine and isinstance(number := number_of(outcome), Measured):
                published = Quoted(outcome.claim.published.text(), outcome.claim.id)
                rows.append([title, outcome.machine.name, published, number, str(outcome.verdict)])
    if not rows:
        return None
    return Table(
        "gspc-averages",
        "Speed-up of GSPC over each baseline, on average",
        "Published: averages, of a kind that the abstract does not name, over networks and edge devices. Measured: "
        "geometric means over layers with more than one group, each layer once, on one core.",
        ["baseline", "machine", "published", "measured, with 95 % interval", "verdict"],
        rows,
    )


def by_groups(data: PaperData) -> Table | None:
    """Return the mean speed-up for each number of groups."""
    rows = _mean_speedups(data, LAYERS, {title: (setting,) for title, setting in GROUPS.items()}, ALL)
    if not rows:
        return None
    return Table(
        "gspc-by-groups",
        "Speed-up of GSPC by number of groups",
        "Geometric means over the layers of ResNet34 and WRN-40-2 with 95 % intervals: time of the other "
        "implementation divided by time of GSPC, so that above 1 GSPC is faster. Means over different numbers of cases "
        "do not compare. A depthwise layer is in the row of its number of groups too.",
        ["setting", "machine", *ALL.values()],
        rows,
    )


def whole_networks(data: PaperData) -> Table | None:
    """Return the speed-up of networks that are compiled with GSPC over what the paper compares with."""
    rows = _mean_speedups(data, NETWORKS, NETWORK_SETTINGS, NETWORK_BASELINES)
    if not rows:
        return None
    return Table(
        "gspc-whole-networks",
        "Speed-up of whole networks with GSPC",
        "Time of the other deployment divided by time of the network that TVM compiled with GSPC, for one image, with "
        "95 % intervals: above 1, GSPC is faster. All layers but the grouped ones are plain loops in TVM, with and "
        "without GSPC. Unlike in the tables of layers, GSPC has the paper's untuned block sizes, and packs weights in "
        "every call. Averages are geometric means.",
        ["setting", "machine", *NETWORK_BASELINES.values()],
        rows,
    )


def networks_today(data: PaperData) -> Table | None:
    """Return the speed-up of the project's engine over the runtimes of today, for the paper's networks."""
    rows = _mean_speedups(data, NETWORKS.model_copy(update={"impl": (ENGINE,)}), NETWORK_SETTINGS, RUNTIMES)
    if not rows:
        return None
    return Table(
        "gspc-networks-today",
        "Speed-up of Featherbench's own engine for the same networks",
        "Time of the other runtime divided by time of the engine, for one image, with 95 % intervals: above 1, the "
        "engine is faster. Averages are geometric means.",
        ["setting", "machine", *RUNTIMES.values()],
        rows,
    )


def _mean_speedups(
    data: PaperData, query: Query, settings: Mapping[str, tuple[str, ...]], others: Iterable[str]
) -> list[list[TableCell]]:
    """Return a row for each setting and machine: the mean speed-up over each of ``others``; none without numbers.

    Args:
        data: the records.
        query: the cases, and the implementation whose speed-up is wanted.
        settings: filters of cases, by the setting's title.
        others: names of implementations.
    """
    rows: list[list[TableCell]] = [
        [title, machine.name, *(within.mean(query.narrowed((), case), _over(name)) or "–" for name in others)]
        for title, case in settings.items()
        for machine, within in data.by_machine(query).items()
    ]
    return rows if any(isinstance(cell, Measured) for row in rows for cell in row) else []


def figure_by_groups(data: PaperData) -> Figure | None:
    """Draw the mean speed-up against the number of groups."""
    points = [
        SpeedupPoint(machine, name, TICKS[title], mean)
        for machine, within in data.by_machine(LAYERS).items()
        for title, setting in GROUPS.items()
        for name in ALL
        if (mean := within.mean(LAYERS.narrowed((), (setting,)), _over(name)))
    ]
    if not points:
        return None
    drawn = speedup_data(points)
    compared = counted(drawn["implementation"].nunique(), "implementation")
    return Figure(
        "gspc-speedup-by-groups",
        "Speed-up of GSPC by number of groups",
        CAPTION,
        f"Lines of the speed-up of GSPC over {compared} against the number of groups; the table has the numbers.",
        draw_speedups(drawn, ALL, list(TICKS.values()), "groups", "speed-up of GSPC over each"),
        drawn,
        tuple(sorted({ref for point in points for ref in point.mean.records})),
    )


def figure_by_layer(data: PaperData) -> Figure | None:
    """Draw the speed-up over PyTorch for each layer and number of groups."""
    points = []
    records: list[Match] = []
    for machine, within in data.by_machine(LAYERS).items():
        for cell in within.cells(LAYERS, _over("pytorch")):
            texts = case_texts(cell.matches[0].record)
            interval = within.number(cell, "x").interval
            layer = f"{texts['cin']} channels, {texts['h']} px, stride {texts['stride']}"
            setting = "depthwise" if texts["channels_per_group"] == "1" else texts["groups"]
            points.append(
                {"layer": layer, "groups": setting, "machine": machine.name, "machine id": machine.id}
                | {"speedup": interval.estimate, "low": interval.low, "high": interval.high}
                | {"case": cell.matches[0].record.case}
            )
            records += cell.matches
    if not points:
        return None
    drawn = pd.DataFrame(points)
    machines = dict(zip(drawn["machine id"], drawn["machine"], strict=True))
    figure, panels = new_figure(columns=len(machines), width=4.0 + 3.2 * len(machines), height=5.0)
    for index, (axes, (machine_id, name)) in enumerate(zip(panels, machines.items(), strict=True)):
        _draw_grid(axes, drawn[drawn["machine id"] == machine_id])
        axes.set_title(name, fontsize=8)
        axes.tick_params(length=0, labelcolor=SOFT, labelleft=index == 0)
    return Figure(
        "gspc-speedup-by-layer",
        "Speed-up of GSPC over PyTorch, layer by layer",
        "Above 1, and violet, GSPC is faster; below 1, and orange, PyTorch is. The CSV has the 95 % intervals.",
        "A grid of layers and numbers of groups with the speed-up of GSPC over PyTorch in each cell.",
        figure,
        drawn,
        references(records),
    )


def _draw_grid(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the speed-ups on a machine, a row for each layer and a column for each number of groups."""
    grid = rows.pivot(index="layer", columns="groups", values="speedup")
    layers = list(dict.fromkeys(rows["layer"]))
    grid = grid.loc[layers, [name for name in ("1", *TICKS.values()) if name in grid]]
    shades = grid.clip(1 / 8, 8)
    labels = grid.map(lambda value: "" if isnan(value) else decimal(value, 2 if value < 10 else 1))
    style = {"cmap": "PuOr", "norm": LogNorm(1 / 8, 8), "cbar": False, "linewidths": 1, "annot_kws": {"size": 8}}
    heatmap(shades, annot=labels, fmt="", ax=axes, **style)
    axes.grid(visible=False)
    axes.set_xlabel("groups")
    axes.set_ylabel("")


def _over(baseline: str) -> Measure:
    return Measure(quantity="speedup", baselines=(baseline,))


RECIPE = Recipe(
    requests=(
        Request(
            workloads=("grouped_conv2d",),
            suite="gspc",
            target=Target("edge"),
            implementations=(GSPC, *ALL),
        ),
        Request(
            workloads=("network_inference",),
            suite="gspc",
            target=Target("edge"),
            implementations=tuple(dict.fromkeys([NETWORK_GSPC, *NETWORK_BASELINES, ENGINE, *RUNTIMES])),
        ),
    ),
    tables=(averages, by_groups, whole_networks, networks_today),
    figures=(figure_by_groups, figure_by_layer),
    extras=("edge",),
    steps=(
        Step(
            "tvm_gspc_tuned needs block sizes that were tuned for the processor's instruction sets; a case without any "
            "counts as not supported. Those in the checkout are for AVX2 and AVX-512, tuned on another machine. This "
            "tunes all of them for your processor:",
            "python -m impls.grouped_conv2d._tune_gspc --suite gspc --again",
        ),
    ),
)
