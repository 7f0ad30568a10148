"""Bugs that are planted in the product while it runs, to see that a test notices (row R17).

The product knows nothing of this: a mutant replaces functions of it from outside. In a process of
tests' own `planted(name)` does so for a while; in a child it is EPQL_MUTANT=name, if its program
calls `plant_from_environment()`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

VARIABLE = "EPQL_MUTANT"

_MISSING = object()


class Planting:
    """What was replaced, and by what, so that it can be put back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def put(self, owner: Any, name: str, new: Any) -> None:
        """Replace an attribute of a class, a module or a function, there alone."""
        found = (
            vars(owner) if isinstance(owner, type | ModuleType) else {name: getattr(owner, name)}
        )
        old = found.get(name, _MISSING)
        setattr(owner, name, new)

        def undo() -> None:
            if old is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, old)

        self._undo.append(undo)

    def put_everywhere(self, old: Any, new: Any) -> None:
        """Replace a function in every module of the product that has imported it."""
        _exchange(old, new)
        self._undo.append(lambda: _exchange(new, old))

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            self._undo.pop()()


def _exchange(old: Any, new: Any) -> None:
    """Put one in the other's place in every module of the product."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "epql" and isinstance(module, ModuleType):
            for key, value in list(vars(module).items()):
                if value is old:
                    setattr(module, key, new)


@dataclass(frozen=True)
class Mutant:
    """A bug. `rule`: what it breaks; `caught_by`: tests, of which one at least must fail."""

    name: str
    rule: str
    what: str
    caught_by: tuple[str, ...]
    plant: Callable[[Planting], None]


MUTANTS: dict[str, Mutant] = {}
"""Every mutant by its name."""

Plant = Callable[[Planting], None]


def mutant(rule: str, what: str, *caught_by: str) -> Callable[[Plant], Plant]:
    """Make a mutant of a function that plants it, and is called after it.

    Shape: `caught_by` are pytest's names of tests, seen from the folder `tests`.
    """

    def make(plant: Plant) -> Plant:
        name = plant.__name__
        assert name not in MUTANTS, name
        MUTANTS[name] = Mutant(name, rule, what, caught_by, plant)
        return plant

    return make


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The product with a bug in it, for a while."""
    planting = Planting()
    try:
        MUTANTS[name].plant(planting)
        yield
    finally:
        planting.undo()


def plant_from_environment() -> None:
    """The bug that EPQL_MUTANT names, for good; none if it names none."""
    name = os.environ.get(VARIABLE)
    if name:
        MUTANTS[name].plant(Planting())


def products_of(package: str) -> dict[tuple[object, ...], object]:
    """Every function and class attribute of a package's loaded modules, by name; a class that
    several modules have imported is looked into once."""
    found: dict[tuple[object, ...], object] = {}
    classes: dict[type, None] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != package or not isinstance(module, ModuleType):
            continue
        for key, value in list(vars(module).items()):
            found[name, key] = value
            if isinstance(value, type):
                classes[value] = None
            else:
                found[name, key, "()"] = getattr(value, "__kwdefaults__", None)
    for one in classes:
        found |= {(one, key): value for key, value in list(vars(one).items())}
    return found
