"""Tables and figures of arXiv 2006.09791: the speed-up of GSPC, over all layers, by number of groups and by layer."""

from math import isnan

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from seaborn import heatmap

from bench.claims.evidence import RecordRef
from bench.claims.model import Measure
from bench.claims.units import decimal
from bench.core.target import Target
from bench.paper.content import Figure, Measured, Quoted, Table, TableCell
from bench.paper.drawing import INK, SOFT, legend, logarithmic, new_figure, series_style
from bench.paper.material import Material, references
from bench.paper.page import number_of
from bench.paper.recipe import Recipe
from bench.report.query import Query, case_texts
from bench.report.units import counted
from bench.store import Request

GSPC = "tvm_gspc_tuned"
BASELINES = {"tvm_unscheduled": "TVM, unscheduled", "pytorch": "PyTorch", "tflite": "TensorFlow Lite"}
"""What the paper compares with."""
OTHERS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "ncnn": "ncnn", "native": "Featherbench's own"}
"""What one would compare with today."""
CLAIMS = {"tvm_unscheduled": "gspc-over-tvm", "pytorch": "gspc-over-pytorch", "tflite": "gspc-over-tflite"}
GROUPS = {
    **{f"{groups} groups": f"groups={groups}" for groups in (2, 4, 8, 16)},
    "depthwise": "channels_per_group=1",
}
"""The paper's settings, each with its filter of cases."""
LAYERS = Query(workload="grouped_conv2d", suite="gspc", impl=(GSPC,))


def averages(material: Material) -> Table | None:
    """Return the published averages beside those of this machine."""
    rows: list[list[TableCell]] = []
    for baseline, title in BASELINES.items():
        outcome = material.outcome(CLAIMS[baseline])
        if isinstance(number := number_of(outcome), Measured):
            published = Quoted(outcome.claim.published.text(), outcome.claim.id)
            rows.append([title, published, number, str(outcome.verdict)])
    if not rows:
        return None
    return Table(
        "gspc-averages",
        "Speed-up of GSPC over each baseline, on average",
        "Published: averages over networks and edge devices. Here: geometric means over layers with more than one "
        f"group, each layer once, on one core, in {counted(len(material.by_run(LAYERS)), 'run')}.",
        ["baseline", "published", "here, with 95 % interval", "verdict"],
        rows,
    )


def by_groups(material: Material) -> Table | None:
    """Return the mean speed-up for each number of groups."""
    names = BASELINES | OTHERS
    rows: list[list[TableCell]] = [
        [title, run, *(within.mean(LAYERS.narrowed((), (setting,)), _over(name)) or "–" for name in names)]
        for title, setting in GROUPS.items()
        for run, within in material.by_run(LAYERS).items()
    ]
    if not any(isinstance(cell, Measured) for row in rows for cell in row):
        return None
    return Table(
        "gspc-by-groups",
        "Speed-up of GSPC by number of groups",
        "Geometric means over the layers of ResNet34 and WRN-40-2 with 95 % intervals: time of the other "
        "implementation divided by time of GSPC, so that above 1 GSPC is faster. 16 groups of 16 channels are "
        "depthwise too.",
        ["setting", "run", *names.values()],
        rows,
    )


