"""Starts SQLAlchemy's test plugin, on one database in memory with one connection."""

from __future__ import annotations

from typing import Any

import pytest
import requirements
import sqlalchemy
from sqlalchemy.pool import StaticPool
from sqlalchemy.testing import provision
from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: F403


@pytest.fixture(autouse=True)
def _skip_what_is_listed(request: pytest.FixtureRequest) -> None:
    group = request.node.parent.name.partition("_")[0]
    name = request.node.name.partition("[")[0]
    reason = requirements.SKIPPED.get(f"{group}::{name}")
    if reason is not None:
        pytest.skip(reason)


@provision.update_db_opts.for_db("epql")
def _update(url: Any, options: dict[str, Any], _more: Any = None) -> None:
    """Scratch tables are one connection's, so there is one connection."""
    options.update(scratch=True, poolclass=StaticPool)


def _drop_scratch(config: Any, engine: Any) -> None:
    """Before and after the suite: its tables. Relations cannot be dropped, and hold nothing."""


provision.drop_all_schema_objects = _drop_scratch


@provision.delete_from_all_tables.for_db("epql")
def _delete(connection: Any, config: Any, metadata: Any) -> None:
    """After each test: the rows of its tables, which a rollback does not take away."""
    names = set(sqlalchemy.inspect(connection).get_temp_table_names())
    for table in metadata.tables.values():
        if table.name.lower() in names:
            connection.execute(table.delete())


@provision.temp_table_keyword_args.for_db("epql")
def _temporary(config: Any, engine: Any) -> dict[str, Any]:
    return {"prefixes": ["TEMPORARY"]}
