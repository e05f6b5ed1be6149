"""Names of the project's code are the field's own words: none of those that once stood for them comes back.

``python tests/test_names.py`` lists every identifier with the number of places where it is introduced.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("bench", "impls", "reports", "tests")
NATIVE = (".cpp", ".hpp", ".cu", ".cuh")

RETIRED_IN_PYTHON = {
    "supports": "unsupported, which returns the reason",
    "unable": "unsupported, unavailable or missing",
    "absent": "missing",
    "only_forward": "unsupported_as_pointwise",
    "why_not_grouped": "unsupported_as_groups",
    "Sitting": "Session",
    "sitting": "session",
    "turn": "round, lock or generation",
    "Answer": "Output",
    "answer": "output",
    "telling": "with_facts",
    "FACTS": "FACTS_ATTRIBUTE",
    "weigh": "measure_memory",
    "settle": "release_memory",
    "rehearsal": "warmup_case",
    "confirm": "check_output",
    "hold": "block_stream",
    "Mark": "Event",
    "exposed": "launch_bound",
    "HELD_DOWN": "THROTTLE_REASONS",
    "Limits": "Peaks",
    "GpuLimits": "GpuPeaks",
    "Flow": "Bandwidth",
    "Allowance": "Budget",
    "Spending": "Budget",
    "inner": "calls_per_sample",
    "Split": "TimeBreakdown",
    "carry_out": "run_plan",
    "more_is_better": "higher_is_better",
    "BadUse": "UsageError",
    "CannotGoOn": "RunError",
    "Standing": "Ranking",
    "Trouble": "Failure",
    "Drawn": "SectionFigures",
    "Row": "Comparison",
    "Line": "TableRow",
    "Bands": "Tiling",
    "OUTPUTS": "BLOCK_M",
    "PIXELS": "BLOCK_N",
    "STAGE_WORDS": "BLOCK_K_WORDS",
    **dict.fromkeys(("found", "told", "here", "made", "one"), "the name of the thing"),
}
RETIRED_IN_NATIVE = {
    "PlaneProduct": "SparsePointwise",
    "Pattern": "CsrPattern",
    "turn": "interleave or generation",
    "Team": "ThreadPool",
    "breathe": "cpu_relax",
    "seal": "freeze",
    "Answers": "Epilogue",
    "Stage": "PixelLoader",
    "Rows": "RowLoader",
    "fetch": "load_global",
    "deposit": "store_shared",
    "OUTPUTS": "BLOCK_M",
    "PIXELS": "BLOCK_N",
    "WORDS": "BLOCK_K_WORDS",
    "narrowed": "from_float",
    "widened": "to_float",
    "Planes": "ImageLayout or StridedCopy",
    "exact": "simt",
}
"""Names that are not to be used, each with what stands in its place."""


def python_names(path: Path) -> Iterator[str]:
    """Yield every name that a Python file introduces: functions, classes, parameters, variables and attributes."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name


def native_names(path: Path) -> Iterator[str]:
    """Yield every identifier of a C++ or CUDA file, comments and text aside."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])'", " ", path.read_text(), flags=re.DOTALL)
    yield from re.findall(r"\b[A-Za-z_]\w*\b", code)


def names() -> Iterator[tuple[Path, str]]:
    """Yield each file of the project with each name in it, file by file."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix == ".py":
                yield from ((path, name) for name in python_names(path))
            elif path.suffix in NATIVE:
                yield from ((path, name) for name in native_names(path))


def test_no_retired_name_is_used() -> None:
    used = set()
    for path, name in names():
        retired = RETIRED_IN_NATIVE if path.suffix in NATIVE else RETIRED_IN_PYTHON
        if better := retired.get(name.strip("_")):
            used.add(f"{path.relative_to(ROOT)}: {name}, better {better}")
    assert sorted(used) == []


def test_names_of_all_kinds_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(
        "class A:\n    def b(self, c, *d):\n        self.e = f = 1\n        for g in h: import i as j\n"
        "match k:\n    case [l, *m]: pass\n    case {**n}: pass\n"
    )
    assert set(python_names(path)) == {"A", "b", "self", "c", "d", "e", "f", "g", "j", "l", "m", "n"}
    path = tmp_path / "code.cpp"
    path.write_text("int k = l(\"m\", '\"'); /* n\n */ int o = '\"';  // p\n")
    assert set(native_names(path)) == {"int", "k", "l", "o"}


if __name__ == "__main__":
    for name, count in sorted(Counter(name for _, name in names()).items()):
        print(count, name)
