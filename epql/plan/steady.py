"""Clauses that say the same at each execution, but for the number in AS OF TX ?."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from sqlglot import exp

from epql.nodes import AsOf, Bind, Clauses

Number = Callable[[tuple[Any, ...]], Any]
"""Gives the number of a transaction out of the parameters, if it is one."""


def is_steady(clauses: Clauses) -> bool:
    """Whether clauses are no more than AS OF TX, literal states and RESOLVE BY."""
    if clauses.valid is not None or clauses.diff is not None or clauses.history is not None:
        return False
    states = () if clauses.lifecycle is None else clauses.lifecycle.states
    if not all(isinstance(state, exp.Literal) for state in states):
        return False
    return clauses.as_of is None or transaction(clauses.as_of) is not None


def transaction(as_of: AsOf) -> Number | None:
    """What gives the number in AS OF TX 5 or TX ?; None for any other AS OF."""
    instant = as_of.instant
    if instant.base != "tx" or instant.shift or as_of.before:
        return None
    if isinstance(instant.value, Bind):
        return itemgetter(instant.value.this)
    if isinstance(instant.value, exp.Literal) and str(instant.value.this).isdecimal():
        number = int(instant.value.this)
        return lambda _: number
    return None
