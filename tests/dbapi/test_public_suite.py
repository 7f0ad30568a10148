"""The public compliance suite of PEP 249 (PyPI: dbapi-compliance) against scratch tables.

Its tables are made with CREATE TABLE, which for EPQL is CREATE TEMP TABLE: tables of one's own
are the connection's. Every test of the suite runs; those replaced here say why.
"""

from __future__ import annotations

from typing import Any

import dbapi20

import epql


class TestPublicSuite(dbapi20.DatabaseAPI20Test):  # type: ignore[misc]  # it has no types
    driver = epql
    connect_args = (":memory:",)

    ddl1 = dbapi20.DatabaseAPI20Test.ddl1.replace("create table", "create temp table")
    ddl2 = dbapi20.DatabaseAPI20Test.ddl2.replace("create table", "create temp table")

    def test_non_idempotent_close(self) -> None:
        """Replaced: closing twice is no error here, as in sqlite3, psycopg and Python's files.
        The suite itself says that reasonable persons differ."""
        connection = self._connect()
        connection.close()
        connection.close()

    def test_nextset(self) -> None:
        """Replaced, as the suite asks: a statement gives one answer, so `nextset` is left out,
        which PEP 249 allows; a script gives a cursor for each of its statements."""
        connection = self._connect()
        assert not hasattr(connection.cursor(), "nextset")
        connection.close()

    def test_setoutputsize(self) -> None:
        """Replaced, as the suite asks: it has no effect, and long values come whole."""
        connection = self._connect()
        cursor = connection.cursor()
        cursor.setoutputsize(10)
        cursor.execute("SELECT ?", ("x" * 1000,))
        assert cursor.fetchone() == ("x" * 1000,)
        connection.close()


def test_nothing_of_the_suite_is_left_out() -> None:
    def tests(suite: Any) -> set[str]:
        return {name for name in dir(suite) if name.startswith("test_")}

    assert tests(dbapi20.DatabaseAPI20Test) == tests(TestPublicSuite)
    assert len(tests(TestPublicSuite)) > 35
