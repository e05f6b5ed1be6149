"""``featherbench list`` prints workloads, suites, implementations and targets."""

import json
from collections.abc import Sequence

from bench import environments
from bench.cli.options import Json, Plugins
from bench.cli.text_table import Printer, TextTable
from bench.core import registry
from bench.core.implementation_spec import ImplementationSpec
from bench.core.target import NAMES, Target


def list_(plugin: Plugins = None, as_json: Json = False) -> None:
    """List workloads, implementations and targets.

    The list also shows the suites of each workload and what is unavailable on this machine.
    """
    specs = registry.implementations(plugin or ())
    targets = {name: Target.parse(name).unavailable() for name in NAMES}
    if as_json:
        return print(json.dumps(_listing(specs, targets), indent=2))
    printer = Printer.for_stdout()
    for table in (_workloads(), _implementations(specs)):
        printer.table(table)
        printer.text()
    for spec in specs:
        if spec.workload not in registry.workloads():
            printer.text(f"{spec.path} cannot be used: it names no known workload")
    rows = [(name, reason or "available") for name, reason in targets.items()]
    return printer.table(TextTable(["target", "on this machine"], {"": rows}, prose=True))


def _listing(specs: Sequence[ImplementationSpec], targets: dict[str, str | None]) -> dict[str, object]:
    """Return all of it as what JSON can hold."""
    return {
        "workloads": {
            name: {
                "title": workload.title,
                "suites": {suite: len(cases) for suite, cases in workload.suites().items()},
                "implementations": {
                    spec.name: {
                        "summary": spec.summary,
                        "paper": spec.paper or None,
                        "targets": spec.targets,
                        "environment": spec.environment,
                        "unavailable": spec.missing() or environments.missing(spec),
                    }
                    for spec in specs
                    if spec.workload == name
                },
            }
            for name, workload in registry.workloads().items()
        },
        "targets": targets,
    }


def _workloads() -> TextTable:
    rows = []
    for name, workload in registry.workloads().items():
        suites = ", ".join(f"{suite} ({len(cases)})" for suite, cases in workload.suites().items())
        rows.append((name, workload.baseline, f"{workload.title}; suites: {suites}"))
    return TextTable(["workload", "baseline", "title, and suites with numbers of cases"], {"": rows}, prose=True)


def _implementations(specs: Sequence[ImplementationSpec]) -> TextTable:
    """Return the table of implementations by workload; with the paper and what is missing."""
    groups = {
        name: [
            (
                spec.name,
                ",".join(spec.targets),
                "; ".join(filter(None, [spec.summary.rstrip("."), spec.paper, _availability(spec)])),
            )
            for spec in specs
            if spec.workload == name
        ]
        for name in registry.workloads()
    }
    return TextTable(["implementation", "targets", "summary"], groups, "workload", prose=True)


def _availability(spec: ImplementationSpec) -> str | None:
    """Return what has to be installed first, or that its own environment is there; None where it needs neither."""
    if missing := spec.missing() or environments.missing(spec):
        return missing
    return f"its environment is installed: {environments.packages(spec.environment)}" if spec.environment else None
