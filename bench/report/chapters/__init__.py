"""The chapters of a report, a file each, in the order in which a page has them.

A chapter is imported when a report is written, and imports no other.
"""

import importlib
import inspect
from collections.abc import Iterable
from types import ModuleType

from bench.core import registry
from bench.core.errors import UsageError
from bench.report.chapter import Chapter, Report

BEFORE = ("recommendation", "comparison", "whole_models", "trained", "building")
"""Modules of the chapters before those that workloads bring."""
AFTER = ("figures", "results", "details", "setting", "reading")
"""Modules of the chapters after those."""


def chapters(report: Report) -> list[Chapter]:
    """Return the chapters of a report, in order: the project's own, and those of its workloads.

    Raises:
        UsageError: where a workload's chapter cannot be loaded.
    """
    workloads = dict.fromkeys(section.workload for section in report.sections)
    return [*_own(BEFORE), *(chapter for name in workloads for chapter in _of_workload(name)), *_own(AFTER)]


def _own(names: Iterable[str]) -> Iterable[Chapter]:
    for name in names:
        yield _chapter(importlib.import_module(f"{__name__}.{name}"))


def _of_workload(name: str) -> Iterable[Chapter]:
    try:
        workload = registry.workload(name)
    except UsageError:  # a workload that this checkout does not know
        return
    package = type(workload).__module__.rpartition(".")[0]
    for chapter in workload.chapters:
        try:
            yield _chapter(importlib.import_module(f"{package}._chapter_{chapter}"))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UsageError(f"chapter {chapter} of workload {name} cannot be loaded: {reason}") from error


def _chapter(module: ModuleType) -> Chapter:
    """Return the chapter that a module defines.

    Raises:
        TypeError: where it does not define exactly one.
    """
    classes = [
        member
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, Chapter) and member.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise TypeError(f"{module.__name__} must define one Chapter, not {len(classes)}")
    chapter: Chapter = classes[0]()
    return chapter
