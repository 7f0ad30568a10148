"""The SQLAlchemy dialect: `create_engine("epql:///path/to/kb.epql")`. Needs the extra `sqlalchemy`.

    dialect.py     what the engine asks of a dialect: connecting, errors, isolation, pooling
    compiler.py    where EPQL's text differs from SQLite's
    reflection.py  what `inspect(engine)` tells: relations, named queries, scratch tables
    standing.py    where a session stands in time, as options of the URL and of execution
    relations.py   relations as Table objects and as table functions, with hidden columns
    types.py       instants and objects

A text goes to EPQL as it is. The manual: docs/reference/sqlalchemy.md.
"""

from __future__ import annotations

from epql.sqlalchemy.dialect import EPQLDialect, cursor_of
from epql.sqlalchemy.relations import relation, table_function
from epql.sqlalchemy.types import Instant, Object

__all__ = ["EPQLDialect", "Instant", "Object", "cursor_of", "relation", "table_function"]
