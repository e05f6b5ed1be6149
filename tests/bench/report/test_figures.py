"""What the figures show."""

import pytest
from plotly.graph_objects import Figure

from bench.core.record import Status
from bench.report.figures import latency_figures, memory_figures
from bench.report.frame import frame
from bench.report.palette import SYMBOLS, styles
from bench.report.roofline import roofline_figure


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


@pytest.fixture
def palette(table):
    return styles(table["implementation"])


def traces(figure: Figure) -> dict[str, object]:
    return {trace.name: trace for trace in figure.data if trace.name}


def test_there_is_a_latency_panel_for_each_shape(table, palette):
    figures = latency_figures(table, "groups", palette)
    assert [figure.layout.meta for figure in figures] == ["cin 64", "cin 128"]
    line = traces(figures[0])["pytorch"]
    assert list(line.x) == [1, 4]
    assert list(line.y) == pytest.approx([2.1, 8.1])
    assert line.error_y.array[0] == pytest.approx(0.1)
    assert figures[0].layout.yaxis.title.text == "latency, µs a call"
    assert {figures[0].layout.xaxis.type, figures[0].layout.yaxis.type} == {"log"}


def test_there_is_no_latency_figure_for_a_single_value(table, palette):
    assert latency_figures(table[table["groups"] == 1], "groups", palette) == []


def test_names_are_escaped_for_plotly(table, palette):
    for figure in (*latency_figures(table, "groups", palette), *memory_figures(table, "groups", palette)):
        trace = traces(figure)["&lt;b&gt;mine&lt;/b&gt;"]
        assert "&lt;b&gt;mine" in trace.customdata[0]


def test_an_implementation_looks_alike_everywhere(table, palette):
    roofline = roofline_figure(table, None, 1, palette)
    assert roofline is not None
    drawn = [traces(f)["pytorch"] for f in (*latency_figures(table, "groups", palette), roofline)]
    drawn += [traces(f)["pytorch"] for f in memory_figures(table, None, palette)]
    assert {(trace.marker.color, trace.marker.symbol) for trace in drawn} == {palette["pytorch"][:2]}


def test_styles_differ_in_colour_and_symbol():
    all_styles = styles(f"implementation {i}" for i in range(88))
    assert len({style[:2] for style in all_styles.values()}) == 88
    few = list(all_styles.values())[: len(SYMBOLS)]
    assert len({style.symbol for style in few}) == len(few)


def test_roofs_are_labelled_and_points_placed(table, palette, make_run, make_record):
    figure = roofline_figure(table, make_run([make_record()], "other").info.machine.peaks, 1, palette)
    assert figure is not None
    labels = " ".join(note.text for note in figure.layout.annotations)
    assert "avx512 peak, 180 GFLOP/s" in labels
    assert "256 MiB working set, 11.0 GB/s" in labels.replace("\u00a0", " ")
    assert traces(figure)["pytorch"].x[0] == pytest.approx(10)
    assert traces(figure)["pytorch"].y[0] == pytest.approx(10_000 / 2100)


def test_there_is_no_roofline_without_speeds(table, palette):
    assert roofline_figure(table[table["status"] != "passed"], None, 1, palette) is None


def test_memory_is_the_sum_of_a_call_and_its_preparation(table, palette):
    figure, *_ = memory_figures(table, "groups", palette)
    assert traces(figure)["pytorch"].y[0] == pytest.approx((8192 + 512) / 1024)
    assert "8.00 KiB in a call, 512 B prepared" in traces(figure)["pytorch"].customdata[0].replace("\u00a0", " ")


def test_a_single_point_is_centred_in_its_panel_between_ticks(make_record, make_run, palette):
    for time in (1000.0, 1234.0, 8765.0):
        (figure,) = memory_figures(frame([make_run([make_record(rounds=[time] * 20)], f"lone {time}")]), None, palette)
        (point,) = figure.data[1:]
        for axis, value in ((figure.layout.xaxis, point.x[0]), (figure.layout.yaxis, point.y[0])):
            low, high = (10**end for end in axis.range)
            assert value / low == pytest.approx(high / value)
            shown = [tick for tick in axis.tickvals if low < tick < high]
            assert min(shown) < value * 1.001
            assert max(shown) > value * 0.999


def test_roofs_of_equal_height_share_one_label(table, palette, make_run, make_record):
    peaks = make_run([make_record()], "other").info.machine.peaks
    equal = [peak.model_copy(update={"gflops": 100.0}) for peak in peaks.peaks]
    figure = roofline_figure(table, peaks.model_copy(update={"peaks": equal}), 1, palette)
    assert figure is not None
    assert "avx2 peak and avx512 peak, 100 GFLOP/s" in [note.text for note in figure.layout.annotations]


def test_no_memory_is_drawn_as_one_page(make_record, make_run, palette):
    record = make_record()
    memory = record.memory.model_copy(update={"peak_bytes": 0, "prepared_bytes": 0})
    table = frame([make_run([record.model_copy(update={"memory": memory})], "none")])
    (figure,) = memory_figures(table, "groups", palette)
    assert traces(figure)["pytorch"].y[0] == 4
