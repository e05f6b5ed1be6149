"""Prints the totals of a model whose layers a run has measured."""

from bench.cli.text_table import Printer, TextTable
from bench.report.units import counted, number
from bench.report.whole_model import WholeModel
from bench.report.whole_model_table import choices_text, model_table


def print_whole_model(printer: Printer, whole: WholeModel) -> None:
    """Print a line for each implementation and one for the best mix, and what the mix consists of."""
    layers = f"{counted(len(whole.model.layers), 'layer')}, {whole.distinct_layers} distinct"
    printer.text(f"{whole.model.source}: {layers}, {number(whole.macs / 1e6)} million MACs", "bold")
    table = model_table(whole)
    rows = [[f"{cell.text} [{cell.aside}]" if cell.aside else cell.text for cell in line] for line in table.lines]
    printer.table(TextTable([column.heading for column in table.columns], {"": rows}))
    if choices := choices_text(whole):
        printer.text(f"best mix: {choices}; the sums leave out what lies between the layers")
