"""Planted bugs, by area: each breaks one promise, and names the tests that notice (row R17)."""

from tests.crash.mutants import durability, files, index, journal, witnesses
from tests.crash.mutants.planting import (
    MUTANTS,
    VARIABLE,
    Mutant,
    plant_from_environment,
    planted,
)

AREAS = (files, durability, journal, witnesses, index)
"""The modules that hold them, in the order of the table."""

__all__ = ["AREAS", "MUTANTS", "VARIABLE", "Mutant", "plant_from_environment", "planted"]
