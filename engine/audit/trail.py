"""The audit trail: what was asked, in order of time, for TRACE QUERIES."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from epql.engine.audit.index import AuditIndex


class Entry(NamedTuple):
    """A question in the trail. `at` in µs; `rows`, `reads`: None while they are being fetched."""

    query: bytes
    at: int
    agent: str
    purpose: str | None
    kind: str
    text: str
    tx: int
    rows: int | None
    reads: int | None
    findings: tuple[str, ...]
    error: str | None


class Returned(NamedTuple):
    """An assertion that a question read, and the code of the state it was seen in."""

    assertion: bytes
    state: int
    is_exact: bool


def trail(
    index: AuditIndex,
    *,
    agent: str | None = None,
    since: int | None = None,
    upto: int,
    touching: Sequence[bytes] | None = None,
) -> Iterator[Entry]:
    """The questions of an agent, asked from `since` on up to `upto`, that read an assertion."""
    where = ["q.at<=:upto"]
    params: dict[str, Any] = {"upto": upto, "agent": agent, "since": since}
    if agent is not None:
        where.append("g.name=:agent")
    if since is not None:
        where.append("q.at>=:since")
    if touching is not None:
        names = [f"t{number}" for number in range(len(touching))]
        marks = ", ".join(":" + name for name in names)
        params.update(zip(names, touching, strict=True))
        where.append(
            "q.id IN (SELECT r.query FROM read r JOIN assertion a ON a.id=r.assertion"
            f" WHERE a.digest IN ({marks}))"
        )
    sql = (
        "SELECT q.digest, q.at, g.name, f.purpose, f.kind, f.text, q.tx, q.count, q.reads,"
        " q.findings, q.error FROM query q JOIN agent g ON g.id=q.agent JOIN form f ON f.id=q.form"
        f" WHERE {' AND '.join(where)} ORDER BY q.at, q.id"
    )
    for row in index.db.execute(sql, params):
        findings: str | None = row[9]
        named = tuple(findings.split(", ")) if findings else ()
        yield Entry(
            bytes(row[0]), row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], named,
            row[10],
        )  # fmt: skip


def returned(index: AuditIndex, query: bytes, limit: int) -> list[Returned]:
    """The first assertions that a question read; those of its rows before those looked at."""
    sql = (
        "SELECT a.digest, r.state, r.exact FROM query q JOIN read r ON r.query=q.id"
        " JOIN assertion a ON a.id=r.assertion WHERE q.digest=?"
        " ORDER BY r.exact DESC, r.assertion LIMIT ?"
    )
    rows = index.db.execute(sql, (query, limit))
    return [Returned(bytes(digest), state, bool(exact)) for digest, state, exact in rows]


def text_of(index: AuditIndex, query: bytes) -> tuple[str, str | None]:
    """The text and the purpose of a question."""
    sql = "SELECT f.text, f.purpose FROM query q JOIN form f ON f.id=q.form WHERE q.digest=?"
    row = index.db.execute(sql, (query,)).fetchone()
    return ("", None) if row is None else (row[0], row[1])
