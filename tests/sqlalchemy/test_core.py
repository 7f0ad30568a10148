"""Core on relations: what SQLAlchemy writes is what EPQL reads, and the rows are right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    case,
    cast,
    column,
    create_engine,
    event,
    exc,
    extract,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    union,
    union_all,
)  # fmt: skip
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

import epql
from epql.sqlalchemy import relation, table_function
from tests.clock import TestClock

beliefs = relation("beliefs")
assertions = relation("assertions")
port = beliefs.c.predicate == "port"


@pytest.fixture
def connection() -> Iterator[Connection]:
    """TX 1 (5 January): two ports, approved, and an owner. TX 2 (8 January): another port."""
    clock = TestClock("2026-01-05T10:00:00Z")
    engine = create_engine("epql://", connect_args={"agent": "ann", "clock": clock}, scratch=True)
    with engine.connect() as connection:
        connection.execute(
            text(
                "ASSERT ('svc/api', 'port', 8080), ('svc/web', 'port', 80),"
                " ('svc/api', 'owner', 'team-a') LIFECYCLE APPROVED"
            )
        )
        connection.commit()
        clock.set("2026-01-08T10:00:00Z")
        connection.execute(text("ASSERT ('svc/web', 'port', 8080) AGENT 'bob'"))
        connection.commit()
        yield connection


def rows(connection: Connection, query: Any) -> list[Any]:
    return [tuple(row) for row in connection.execute(query)]


# ---------------------------------------------------------------- SELECT


def test_where_order_limit(connection: Connection) -> None:
    query = select(beliefs.c.subject, beliefs.c.object).where(port).order_by(beliefs.c.subject)
    assert rows(connection, query) == [("svc/api", 8080), ("svc/web", 8080)]
    assert rows(connection, query.limit(1)) == [("svc/api", 8080)]
    assert rows(connection, query.limit(5).offset(1)) == [("svc/web", 8080)]
    assert rows(connection, query.offset(2)) == []


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (beliefs.c.subject.in_(["svc/api", "svc/web"]), 3),
        (beliefs.c.subject.in_([]), 0),
        (beliefs.c.subject.not_in(["svc/api"]), 1),
        (tuple_(beliefs.c.subject, beliefs.c.predicate).in_([("svc/api", "port")]), 1),
        (beliefs.c.subject.like("%web"), 1),
        (beliefs.c.subject.startswith("svc"), 3),
        (beliefs.c.subject.regexp_match("^svc/(api|db)$"), 2),
        (beliefs.c.source.is_(None), 3),
        (beliefs.c.confidence.between(0.5, 1), 3),
        (or_(beliefs.c.agent == "bob", beliefs.c.object == "team-a"), 2),
        (beliefs.c.object.is_distinct_from(8080), 1),
        (beliefs.c.recorded_at > datetime(2026, 1, 6, tzinfo=UTC), 1),
        (beliefs.c.recorded_at == "2026-01-08T10:00:00.000000Z", 1),
        (extract("day", beliefs.c.recorded_at) == 5, 2),
    ],
)
def test_conditions(connection: Connection, condition: Any, expected: int) -> None:
    assert connection.execute(select(func.count()).select_from(beliefs).where(condition)).scalar() \
        == expected  # fmt: skip


def test_joins_aliases_and_groups(connection: Connection) -> None:
    owner = beliefs.alias("owner")
    query = (
        select(beliefs.c.subject, owner.c.object)
        .outerjoin(owner, (owner.c.subject == beliefs.c.subject) & (owner.c.predicate == "owner"))
        .where(port)
        .order_by(beliefs.c.subject)
    )
    assert rows(connection, query) == [("svc/api", "team-a"), ("svc/web", None)]
    counted = select(beliefs.c.object, func.count().label("n")).where(port)
    counted = counted.group_by(beliefs.c.object).having(func.count() > 1)
    assert rows(connection, counted) == [(8080, 2)]


def test_common_tables_unions_windows(connection: Connection) -> None:
    ports = select(beliefs.c.subject, beliefs.c.object).where(port).cte("ports")
    query = select(ports.c.subject).order_by(ports.c.subject.desc())
    assert rows(connection, query) == [("svc/web",), ("svc/api",)]
    both = union(select(beliefs.c.subject), select(beliefs.c.predicate)).order_by("subject")
    assert [row[0] for row in rows(connection, both)] == ["owner", "port", "svc/api", "svc/web"]
    number = func.row_number().over(partition_by=beliefs.c.subject, order_by=beliefs.c.predicate)
    ranked = select(beliefs.c.subject, number).order_by(beliefs.c.subject, number)
    assert rows(connection, ranked) == [("svc/api", 1), ("svc/api", 2), ("svc/web", 1)]


def test_a_recursive_common_table(connection: Connection) -> None:
    walk = select(literal(1).label("n")).cte("walk", recursive=True)
    walk = walk.union_all(select(walk.c.n + 1).where(walk.c.n < 4))
    assert [row[0] for row in rows(connection, select(walk.c.n))] == [1, 2, 3, 4]


def test_expressions(connection: Connection) -> None:
    query = select(
        case((beliefs.c.agent == "bob", "new"), else_="old"),
        cast(beliefs.c.object, String),
        func.json_object("subject", beliefs.c.subject),
        beliefs.c.subject + "!",
        func.lower(func.upper(beliefs.c.predicate)),
    ).where(beliefs.c.subject == "svc/web")
    assert rows(connection, query) == [("new", "8080", '{"subject":"svc/web"}', "svc/web!", "port")]


def test_instants_are_aware_datetimes(connection: Connection) -> None:
    [(at, until)] = rows(
        connection,
        select(beliefs.c.recorded_at, beliefs.c.valid_to).where(beliefs.c.agent == "bob"),
    )
    assert at == datetime(2026, 1, 8, 10, tzinfo=UTC) and until is None


def test_a_subquery_and_exists(connection: Connection) -> None:
    inner = beliefs.alias("inner")
    owned = select(inner.c.id).where(
        inner.c.subject == beliefs.c.subject, inner.c.predicate == "owner"
    )
    query = select(beliefs.c.subject).where(port, owned.exists())
    assert rows(connection, query) == [("svc/api",)]


# ---------------------------------------------------------------- time and lifecycle


def test_hidden_columns_are_conditions(connection: Connection) -> None:
    query = select(beliefs.c.object).where(beliefs.c.subject == "svc/web")
    assert rows(connection, query.where(beliefs.c.as_of == "2026-01-06")) == [(80,)]
    assert rows(connection, query.where(beliefs.c.lifecycle_in == "approved")) == [(80,)]
    assert rows(connection, query.where(beliefs.c.as_of == 1)) == [(80,)], "a number is a TX"


def test_a_reflected_table_takes_them_by_name(connection: Connection) -> None:
    reflected = Table("beliefs", MetaData(), autoload_with=connection)
    query = select(reflected.c.object).where(reflected.c.subject == "svc/web")
    assert rows(connection, query.where(column("as_of") == "2026-01-06")) == [(80,)]


def test_a_suffix_is_the_clause_of_the_whole_statement(connection: Connection) -> None:
    query = select(beliefs.c.object).where(beliefs.c.subject == "svc/web")
    past = query.suffix_with(text("AS OF :at").bindparams(at=datetime(2026, 1, 6, tzinfo=UTC)))
    assert rows(connection, past) == [(80,)]
    assert rows(connection, query.suffix_with("LIFECYCLE APPROVED")) == [(80,)]


def test_a_hint_is_the_clause_of_one_table(connection: Connection) -> None:
    old = beliefs.alias("old")
    query = (
        select(old.c.object, beliefs.c.object)
        .join_from(old, beliefs, (old.c.subject == beliefs.c.subject) & port)
        .where(old.c.predicate == "port", old.c.object != beliefs.c.object)
        .with_hint(old, "AS OF '2026-01-06'")
    )
    assert rows(connection, query) == [(80, 8080)]


def test_a_table_function_is_one_table_at_one_instant(connection: Connection) -> None:
    old = table_function("beliefs", as_of="2026-01-06", lifecycle_in="approved").alias("old")
    query = select(old.c.object, beliefs.c.object).join_from(
        old, beliefs, (old.c.subject == beliefs.c.subject) & port & (old.c.predicate == "port")
    )
    assert sorted(rows(connection, query)) == [(80, 8080), (8080, 8080)]


def test_changes_are_a_table_function(connection: Connection) -> None:
    changes = table_function("changes", since="2026-01-06")
    query = select(changes.c.subject, changes.c.before_object, changes.c.after_object, changes.c.at)
    at = datetime(2026, 1, 8, 10, tzinfo=UTC)
    assert rows(connection, query) == [("svc/web", 80, 8080, at)]


def test_a_table_function_of_another_tables_column(connection: Connection) -> None:
    commits = relation("commits")
    then = table_function("beliefs", as_of=commits.c.tx)
    query = select(commits.c.tx, then.c.object).join(then, then.c.subject == "svc/web")
    assert sorted(rows(connection, query)) == [(1, 80), (2, 8080)]


def test_what_a_relation_does_not_take_is_refused() -> None:
    with pytest.raises(exc.ArgumentError, match="commits has no hidden column 'lifecycle_in'"):
        table_function("commits", lifecycle_in="approved")
    with pytest.raises(exc.NoSuchTableError):
        relation("belief")


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("statement", "values", "expected"),
    [
        ("SELECT object FROM beliefs WHERE subject = :s AS OF :t", {"s": "svc/web", "t": 1},
         [(80,)]),
        ("SELECT count(*) FROM beliefs LIFECYCLE IN (:a, :b)", {"a": "approved", "b": "review"},
         [(3,)]),
        ("SELECT subject FROM beliefs DIFF SINCE :t", {"t": "2026-01-06"}, None),
        ("SELECT change, after_object FROM beliefs DIFF SINCE '2026-01-06 10:00'", {},
         [("CHANGED", 8080)]),
        ("CHECK ('svc/web', 'port', 1)", {}, []),
        ("PROMOTE ('svc/web', 'port') RETURNING lifecycle", {}, [("approved",)]),
        ("CORRECT ('svc/web', 'port', :o) REASON :r RETURNING object", {"o": 8080, "r": "typo"},
         [(8080,)]),
        ("SUPERSEDE ('svc/web', 'port') WITH :o RETURNING object", {"o": 1}, [(1,)]),
    ],
)  # fmt: skip
def test_text_is_epql(
    connection: Connection, statement: str, values: dict[str, Any], expected: list[Any] | None
) -> None:
    found = rows(connection, text(statement).bindparams(**values))
    assert found == expected if expected is not None else found


def test_questions_have_named_columns(connection: Connection) -> None:
    winner = connection.execute(text("WHY ('svc/web', 'port')")).mappings().first()
    assert winner is not None and (winner["role"], winner["object"]) == ("winner", 8080)


def test_driver_sql_takes_both_kinds_of_parameters(connection: Connection) -> None:
    query = "SELECT object FROM beliefs WHERE subject = {} AND predicate = 'port'"
    assert connection.exec_driver_sql(query.format("?"), ("svc/api",)).scalar() == 8080
    assert connection.exec_driver_sql(query.format(":s"), {"s": "svc/api"}).scalar() == 8080


def test_errors_keep_their_code_and_place(connection: Connection) -> None:
    with pytest.raises(exc.ProgrammingError) as raised:
        connection.execute(text("SELECT objekt FROM beliefs"))
    orig = raised.value.orig
    assert isinstance(orig, epql.ProgrammingError)
    assert (orig.code, orig.position, orig.hint) == (
        "name.unknown_column", (1, 8), "did you mean object?",
    )  # fmt: skip
    connection.execute(text("FORBID ('svc/*', 'port', 22)"))
    with pytest.raises(exc.IntegrityError, match=r"rule\.forbidden"):
        connection.execute(text("ASSERT ('svc/api', 'port', 22)"))


# ---------------------------------------------------------------- INSERT


def test_insert_asserts(connection: Connection) -> None:
    result = connection.execute(
        insert(assertions).values(subject="svc/db", predicate="port", object=5432, confidence=0.7)
    )
    [key] = result.inserted_primary_key or ()
    assert key.startswith("a:")
    query = select(beliefs.c.object, beliefs.c.confidence).where(beliefs.c.id == key)
    assert rows(connection, query) == [(5432, 0.7)]


def test_insert_many_is_one_statement_for_all(connection: Connection) -> None:
    many = [{"subject": f"n/{n}", "predicate": "size", "object": n} for n in range(2500)]
    assert connection.execute(insert(assertions), many).rowcount == 2500
    connection.commit()
    of_size = select(func.count(), func.sum(beliefs.c.object)).where(beliefs.c.predicate == "size")
    assert rows(connection, of_size) == [(2500, 2500 * 2499 // 2)]
    assert connection.execute(text("SELECT max(tx) FROM commits")).scalar() == 3


def test_insert_returning_gives_ids_in_order(connection: Connection) -> None:
    many = [{"subject": f"n/{n}", "predicate": "size", "object": n} for n in range(30)]
    query = insert(assertions).returning(
        assertions.c.object, assertions.c.id, sort_by_parameter_order=True
    )
    returned = connection.execute(query, many).all()
    assert [row.object for row in returned] == list(range(30))


def test_a_relation_that_is_no_table_for_writing_says_so(connection: Connection) -> None:
    with pytest.raises(exc.DBAPIError, match=r"insert\.relation"):
        connection.execute(insert(beliefs).values(id="a:1", subject="a", object=1))
    with pytest.raises(exc.ProgrammingError, match=r"statement\.update"):
        connection.execute(beliefs.update().values(object=1))
    with pytest.raises(exc.ProgrammingError, match=r"statement\.delete"):
        connection.execute(beliefs.delete())


# ---------------------------------------------------------------- scratch tables

seen = Table(
    "seen", MetaData(), Column("subject", String, primary_key=True), Column("port", Integer)
)


def test_scratch_tables_are_written_and_joined(connection: Connection) -> None:
    seen.create(connection)
    connection.execute(
        insert(seen), [{"subject": "svc/api", "port": 1}, {"subject": "x", "port": 2}]
    )
    connection.execute(seen.update().where(seen.c.subject == "svc/api").values(port=8080))
    connection.execute(
        upsert(seen).values(subject="x", port=3).on_conflict_do_update(
            index_elements=["subject"], set_={"port": 4}
        )
    )  # fmt: skip
    assert rows(connection, select(seen).order_by(seen.c.port)) == [("x", 4), ("svc/api", 8080)]
    joined = select(seen.c.subject).join(beliefs, beliefs.c.object == seen.c.port).distinct()
    assert rows(connection, joined) == [("svc/api",)]
    connection.execute(seen.delete().where(seen.c.subject == "x"))
    with pytest.raises(exc.IntegrityError, match=r"scratch\.constraint"):
        connection.execute(insert(seen).values(subject="svc/api", port=1))
    seen.drop(connection)


def test_create_table_must_say_temp_unless_the_engine_does() -> None:
    with create_engine("epql://").connect() as connection:
        with pytest.raises(exc.ProgrammingError, match="CREATE TEMP TABLE"):
            seen.create(connection)
        said = Table("said", MetaData(), Column("x", Integer), prefixes=["TEMPORARY"])
        said.create(connection)
        connection.execute(insert(said).values(x=1))
        assert rows(connection, select(said)) == [(1,)]


# ---------------------------------------------------------------- the statement cache


def test_a_query_is_compiled_once_for_all_values(connection: Connection) -> None:
    texts: list[str] = []
    event.listen(connection.engine, "before_cursor_execute", lambda *given: texts.append(given[2]))
    for subject in ("svc/api", "svc/web"):
        query = select(beliefs.c.object).where(beliefs.c.subject == subject, port)
        result = connection.execute(query.suffix_with(text("AS OF :t").bindparams(t="now")))
        assert result.context.cache_hit is not None
        hit = result.context.cache_hit.name
        assert result.scalars().all() == [8080]
    assert hit == "CACHE_HIT" and len(set(texts)) == 1


def test_union_all_with_a_clause_at_its_end(connection: Connection) -> None:
    branch = select(beliefs.c.object).where(beliefs.c.subject == "svc/web")
    query = union_all(branch, branch.suffix_with("AS OF TX 1"))
    assert rows(connection, query) == [(80,), (80,)], "R2: it governs the whole statement"
