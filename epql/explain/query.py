"""EXPLAIN: how a query is understood, without running it.

instant  what each time in a clause became: the instant in the session's zone, and the commit
clause   what each relation is read at, and which level said so
plan     SQLite's plan, with the relations in words (engine/vtab/access.py)
sql      what runs; :n_0s0, :n_0s1 … are the scopes of the relations
sqlite   SQLite's plan in its own words
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from epql.engine.index.snapshot import Snapshot, Window
from epql.engine.lifecycle import NAME
from epql.engine.vtab.access import in_words
from epql.engine.vtab.context import Scope
from epql.explain.levels import LEVELLED, Origins
from epql.explain.written import Writer
from epql.nodes import AsOf, Diff
from epql.plan import catalog
from epql.plan.compile import Compared, Plan
from epql.plan.relations import Use
from epql.plan.scope import Moment, Resolver
from epql.queries import Prepared

COLUMNS = ("section", "step", "detail")
SQLITE_COLUMNS = ("id", "parent", "notused", "detail")

Row = tuple[Any, ...]
_CLAUSES = ("as_of", "valid", "lifecycle", "resolve", "history", "diff")
_DEFAULTS = {
    "as_of": "AS OF NOW",
    "valid": "VALID AT the AS OF instant",
    "lifecycle": "LIFECYCLE LIVE",
    "resolve": "RESOLVE BY LATEST",
}


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

    def lines(self) -> list[Line]:
        """All rows, section by section."""
        lines = [Line("instant", "NOW", self._writer.moment(self._resolver.present))]
        lines += dict.fromkeys(self._instants())
        lines += self._clauses()
        lines += self._plan_in_words()
        lines.append(Line("sql", "", self._plan.sql))
        lines += self._tree()
        return lines

    # ------------------------------------------------------------ instants

    def _instants(self) -> Iterator[Line]:
        compared = self._plan.compared
        if compared is not None:
            yield from self._of_diff(compared.diff, compared.clauses.as_of)
        for use, scope in zip(self._plan.uses, self._prepared.sides[-1], strict=True):
            for name in self._names(use):
                clause, _ = self._origins.of(use, name)
                if isinstance(clause, Diff):
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
            text = self._writer.text(replace(compared.diff, key=None))
            yield Line("clause", "the answer", f"{text} ({self._origins.level(compared.diff)})")
        steps = _numbered([use.name for use in self._plan.uses])
        scopes = self._prepared.sides[-1]
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
        text = _DEFAULTS[name] if clause is None else self._writer.text(clause)
        if name == "lifecycle":
            return _with_states(text, snapshot)
        if name == "diff" and use.side is not None:
            return f"{use.side} side of {text}"
        if name == "as_of" and self._moves(use):
            return f"{text}, then each side of DIFF"
        return text

    def _moves(self, use: Use) -> bool:
        """Whether a DIFF of the whole answer moves a relation; its own AS OF would pin it."""
        compared = self._plan.compared
        return compared is not None and use.clauses.as_of == compared.clauses.as_of

    # ------------------------------------------------------------ the plan

    def _tree(self) -> Iterator[Line]:
        """SQLite's plan as a tree, one line a node."""
        yield from (Line("sqlite", "", line) for line in _drawn(self._prepared.plan, 0))

    def _plan_in_words(self) -> Iterator[Line]:
        """The same with relations in words; what SQLite computes in several places stands once."""
        compared = self._plan.compared
        indent = ""
        if compared is not None:
            yield Line("plan", "", f"COMPARE TWO ANSWERS BY {_key(compared)}")
            indent = "  "
        rows = [(*row[:3], in_words(row[3])) for row in self._prepared.plan]
        yield from (Line("plan", "", indent + line) for line in _drawn(rows, 0, once=True))


def _drawn(rows: Sequence[Row], parent: int, *, once: bool = False) -> Iterator[str]:
    """The nodes below a parent, indented; `once` leaves out what a sibling shows already."""
    seen: list[list[str]] = []
    for number, above, _, detail in rows:
        if above != parent or number == parent:
            continue
        branch = [detail, *("  " + line for line in _drawn(rows, number, once=once))]
        if not (once and branch in seen):
            yield from branch
        seen.append(branch)


def _key(compared: Compared) -> str:
    return "THE WHOLE ROW" if compared.key is None else ", ".join(compared.key)


def _with_states(text: str, snapshot: Snapshot) -> str:
    """LIFECYCLE with the states that are seen, where the clause does not name them."""
    named = text == "LIFECYCLE ANY" or not (text.endswith(" LIVE") or " NOT " in text)
    return text if named else f"{text}: {', '.join(NAME[code] for code in snapshot.states)}"


def _numbered(names: Sequence[str]) -> list[str]:
    """The names; one that is there already gets a number."""
    steps: list[str] = []
    for number, name in enumerate(names):
        seen = list(names[:number]).count(name)
        steps.append(f"{name} #{seen + 1}" if seen else name)
    return steps
