"""Views: where they are read, what governs them, how long they last, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import epql
from tests.clock import TestClock


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    made = epql.connect(":memory:", agent="ann", clock=clock, autocommit=True)
    made.execute("ASSERT ('s', 'p', 1) LIFECYCLE APPROVED")
    made.execute("ASSERT ('s', 'p', 2)")
    made.execute("DEFINE QUERY Ports AS SELECT subject, object FROM beliefs")
    return made


def rows(connection: epql.Connection, text: str, params: Any = ()) -> list[tuple[Any, ...]]:
    return connection.execute(text, params).fetchall()


def code_of(connection: epql.Connection, text: str, params: Any = ()) -> epql.Error:
    with pytest.raises(epql.Error) as caught:
        connection.execute(text, params).fetchall()
    return caught.value


def test_a_view_is_read_wherever_a_table_can_stand(connection: epql.Connection) -> None:
    for text, expected in (
        ("SELECT object FROM ports", [(2,)]),
        ("SELECT p.object FROM PORTS AS p AS OF TX 1", [(1,)]),
        (
            "SELECT a.object, b.object FROM ports AS OF TX 1 a JOIN ports b USING (subject)",
            [(1, 2)],
        ),
        ("SELECT 1 WHERE ('s', 2) IN ports", [(1,)]),
        ("SELECT (SELECT object FROM ports LIFECYCLE APPROVED)", [(1,)]),
        ("SELECT * FROM (ports JOIN (SELECT 5 AS five))", [("s", 2, 5)]),
        ("WITH c AS (SELECT * FROM ports WHERE 1 AS OF TX 1) SELECT object FROM c", [(1,)]),
        ("SELECT object FROM ports UNION SELECT 0 AS OF TX 1", [(0,), (1,)]),
    ):
        assert rows(connection, text) == expected, text


def test_a_name_in_the_query_hides_the_view(connection: epql.Connection) -> None:
    assert rows(connection, "WITH ports AS (SELECT 5) SELECT * FROM ports") == [(5,)]
    text = "WITH beliefs AS (SELECT 5 AS five) SELECT five, object FROM beliefs, ports"
    assert rows(connection, text) == [(5, 2)]


def test_the_definition_of_now_is_asked_about_the_past(connection: epql.Connection) -> None:
    connection.execute("DEFINE QUERY ports (thing) AS SELECT object FROM beliefs")
    assert rows(connection, "SELECT thing FROM ports AS OF TX 1") == [(1,)]
    assert rows(connection, "SELECT name, columns FROM views") == [("Ports", '["thing"]')]
    assert rows(connection, "SELECT columns FROM views AS OF TX 3") == [(None,)]


def test_a_view_of_views(connection: epql.Connection) -> None:
    connection.execute("DEFINE QUERY earlier AS SELECT * FROM ports AS OF TX 1")
    assert rows(connection, "SELECT object FROM earlier AS OF TX 2") == [(1,)]
    connection.execute("DEFINE QUERY ports AS SELECT subject FROM beliefs")
    assert rows(connection, "SELECT * FROM earlier") == [("s",)]


def test_views_last_and_are_seen_by_all(clock: TestClock, tmp_path: Path) -> None:
    folder = tmp_path / "k.epql"
    one = epql.connect(folder, agent="ann", clock=clock, autocommit=True)
    other = epql.connect(folder, agent="bob", clock=clock, autocommit=True)
    one.execute("DEFINE QUERY v AS SELECT 1 AS one")
    text = "SELECT * FROM v"
    assert rows(other, text) == [(1,)]
    one.execute("DEFINE QUERY v AS SELECT 2 AS two")
    assert rows(other, text) == [(2,)]
    one.close(), other.close()
    for file in folder.glob("index.db*"):
        file.unlink()
    again = epql.connect(folder, agent="ann", clock=clock, autocommit=True)
    assert rows(again, text) == [(2,)]
    again.execute("DROP QUERY V")
    assert code_of(again, text).code == "name.unknown_relation"


def test_a_view_rolled_back_is_not_there(connection: epql.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("DEFINE QUERY v AS SELECT 1")
    assert rows(connection, "SELECT * FROM v") == [(1,)]
    connection.execute("ROLLBACK")
    assert code_of(connection, "SELECT * FROM v").code == "name.unknown_relation"
    connection.execute("DEFINE QUERY v AS SELECT 2")
    assert rows(connection, "SELECT * FROM v") == [(2,)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DEFINE QUERY v AS SELECT * FROM v", "view.recursive"),
        ("DEFINE QUERY beliefs AS SELECT 1", "view.name"),
        ("DEFINE QUERY json_each AS SELECT 1", "view.name"),
        ("DEFINE QUERY v (a) AS SELECT 1, 2", "view.columns"),
        ("DEFINE QUERY v (a, A) AS SELECT 1, 2", "view.columns"),
        ("DEFINE QUERY v AS SELECT nope FROM beliefs", "name.unknown_column"),
        ("DEFINE QUERY v AS SELECT * FROM nope", "name.unknown_relation"),
        ("DROP QUERY nope", "view.unknown"),
        ("SELECT * FROM ports('-1d')", "hidden.arguments"),
        ("SELECT * FROM ports HISTORY", "clause.meaningless"),
        ("SELECT * FROM main.ports", "name.unknown_relation"),
    ],
)
def test_what_is_refused(connection: epql.Connection, text: str, code: str) -> None:
    assert code_of(connection, text).code == code


def test_a_view_takes_no_parameters(connection: epql.Connection) -> None:
    for text, params in (
        ("DEFINE QUERY v AS SELECT ?", (1,)),
        ("DEFINE QUERY v AS SELECT * FROM beliefs AS OF :t", {"t": 1}),
    ):
        assert code_of(connection, text, params).code == "view.parameter"


def test_views_cannot_be_made_to_read_each_other(connection: epql.Connection) -> None:
    connection.execute("DEFINE QUERY w AS SELECT * FROM ports")
    text = "DEFINE QUERY ports AS SELECT * FROM w"
    assert code_of(connection, text).code == "view.recursive"


def test_an_error_inside_a_view_names_it_and_points_at_its_name(
    connection: epql.Connection,
) -> None:
    connection.execute("DEFINE QUERY w AS SELECT object FROM ports")
    connection.execute("DEFINE QUERY ports AS SELECT subject FROM beliefs")
    error = code_of(connection, "SELECT * FROM w")
    assert error.code == "name.unknown_column" and "'w'" in error.message
    assert error.span == (14, 15)


# ---------------------------------------------------------------- the plan cache


def test_a_text_is_planned_once_for_all_instants(connection: epql.Connection) -> None:
    queries = connection.runner.queries
    text = "SELECT object FROM beliefs AS OF ?"
    plans = []
    for instant in (1, 2, "-1s"):
        rows(connection, text, (instant,))
        plans += [plan for _, plan in queries._plans.values() if plan.parsed.text == text]
    assert len(plans) == 3 and plans[0] is plans[1] is plans[2]


def test_new_names_plan_a_text_anew(connection: epql.Connection) -> None:
    queries = connection.runner.queries
    before = queries.catalog
    assert queries.catalog is before
    assert rows(connection, "SELECT object FROM ports") == [(2,)]
    connection.execute("DEFINE QUERY ports AS SELECT 7 AS object")
    assert queries.catalog is not before
    assert rows(connection, "SELECT object FROM ports") == [(7,)]
    queries.scratch_changed(["Ports"])
    assert queries.catalog.scratch == {"ports"}


# ---------------------------------------------------------------- LIFECYCLE IN (…, live)


def test_live_and_any_may_stand_among_states(connection: epql.Connection) -> None:
    connection.execute("RETRACT ('s', 'p', 1)")
    text = "SELECT count(*) FROM assertions LIFECYCLE {}"
    assert rows(connection, text.format("IN (live, retracted)")) == [(2,)]
    assert rows(connection, text.format("NOT IN (live)")) == [(1,)]
    assert rows(connection, text.format("IN (any)")) == [(2,)]
