"""The entry point of the command line: all commands by name, and errors as exit statuses."""

import logging
import sys

import typer
import typer.exceptions

from bench.cli import build, compare, data, doctor, listing, new, pack, paper, profile, report, run
from bench.core.errors import RunError, UsageError

INTERRUPTED = 130
"""Exit status after Ctrl-C, the same as in shells."""

app = typer.Typer(
    name="featherbench",
    help=(
        "Measure implementations of neural-network operators side by side on this machine: how fast they are, how much "
        "memory they take, and whether their outputs are correct. To start: list, then run, then report."
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("list", epilog="Example: featherbench list --json")(listing.list_)
app.command("run", epilog="Example: featherbench run grouped_conv2d --impl pytorch,im2col --case groups=16")(run.run)
app.command("build", epilog="Example: featherbench build image_classification --suite quick --jobs 2")(build.build)
app.command("profile", epilog="Example: featherbench profile network_inference --impl native,onnxruntime")(
    profile.profile
)
app.command("compare", epilog="Example: featherbench compare latest --baseline pytorch --fail-if-slower 5%")(
    compare.compare
)
app.command("report", epilog="Example: featherbench report latest --output report.html")(report.report)
app.command("paper", epilog="Example: featherbench paper all --from results/reference")(paper.paper)
app.command("doctor", epilog="Example: featherbench doctor --pairs 100")(doctor.doctor)
app.command("new", epilog="Example: featherbench new grouped_conv2d my_kernel")(new.new)
app.command("pack", epilog="Example: featherbench pack latest")(pack.pack)
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line.

    Exit status: 0 for success, 1 where something failed, 2 for wrong use, 3 where a threshold was missed, 130 after
    Ctrl-C.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False, prog_name="featherbench")
    except UsageError as error:
        sys.exit(_print_error(str(error), 2))
    except typer.exceptions.TyperException as error:
        sys.exit(_print_error(error.format_message(), 2))
    except RunError as error:
        sys.exit(_print_error(str(error), 1))
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:
        _print_error("stopped; finished work is kept: repeat the command to continue, run with --resume", status)
    sys.exit(status or 0)


def _print_error(text: str, status: int) -> int:
    print(f"featherbench: {' '.join(text.split())}", file=sys.stderr)
    return status
