"""Random queries on virtual tables, answered three ways that must agree.

A `Table` pairs a relation with an ordinary table that holds exactly its rows. For each query

    twin    the relation and the ordinary table give the same rows (finds wrong pushdown)
    tlp     WHERE p, WHERE NOT p and WHERE p IS NULL together are all rows (wrong predicates)
    norec   WHERE p gives as many rows as p is true for, where nothing can be pushed down

TLP and NoREC are SQLancer's (Rigger & Su 2020). All randomness comes from the seed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Answer = list[tuple[Any, ...]] | str
"""Rows, or the name of an error."""
Counted = Counter[tuple[str, ...]]
_ODD: tuple[Any, ...] = (None, 0, 1, -1, "", "a", "1", 2**63 - 1, -(2**63), 1.5, 1.0, b"a")
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT")
_JOIN_SHARE = 0.25
_SPLIT_SHARE = 0.3
_JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")


@dataclass(frozen=True)
class Table:
    """A relation as a query names it, its twin, and values to compare its columns with."""

    name: str
    twin: str
    columns: Mapping[str, Sequence[Any]]
    rows: int = 0


_UNTYPED = ("object", "before_object", "after_object", "prefer", "replacement", "value")


class Ref(NamedTuple):
    """A column of a table in a query."""

    alias: str
    name: str
    samples: Sequence[Any]

    def __str__(self) -> str:
        return f'{self.alias}."{self.name}"'


@dataclass(frozen=True)
class Query:
    """SELECT `head` FROM `source` WHERE `condition` `tail`; the source by name or by twin."""

    head: str
    source: str
    twin: str
    condition: str
    tail: str = ""

    def text(self, *, twin: bool = False, condition: str | None = None) -> str:
        source = self.twin if twin else self.source
        return f"SELECT {self.head} FROM {source} WHERE {condition or self.condition}{self.tail}"


@dataclass
class Report:
    """How many queries ran, how many gave no rows, and what did not agree."""

    queries: int = 0
    empty: int = 0
    errors: int = 0
    failures: list[str] = field(default_factory=list)


def run(
    db: Any,
    tables: Sequence[Table],
    *,
    first: Table,
    count: int,
    seed: int,
    pairs_max: int | None = None,
) -> Report:
    """`count` random queries whose first table is `first`; none joins into more pairs of rows."""
    report = Report()
    generator = Generator(tables, random.Random(seed), pairs_max)
    for _ in range(count):
        query = generator.query(first)
        here, there = _answer(db, query.text()), _answer(db, query.text(twin=True))
        report.queries += 1
        report.empty += not here
        report.errors += isinstance(here, str)
        difference = _difference(here, there, is_group=" GROUP BY " in query.tail)
        if difference:
            report.failures.append(f"twin: {query.text()}\n  {difference}")
        elif _can_be_split(query, here) and generator.random.random() < _SPLIT_SHARE:
            report.failures += _partitions(db, query, here)
    return report


def _can_be_split(query: Query, answer: Answer) -> bool:
    return not isinstance(answer, str) and not query.tail and "DISTINCT" not in query.head


def _partitions(db: Any, query: Query, here: Answer) -> Iterator[str]:
    """TLP and NoREC; `here` is what the query gave."""
    p = query.condition
    whole = _answer(db, query.text(condition="1"))
    others = (f"NOT ({p})", f"({p}) IS NULL")
    parts = [here, *(_answer(db, query.text(condition=c)) for c in others)]
    counts = [_counted(part) for part in parts if not isinstance(part, str)]
    is_whole = not isinstance(whole, str) and sum(counts, Counter()) == _counted(whole)
    if len(counts) == len(parts) and not is_whole:
        yield f"tlp: {query.text()}"
    counted = _answer(db, f"SELECT count(*) FROM {query.source} WHERE {p}")
    summed = _answer(db, f"SELECT coalesce(sum(({p}) IS TRUE), 0) FROM {query.source}")
    if counted != summed:
        yield f"norec: {query.text()}"


def _answer(db: Any, sql: str) -> Answer:
    try:
        return list(db.execute(sql))
    except Exception as error:
        return type(error).__name__


def _difference(here: Answer, there: Answer, *, is_group: bool) -> str:
    """How two answers differ, in words; in which order the rows come is open."""
    if repr(here) == repr(there):
        return ""
    if isinstance(here, str) or isinstance(there, str):
        return f"{here!r:.200} instead of {there!r:.200}"
    mine, others = _counted(here, is_group=is_group), _counted(there, is_group=is_group)
    if mine == others:
        return ""
    return f"too many {list(mine - others)[:2]}, missing {list(others - mine)[:2]}"


def _counted(rows: Sequence[tuple[Any, ...]], *, is_group: bool = False) -> Counted:
    """The rows without their order; 1 and 1.0 are not the same."""
    shown = _of_a_group if is_group else repr
    return Counter([tuple(map(shown, row)) for row in rows])


def _of_a_group(value: Any) -> str:
    """1 and 1.0 are one group, and SQL leaves open which of them stands for it."""
    return repr(int(value) if isinstance(value, float) and value.is_integer() else value)


def literal(value: Any) -> str:
    """A value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''").replace("\0", "") + "'"
    return repr(value)


