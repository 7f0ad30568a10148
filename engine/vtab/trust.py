"""trust and trust_changes: what is known of agents by topic, and what led to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from epql.engine.governance.trust import APPROVED
from epql.engine.index import topics
from epql.engine.store.objects import seq_of
from epql.engine.vtab.base import (
    Column,
    Condition,
    Relation,
    SqlValue,
    Where,
    is_textual,
    snapshot_of,
)
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.ledger import Listing
from epql.engine.vtab.show import address, instant

_NEXT = "SELECT id FROM trust WHERE {} ORDER BY agent, topic, id LIMIT 1"


def _pairs(first: str, onward: str) -> str:
    """A WITH that steps from pair to pair of agent and topic, one seek each."""
    first, onward = _NEXT.format(first), _NEXT.format(onward)
    return (
        "WITH RECURSIVE pair(agent, topic) AS (SELECT agent, topic FROM trust"
        f" WHERE id=({first}) UNION ALL SELECT n.agent, n.topic FROM pair p"
        f" JOIN trust n ON n.id=({onward}))"
    )


# a pair's own rows are passed over by comparing with what no position reaches; without the +
# SQLite would compare two columns of text, and use the key's first column only
_ALL = _pairs("1", "(agent, topic, id)>(p.agent, +p.topic, 0x7fffffffffffffff)")
_OF_ONE = _pairs(
    "agent=(SELECT id FROM agent WHERE name={name})",
    "agent=p.agent AND (topic, id)>(p.topic, 0x7fffffffffffffff)",
)


_SPOKE = "SELECT agent, topic FROM spoke WHERE tx<=:last"
_ASSERTED = (  # declared topics are no keys of the index: all that was asserted is looked through
    "SELECT DISTINCT a.agent, {topic} AS topic FROM assertion a JOIN slot s ON s.id=a.slot"
    " WHERE a.id<:end"
)
_NO_RECORD = (
    " FROM (SELECT p.agent, p.topic, 0.0 AS successes, 0.0 AS failures FROM ({spoke}) p"
    " WHERE NOT EXISTS (SELECT 1 FROM trust l WHERE l.agent=p.agent AND l.topic=p.topic"
    " AND l.id<:end)) w JOIN agent g ON g.id=w.agent"
    " LEFT JOIN txn c ON NULL"
)
"""Agents who spoke on a topic, and of whom nothing is recorded there: trusted as the prior says."""


class Trust(Relation):
    name = "trust"
    doc = "one row per agent and topic on which it has asserted, or has a record"
    columns = (
        Column("agent", "TEXT", "g.name", push="text", doc="whose trust it is"),
        Column("topic", "TEXT", "w.topic", push="text", doc="on which topic"),
        Column(
            "score", "REAL", "CASE WHEN w.successes+w.failures+:strength=0 THEN :prior ELSE"
            " (w.successes+:strength*:prior)/(w.successes+w.failures+:strength) END",
            doc="the trust, from 0 to 1: (s + m·p) / (s + f + m)",
        ),
        Column("successes", "REAL", "w.successes", doc="s: approvals by others"),
        Column("failures", "REAL", "w.failures", doc="f: shares of corrections"),
        Column("updated_at", "TEXT", "c.recorded_at", show=instant, doc="of the last change"),
    )  # fmt: skip

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        tx = snapshot_of(scope, self.name).tx
        declared = context.declarations.at(tx)
        params: dict[str, SqlValue] = {
            "last": tx,
            "end": seq_of(tx + 1, 0),
            "prior": float(declared.value("trust_prior")),
            "strength": float(declared.value("trust_strength")),
        }
        where, pairs = Where(params), _ALL
        for condition in conditions:
            if condition.value is None:
                return iter(())
            if condition[:2] == (self.columns[0], "=") and is_textual(condition.value):
                pairs = _OF_ONE.replace("{name}", where.bind(condition.value))
            where.add_row(condition, condition.value)
        selected = ", ".join([*(column.sql for column in wanted), "w.agent, w.topic"])
        spoke = _SPOKE
        if declared.topics:
            spoke = _ASSERTED.format(topic=topics.expression(declared.topics))
            params |= topics.bindings(declared.topics)
        condition_sql = f" WHERE {' AND '.join(where.row)}" if where.row else ""
        sql = (
            f"{pairs} SELECT {selected} FROM pair CROSS JOIN trust w ON w.id=(SELECT l.id FROM"
            " trust l WHERE l.agent=pair.agent AND l.topic=pair.topic AND l.id<:end"
            " ORDER BY l.id DESC LIMIT 1)"
            f" JOIN agent g ON g.id=w.agent JOIN txn c ON c.tx=(w.id >> 20){condition_sql}"
            f" UNION ALL SELECT {selected}{_NO_RECORD.format(spoke=spoke)}{condition_sql}"
        )
        return cast("Iterator[tuple[SqlValue, ...]]", context.db.execute(sql, params))

    def cost(self, given: set[str]) -> tuple[float, int]:
        return (100.0, 10) if "agent" in given else (10_000.0, 1_000)


class TrustChanges(Listing):
    name = "trust_changes"
    doc = "one row per change of an agent's trust on a topic, with what led to it"
    tables = "trust w JOIN txn c ON c.tx=(w.id >> 20) JOIN agent g ON g.id=w.agent"
    where = "w.id<((:t+1)<<20)"
    identity = "w.id"
    columns = (
        Column("tx", "INTEGER", "w.id >> 20", push="integer", doc="in which commit"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="when"),
        Column("agent", "TEXT", "g.name", push="text", doc="whose trust it is"),
        Column("topic", "TEXT", "w.topic", push="text", doc="on which topic"),
        Column("success", "REAL", "w.success", doc="added to the successes; -1: undone"),
        Column("failure", "REAL", "w.failure", doc="added to the failures"),
        Column("role", "TEXT", "w.role", push="text", doc="why it is the agent's concern"),
        Column("hops", "INTEGER", "w.hops", doc="derivations between the two, for a deriver"),
        Column(
            "cause", "TEXT",
            f"iif(w.role='{APPROVED}', 'l:', 'x:') || lower(hex(w.cause))", push="text",
            doc="the correction (x:) or the move (l:) that led to it",
        ),
        Column("id", "TEXT", "w.assertion", show=address, doc="of the assertion it is about"),
    )  # fmt: skip
