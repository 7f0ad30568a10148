"""Names: every word of the grammar can be a table and a column, since what must be is quoted."""

from __future__ import annotations

import re

from sqlalchemy import Column, Integer, MetaData, Table, create_engine, func, insert, select
from sqlalchemy.engine import Connection

from epql.engine.vtab.register import RELATIONS
from tests.docs.pages import ROOT

NO_ALIAS = ("true", "false")
"""SQLite takes no alias of these names for that of a column, in whatever quotes."""
AWKWARD = ["two words", 'a "quote"', "größe", "ÉTÉ", "CamelCase", "1st", "per%cent", "a:b", "日本"]


def words() -> list[str]:
    texts = (file.read_text() for file in (ROOT / "grammar").glob("*.lark"))
    return sorted(
        {word.lower() for text in texts for word in re.findall(r'"([A-Za-z_]{2,})"', text)}
    )


def _works(connection: Connection, name: str) -> None:
    table = Table(name, MetaData(), Column(name, Integer, primary_key=True), Column("b", Integer))
    table.create(connection)
    connection.execute(insert(table), [{name: 1, "b": 2}, {name: 2, "b": 3}])
    own = table.alias(name)
    common = select(own.c[name], own.c.b).where(own.c[name] > 0).cte(name + "_")
    query = select(
        common.c[name].label(name), func.sum(common.c.b).over(partition_by=common.c[name])
    )
    rows = connection.execute(query.order_by(common.c[name].desc()))
    assert [tuple(row) for row in rows] == [(2, 3), (1, 2)], name
    table.drop(connection)


def test_every_word_is_a_name() -> None:
    with create_engine("epql://", scratch=True).connect() as connection:
        found = words()
        assert {"select", "as", "lifecycle", "assert", "recursive"} <= set(found)
        for name in [*found, *AWKWARD]:
            if name not in RELATIONS and name not in NO_ALIAS:
                _works(connection, name)
