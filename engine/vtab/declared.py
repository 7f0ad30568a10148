"""policies, agents, topics: what DEFINE said, and what holds where it said nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from epql.engine.index.policies import POLICIES
from epql.engine.vtab.base import Column, Condition, Relation, SqlValue, snapshot_of
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.ledger import Listing
from epql.engine.vtab.show import duration, instant

_BY = (
    Column("agent", "TEXT", "agent", doc="who declared it"),
    Column("tx", "INTEGER", "tx", doc="in which commit"),
    Column("recorded_at", "TEXT", "recorded_at", show=instant, doc="and when"),
)

Row = dict[str, Any]


class _Told(Relation):
    """A relation of few rows, made in memory from the declarations as of a transaction."""

    what: str

    def told(self, context: Context, tx: int, by: dict[str, Row]) -> Iterator[Row]:
        """The rows, by the names of their columns; `by` who declared what last, by name."""
        raise NotImplementedError

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        tx = snapshot_of(scope, self.name).tx
        sql = (
            "SELECT d.name, g.name, c.tx, c.recorded_at, max(d.id) FROM declaration d"
            " JOIN agent g ON g.id=d.agent JOIN txn c ON c.tx=(d.id >> 20)"
            " WHERE d.what=? AND d.id<((?+1)<<20) GROUP BY d.name"
        )
        by = {
            name: {"agent": agent, "tx": number, "recorded_at": at}
            for name, agent, number, at, _ in context.db.execute(sql, (self.what, tx))
        }
        for row in self.told(context, tx, by):
            yield (*(row.get(column.name) for column in wanted), row["name"])


class Policies(_Told):
    name = "policies"
    doc = "one row per policy, declared or not"
    what = "policy"
    columns = (
        Column("name", "TEXT", "name", doc="as DEFINE POLICY names it"),
        Column("value", "", "value", doc="what is in force"),
        Column("default", "", "default", doc="what holds out of the box"),
        Column("doc", "TEXT", "doc", doc="what it decides"),
        Column("takes", "TEXT", "takes", doc="which values"),
        Column("declared", "INTEGER", "declared", doc="1 if DEFINE POLICY named it"),
        *_BY,
    )

    def told(self, context: Context, tx: int, by: dict[str, Row]) -> Iterator[Row]:
        declared = context.declarations.at(tx)
        for name, policy in POLICIES.items():
            show: Callable[[Any], Any] = duration if policy.is_duration else _as_it_is
            yield {
                "name": name, "value": show(declared.value(name)), "default": show(policy.default),
                "doc": policy.doc, "takes": policy.takes, "declared": int(name in by),
                **by.get(name, {}),
            }  # fmt: skip


class Topics(_Told):
    name = "topics"
    doc = "one row per topic that DEFINE TOPIC named"
    what = "topic"
    columns = (
        Column("name", "TEXT", "name", doc="the topic"),
        Column("subjects", "TEXT", "subjects", doc="patterns of what belongs to it, as JSON"),
        *_BY,
    )

    def told(self, context: Context, tx: int, by: dict[str, Row]) -> Iterator[Row]:
        patterns: dict[str, list[str]] = {}
        for pattern, topic in context.declarations.at(tx).topics:
            patterns.setdefault(topic, []).append(pattern)
        for name in sorted(patterns):
            subjects = json.dumps(sorted(patterns[name]), ensure_ascii=False)
            yield {"name": name, "subjects": subjects, **by[name]}


class Agents(Listing):
    name = "agents"
    doc = "one row per agent that wrote anything, or that DEFINE AGENT named"
    tables = (
        "agent g JOIN txn c ON c.tx=g.tx LEFT JOIN (SELECT name, body, max(id) AS id"
        " FROM declaration WHERE what='agent' AND id<((:t+1)<<20) GROUP BY name) d ON d.name=g.name"
    )
    where = "g.tx<=:t"
    identity = "g.id"
    columns = (
        Column("agent", "TEXT", "g.name", push="text", doc="the name"),
        Column("tx", "INTEGER", "g.tx", push="integer", doc="first seen in this commit"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="and at this instant"),
        Column("defined", "INTEGER", "d.id IS NOT NULL", doc="1 if DEFINE AGENT named it"),
        Column("properties", "TEXT", "d.body", doc="as DEFINE AGENT gave them, as JSON"),
    )


def _as_it_is(value: Any) -> Any:
    return value
