"""EXPLAIN: how a query is understood, without running it.

instant  what each time in a clause became: the instant in the session's zone, and the commit
clause   what each relation is read at, and which level said so
plan     SQLite's plan, with the relations in words (engine/vtab/access.py); whether it is fused
sql      what runs through the virtual tables; :n_0s0, :n_0s1 … are the scopes of the relations
sqlite   SQLite's plan in its own words
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from epql.engine.index.snapshot import Snapshot, Window
from epql.engine.lifecycle import NAME
from epql.engine.vtab.context import Scope
from epql.explain.instants import Instants, names_of
from epql.explain.levels import DEFAULTS, Origins, states_default
from epql.explain.tree import drawn, in_short
from epql.explain.written import Writer
from epql.nodes import LABELS, LEVELLED
from epql.plan.compile import Plan
from epql.plan.diff import Side
from epql.plan.relations import Use
from epql.plan.scope import Resolver
from epql.queries import Prepared

FUSED = "fused: all of it straight over the index"
COLUMNS = ("section", "step", "detail")
SQLITE_COLUMNS = ("id", "parent", "notused", "detail")

Row = tuple[Any, ...]


class Line(NamedTuple):
    """A row of the answer."""

    section: str
    step: str
    detail: str


class Explained:
    """What EXPLAIN has to tell of one query."""

    def __init__(
        self,
        plan: Plan,
        prepared: Prepared,
        resolver: Resolver,
        origins: Origins,
        *,
        is_fused: bool,
    ) -> None:
        self._plan = plan
        self._is_fused = is_fused
        self._prepared = prepared
        self._resolver = resolver
        self._origins = origins
        self._writer = Writer(resolver)

    def rows(self) -> list[tuple[str, ...]]:
        """All rows, section by section."""
        return [tuple(line) for line in self._lines()]

    def _lines(self) -> list[Line]:
        lines = [Line("instant", "NOW", self._writer.moment(self._resolver.present))]
        known = Instants(self._writer, self._resolver, self._origins)
        found = known.of(self._plan, self._prepared.scopes)
        lines += dict.fromkeys(Line("instant", one.text, one.meaning) for one in found)
        lines += self._clauses()
        lines += [Line("plan", "", line) for line in in_short(self._prepared.plan)]
        if self._is_fused:
            lines.append(Line("plan", "", FUSED))
        lines.append(Line("sql", "", self._plan.sql))
        lines += [Line("sqlite", "", line) for line in drawn(self._prepared.plan)]
        return lines

    # ------------------------------------------------------------ clauses

    def _clauses(self) -> Iterator[Line]:
        compared = self._plan.compared
        if compared is not None:
            text = self._writer.text(compared.diff)
            yield Line("clause", "the answer", f"{text} ({self._origins.level(compared.diff)})")
        steps = _numbered([_called(use) for use in self._plan.uses])
        scopes = self._prepared.scopes
        for step, use, scope in zip(steps, self._plan.uses, scopes, strict=True):
            for name in names_of(use):
                clause, level = self._origins.of(use, name)
                if clause is None and name == "lifecycle":
                    yield Line("clause", step, self._states(scope))
                elif clause is not None or name in LEVELLED:
                    text = self._text(use, name, clause, scope)
                    yield Line("clause", step, f"{text} ({level})")

    def _states(self, scope: Scope) -> str:
        """The states that no clause chose."""
        snapshot = scope.until if isinstance(scope, Window) else scope
        text, level = states_default(self._resolver.database.declarations.at(snapshot.tx))
        return f"{_with_states(f'LIFECYCLE {text}', snapshot)} ({level})"

    def _text(self, use: Use, name: str, clause: Any, scope: Scope) -> str:
        snapshot = scope.until if isinstance(scope, Window) else scope
        text = f"{LABELS[name]} {DEFAULTS[name]}" if clause is None else self._writer.text(clause)
        if name == "lifecycle":
            return _with_states(text, snapshot)
        if isinstance(clause, Side):
            return f"{clause.which} side of {self._writer.text(clause.diff)}"
        return text


def _with_states(text: str, snapshot: Snapshot) -> str:
    """LIFECYCLE with the states that are seen, where the clause does not name them."""
    named = text == "LIFECYCLE ANY" or not (text.endswith(" LIVE") or " NOT " in text)
    return text if named else f"{text}: {', '.join(NAME[code] for code in snapshot.states)}"


def _called(use: Use) -> str:
    as_of = use.clauses.as_of
    return f"{use.name} {as_of.which}" if isinstance(as_of, Side) else use.name


def _numbered(names: Sequence[str]) -> list[str]:
    """The names; one that is there already gets a number."""
    steps: list[str] = []
    for number, name in enumerate(names):
        seen = list(names[:number]).count(name)
        steps.append(f"{name} #{seen + 1}" if seen else name)
    return steps
