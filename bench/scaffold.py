"""``featherbench new``: a first version of an implementation: right but slow, or a model to change."""

import ast
import importlib
import re
from keyword import iskeyword
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from bench.core import registry
from bench.core.errors import BadUse
from bench.core.workload import Workload
from bench.measure.correctness import OperatorWorkload

_TEMPLATE = '''"""{{ name }}: say here what it is."""

# Import your libraries up here, not in prepare: else their memory is counted as what prepare leaves behind.
from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.correctness import Answer
from {{ module }} import {{ workload_class }}, {{ case_class }}


class {{ class_name }}(Implementation):
    """Say in one line what it is; featherbench list shows it."""

    workload = "{{ workload }}"
    requires = ("numpy",)
    # targets = ("cuda",) for a GPU: CONTRIBUTING.md says what is different there
    note = "Say what is inside the timed call and what is not."

    def supports(self, case: {{ case_class }}) -> str | None:
        return None  # or, where a case cannot be run, the reason why

    def prepare(self, problem: Problem, target: Target) -> Call:
        # What the problem holds, and what the answer is, stands in {{ workload_class }}'s docstring.
        # Here, untimed: pack problem.constants, compile, choose a kernel.
        slow_but_right = {{ workload_class }}()

        def call() -> Answer:
            # Here, timed: your kernel. Read problem.inputs anew each time, and do not write to them.
            return slow_but_right.slow_answer(problem)

        return call
'''


def write(workload: str, name: str, path: Path | None = None) -> Path:
    """Write the file: in ``impls/<workload>/`` where one stands in the checkout that is running, or else right here.

    Of an operator it calls the workload's reference; of a workload that trains it is the baseline under another name.
    Raises BadUse where the name is no Python identifier, is taken, or the file cannot be written.
    """
    found = registry.workload(workload)
    if not name.isidentifier() or iskeyword(name) or name.startswith("_"):
        raise BadUse(f"{name!r} cannot name a Python file of an implementation; use letters, digits and _")
    taken = {entry.name for entry in registry.implementations() if entry.workload == workload}
    folder = Path("impls") / workload
    running = Path(importlib.import_module(type(found).__module__).__file__ or "").parent
    path = path or (folder if folder.resolve() == running.resolve() else Path()) / f"{name}.py"
    if name in taken or path.exists():
        raise BadUse(f"{workload} has an implementation {name} already, or {path} exists; choose another name")
    make = _of_reference if isinstance(found, OperatorWorkload) else _of_baseline
    text = make(found, workload, name)
    try:
        path.write_text(text)
    except OSError as error:
        raise BadUse(f"cannot write {path}: {error.strerror}") from None
    return path


def _of_reference(workload: Workload, workload_name: str, name: str) -> str:
    return (
        Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # Python, not HTML
        .from_string(_TEMPLATE)
        .render(
            name=name,
            workload=workload_name,
            module=type(workload).__module__,
            workload_class=type(workload).__name__,
            case_class=workload.case_type.__name__,
            class_name=_class_name(name),
        )
    )


def _of_baseline(workload: Workload, workload_name: str, name: str) -> str:
    """The baseline's source, with its classes named anew, and the first docstrings still to be written."""
    entries = registry.implementations()
    (baseline,) = (entry for entry in entries if (entry.workload, entry.name) == (workload_name, workload.baseline))
    text = Path(baseline.path).read_text()
    tree = ast.parse(text)
    old = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    for documented, words in (
        (tree, f"{name}: say here what it is."),
        (old, "Say in one line what it is; featherbench list shows it."),
    ):
        text = text.replace(f'"""{ast.get_docstring(documented)}"""', f'"""{words}"""', 1)
    for made in (node.name for node in tree.body if isinstance(node, ast.ClassDef)):
        if made.startswith(old.name):  # it, or a class named after it
            text = re.sub(rf"\b{made}\b", _class_name(name) + made.removeprefix(old.name), text)
    return text


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
