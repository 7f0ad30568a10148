"""IMPACT OF target [SINCE t]: who and what used it, directly and through what was derived from it.

query      a read that returned it        agent      who read it, and how often
assertion  derived from it (BECAUSE)      … and the readers of that, one hop further
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from epql.engine.audit.index import AuditIndex, Reader
from epql.engine.audit.record import query_id
from epql.engine.audit.trail import text_of
from epql.engine.lifecycle import NAME
from epql.engine.lookup import Said, derived_from, said
from epql.engine.records import assertion_id
from epql.engine.vtab.show import instant
from epql.nodes import Impact
from epql.questions.inquiry import Inquiry, Reply, Row
from epql.verbs import targets

COLUMNS = ("hops", "kind", "id", "agent", "at", "detail")
READS = ("select", "diff")
"""The kinds of questions that use what they return; WHY, TRACE and the like only look after it."""

_TEXT_SHOWN = 100


class User(NamedTuple):
    """A use, as a row of the answer; `at` in µs."""

    kind: str
    id: str | None
    agent: str
    at: int
    hops: int
    detail: str


def run(inquiry: Inquiry, statement: Impact) -> Reply:
    """Every use up to where the session stands: nearest first, then by time."""
    resolver = inquiry.resolver
    snapshot = resolver.snapshot(resolver.standing)
    since = 0
    if statement.since is not None:
        since = resolver.point(statement.since, snapshot.clock).clock
    of = targets.resolve(inquiry, statement.target)
    index = inquiry.database.audited()
    index.catch_up()
    found = list(_users(inquiry, index, of, since, snapshot.tx, snapshot.clock))
    found.sort(key=lambda user: (user.hops, user.at, user.kind, user.id or ""))
    return Reply(COLUMNS, _rows(found), snapshot)


def _rows(found: Sequence[User]) -> Iterator[Row]:
    for user in found:
        yield (user.hops, user.kind, user.id, user.agent, instant(user.at), user.detail)


def _users(
    inquiry: Inquiry, index: AuditIndex, of: Sequence[bytes], since: int, tx: int, clock: int
) -> Iterator[User]:
    """Level by level; what was derived in a circle, or twice, counts where it is nearest."""
    seen, level, hops = set(of), list(of), 1
    while level:
        readers = [
            reader
            for reader in index.readers_of(level, clock + 1)
            if reader.kind in READS and reader.at >= since
        ]
        yield from _queries(inquiry, index, readers, hops)
        yield from _agents(readers, hops)
        below: list[bytes] = []
        for digest in level:
            for child in derived_from(inquiry.database, digest, tx):
                if child.digest not in seen:
                    seen.add(child.digest)
                    below.append(child.digest)
                    if child.at >= since:
                        yield _derived(inquiry, child, digest, hops)
        level, hops = below, hops + 1


def _queries(
    inquiry: Inquiry, index: AuditIndex, readers: Sequence[Reader], hops: int
) -> Iterator[User]:
    told: set[bytes] = set()
    for reader in readers:
        if reader.query in told:
            continue
        told.add(reader.query)
        text, purpose = text_of(index, reader.query)
        found = said(inquiry.database, reader.assertion)
        shown = "it" if found is None else str(found.object)
        verb = "returned" if reader.is_exact else "looked at"
        care = ", no lifecycle filter" if reader.unfiltered else ""
        why = "" if purpose is None else f" for {purpose!r}"
        detail = f"{verb} {shown} ({NAME[reader.state]}){care}{why}: {_short(text)}"
        yield User("query", query_id(reader.query), reader.agent, reader.at, hops, detail)


def _agents(readers: Sequence[Reader], hops: int) -> Iterator[User]:
    by_agent: dict[str, dict[bytes, int]] = {}
    for reader in readers:
        by_agent.setdefault(reader.agent, {})[reader.query] = reader.at
    for agent, queries in by_agent.items():
        times = "once" if len(queries) == 1 else f"{len(queries)} times"
        yield User("agent", None, agent, min(queries.values()), hops, f"read it {times}")


def _derived(inquiry: Inquiry, child: Said, parent: bytes, hops: int) -> User:
    above = said(inquiry.database, parent)
    because = "" if above is None else f" because of {above.object}"
    detail = f"{child.subject} {child.predicate} {child.object} ({child.state}){because}"
    return User("assertion", assertion_id(child.digest), child.agent, child.at, hops, detail)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _TEXT_SHOWN else words[: _TEXT_SHOWN - 1] + "…"
