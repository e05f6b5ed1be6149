"""Imports workloads and implementations. An implementation may crash, so that only worker processes import it."""

import importlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
from abc import ABCMeta
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import cast

from bench.core.implementation import Implementation
from bench.core.implementation_spec import ImplementationSpec
from bench.core.workload import Workload

_PLUGIN_PACKAGE = "featherbench_workload_"
"""Start of the name under which a plug-in folder is a package: a folder may be named like a library."""


def load_workload(source: str) -> Workload:
    """Import a module and return the workload that it defines.

    Args:
        source: the module's dotted name, or the absolute path of a plug-in folder's ``workload.py``. That folder
            becomes a package of this process, so that its files can import one another relatively.

    Raises:
        TypeError: where the module does not define exactly one.
    """
    path = Path(source)
    name = f"{_add_package(path.parent)}.{path.stem}" if path.is_absolute() else source
    return cast(Workload, _only_class(importlib.import_module(name), Workload)())


def workload_source(workload: Workload) -> str:
    """Return the ``source`` from which another process can load this workload."""
    module = type(workload).__module__
    return inspect.getfile(type(workload)) if module.startswith(_PLUGIN_PACKAGE) else module


def load(spec: ImplementationSpec) -> Implementation:
    """Import an implementation's file and return an instance of its class. Only worker processes may call this.

    If it lies in a plug-in folder, load the workload of that folder first.

    Raises:
        TypeError: as ``factory`` does.
    """
    return factory(spec)()


def factory(spec: ImplementationSpec) -> Callable[[], Implementation]:
    """Import an implementation's file and return a function that makes instances. Only worker processes may call this.

    An instance of a variant has the attributes that the class's ``variants`` gives it.

    Raises:
        TypeError: where the file does not define exactly one complete implementation, or the variant has an attribute
            that the class does not declare.
    """
    implementation_class = cast(type[Implementation], _only_class(_import(spec), Implementation))
    attributes = implementation_class.variants[spec.variant] if spec.variant else {}
    if undeclared := [name for name in attributes if not hasattr(implementation_class, name)]:
        raise TypeError(
            f"{spec.path}: variant {spec.variant} sets {', '.join(undeclared)}, which "
            f"{implementation_class.__name__} does not declare; give it a value in the class"
        )

    def create() -> Implementation:
        implementation = implementation_class()
        for name, value in attributes.items():
            setattr(implementation, name, value)
        return implementation

    return create


def import_distributions(names: Iterable[str]) -> list[str]:
    """Import the packages of distributions, as far as they are installed and can be imported.

    Only worker processes may call this.

    Returns:
        The names of the packages.
    """
    wanted = {_normalized(name) for name in names}
    owners = importlib.metadata.packages_distributions()
    packages = [package for package in owners if wanted & set(map(_normalized, owners[package]))]
    for package in packages:
        if package.isidentifier() and not package.startswith("_"):
            with suppress(Exception):  # The implementation that needs it will say what is wrong.
                importlib.import_module(package)
    return packages


def _normalized(name: str) -> str:
    """Return the normalised name of a distribution, by PyPA's specification of names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _import(spec: ImplementationSpec) -> ModuleType:
    if spec.module:
        return importlib.import_module(spec.module)
    # A file is often named after the library that it imports; under that name it would shadow the library.
    name = f"featherbench_plugin_{spec.name}"
    module_spec = importlib.util.spec_from_file_location(name, spec.path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    module_spec.loader.exec_module(module)
    return module


def _add_package(folder: Path) -> str:
    """Make a folder a package of this process, and return the package's name."""
    name = f"{_PLUGIN_PACKAGE}{folder.name}"
    if name in sys.modules and list(sys.modules[name].__path__) != [
        str(folder)
    ]:  # one of the same name was tried before
        for module in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
            del sys.modules[module]
    if name not in sys.modules:
        module_spec = ModuleSpec(name, None, is_package=True)
        module_spec.submodule_search_locations = [str(folder)]
        sys.modules[name] = importlib.util.module_from_spec(module_spec)
    return name


def _only_class(module: ModuleType, base: type) -> type:
    """Return the only complete subclass of ``base`` that ``module`` itself defines.

    Raises:
        TypeError: where it defines none or several.
    """
    classes = [
        member
        for member in vars(module).values()
        if isinstance(member, ABCMeta) and base in member.__mro__ and member.__module__ == module.__name__
    ]
    complete = [each for each in classes if not inspect.isabstract(each)]
    if len(complete) != 1:
        lacking = [f"{each.__name__} lacks {', '.join(sorted(each.__abstractmethods__))}" for each in classes]
        details = f": {'; '.join(lacking)}" if lacking and not complete else ""
        raise TypeError(f"{module.__file__} must define one complete {base.__name__}, not {len(complete)}{details}")
    return complete[0]
