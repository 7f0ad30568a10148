"""Transactions: begun by the first write, ended by SQLAlchemy, or one for each statement."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, exc, text
from sqlalchemy.engine import Connection, Engine

ASSERT = text("ASSERT (:s, 'p', 1)")
COUNT = text("SELECT count(*) FROM beliefs")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return create_engine(f"epql:///{tmp_path}/kb.epql")


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(COUNT).scalar_one()


def test_commit_and_rollback(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(ASSERT, {"s": "a"})
        assert connection.execute(COUNT).scalar() == 1 and count(engine) == 0
        connection.rollback()
        connection.execute(ASSERT, {"s": "b"})
        connection.commit()
    assert count(engine) == 1


def test_what_is_not_committed_is_rolled_back_on_return(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(ASSERT, {"s": "a"})
    assert count(engine) == 0


def test_a_block_that_fails_leaves_nothing(engine: Engine) -> None:
    def fails() -> None:
        with engine.begin() as connection:
            connection.execute(ASSERT, {"s": "a"})
            connection.execute(text("SELECT nothing FROM beliefs"))

    with pytest.raises(exc.ProgrammingError):
        fails()
    assert count(engine) == 0


def test_a_statement_that_fails_leaves_the_transaction_open(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(ASSERT, {"s": "a"})
        with pytest.raises(exc.DataError):
            connection.execute(text("ASSERT ('b', 'p', 1) CONFIDENCE 2"))
    assert count(engine) == 1


def test_autocommit_commits_each_statement(engine: Engine) -> None:
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as connection:
        assert connection.get_isolation_level() == "AUTOCOMMIT"
        connection.execute(ASSERT, {"s": "a"})
        assert count(engine) == 1
        connection.rollback()
    assert count(engine) == 1
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED", "the pool's are as before"
        connection.execute(ASSERT, {"s": "b"})
    assert count(engine) == 1


def test_begin_read_only_sees_one_state(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("BEGIN READ ONLY"))
        assert connection.execute(COUNT).scalar() == 0
        with engine.begin() as other:
            other.execute(ASSERT, {"s": "a"})
        assert connection.execute(COUNT).scalar() == 0
        connection.commit()
        assert connection.execute(COUNT).scalar() == 1


def test_there_are_no_savepoints(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(ASSERT, {"s": "a"})
        with pytest.raises(exc.DBAPIError):
            connection.begin_nested()
        connection.commit()
    assert count(engine) == 1


def test_a_second_writer_waits_and_then_is_told(engine: Engine) -> None:
    hasty = create_engine(str(engine.url) + "?timeout=0")
    with engine.begin() as connection:
        connection.execute(ASSERT, {"s": "a"})
        with hasty.connect() as other, pytest.raises(exc.OperationalError) as raised:
            other.execute(ASSERT, {"s": "b"})
        assert raised.value.orig.code == "lock.timeout"  # type: ignore[union-attr]
        assert not raised.value.connection_invalidated


def test_scratch_rows_are_outside_of_transactions(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("CREATE TEMP TABLE seen (x INTEGER)"))
        connection.execute(text("INSERT INTO seen VALUES (1)"))
        connection.rollback()
        assert scratch(connection) == [1]


def scratch(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT x FROM seen")).scalars())
