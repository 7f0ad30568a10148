"""What `import epql` gives: the names it promises, and little of the time it takes to connect."""

from __future__ import annotations

import subprocess
import sys

import pytest

import epql


@pytest.mark.parametrize("name", epql.__all__)
def test_every_name_is_there_and_listed(name: str) -> None:
    assert getattr(epql, name) is not None
    assert name in dir(epql)


def test_what_is_loaded_later_is_the_public_class() -> None:
    with epql.connect(":memory:") as connection:
        assert isinstance(connection, epql.Connection)
        assert isinstance(connection.execute("SELECT 1"), epql.Cursor)
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        epql.conect  # type: ignore[attr-defined]  # noqa: B018


def test_importing_epql_loads_no_parser_and_no_engine() -> None:
    told = "import sys, epql; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"apsw", "sqlglot", "lark", "msgspec", "rich", "epql.connection"}
