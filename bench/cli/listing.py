"""``featherbench list``."""

import json

from bench.cli.options import Json, Plugins
from bench.core import registry
from bench.core.implementation import Implementation
from bench.core.target import NAMES, Target


def list_(plugin: Plugins = None, as_json: Json = False) -> None:
    """List workloads, suites, implementations (with what is missing) and targets."""
    entries = registry.implementations(plugin or ())
    targets = {name: Target.parse(name).unavailable() for name in NAMES}
    listing = {
        "workloads": {
            name: {
                "title": workload.title,
                "suites": {suite: len(cases) for suite, cases in workload.suites().items()},
                "implementations": {
                    entry.name: {"summary": entry.summary, "targets": entry.targets, "unavailable": entry.missing()}
                    for entry in entries
                    if entry.workload == name
                },
            }
            for name, workload in registry.workloads().items()
        },
        "targets": targets,
    }
    if as_json:
        return print(json.dumps(listing, indent=2))
    name_width = max(len(entry.name) for entry in entries) + 2
    for name, workload in registry.workloads().items():
        print(f"{name}: {workload.title}")
        print("  suites: " + ", ".join(f"{suite} ({len(cases)} cases)" for suite, cases in workload.suites().items()))
        for entry in entries:
            if entry.workload == name:
                targets_text = "" if entry.targets == Implementation.targets else f" [{', '.join(entry.targets)}]"
                missing = f" ({entry.missing()})" if entry.missing() else ""
                print(f"  {entry.name:{name_width}}{entry.summary}{targets_text}{missing}")
    for entry in entries:
        if entry.workload not in registry.workloads():
            print(f"{entry.path} cannot be used: it names no known workload")
    for target, reason in targets.items():
        print(f"target {target}: {reason or 'available'}")
    return None
