"""No text reaches the index's own tables, the file system or SQLite's settings."""

from __future__ import annotations

import pytest

import epql

INTERNAL = ["span", "kv", "meta", "txn", "assertion", "sqlite_master", "sqlite_schema", "aside"]


@pytest.fixture(scope="module")
def connection() -> epql.Connection:
    made = epql.connect(":memory:", autocommit=True)
    made.execute("ASSERT ('s', 'p', 'secret')")
    return made


@pytest.mark.parametrize("table", INTERNAL)
@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM {}",
        "SELECT * FROM main.{}",
        'SELECT * FROM "main"."{}"',
        "SELECT (SELECT count(*) FROM {})",
        "SELECT 1 WHERE 1 IN {}",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM {})",
        "SELECT * FROM beliefs b LEFT JOIN {} x ON 1",
        "SELECT 1 UNION SELECT 1 FROM {}",
        "WITH x AS (SELECT * FROM {}) SELECT * FROM x",
        "WITH {0} AS (SELECT 1) SELECT * FROM main.{0}",
        "WITH {0} AS (SELECT 1) SELECT (SELECT count(*) FROM main.{0})",
        "SELECT * FROM (WITH {0} AS (SELECT 1) SELECT 1) JOIN {0}",
        "PROMOTE (SELECT digest AS id FROM {})",
        "SELECT * FROM beliefs({}.id)",
    ],
)
def test_internal_tables_are_unknown(connection: epql.Connection, text: str, table: str) -> None:
    with pytest.raises(epql.ProgrammingError) as caught:
        connection.execute(text.format(table)).fetchall()
    assert caught.value.code in ("name.unknown_relation", "name.unknown_column")


def test_a_cte_may_have_any_name(connection: epql.Connection) -> None:
    assert connection.execute("WITH span(x) AS (SELECT 1) SELECT x FROM span").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "text",
    [
        "PRAGMA user_version", "ATTACH '/tmp/x' AS y", "DETACH main", "VACUUM INTO '/tmp/x'",
        "CREATE TABLE x(a)", "DROP TABLE span", "INSERT INTO span VALUES (1)", "REINDEX", "ANALYZE",
        "UPDATE beliefs SET object = 1", "DELETE FROM beliefs", "SAVEPOINT x", "RELEASE x",
        "ROLLBACK TO epql_transaction", "SELECT load_extension('x')",
        "SELECT writefile('/tmp/x', 1)",
        "SELECT * FROM pragma_table_info('span')", "SELECT * FROM temp.sqlite_master",
        "SELECT * FROM dbstat", "SELECT * FROM sqlite_dbpage", "SELECT 1; DROP TABLE span",
    ],
)  # fmt: skip
def test_what_is_not_epql_is_refused(connection: epql.Connection, text: str) -> None:
    with pytest.raises(epql.Error):
        connection.execute(text).fetchall()
    assert connection.execute("SELECT count(*) FROM beliefs").fetchall() == [(1,)]
