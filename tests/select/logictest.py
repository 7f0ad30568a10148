"""Files of sqllogictest: read, written, and run on a connection (sqlite.org/sqllogictest).

    statement ok            query IT rowsort [label]      hash-threshold 8
    CREATE TABLE t(a)       SELECT a, b FROM t            skipif mysql | onlyif sqlite
                            ----                          halt
    statement error         1
    SELECT nothing          one

A result stands value by value, or, of more values than the threshold, as `N values hashing to MD5`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

ENGINE = "sqlite"
Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Runs SQL and returns its rows; raises if it is refused."""


@dataclass
class Record:
    """One statement or query, and what must come of it."""

    line: int
    kind: str
    """`ok` and `error` of a statement; the types of a query: a letter of ITR for each column."""
    sql: str
    is_query: bool = False
    sort: str = "nosort"
    label: str | None = None
    expected: list[str] = field(default_factory=list)


class Malformed(ValueError):
    """The file is none."""


def read(text: str) -> Iterator[tuple[Record, int]]:
    """The records for SQLite, each with the hash threshold in force."""
    threshold, conditions = 0, []
    for line, block in _blocks(text):
        while block and block[0].split()[0] in ("skipif", "onlyif"):
            conditions.append(tuple(block.pop(0).split()[:2]))
        if not block:
            continue
        words = block[0].split()
        is_ours = all((word == "onlyif") == (who == ENGINE) for word, who in conditions)
        conditions = []
        if words[0] == "hash-threshold":
            threshold = int(words[1])
        elif words[0] == "halt" and is_ours:
            return
        elif words[0] in ("statement", "query"):
            if is_ours:
                yield _record(line, words, block[1:]), threshold
        elif words[0] != "halt":
            raise Malformed(f"line {line}: {words[0]}")


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """What stands between empty lines, without comments; with the number of its first line."""
    block: list[str] = []
    first = 1
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.startswith("#"):
            continue
        if line.strip():
            first = first if block else number
            block.append(line.rstrip("\r"))
        elif block:
            yield first, block
            block = []


def _record(line: int, words: list[str], rest: list[str]) -> Record:
    if words[0] == "statement":
        return Record(line, words[1], "\n".join(rest))
    at = rest.index("----") if "----" in rest else len(rest)
    more = dict(enumerate(words))
    sort, label = more.get(2, "nosort"), more.get(3)
    return Record(line, words[1], "\n".join(rest[:at]), True, sort, label, rest[at + 1 :])


# ---------------------------------------------------------------- results


def shown(value: Any, kind: str) -> str:
    """A value as a result has it.

    >>> shown(2.5, "R"), shown(None, "I"), shown("", "T"), shown("a\\tb", "T"), shown(2.9, "I")
    ('2.500', 'NULL', '(empty)', 'a@b', '2')
    """
    if value is None:
        return "NULL"
    if kind == "I":
        return str(int(value)) if isinstance(value, (int, float)) else "0"
    if kind == "R":
        return f"{value:.3f}" if isinstance(value, (int, float)) else "0.000"
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return "".join(c if " " <= c <= "~" else "@" for c in text) or "(empty)"


def result(rows: Sequence[Sequence[Any]], kinds: str, sort: str, threshold: int) -> list[str]:
    """The lines of a result.

    >>> result([(2, "b"), (1, "a")], "IT", "rowsort", 8)
    ['1', 'a', '2', 'b']
    >>> result([(1,), (2,)], "I", "nosort", 1)
    ['2 values hashing to 6ddb4095eb719e2a9f0a3f95677d24e0']
    """
    if any(len(row) != len(kinds) for row in rows):
        return [f"rows of {len(rows[0])} columns, not {len(kinds)}"]
    found = [[shown(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in rows]
    if sort == "rowsort":
        found.sort()
    values = [value for row in found for value in row]
    if sort == "valuesort":
        values.sort()
    if threshold and len(values) > threshold:
        digest = hashlib.md5("".join(f"{value}\n" for value in values).encode())
        return [f"{len(values)} values hashing to {digest.hexdigest()}"]
    return values


def written(record: Record) -> str:
    """A record as a file has it."""
    if not record.is_query:
        return f"statement {record.kind}\n{record.sql}\n"
    head = f"query {record.kind} {record.sort} {record.label or ''}".rstrip()
    return "\n".join([head, record.sql, "----", *record.expected, ""])


# ---------------------------------------------------------------- running


@dataclass
class Report:
    """What ran, and what came otherwise."""

    statements: int = 0
    queries: int = 0
    wrong: list[str] = field(default_factory=list)


def run(text: str, ask: Ask) -> Report:
    """Run a file."""
    report, labels = Report(), dict[str, list[str]]()
    for record, threshold in read(text):
        report.queries += record.is_query
        report.statements += not record.is_query
        problem = _problem(record, threshold, ask, labels)
        if problem:
            report.wrong.append(f"line {record.line}: {record.sql}\n  {problem}")
    return report


def _problem(
    record: Record, threshold: int, ask: Ask, labels: dict[str, list[str]]
) -> str | None:  # fmt: skip
    try:
        rows = ask(record.sql)
    except Exception as error:
        return (
            None if record.kind == "error" else f"refused: {type(error).__name__}: {error!s:.300}"
        )
    if not record.is_query:
        return "not refused" if record.kind == "error" else None
    found = result(rows, record.kind, record.sort, threshold)
    if record.label and labels.setdefault(record.label, found) != found:
        return f"{found[:6]} is not what label {record.label} was before"
    return None if found == record.expected else f"{found[:6]} instead of {record.expected[:6]}"
