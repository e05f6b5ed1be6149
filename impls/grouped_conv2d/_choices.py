"""Tuning results in a JSON file: the best choice for each instruction set and case, and how it was found."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tvm

from bench.core.errors import UsageError
from bench.core.target import Target
from impls.grouped_conv2d._gspc import instruction_set
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase


class Choices:
    """The choices of a tuner, in one section for each instruction set (``avx512``, ``avx2`` ...).

    A section holds the machine, the settings of the tuning, and the choices by the slug of their case. A choice is any
    value that JSON can hold. ``how`` holds the settings that a reader of the file must know.
    """

    def __init__(self, file: Path, **how: Any) -> None:
        self.file = file
        self.how = how
        self.sections: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    def find(self, case: GroupedConv2dCase, isa: str) -> Any:
        """Return the choice for a case, or None."""
        return self.sections.get(isa, {}).get("cases", {}).get(case.slug)

    def found_on(self, isa: str) -> str:
        """Return the machine on which the choices for an instruction set were tuned."""
        return str(self.sections[isa]["machine"])

    def tuned(self, case: GroupedConv2dCase) -> bool:
        """Whether each of ``targets`` has a choice: before preparing, it is not known which one is meant."""
        return all(self.find(case, isa) for isa in targets())

    def store(self, case: GroupedConv2dCase, isa: str, choice: Any) -> None:
        """Add a choice and rewrite the file.

        Choices for the same instruction set that were tuned on another machine or with other settings are dropped.
        """
        settings = {"machine": machine(), "tvm": tvm.__version__, "threads": 1, **self.how}
        section = self.sections.get(isa, {})
        if {name: value for name, value in section.items() if name != "cases"} != settings:
            section = self.sections[isa] = settings | {"cases": {}}
        section["cases"][case.slug] = choice
        self.file.write_text(_to_json(self.sections))


def targets() -> dict[str, Target]:
    """Return a target with one core for each instruction set that this processor may be asked to run."""
    widest = Target("edge")
    by_isa = {instruction_set(widest): widest}
    return by_isa | {"avx2": Target("edge", "avx2")} if "avx512" in by_isa else by_isa


def tuning_options(description: str, default: str) -> argparse.ArgumentParser:
    """Return the command line of a tuner: which cases it tunes, and whether it tunes again; see ``cases_to_tune``."""
    parser = argparse.ArgumentParser(description=description)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--suite", choices=sorted(GroupedConv2d().suites()), help=f"default: {default}")
    source.add_argument(
        "--problem", action="append", type=_case, default=[], help="a case of your own in place of a suite's"
    )
    parser.add_argument("--again", action="store_true", help="also cases that have been tuned before")
    return parser


def cases_to_tune(options: argparse.Namespace, default: Sequence[GroupedConv2dCase]) -> Sequence[GroupedConv2dCase]:
    """Return the problems or the suite that the command line names, or ``default``."""
    if options.problem:
        return list(options.problem)
    return GroupedConv2d().suites()[options.suite] if options.suite else default


def _case(text: str) -> GroupedConv2dCase:
    try:
        return GroupedConv2dCase.from_text(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def machine() -> str:
    """Return the processor's own name, its name in LLVM and the number of cores."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown'}, {tvm.target.codegen.llvm_get_system_cpu()} to LLVM, {len(names)} cores"


def _to_json(sections: dict[str, Any]) -> str:
    """Format the sections with one case per line."""
    blocks = []
    for isa, section in sorted(sections.items()):
        head = [f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in section.items() if name != "cases"]
        cases = [f"      {json.dumps(slug)}: {json.dumps(choice)}" for slug, choice in section["cases"].items()]
        body = ",\n".join([*head, '    "cases": {\n' + ",\n".join(cases) + "\n    }"])
        blocks.append(f"  {json.dumps(isa)}: {{\n{body}\n  }}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"
