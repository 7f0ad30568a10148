"""predicates and views: what is declared, and what is in use."""

from __future__ import annotations

from epql.engine.vtab.base import Column
from epql.engine.vtab.ledger import Listing
from epql.engine.vtab.show import duration, instant

_LATEST = (
    "SELECT name, max(id) AS id FROM declaration WHERE what='predicate' AND id<((:t+1)<<20)"
    " GROUP BY name"
)


class Predicates(Listing):
    name = "predicates"
    doc = "one row per predicate in use or declared"
    tables = (
        "(SELECT predicate AS name FROM slot WHERE tx<=:t"
        f" UNION SELECT name FROM ({_LATEST})) p"
        f" LEFT JOIN ({_LATEST}) last ON last.name=p.name"
        " LEFT JOIN declaration d ON d.id=last.id"
        " LEFT JOIN txn c ON c.tx=(d.id >> 20) LEFT JOIN agent g ON g.id=d.agent"
    )
    identity = "p.name"
    columns = (
        Column("predicate", "TEXT", "p.name", push="text", doc="the name"),
        Column("cardinality", "TEXT", "ifnull(d.body->>'cardinality', 'one')", doc="one, or many"),
        Column("type", "TEXT", "d.body->>'type'", doc="what its objects must be; NULL anything"),
        Column("half_life", "TEXT", "d.body->>'half_life'", show=duration, doc="NULL: no decay"),
        Column("declared", "INTEGER", "d.id IS NOT NULL", doc="1 if DEFINE PREDICATE named it"),
        Column("agent", "TEXT", "g.name", doc="who declared it"),
        Column("tx", "INTEGER", "d.id >> 20", doc="in which commit"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="and when"),
    )


class Views(Listing):
    name = "views"
    doc = "one row per named query"
    tables = (
        "(SELECT name, max(id) AS id FROM declaration WHERE what='query' AND id<((:t+1)<<20)"
        " GROUP BY name) last JOIN declaration d ON d.id=last.id"
        " JOIN txn c ON c.tx=(d.id >> 20) JOIN agent g ON g.id=d.agent"
    )
    where = "d.body->>'text' IS NOT NULL"
    identity = "d.id"
    columns = (
        Column("name", "TEXT", "d.name", push="text", doc="what it is called"),
        Column("text", "TEXT", "d.body->>'text'", doc="its query"),
        Column(
            "columns", "TEXT", "d.body->>'columns'", doc="JSON list; NULL: as the query has them"
        ),
        Column("agent", "TEXT", "g.name", push="text", doc="who defined it"),
        Column("tx", "INTEGER", "d.id >> 20", push="integer", doc="in which commit"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="and when"),
    )
