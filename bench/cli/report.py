"""``featherbench report`` writes runs as an HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from bench import store
from bench.cli.options import Plugins, Results
from bench.core import registry
from bench.core.errors import UsageError


def report(
    run: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Runs, each given by its name, its folder, or latest; or a FILE.json that pytest --benchmark-json "
            "wrote. Default: latest.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write. Default: reports/build/<run>.html")
    ] = None,
    axis: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Parameter on the horizontal axis of figures of time, such as groups. Default: that of the workload.",
        ),
    ] = None,
    plugin: Plugins = None,
    results: Results = store.LOCAL,
) -> None:
    """Write a report of one or more runs as a single HTML file.

    The file works offline and can be printed.
    """
    from bench.frontends.pytest.reader import read
    from bench.report.html import write_report  # pandas is slow to import, and only needed here

    registry.register(plugin or ())
    names = run or ["latest"]
    runs = [read(Path(name), results) if name.endswith(".json") else store.find(name, results) for name in names]
    path = output or Path("reports/build") / f"{runs[-1].name}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = write_report(runs, path, axis)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another file with --output") from None
    print(f"report: {written.resolve()}")
