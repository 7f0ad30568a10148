"""EXPLAIN: how a query is understood, without running it.

instant  what each time in a clause became: the instant in the session's zone, and the commit
clause   what each relation is read at, and which level said so
plan     SQLite's plan, with the relations in words (engine/vtab/access.py)
sql      what runs; :n_0s0, :n_0s1 … are the scopes of the relations
sqlite   SQLite's plan in its own words
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from epql.engine.index.snapshot import Snapshot, Window
from epql.engine.lifecycle import NAME
from epql.engine.vtab.context import Scope
from epql.explain.levels import DEFAULTS, Origins
from epql.explain.tree import drawn, in_short
from epql.explain.written import Writer
from epql.nodes import LABELS, LEVELLED, AsOf, Diff
from epql.plan import catalog
from epql.plan.compile import Plan
from epql.plan.diff import Side
from epql.plan.relations import Use
from epql.plan.scope import Moment, Resolver
from epql.queries import Prepared

COLUMNS = ("section", "step", "detail")
SQLITE_COLUMNS = ("id", "parent", "notused", "detail")

Row = tuple[Any, ...]
_CLAUSES = ("as_of", "valid", "lifecycle", "resolve", "history", "diff")


class Line(NamedTuple):
    """A row of the answer."""

    section: str
    step: str
    detail: str


class Explained:
    """What EXPLAIN has to tell of one query."""

    def __init__(
        self, plan: Plan, prepared: Prepared, resolver: Resolver, origins: Origins
    ) -> None:
        self._plan = plan
        self._prepared = prepared
        self._resolver = resolver
        self._origins = origins
        self._writer = Writer(resolver)

    def rows(self) -> list[tuple[str, ...]]:
        """All rows, section by section."""
        return [tuple(line) for line in self._lines()]

    def _lines(self) -> list[Line]:
        lines = [Line("instant", "NOW", self._writer.moment(self._resolver.present))]
        lines += dict.fromkeys(self._instants())
        lines += self._clauses()
        lines += [Line("plan", "", line) for line in in_short(self._prepared.plan)]
        lines.append(Line("sql", "", self._plan.sql))
        lines += [Line("sqlite", "", line) for line in drawn(self._prepared.plan)]
        return lines

    # ------------------------------------------------------------ instants

    def _instants(self) -> Iterator[Line]:
        compared = self._plan.compared
        if compared is not None:
            yield from self._of_diff(compared.diff, compared.clauses.as_of)
        for use, scope in zip(self._plan.uses, self._prepared.scopes, strict=True):
            for name in self._names(use):
                clause, _ = self._origins.of(use, name)
                if isinstance(clause, Side):
                    yield from self._of_diff(clause.diff, clause.stands)
                elif isinstance(clause, Diff):
                    yield from self._of_diff(clause, self._origins.of(use, "as_of")[0])
                elif clause is not None:
                    yield from self._of_clause(clause, scope)

    def _of_clause(self, clause: Any, scope: Scope) -> Iterator[Line]:
        snapshot = scope.until if isinstance(scope, Window) else scope
        meaning = self._writer.meaning(clause, snapshot.clock)
        if meaning is not None:
            yield Line("instant", self._writer.text(clause), meaning)

    def _of_diff(self, wanted: Diff, as_of: AsOf | None) -> Iterator[Line]:
        top = self._resolver.moment(as_of)
        if as_of is not None:
            yield Line("instant", self._writer.text(as_of), self._writer.moment(top))
        until = top
        if wanted.until is not None:
            until = self._resolver.point(wanted.until, top.clock)
        since = self._resolver.point(wanted.since, until.clock)
        yield Line("instant", *self._side("SINCE", wanted.since, since))
        if wanted.until is not None:
            yield Line("instant", *self._side("UNTIL", wanted.until, until))

    def _side(self, word: str, instant: Any, moment: Moment) -> tuple[str, str]:
        return f"{word} {self._writer.instant(instant)}", self._writer.moment(moment)

    # ------------------------------------------------------------ clauses

    def _clauses(self) -> Iterator[Line]:
        compared = self._plan.compared
        if compared is not None:
            text = self._writer.text(compared.diff)
            yield Line("clause", "the answer", f"{text} ({self._origins.level(compared.diff)})")
        steps = _numbered([_called(use) for use in self._plan.uses])
        scopes = self._prepared.scopes
        for step, use, scope in zip(steps, self._plan.uses, scopes, strict=True):
            for name in self._names(use):
                clause, level = self._origins.of(use, name)
                if clause is not None or name in LEVELLED:
                    text = self._text(use, name, clause, scope)
                    yield Line("clause", step, f"{text} ({level})")

    @staticmethod
    def _names(use: Use) -> list[str]:
        """The clauses that mean something on what is read."""
        known = (*catalog.clauses_of(use.relation), "history", "diff")
        return [name for name in _CLAUSES if name in known]

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
