"""queries and reads: who asked what, and what they were shown. Read from audit.db.

As of an instant they hold what had been asked by then: `at` up to the snapshot's clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from epql.engine.clock import micros
from epql.engine.lifecycle import CODE, NAME
from epql.engine.vtab.base import Column, Condition, SqlValue, Where, snapshot_of
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.ledger import Listing
from epql.engine.vtab.show import address, instant, query_address

_HEX = set("0123456789abcdef")


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()


def _digest_of(value: SqlValue, prefix: str) -> bytes | None:
    """The digest in a whole id; None for anything else, which no row can have."""
    if not isinstance(value, str) or len(value) != 66 or value[:2] != prefix:
        return None
    return None if set(value[2:]) - _HEX else bytes.fromhex(value[2:])


def _add_instant(where: Where, condition: Condition) -> None:
    """A bound on the text of an instant as one on microseconds; SQLite looks again."""
    value = condition.value
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return
    try:
        at = micros(datetime.fromisoformat(value + _LEAST[len(value) :]))
    except ValueError:
        return
    op = condition.op if condition.op == "=" else condition.op[0] + "="
    where.row.append(f"{condition.column.sql}{op}{where.bind(at)}")


_LEAST = "0001-01-01T00:00:00.000000Z"
_INSTANT = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d(\.\d{6}Z?)?)?)?)?)?)?")

_FINDING = "CASE WHEN f.unfiltered THEN CASE r.state {} END END".format(
    " ".join(
        f"WHEN {CODE[name]} THEN CASE WHEN r.exact=0 OR instr(ifnull(q.findings, ''),"
        f" 'unfiltered-{name}') THEN 'unfiltered-{name}' END"
        for name in ("proposed", "review")
    )
)
"""SQL for what is to be said of a read: it named no states and was shown what nobody approved. A
table that named states shows nothing that is to be said, though another one named none."""


class AuditListing(Listing):
    """A relation that is one SELECT over audit.db, up to the snapshot's clock :c."""

    where = "q.at<=:c"

    def bindings(self, context: Context, scope: Scope) -> dict[str, SqlValue]:
        return {"c": snapshot_of(scope, self.name).clock}

    def _push(self, context: Context, where: Where, condition: Condition) -> bool:
        column, _, value = condition
        if value is not None and column.push == "id":
            value = _digest_of(value, "q:" if column.show is query_address else "a:")
        if value is None:
            return False
        if column.push == "instant":
            _add_instant(where, condition)
        else:
            where.add_row(condition, value)
        return True

    def run(self, context: Context, sql: str, params: dict[str, SqlValue]) -> Iterator[Any]:
        return context.audited().execute(sql, params)

    def cost(self, given: set[str]) -> tuple[float, int]:
        if given & {"id", "query"}:
            return (10.0, 5)
        return (1000.0, 500) if given else (100_000.0, 100_000)


class Queries(AuditListing):
    name = "queries"
    doc = "one row per audited read"
    tables = "query q JOIN form f ON f.id=q.form JOIN agent g ON g.id=q.agent"
    identity = "q.id"
    columns = (
        Column(
            "id", "TEXT", "q.digest", show=query_address, push="id",
            doc="q: and its record's hash",
        ),
        Column("recorded_at", "TEXT", "q.at", show=instant, push="instant", doc="when asked"),
        Column("agent", "TEXT", "g.name", push="text", doc="who asked"),
        Column("text", "TEXT", "f.text", push="text", doc="the statement as written"),
        Column("params", "TEXT", "q.params", doc="its parameters as JSON; NULL without any"),
        Column("purpose", "TEXT", "f.purpose", push="text", doc="what for, as PURPOSE said"),
        Column("kind", "TEXT", "f.kind", push="text", doc="select, diff, why, impact, …"),
        Column("relations", "TEXT", "f.relations", doc="the relations it read"),
        Column("tx", "INTEGER", "q.tx", push="integer", doc="the last commit it saw"),
        Column("clock", "TEXT", "q.clock", show=instant, doc="its evaluation clock"),
        Column("zone", "TEXT", "f.zone", doc="its time zone"),
        Column("lifecycle", "TEXT", "f.lifecycle", doc="the states it saw"),
        Column("resolve", "TEXT", "f.resolve", doc="how disputes were resolved"),
        Column("clauses", "TEXT", "f.clauses", doc="the clauses in force around it, as written"),
        Column("unfiltered", "INTEGER", "f.unfiltered", doc="1 if it named no states"),
        Column("rows", "INTEGER", "q.count", doc="rows handed out; NULL while it runs"),
        Column("reads", "INTEGER", "q.reads", doc="assertions it read"),
        Column("complete", "INTEGER", "q.complete", doc="1 if its rows were used up"),
        Column("digest", "TEXT", "q.answer", show=_hex, doc="BLAKE3 of its rows, in hex"),
        Column("findings", "TEXT", "q.findings", doc="what is to be said of it; NULL nothing"),
        Column("error", "TEXT", "q.error", doc="how it failed; NULL it did not"),
    )  # fmt: skip


class Reads(AuditListing):
    name = "reads"
    doc = "one row per audited read and assertion that it returned"
    tables = (
        "read r JOIN assertion a ON a.id=r.assertion JOIN query q ON q.id=r.query"
        " JOIN form f ON f.id=q.form JOIN agent g ON g.id=q.agent"
    )
    identity = "r.query, r.assertion, r.state"
    columns = (
        Column(
            "query", "TEXT", "q.digest", show=query_address, push="id", doc="the id of the read"
        ),
        Column("recorded_at", "TEXT", "q.at", show=instant, push="instant", doc="when asked"),
        Column("agent", "TEXT", "g.name", push="text", doc="who asked"),
        Column("id", "TEXT", "a.digest", show=address, push="id", doc="the id of the assertion"),
        Column("lifecycle", "TEXT", "r.state", show=NAME.get, doc="the state it was seen in"),
        Column("via", "TEXT", "iif(r.exact, 'exact', 'scanned')", doc="exact, or scanned"),
        Column("unfiltered", "INTEGER", "f.unfiltered", doc="1 if the read named no states"),
        Column("finding", "TEXT", _FINDING, doc="what is to be said of it"),
    )  # fmt: skip