def figure_by_groups(material: Material) -> Figure | None:
    """Draw the mean speed-up against the number of groups."""
    points = [
        {"run": run, "setting": title, "baseline": name, "speedup": mean.interval.estimate}
        | {"low": mean.interval.low, "high": mean.interval.high, "records": len(mean.records)}
        for run, within in material.by_run(LAYERS).items()
        for title, setting in GROUPS.items()
        for name in (*BASELINES, *OTHERS)
        if (mean := within.mean(LAYERS.narrowed((), (setting,)), _over(name)))
    ]
    if not points:
        return None
    data = pd.DataFrame(points)
    runs = list(dict.fromkeys(data["run"]))
    places = {title: place for place, title in enumerate(GROUPS)}
    figure, panels = new_figure(columns=len(runs), width=7.6, height=4.2, share_y=True)
    for axes, run in zip(panels, runs, strict=True):
        for index, (name, title) in enumerate((BASELINES | OTHERS).items()):
            rows = data[(data["baseline"] == name) & (data["run"] == run)]
            if rows.empty:
                continue
            colour, marker = series_style(index)
            x = [places[setting] for setting in rows["setting"]]
            bars = [rows["speedup"] - rows["low"], rows["high"] - rows["speedup"]]
            axes.errorbar(x, rows["speedup"], bars, color=colour, marker=marker, markersize=5, label=title)
        axes.axhline(1, color=INK, linewidth=1)
        logarithmic(axes, "y")
        axes.set_xticks(list(places.values()), [title.removesuffix(" groups") for title in places])
        axes.set_xlabel("groups")
        axes.set_title(run, fontsize=8)
    panels[0].set_ylabel("speed-up of GSPC over each")
    legend(figure, panels, columns=4)
    return Figure(
        "gspc-speedup-by-groups",
        "Speed-up of GSPC by number of groups",
        "Geometric means over layers, with 95 % intervals where they are wider than the marker.",
        "Lines of the speed-up of GSPC over seven implementations against the number of groups; the table above has "
        "the numbers.",
        figure,
        data,
        _records(material, (*BASELINES, *OTHERS)),
    )


def figure_by_layer(material: Material) -> Figure | None:
    """Draw the speed-up over PyTorch for each layer and number of groups."""
    cells = material.cells(LAYERS, _over("pytorch"))
    points = []
    for cell in cells:
        texts = case_texts(cell.matches[0].record)
        interval = material.value(cell, "x").interval
        layer = f"{texts['cin']} channels, {texts['h']} px, stride {texts['stride']}"
        setting = "depthwise" if texts["channels_per_group"] == "1" else texts["groups"]
        points.append(
            {"layer": layer, "groups": setting, "run": cell.matches[0].run.name, "speedup": interval.estimate}
            | {"low": interval.low, "high": interval.high, "case": cell.matches[0].record.case}
        )
    if not points:
        return None
    data = pd.DataFrame(points)
    runs = list(dict.fromkeys(data["run"]))
    figure, panels = new_figure(columns=len(runs), width=4.0 + 3.2 * len(runs), height=5.0)
    for index, (axes, run) in enumerate(zip(panels, runs, strict=True)):
        _draw_grid(axes, data[data["run"] == run])
        axes.set_title(run, fontsize=8)
        axes.tick_params(length=0, labelcolor=SOFT, labelleft=index == 0)
    return Figure(
        "gspc-speedup-by-layer",
        "Speed-up of GSPC over PyTorch, layer by layer",
        "Above 1, and violet, GSPC is faster; below 1, and orange, PyTorch is. The CSV has the 95 % intervals.",
        "A grid of layers and numbers of groups with the speed-up of GSPC over PyTorch in each cell.",
        figure,
        data,
        references(match for cell in cells for match in cell.matches),
    )


def _draw_grid(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the speed-ups of a run, a row for each layer and a column for each number of groups."""
    grid = rows.pivot(index="layer", columns="groups", values="speedup")
    layers = list(dict.fromkeys(rows["layer"]))
    grid = grid.loc[layers, [name for name in ("1", "2", "4", "8", "16", "depthwise") if name in grid]]
    shades = grid.clip(1 / 8, 8)
    labels = grid.map(lambda value: "" if isnan(value) else decimal(value, 2 if value < 10 else 1))
    style = {"cmap": "PuOr", "norm": LogNorm(1 / 8, 8), "cbar": False, "linewidths": 1, "annot_kws": {"size": 8}}
    heatmap(shades, annot=labels, fmt="", ax=axes, **style)
    axes.grid(visible=False)
    axes.set_xlabel("groups")
    axes.set_ylabel("")


def _over(baseline: str) -> Measure:
    return Measure(quantity="speedup", against=(baseline,))


def _records(material: Material, names: tuple[str, ...]) -> tuple[RecordRef, ...]:
    return references(match for match in material.select(LAYERS.narrowed((GSPC, *names), ())))


RECIPE = Recipe(
    requests=(
        Request(
            workloads=("grouped_conv2d",),
            suite="gspc",
            target=Target("edge"),
            implementations=(GSPC, *BASELINES, *OTHERS),
        ),
    ),
    tables=(averages, by_groups),
    figures=(figure_by_groups, figure_by_layer),
)
