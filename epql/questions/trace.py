"""TRACE QUERIES [BY AGENT a] [SINCE t] [TOUCHING target]: who asked what, and what they saw."""

from __future__ import annotations

from collections.abc import Iterator

from epql.audit import findings
from epql.engine.audit.index import AuditIndex
from epql.engine.audit.record import query_id
from epql.engine.audit.trail import Entry, returned, trail
from epql.engine.database import Database
from epql.engine.lifecycle import NAME
from epql.engine.lookup import said
from epql.engine.vtab.show import instant
from epql.nodes import Trace
from epql.questions.inquiry import Inquiry, Reply, Row
from epql.verbs import targets

COLUMNS = (
    "query", "at", "agent", "purpose", "kind", "text", "tx", "rows", "returned", "finding",
)  # fmt: skip
_SHOWN = 5


def run(inquiry: Inquiry, statement: Trace) -> Reply:
    """The audit trail, oldest first; it ends where the session stands."""
    resolver = inquiry.resolver
    snapshot = resolver.snapshot(resolver.standing)
    agent = None if statement.agent is None else inquiry.name("agent", statement.agent)
    since = None
    if statement.since is not None:
        since = resolver.point(statement.since, snapshot.clock).clock
    touching = None
    if statement.touching is not None:
        touching = targets.resolve(inquiry, statement.touching)
    index = inquiry.database.audited()
    index.catch_up()
    entries = trail(index, agent=agent, since=since, upto=snapshot.clock, touching=touching)
    return Reply(COLUMNS, _rows(inquiry.database, index, entries), snapshot)


def _rows(database: Database, index: AuditIndex, entries: Iterator[Entry]) -> Iterator[Row]:
    for entry in entries:
        yield (
            query_id(entry.query), instant(entry.at), entry.agent, entry.purpose, entry.kind,
            entry.text, entry.tx, entry.rows, _returned(database, index, entry), _finding(entry),
        )  # fmt: skip


def _returned(database: Database, index: AuditIndex, entry: Entry) -> str | None:
    """What a person would say that the answer was: 'ES256 (proposed), and 3 more'."""
    told = []
    for read in returned(index, entry.query, _SHOWN):
        found = said(database, read.assertion)
        shown = "an assertion that was undone" if found is None else str(found.object)
        looked = "" if read.is_exact else "looked at "
        told.append(f"{looked}{shown} ({NAME[read.state]})")
    more = (entry.reads or 0) - len(told)
    if told and more > 0:
        told.append(f"and {more} more")
    return ", ".join(told) or None


def _finding(entry: Entry) -> str | None:
    failed = None if entry.error is None else f"it failed: {entry.error}"
    told = [text for text in (findings.sentence(entry.findings), failed) if text is not None]
    return "; ".join(told) or None
