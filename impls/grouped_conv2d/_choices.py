"""What a tuner found best, in a JSON file: by instruction set and case, with where and how it was found."""

import json
from pathlib import Path
from typing import Any

import tvm

from bench.core.target import Target
from impls.grouped_conv2d._gspc import instruction_set
from impls.grouped_conv2d.workload import GroupedConv2dCase


class Choices:
    """Sections ``avx512``, ``avx2`` ... each with where and how it was tuned and, by the case's slug, the choices.

    A choice is whatever JSON can hold. ``how`` says what else a reader must know of the tuning.
    """

    def __init__(self, file: Path, **how: Any) -> None:
        self.file = file
        self.how = how
        self.sections: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    def find(self, case: GroupedConv2dCase, isa: str) -> Any:
        """The choice, or None."""
        return self.sections.get(isa, {}).get("cases", {}).get(case.slug)

    def found_on(self, isa: str) -> str:
        """The machine on which the choices for an instruction set were tuned."""
        return str(self.sections[isa]["machine"])

    def tuned(self, case: GroupedConv2dCase) -> bool:
        """Whether there is a choice for all of ``targets``: which of them is meant is not known before preparing."""
        return all(self.find(case, isa) for isa in targets())

    def store(self, case: GroupedConv2dCase, isa: str, choice: Any) -> None:
        """Write the file anew. What was tuned elsewhere or otherwise for the same instruction set is dropped."""
        tuned = {"machine": machine(), "tvm": tvm.__version__, "threads": 1, **self.how}
        section = self.sections.get(isa, {})
        if {name: value for name, value in section.items() if name != "cases"} != tuned:
            section = self.sections[isa] = tuned | {"cases": {}}
        section["cases"][case.slug] = choice
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
        cases = [f"      {json.dumps(slug)}: {json.dumps(choice)}" for slug, choice in section["cases"].items()]
        body = ",\n".join([*head, '    "cases": {\n' + ",\n".join(cases) + "\n    }"])
        blocks.append(f"  {json.dumps(isa)}: {{\n{body}\n  }}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"
