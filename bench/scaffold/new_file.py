"""Writes the file of a new implementation."""

from collections.abc import Sequence
from keyword import iskeyword
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.workload import Workload
from bench.measure.operator_workload import OperatorWorkload
from bench.scaffold.baseline_copy import copied_source

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


def write_implementation(
    workload: str, name: str, path: Path | None = None, plugins: Sequence[str | Path] = ()
) -> Path:
    """Write the file of a new implementation and return its path.

    For an operator, the file calls the workload's reference; for a workload that trains, it is a copy of the baseline
    under another name.

    Args:
        workload: what the implementation computes.
        name: the implementation's name, and the file's.
        path: where to write; by default beside the workload if its folder is one of the ``plugins``, or if the current
            folder is the checkout that is running, else in the current folder.
        plugins: the user's files and folders, which may hold the workload or other implementations of it.

    Raises:
        UsageError: where the name is no Python identifier or is taken, the workload or its baseline does not exist, the
            file cannot be written, or a plug-in cannot be used.
    """
    specs = registry.implementations(plugins)
    definition = registry.workload(workload)
    if not name.isidentifier() or iskeyword(name) or name.startswith("_"):
        raise UsageError(f"{name!r} cannot name a Python file of an implementation; use letters, digits and _")
    by_name = {spec.name: spec for spec in specs if spec.workload == workload}
    path = path or _folder(workload, plugins) / f"{name}.py"
    if name in by_name or path.exists():
        raise UsageError(f"{workload} has an implementation {name} already, or {path} exists; choose another name")
    if isinstance(definition, OperatorWorkload):
        text = _reference_source(definition, workload, name)
    elif baseline := by_name.get(definition.baseline):
        text = copied_source(baseline, name, _class_name(name), package=type(definition).__module__.rpartition(".")[0])
    else:
        raise UsageError(f"{workload} has no implementation {definition.baseline}, its baseline, which would be copied")
    try:
        path.write_text(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    return path


def _folder(workload: str, plugins: Sequence[str | Path]) -> Path:
    """Return the folder beside the workload where it is the user's own, else the current one."""
    beside = registry.folder(workload).resolve()
    own = (Path("impls") / workload, *map(Path, plugins))
    return next((folder for folder in own if folder.resolve() == beside), Path())


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


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
