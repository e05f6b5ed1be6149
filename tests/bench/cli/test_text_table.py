"""Tables of text: aligned and whole in a pipe, as wide as the terminal on one."""

from io import StringIO

import pytest
from rich.console import Console

from bench.cli.text_table import Printer, TextTable

TIMES = TextTable(
    ["implementation", "time", "verdict"],
    {
        "groups=8": [["native", "0.555\u00a0ms [0.550, 0.560]", "faster"], ["im2col", "", "cannot tell"]],
        "groups=16": [["native", "12.00\u00a0µs [11.00, 13.00]", "slower"]],
    },
    "case",
)
NOTES = TextTable(["implementation", "note"], {"": [["native", "it is " + "very " * 30 + "slow"]]}, prose=True)


def on_terminal(table: TextTable, width: int) -> str:
    file = StringIO()
    Printer(Console(file=file, width=width, force_terminal=True, color_system=None)).table(table)
    return file.getvalue()


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\u00a0", " ").splitlines()]


def test_in_a_pipe_every_row_is_a_line_that_names_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    Printer(None).table(TIMES)
    assert capsys.readouterr().out.splitlines() == [
        "implementation  case       time                     verdict",
        "native          groups=8   0.555 ms [0.550, 0.560]  faster",
        "im2col          groups=8   -                        cannot tell",
        "native          groups=16  12.00 µs [11.00, 13.00]  slower",
    ]


def test_in_a_pipe_nothing_is_cut_however_narrow_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    printer = Printer.for_stdout()
    printer.table(NOTES)
    printer.text("case: " + "cin=64," * 30)
    heading, row, sentence = capsys.readouterr().out.splitlines()
    assert (printer.plain, heading) == (True, "implementation  note")
    assert row == f"native          it is {'very ' * 30}slow"
    assert sentence == "case: " + "cin=64," * 30


def test_on_a_terminal_each_group_stands_above_its_rows() -> None:
    assert lines(on_terminal(TIMES, 80)) == [
        "  implementation  time                     verdict",
        "groups=8",
        "  native          0.555 ms [0.550, 0.560]  faster",
        "  im2col                                   cannot tell",
        "groups=16",
        "  native          12.00 µs [11.00, 13.00]  slower",
    ]


def test_on_a_narrow_terminal_intervals_stand_below_their_estimates() -> None:
    assert lines(on_terminal(TIMES, 48)) == [
        "  implementation  time            verdict",
        "groups=8",
        "  native          0.555 ms        faster",
        "                  [0.550, 0.560]",
        "  im2col                          cannot tell",
        "groups=16",
        "  native          12.00 µs        slower",
        "                  [11.00, 13.00]",
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_on_a_terminal_sentences_are_wrapped_in_their_column(width: int) -> None:
    wrapped = lines(on_terminal(NOTES, width))
    assert all(len(line) <= width for line in wrapped)
    assert all(line.startswith(" " * 16) for line in wrapped[2:])
    assert " ".join(line[16:] for line in wrapped[1:]).split() == NOTES.rows[0][1].split()


def test_verdicts_are_coloured_on_a_terminal_only() -> None:
    file = StringIO()
    Printer(Console(file=file, width=80, force_terminal=True, color_system="standard", no_color=False)).table(TIMES)
    assert "\x1b[32mfaster" in file.getvalue()
    assert "\x1b[31mslower" in file.getvalue()
    assert "\x1b" not in "".join(TIMES.plain_lines())
