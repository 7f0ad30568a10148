"""constraints: the rules of FORBID, with their uses and their end."""

from __future__ import annotations

from epql.engine.governance.checking import FRESHNESS, LAST_USE, USES
from epql.engine.vtab.base import Column, Condition, SqlValue, Where, number_of, snapshot_of
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.ledger import Listing
from epql.engine.vtab.show import address, instant, rule_address


class Constraints(Listing):
    name = "constraints"
    doc = "one row per rule of FORBID, in force or repealed"
    tables = (
        "rule r JOIN txn c ON c.tx=(r.id >> 20) JOIN agent g ON g.id=r.agent"
        " LEFT JOIN repeal e ON e.rule=r.id AND e.id<((:t+1)<<20)"
        " LEFT JOIN txn ec ON ec.tx=(e.id >> 20) LEFT JOIN agent eg ON eg.id=e.agent"
        f" LEFT JOIN txn uc ON uc.tx=({LAST_USE} >> 20)"
    )
    where = "r.id<((:t+1)<<20)"
    identity = "r.id"
    columns = (
        Column("id", "TEXT", "r.digest", show=rule_address, push="id", doc="c: and its hash"),
        Column("subject", "TEXT", "r.subject", push="text", doc="GLOB pattern"),
        Column("predicate", "TEXT", "r.predicate", push="text", doc="GLOB pattern"),
        Column("object", "", "r.object", push="any", doc="GLOB pattern, or a number"),
        Column("condition", "TEXT", "r.condition", doc="its WHEN"),
        Column("severity", "TEXT", "r.severity", push="text", doc="hard or soft"),
        Column("prefer", "", "r.prefer", doc="what to assert instead"),
        Column("reason", "TEXT", "r.reason", doc="why it is forbidden"),
        Column("agent", "TEXT", "g.name", push="text", doc="who forbade it"),
        Column("tx", "INTEGER", "r.id >> 20", push="integer", doc="in which commit"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="and when"),
        Column(
            "freshness", "REAL", FRESHNESS,
            doc="1 when made or used, halved each rule_half_life",
        ),
        Column("uses", "INTEGER", f"(SELECT count(*) {USES})", doc="how often it was met"),
        Column("last_used", "TEXT", "uc.recorded_at", show=instant, doc="when it was met last"),
        Column(
            "correction", "TEXT", "r.correction", show=address, doc="the id whose CORRECT made it"
        ),
        Column("in_force", "INTEGER", "(e.rule IS NULL)", push="integer", doc="1, or 0: repealed"),
        Column("repealed_at", "TEXT", "ec.recorded_at", show=instant, doc="when it ended"),
        Column("repealed_by", "TEXT", "eg.name", doc="who ended it"),
        Column("repeal_reason", "TEXT", "e.reason", doc="and why"),
    )  # fmt: skip

    def bindings(self, context: Context, scope: Scope) -> dict[str, SqlValue]:
        snapshot = snapshot_of(scope, self.name)
        half_life = context.declarations.at(snapshot.tx).value("rule_half_life")
        return {"t": snapshot.tx, "clock": snapshot.clock, "rule_half_life": half_life}

    def _push(self, context: Context, where: Where, condition: Condition) -> bool:
        if condition.column.push != "id":
            return super()._push(context, where, condition)
        number = number_of(context, condition.value, "C")
        where.row.append(f"r.id={where.bind(number)}")
        return number is not None
