"""``featherbench new``: the first version of an implementation, right but slow, or a model to change."""

import ast
import re
from keyword import iskeyword
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from bench.core import registry
from bench.core.class_source import read_class
from bench.core.errors import UsageError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.workload import Workload
from bench.measure.operator_workload import OperatorWorkload

_TEMPLATE = '''"""{{ name }}: say here what it is."""

# Import your libraries up here, not in prepare: else their memory is counted as what prepare leaves behind.
from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.outputs import Output
from {{ module }} import {{ workload_class }}, {{ case_class }}


class {{ class_name }}(Implementation):
    """Say in one line what it is; featherbench list shows it."""

    workload = "{{ workload }}"
    requires = ("numpy",)
    # targets = ("cuda",) for a GPU: docs/implementations.md says what is different there
    # tile = 4, and variants = {"small": {}, "large": {"tile": 16}}: two implementations that differ in self.tile
    note = "Say what is inside the timed call and what is not."

    def unsupported(self, case: {{ case_class }}) -> str | None:
        return None  # or, where a case cannot be run, the reason why

    def prepare(self, problem: Problem, target: Target) -> Call:
        # What the problem holds, and what the output is, stands in {{ workload_class }}'s docstring.
        # Here, untimed: pack problem.constants, compile, choose a kernel.
        slow_but_right = {{ workload_class }}()

        def call() -> Output:
            # Here, timed: your kernel. Read problem.inputs anew each time, and do not write to them.
            return slow_but_right.reference_output(problem)

        return call
'''


def write(workload: str, name: str, path: Path | None = None) -> Path:
    """Write the file of a new implementation and return its path.

    For an operator, the file calls the workload's reference; for a workload that trains, it is a copy of the baseline
    under another name.

    Args:
        workload: what the implementation computes.
        name: the implementation's name, and the file's.
        path: where to write; by default in ``impls/<workload>/`` if the current folder is the checkout that is running,
            else in the current folder.

    Raises:
        UsageError: where the name is no Python identifier or is taken, or the file cannot be written.
    """
    definition = registry.workload(workload)
    if not name.isidentifier() or iskeyword(name) or name.startswith("_"):
        raise UsageError(f"{name!r} cannot name a Python file of an implementation; use letters, digits and _")
    taken = {spec.name for spec in registry.implementations() if spec.workload == workload}
    folder = Path("impls") / workload
    path = path or (folder if folder.resolve() == registry.folder(workload).resolve() else Path()) / f"{name}.py"
    if name in taken or path.exists():
        raise UsageError(f"{workload} has an implementation {name} already, or {path} exists; choose another name")
    source = _reference_source if isinstance(definition, OperatorWorkload) else _baseline_source
    text = source(definition, workload, name)
    try:
        path.write_text(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    return path


def _reference_source(workload: Workload, workload_name: str, name: str) -> str:
    """Return the source of an implementation that calls the workload's reference."""
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


def _baseline_source(workload: Workload, workload_name: str, name: str) -> str:
    """Return the baseline's source with its classes renamed, without its paper; its first docstrings are to be written.

    Where it is one of several variants, the source has no variants, and the attributes of that one.
    """
    specs = registry.implementations()
    (baseline,) = (spec for spec in specs if (spec.workload, spec.name) == (workload_name, workload.baseline))
    text = Path(baseline.path).read_text()
    tree = ast.parse(text)
    baseline_class = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    if baseline.variant:
        text = _with_attributes_of(baseline, text, baseline_class)
    for documented, placeholder in (
        (tree, f"{name}: say here what it is."),
        (baseline_class, "Say in one line what it is; featherbench list shows it."),
    ):
        text = text.replace(f'"""{ast.get_docstring(documented)}"""', f'"""{placeholder}"""', 1)
    text = re.sub(r"^    paper = .*\n", "", text, count=1, flags=re.MULTILINE)
    for class_name in (node.name for node in tree.body if isinstance(node, ast.ClassDef)):
        if class_name.startswith(baseline_class.name):  # the baseline's class, or a class named after it
            new_class_name = _class_name(name) + class_name.removeprefix(baseline_class.name)
            text = re.sub(rf"\b{class_name}\b", new_class_name, text)
    return text


def _with_attributes_of(spec: ImplementationSpec, text: str, class_node: ast.ClassDef) -> str:
    """Replace the class's ``variants`` by the attributes of the variant that ``spec`` is."""
    source = read_class(Path(spec.path))
    assert source is not None
    assert spec.variant is not None
    overrides = source.variants[spec.variant]
    statements = (ast.get_source_segment(text, statement) or "" for statement in class_node.body)
    variants = next(statement for statement in statements if statement.startswith("variants"))
    return text.replace(
        f"    {variants}\n", "".join(f"    {name} = {value!r}\n" for name, value in overrides.items()), 1
    )


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
