"""What the figures show."""

import pytest

from bench.core.record import Status
from bench.report.figure import MAX_TEXTS, Figure, Panel, Series, linear_axis, log_axis
from bench.report.figures import latency_panels, memory_panels
from bench.report.frame import frame
from bench.report.palette import COLOURS, DARK_COLOURS, SYMBOLS, styles
from bench.report.roofline import roofline_panel


@pytest.fixture
def table(make_record, make_run):
    records = [
        make_record(
            name, [time * groups, time * groups + 200], parameters={"cin": cin, "kernel": [3, 3], "groups": groups}
        )
        for cin in (64, 128)
        for groups in (1, 4)
        for name, time in (("pytorch", 2000.0), ("<b>mine</b>", 1000.0))
    ]
    records.append(make_record("broken", parameters={"cin": 64}, status=Status.FAILED, reason="x", check=None))
    return frame([make_run(records)])


def series(panel: Panel) -> dict[str, object]:
    return {each.name: each for each in panel.series}


def test_there_is_a_latency_plot_for_each_shape(table):
    plots = latency_panels(table, "groups")
    assert [plot.title for plot in plots] == ["cin 64", "cin 128"]
    line = series(plots[0])["pytorch"]
    assert list(line.x) == [1, 4]
    assert list(line.y) == pytest.approx([2.1, 8.1])
    assert line.high[0] - line.y[0] == pytest.approx(0.1)
    assert plots[0].y.title == "latency per call, µs"
    assert (plots[0].x.kind, plots[0].y.kind) == ("log", "log")
    assert [text for _, text in plots[0].x.ticks] == ["1", "4"]


@pytest.mark.parametrize(("points", "texts"), [(MAX_TEXTS, MAX_TEXTS), (MAX_TEXTS + 1, 0)])
def test_the_page_has_the_texts_of_a_series_only_if_they_are_few(points, texts):
    values = [float(index) for index in range(points)]
    axis = linear_axis("", values)
    many = Series("many", values, values, texts=["a text"] * points, is_line=True)
    (panel,) = Figure("", "", [Panel("", axis, axis, [many])]).data()["panels"]
    (data,) = panel["series"]
    assert (len(data["x"]), len(data["texts"]), data["line"]) == (points, texts, True)


def test_there_is_no_latency_plot_for_a_single_value(table):
    assert latency_panels(table[table["groups"] == 1], "groups") == []


def test_texts_are_places_on_an_axis_of_categories(make_record, make_run):
    records = [make_record(parameters={"groups": mode}) for mode in ("same", "valid")]
    (plot,) = latency_panels(frame([make_run(records)]), "groups")
    assert plot.x.kind == "category"
    assert plot.x.ticks == [(0, "same"), (1, "valid")]
    assert list(series(plot)["pytorch"].x) == [0, 1]


def test_styles_differ_in_colour_and_symbol():
    all_styles = styles(f"implementation {i}" for i in range(88))
    assert len({style[:2] for style in all_styles.values()}) == 88
    few = list(all_styles.values())[: len(SYMBOLS)]
    assert len({style.symbol for style in few}) == len(few)


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("colours", "page", "least"), [(COLOURS, "#ffffff", 2.0), (DARK_COLOURS, "#15171a", 4.5)])
def test_every_colour_stands_out_from_its_page(colours, page, least):
    """Symbols and names identify implementations too, so lines on white may be as light as Okabe and Ito's."""
    for colour in colours:
        low, high = sorted((luminance(colour), luminance(page)))
        assert (high + 0.05) / (low + 0.05) >= least, colour
    assert len(set(colours)) == len(COLOURS)


def test_roofs_are_labelled_and_points_placed(table, make_run, make_record):
    plot = roofline_panel(table, make_run([make_record()], "other").info.machine.peaks, 1)
    assert plot is not None
    labels = " ".join(guide.label for guide in plot.guides)
    assert "avx512 peak, 180 GFLOP/s" in labels
    assert "256 MiB working set, 11.0 GB/s" in labels.replace("\u00a0", " ")
    assert series(plot)["pytorch"].x[0] == pytest.approx(10)
    assert series(plot)["pytorch"].y[0] == pytest.approx(10_000 / 2100)


def test_there_is_no_roofline_without_speeds(table):
    assert roofline_panel(table[table["status"] != "passed"], None, 1) is None


def test_memory_is_the_sum_of_a_call_and_its_preparation(table):
    plot, *_ = memory_panels(table, "groups")
    assert series(plot)["pytorch"].y[0] == pytest.approx((8192 + 512) / 1024)
    assert "8.00 KiB in a call, 512 B prepared" in series(plot)["pytorch"].texts[0].replace("\u00a0", " ")


def test_a_single_point_is_centred_in_its_plot_between_ticks(make_record, make_run):
    for time in (1000.0, 1234.0, 8765.0):
        (plot,) = memory_panels(frame([make_run([make_record(rounds=[time] * 20)], f"lone {time}")]), None)
        (point,) = plot.series
        for axis, value in ((plot.x, point.x[0]), (plot.y, point.y[0])):
            assert value / axis.low == pytest.approx(axis.high / value)
            assert min(tick for tick, _ in axis.ticks) < value * 1.001
            assert max(tick for tick, _ in axis.ticks) > value * 0.999


def test_roofs_of_equal_height_share_one_label(table, make_run, make_record):
    peaks = make_run([make_record()], "other").info.machine.peaks
    equal = [peak.model_copy(update={"gflops": 100.0}) for peak in peaks.peaks]
    plot = roofline_panel(table, peaks.model_copy(update={"peaks": equal}), 1)
    assert plot is not None
    assert "avx2 peak and avx512 peak, 100 GFLOP/s" in [guide.label for guide in plot.guides]


def test_no_memory_is_drawn_as_one_page(make_record, make_run):
    record = make_record()
    memory = record.memory.model_copy(update={"peak_bytes": 0, "prepared_bytes": 0})
    table = frame([make_run([record.model_copy(update={"memory": memory})], "none")])
    (plot,) = memory_panels(table, "groups")
    assert series(plot)["pytorch"].y[0] == 4


@pytest.mark.parametrize("values", [[0.0, 1.0], [3.0], [0.0], [-2.0, 5.0], [81.2, 81.9], [1e-7, 3e-7]])
def test_a_linear_axis_has_a_few_round_ticks_around_its_values(values):
    axis = linear_axis("", values)
    ticks = [tick for tick, _ in axis.ticks]
    assert 2 <= len(ticks) <= 7
    assert axis.low < min(values)
    assert max(values) < axis.high
    assert all(axis.low <= tick <= axis.high for tick in ticks)


@pytest.mark.parametrize("values", [[1.0, 1000.0], [3.0], [0.002, 0.003]])
def test_a_logarithmic_axis_has_ticks_within_its_range(values):
    axis = log_axis("", values, padded=True)
    assert len(axis.ticks) >= 2
    assert all(axis.low <= tick <= axis.high for tick, _ in axis.ticks)


def test_axes_suit_the_implementations_that_are_shown_at_first(table):
    plot, *_ = latency_panels(table, "groups", ["pytorch"])
    assert 1.0 < plot.y.low < 2.1
    assert min(tick for tick, _ in plot.y.ticks) < 1.2, "for when the reader shows the others"
