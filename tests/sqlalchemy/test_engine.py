"""Engines: what a URL says, which pool there is, what a connection forgets when it comes back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, exc, inspect, pool, text
from sqlalchemy.engine import URL, Engine, make_url

import epql
from epql.sqlalchemy import EPQLDialect, cursor_of

SUBJECTS = text("SELECT subject FROM beliefs ORDER BY subject")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Two beliefs, of TX 1 and TX 2, the first approved."""
    made = create_engine(f"epql:///{tmp_path}/kb.epql?agent=ann")
    with made.begin() as connection:
        connection.execute(text("ASSERT ('svc/api', 'port', 8080) LIFECYCLE APPROVED"))
    with made.begin() as connection:
        connection.execute(text("ASSERT ('svc/web', 'port', 80)"))
    return made


def subjects(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(SUBJECTS).scalars())


def with_query(engine: Engine, **query: str) -> Engine:
    return create_engine(engine.url.set(query=query))


# ---------------------------------------------------------------- URLs


def test_the_dialect_is_found_by_its_name() -> None:
    assert make_url("epql://").get_dialect() is EPQLDialect
    assert make_url("epql+epql://").get_dialect() is EPQLDialect


def test_a_path_with_blanks_and_letters_of_all_kinds(tmp_path: Path) -> None:
    path = tmp_path / "ein Buch ü?#.epql"
    engine = create_engine(URL.create("epql", database=str(path)))
    assert subjects(engine) == []
    assert (path / "FORMAT").exists()


@pytest.mark.parametrize("url", ["epql://", "epql:///", "epql:///:memory:"])
def test_without_a_path_the_database_is_in_memory(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ASSERT ('s', 'p', 1)"))
    assert subjects(engine) == ["s"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("epql://kb.epql", "names a host"),
        ("epql://ann:secret@host/kb.epql", "names a host"),
        ("epql:///kb.epql?agnet=ann", "agnet is unknown"),
        ("epql:///kb.epql?agent=ann&agent=bob", "agent is unknown or given twice"),
    ],
)
def test_a_url_that_is_wrong_says_what_is_right(url: str, said: str) -> None:
    with pytest.raises(exc.ArgumentError, match=said) as raised:
        create_engine(url)
    assert "secret" not in str(raised.value)


def test_arguments_of_connect_come_from_the_url(engine: Engine) -> None:
    with create_engine(f"{engine.url}&read_only=true&timeout=0.5&audit=off").connect() as reader:
        with pytest.raises(exc.OperationalError) as raised:
            reader.execute(text("ASSERT ('s', 'p', 1)"))
        assert raised.value.orig.code == "database.read_only"  # type: ignore[union-attr]
        assert cursor_of(reader.execute(SUBJECTS)).query_id is None
    with engine.connect() as connection:
        assert connection.execute(text("SELECT agent FROM commits")).scalars().all() == ["ann"] * 2


def test_connect_args_reach_the_connector(tmp_path: Path) -> None:
    path = f"epql:///{tmp_path}/kb.epql"
    engine = create_engine(path, connect_args={"agent": "bob", "durability": "os"})
    with engine.begin() as connection:
        connection.execute(text("ASSERT ('s', 'p', 1)"))
        assert connection.execute(text("SELECT agent FROM beliefs")).scalar() == "bob"
    with pytest.raises(exc.InterfaceError, match=r"connect\.timeout"):
        create_engine(path, connect_args={"timeout": "soon"}).connect()


# ---------------------------------------------------------------- where a session stands


def test_a_url_may_stand_in_the_past(engine: Engine) -> None:
    path = engine.url.set(query={})
    assert subjects(create_engine(path.set(query={"as_of": "TX 1"}))) == ["svc/api"]
    assert subjects(create_engine(path.set(query={"lifecycle": "proposed"}))) == ["svc/web"]
    assert subjects(create_engine(path.set(query={"lifecycle": "approved, proposed"}))) == [
        "svc/api", "svc/web",
    ]  # fmt: skip


def test_options_of_an_engine_share_its_pool_and_stand_elsewhere(engine: Engine) -> None:
    past = engine.execution_options(epql_as_of=1)
    assert subjects(past) == ["svc/api"]
    assert subjects(engine) == ["svc/api", "svc/web"]
    with past.connect() as connection:
        with pytest.raises(exc.ProgrammingError, match=r"transaction\.in_the_past"):
            connection.execute(text("ASSERT ('s', 'p', 1)"))
        now = text("SELECT count(*) FROM beliefs AS OF 'now'")
        assert connection.execute(now).scalar() == 2, "the clause of a statement wins"


