"""Prints the totals of a model whose layers a run has measured."""

from bench.cli.text_table import Printer, TextTable
from bench.report.units import counted, number
from bench.report.whole_model import WholeModel
from bench.report.whole_model_table import choices_text, model_table


def print_whole_model(printer: Printer, whole: WholeModel) -> None:
    """Print a line for each implementation that computes all layers and one for the best mix, then the others."""
    layers = f"{counted(len(whole.model.layers), 'layer')}, {whole.distinct_layers} distinct"
    macs = "" if whole.macs is None else f", {number(whole.macs / 1e6)} million MACs"
    printer.text(f"{whole.model.source}: {layers}{macs}", "bold")
    table = model_table(whole)
    summed = {total.name for total in (*whole.totals, whole.mix) if total and total.latency}
    rows = [
        [f"{cell.text} [{cell.aside.replace(' to ', ', ')}]" if cell.aside else cell.text for cell in line]
        for line in table.lines
        if line[0].text in summed
    ]
    if rows:
        printer.table(TextTable([column.heading for column in table.columns], {"": rows}))
    if whole.remark:
        printer.text(whole.remark)
    for total in whole.totals:
        if not total.latency:
            printer.text(f"{total.name}: {total.passed_layers} of {len(whole.model.layers)} layers; {total.reason}")
    if choices := choices_text(whole):
        printer.text(
            f"best mix: {choices}; it is picked by the times that it sums, so it looks slightly better than it is"
        )
    printer.text("the sums leave out what lies between the layers")
