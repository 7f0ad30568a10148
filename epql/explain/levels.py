"""Where a clause in force came from (language.md: table > query > statement > …)."""

from __future__ import annotations

from typing import Any, NamedTuple

from epql.engine.index.declarations import Declared
from epql.nodes import LEVELLED, NO_CLAUSES, Clauses, Query
from epql.plan.diff import Side
from epql.plan.relations import Use

DEFAULTS = {
    "as_of": "NOW",
    "valid": "AT the AS OF instant",
    "lifecycle": "LIVE",
    "resolve": "LATEST",
}
"""What holds where no level says anything, as it would be written after the clause's words."""


def states_default(declared: Declared) -> tuple[str, str]:
    """The same for LIFECYCLE, and its level: a policy may stand behind it."""
    value = declared.policies.get("lifecycle")
    return (DEFAULTS["lifecycle"], "default") if value is None else (str(value).upper(), "policy")


class Standing(NamedTuple):
    """The clauses that stand around a statement."""

    transaction: Clauses = NO_CLAUSES
    session: Clauses = NO_CLAUSES


class Origins:
    """The levels of the clauses in a query's own text, known by what and where they are."""

    def __init__(self, query: Query, standing: Standing) -> None:
        self._standing = standing
        self._written: list[tuple[Any, str]] = _parts(query.clauses, "statement")
        for node in query.select.walk():
            clauses = node.meta.get("clauses", NO_CLAUSES)
            level = "table" if node.key == "table" else "query"
            self._written += _parts(clauses, level)

    def of(self, use: Use, name: str) -> tuple[Any, str]:
        """The clause of that name in force for a relation, and its level; None by default."""
        clause = getattr(use.clauses, name)
        if clause is not None:
            return clause, self.level(clause)
        if name in LEVELLED:
            for level, clauses in zip(Standing._fields, self._standing, strict=True):
                if getattr(clauses, name) is not None:
                    return getattr(clauses, name), level
        return None, "default"

    def level(self, clause: Any) -> str:
        """The level of a clause that is not a standing one; what is not in the text is a view's."""
        clause = clause.diff if isinstance(clause, Side) else clause
        return next((level for known, level in self._written if known == clause), "view")


def _parts(clauses: Clauses, level: str) -> list[tuple[Any, str]]:
    nodes = [getattr(clauses, name) for name in Clauses.__struct_fields__ if name != "purpose"]
    return [(node, level) for node in nodes if node is not None]