def test_options_of_a_connection_end_with_it(engine: Engine) -> None:
    with engine.connect() as connection:
        stands = connection.execution_options(
            epql_lifecycle=["approved"], epql_resolve_by="credence", epql_purpose="a report",
            epql_agent="carl", epql_time_zone="Europe/Berlin", epql_valid_at="2026-01-01",
        )  # fmt: skip
        shown = dict(stands.execute(text("SELECT 1")) and [
            (row.name, row.value) for row in stands.execute(text("SHOW ALL"))
        ])  # fmt: skip
        assert shown["resolve by"] == "CREDENCE" and shown["agent"] == "carl"
        assert shown["purpose"] == "a report" and shown["time zone"] == "Europe/Berlin"
        assert subjects_of(stands) == ["svc/api"]
    assert subjects(engine) == ["svc/api", "svc/web"]


def subjects_of(connection: object) -> list[str]:
    return list(connection.execute(SUBJECTS).scalars())  # type: ignore[attr-defined]


def test_an_option_that_is_wrong_is_refused(engine: Engine) -> None:
    for option, code in [
        ({"epql_as_of": "someday"}, "instant"),
        ({"epql_lifecycle": "aproved"}, "lifecycle"),
        ({"epql_resolve_by": "luck"}, "resolve.unknown"),
    ]:
        with engine.connect() as connection, pytest.raises(epql.Error) as raised:
            connection.execution_options(**option)
        assert raised.value.code.startswith(code)
    assert subjects(engine) == ["svc/api", "svc/web"]


def test_what_was_set_ends_when_a_connection_goes_back_to_the_pool(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SET AGENT 'mallory'"))
        connection.execute(text("SET AS OF TX 1"))
        raw = connection.connection.dbapi_connection
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection is raw, "the pool gave the same one"
        assert subjects_of(connection) == ["svc/api", "svc/web"]
        assert raw is not None and raw.agent == "ann"


def test_a_relative_instant_of_the_url_is_meant_at_each_checkout(engine: Engine) -> None:
    standing = create_engine(engine.url.set(query={"as_of": "now"}))
    for name in ("a", "b"):
        with engine.begin() as connection:
            connection.execute(text("ASSERT (:s, 'p', 1)"), {"s": name})
        assert name in subjects(standing)


# ---------------------------------------------------------------- pools and threads


def test_a_folder_has_a_pool_of_connections(engine: Engine) -> None:
    assert isinstance(engine.pool, pool.QueuePool)
    with engine.connect() as one, engine.connect() as other:
        assert one.connection.dbapi_connection is not other.connection.dbapi_connection


def test_threads_share_an_engine(engine: Engine) -> None:
    """Connections wander from thread to thread; each of them is one thread's at a time."""
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(5):
                with engine.begin() as connection:
                    connection.execute(
                        text("ASSERT (:s, 'step', :o)"), {"s": f"t/{number}", "o": step}
                    )
                assert f"t/{number}" in subjects(engine)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with engine.connect() as connection:
        counted = connection.execute(text("SELECT count(*) FROM commits")).scalar()
    assert counted == 2 + 6 * 5


def test_a_connection_that_can_do_no_more_is_replaced(engine: Engine) -> None:
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.close()
        with pytest.raises(exc.InterfaceError, match=r"connection\.closed") as raised:
            connection.execute(SUBJECTS)
        assert raised.value.connection_invalidated
        connection.rollback()
        assert subjects_of(connection) == ["svc/api", "svc/web"]


def test_pre_ping_finds_a_closed_connection(engine: Engine) -> None:
    careful = create_engine(engine.url, pool_pre_ping=True)
    with careful.connect() as connection:
        raw = connection.connection.dbapi_connection
    assert raw is not None
    raw.close()
    assert subjects(careful) == ["svc/api", "svc/web"]


def test_the_raw_connection_is_the_connectors(engine: Engine) -> None:
    raw = engine.raw_connection()
    try:
        assert isinstance(raw.driver_connection, epql.Connection)
        assert raw.driver_connection.why("svc/api", "port")[0].object == 8080
    finally:
        raw.close()


def test_notices_and_basis_are_reached_through_the_result(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ASSERT ('svc/api', 'port', 9090)"))
    with engine.connect() as connection:
        result = connection.execute(
            text("SELECT object FROM beliefs WHERE subject = 'svc/api' AND predicate = 'port'")
        )
        assert result.scalars().all() == [9090]
        [notice] = cursor_of(result).notices
        assert "LIFECYCLE APPROVED asks for it" in notice
        [(kind, _)] = cursor_of(result).messages
        assert kind is epql.Warning
        basis = cursor_of(result).basis
        assert basis is not None and basis.tx == 3


def test_the_server_is_epql(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.dialect.server_version_info == tuple(
            int(part) for part in epql.__version__.split(".")
        )
        assert inspect(connection).default_schema_name is None
