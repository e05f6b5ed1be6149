"""The knobs that ``_tune_gspc`` found best, stored beside this file by instruction set and case."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tvm

from bench.core.target import Target
from impls.grouped_conv2d._gspc import Knobs, instruction_set
from impls.grouped_conv2d.workload import GroupedConv2dCase

FILE = Path(__file__).with_name("tvm_gspc_tuned.json")
COMMAND = "python -m impls.grouped_conv2d._tune_gspc --suite"


class Choices:
    """Sections ``avx512``, ``avx2`` ... each with where it was tuned and, by the case's slug, the knobs."""

    def __init__(self, file: Path = FILE) -> None:
        self.file = file
        self.sections: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    def find(self, case: GroupedConv2dCase, isa: str) -> Knobs | None:
        found = self.sections.get(isa, {}).get("cases", {}).get(case.slug)
        return Knobs(**found) if found else None

    def store(self, case: GroupedConv2dCase, isa: str, knobs: Knobs) -> None:
        """Write the file anew. What was tuned elsewhere for the same instruction set is dropped."""
        tuned = {"machine": machine(), "tvm": tvm.__version__, "threads": 1}
        section = self.sections.get(isa, {})
        if {name: section.get(name) for name in tuned} != tuned:
            section = self.sections[isa] = tuned | {"cases": {}}
        section["cases"][case.slug] = asdict(knobs)
        self.file.write_text(_one_case_a_line(self.sections))


def targets() -> dict[str, Target]:
    """One target, of one core, for each instruction set that this processor may be asked to run."""
    widest = Target("edge")
    found = {instruction_set(widest): widest}
    return found | {"avx2": Target("edge", "avx2")} if "avx512" in found else found


def machine() -> str:
    """The processor, by its own name and by LLVM's."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown'}, {tvm.target.codegen.llvm_get_system_cpu()} to LLVM, {len(names)} cores"


def _one_case_a_line(sections: dict[str, Any]) -> str:
    blocks = []
    for isa, section in sorted(sections.items()):
        head = [f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in section.items() if name != "cases"]
        cases = [f"      {json.dumps(slug)}: {json.dumps(knobs)}" for slug, knobs in section["cases"].items()]
        body = ",\n".join([*head, '    "cases": {\n' + ",\n".join(cases) + "\n    }"])
        blocks.append(f"  {json.dumps(isa)}: {{\n{body}\n  }}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"