class Generator:
    """Random queries over tables."""

    def __init__(
        self, tables: Sequence[Table], rnd: random.Random, pairs_max: int | None = None
    ) -> None:
        self._tables = tables
        self._pairs_max = pairs_max
        self.random = rnd

    def query(self, first: Table) -> Query:
        """A random query whose first table is `first`."""
        choose = self.random
        used = [first]
        joined = self._joined(first)
        if joined and choose.random() < _JOIN_SHARE:
            used.append(choose.choice(joined))
        refs = [
            Ref(f"t{number}", name, samples)
            for number, table in enumerate(used)
            for name, samples in table.columns.items()
        ]
        source, twin = f"{first.name} AS t0", f"{first.twin} AS t0"
        if len(used) == 2:
            join = self._join(refs)
            source += join.format(used[1].name)
            twin += join.format(used[1].twin)
        head, tail = self._shape(refs)
        return Query(head, source, twin, self.predicate(refs), tail)

    def _joined(self, first: Table) -> Sequence[Table]:
        """What may be joined to it in the time there is."""
        if self._pairs_max is None:
            return self._tables
        return [t for t in self._tables if t.rows * first.rows <= self._pairs_max]

    def _join(self, refs: Sequence[Ref]) -> str:
        kind = self.random.choice(_JOINS)
        if kind == "CROSS JOIN":
            return " CROSS JOIN {} AS t1"
        mine = self.random.choice([ref for ref in refs if ref.alias == "t1"])
        other = self.random.choice([ref for ref in refs if ref.alias == "t0"])
        more = ""
        if self.random.random() < 0.3:
            more = f" {self.random.choice(['AND', 'OR'])} {self._term(refs)}"
        on = f"{mine} = {other}{more}".replace("{", "{{").replace("}", "}}")
        return f" {kind} {{}} AS t1 ON {on}"

    def _shape(self, refs: Sequence[Ref]) -> tuple[str, str]:
        choose = self.random
        some = choose.sample(list(refs), min(len(refs), choose.randrange(1, 5)))
        head = ", ".join(map(str, some))
        shape = choose.random()
        if shape < 0.1:
            group = str(choose.choice(refs))
            return f"{group}, count(*), count(DISTINCT {group})", f" GROUP BY {group}"
        if shape < 0.2:
            return "DISTINCT " + head, ""
        if shape < 0.3:
            order = ", ".join(f"{ref}{choose.choice(['', ' DESC'])}" for ref in refs)
            offset = choose.choice(["", f" OFFSET {choose.randrange(4)}"])
            return head, f" ORDER BY {order} LIMIT {choose.randrange(20)}{offset}"
        if shape < 0.35:
            return f"{head}, (SELECT count(*) FROM json_each('[1,2]') WHERE value = {some[0]})", ""
        return head, ""

    def predicate(self, refs: Sequence[Ref], depth: int = 0) -> str:
        """A random condition."""
        kind = self.random.random()
        if depth > 2 or kind < 0.4:
            return self._term(refs)
        left, right = self.predicate(refs, depth + 1), self.predicate(refs, depth + 1)
        if kind < 0.65:
            return f"({left} AND {right})"
        if kind < 0.78:
            return f"({left} OR {right})"
        if kind < 0.9:  # what SQLite answers with one look-up for each side
            return f"({self._found(refs)} OR {self._found(refs)} AND {self._found(refs)})"
        return f"NOT ({left})"

    def _found(self, refs: Sequence[Ref]) -> str:
        ref = self.random.choice(refs)
        return f"{ref} = {literal(self.random.choice(list(ref.samples)))}"

    def _term(self, refs: Sequence[Ref]) -> str:
        choose = self.random
        ref = choose.choice(refs)
        value = choose.choice([*ref.samples, *_ODD])
        kind = choose.randrange(14)
        if kind < 5:
            sides = [str(ref), literal(value)]
            if choose.random() < 0.2:
                sides.reverse()
            return f"{sides[0]} {choose.choice(_COMPARISONS)} {sides[1]}"
        if kind == 5:
            values = choose.choices([*ref.samples, *_ODD], k=choose.randrange(5))
            listed = map(literal, values)
            return f"{ref} {choose.choice(['', 'NOT '])}IN ({', '.join(listed)})"
        if kind == 6:
            low, high = (literal(choose.choice(list(ref.samples))) for _ in range(2))
            return f"{ref} BETWEEN {low} AND {high}"
        if kind == 7:
            return f"{ref} IS {choose.choice(['', 'NOT '])}NULL"
        if kind in (8, 9):
            return self._pattern(ref, "LIKE" if kind == 8 else "GLOB", "%" if kind == 8 else "*")
        if kind == 10:
            return f"{ref} {choose.choice(['=', '<', '>=', 'IS'])} {choose.choice(refs)}"
        if kind == 11:
            table, inner = self._inner()
            return f"{ref} IN (SELECT {inner} FROM {table.twin} AS i)"
        if kind == 12:
            affinity = choose.choice(["INTEGER", "REAL", "TEXT", "NUMERIC", "BLOB"])
            return f"{ref} {choose.choice(['=', '<'])} CAST({literal(value)} AS {affinity})"
        return f"{ref} COLLATE NOCASE = {literal(value)}"

    def _inner(self) -> tuple[Table, str]:
        """A column to look in. One that takes text and numbers is an expression here: SQLite hands
        a number out of a list over to a relation as it is, and compares it as text.
        """
        table = self.random.choice(self._tables)
        name = self.random.choice(list(table.columns))
        return table, f'{"+" if name in _UNTYPED else ""}i."{name}"'

    def _pattern(self, ref: Ref, word: str, wild: str) -> str:
        choose = self.random
        start = str(choose.choice(list(ref.samples)))[: choose.randrange(1, 6)]
        pattern = choose.choice([start + wild, wild + start, f"{wild}{start}{wild}", start])
        return f"{ref} {choose.choice(['', 'NOT '])}{word} {literal(pattern)}"
