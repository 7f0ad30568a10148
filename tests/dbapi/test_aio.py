"""The connector for asyncio: what epql has, awaited; tasks that are cancelled; tasks that share."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import epql
from epql import aio
from epql.rows import dict_row

FOR_EVER = "WITH c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
Test = Callable[..., Coroutine[Any, Any, None]]


def awaited(test: Test) -> Callable[..., None]:
    """A test that is a coroutine."""

    def run(*given: Any, **named: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*given, **named), 60))

    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def code(waiting: Awaitable[Any]) -> str:
    with pytest.raises(epql.Error) as raised:
        await waiting
    return raised.value.code


@awaited
async def test_a_conversation(tmp_path: Path) -> None:
    async with aio.connect(tmp_path / "kb", agent="a") as con:
        cursor = await con.execute("ASSERT ('a', 'p', 1), ('b', 'p', 2) RETURNING subject")
        assert (await cursor.fetchall(), cursor.rowcount) == ([("a",), ("b",)], 2)
        await con.executemany("ASSERT (?, 'many', ?)", [(f"s{n}", n) for n in range(1000)])
        assert con.in_transaction
        await con.commit()
        cursor = await con.execute("SELECT object FROM beliefs WHERE predicate = 'many'")
        assert cursor.description is not None and cursor.description[0][0] == "object"
        assert await cursor.fetchone() is not None
        assert len([row async for row in cursor]) == 999
        basis = await cursor.basis()
        assert basis is not None and basis.tx == 1 and await cursor.notices() == []
    async with await aio.connect(tmp_path / "kb", row_factory=dict_row) as con:
        assert await (await con.execute("SELECT count(*) AS n FROM beliefs")).fetchone() == {
            "n": 1002
        }
        found = con.cursor(row_factory=epql.rows.scalar_row)
        assert await (await found.execute("SELECT 7")).fetchmany(5) == [7]
        assert [c.description async for c in con.script("BEGIN; ROLLBACK")] == [None, None]


@awaited
async def test_the_block_commits_or_rolls_back_and_closes(tmp_path: Path) -> None:
    async with aio.connect(tmp_path / "kb") as con:
        await con.execute("ASSERT ('kept', 'p', 1)")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with aio.connect(tmp_path / "kb") as con:
            await con.execute("ASSERT ('lost', 'p', 1)")
            raise ZeroDivisionError
    assert await code(con.execute("SELECT 1")) == "connection.closed"
    await con.close()
    async with aio.connect(tmp_path / "kb") as con:
        assert await (await con.execute("SELECT subject FROM beliefs")).fetchall() == [("kept",)]


@awaited
async def test_the_typed_methods() -> None:
    async with aio.connect(":memory:", agent="a", autocommit=True) as con:
        known = await con.assert_("http", "library", "requests", confidence=0.8)
        assert (await con.why("http", "library"))[0].object == "requests"
        await con.correct(known, to="axios", forbid=True, reason="standard")
        assert [hit.verdict for hit in await con.check("http", "library", "requests")] == ["DENY"]
        assert await code(con.assert_("http", "library", "requests")) == "rule.forbidden"
        async with con.as_of(known) as then:
            cursor = await then.execute("SELECT object FROM beliefs")
            assert await cursor.fetchall() == [("requests",)]
        assert await con.garden() == []
        assert await con.run(lambda sync: sync.agent) == "a"
        await con.set_limits(epql.Limits(rows=1))
        cursor = await con.execute("SELECT 1 UNION SELECT 2")
        assert await code(cursor.fetchall()) == "limit.rows"


@awaited
async def test_errors_are_the_same() -> None:
    async with aio.connect(":memory:") as con:
        with pytest.raises(epql.ProgrammingError) as raised:
            await con.execute("SELECT objekt FROM beliefs")
        assert raised.value.code == "name.unknown_column" and raised.value.position == (1, 8)
    assert await code(aio.connect("/no/such/folder").__aenter__()) == "database.parent_missing"


@awaited
async def test_a_cancelled_task_ends_its_statement(tmp_path: Path) -> None:
    async with aio.connect(tmp_path / "kb", autocommit=True) as con:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await (await con.execute(FOR_EVER)).fetchall()
        endless = FOR_EVER.replace("count(*)", "n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await con.execute(f"ASSERT SELECT 'n' || n, 'p', n FROM ({endless})")
        assert not con.in_transaction
        cursor = await con.execute("SELECT count(*) FROM assertions")
        assert await cursor.fetchone() == (0,)


@awaited
async def test_a_cancelled_wait_for_another_writer(tmp_path: Path) -> None:
    async with (
        aio.connect(tmp_path / "kb") as one,
        aio.connect(tmp_path / "kb", timeout=600) as other,
    ):
        await one.execute("ASSERT ('a', 'p', 1)")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await other.execute("ASSERT ('b', 'p', 1)")
        await one.commit()
        await other.execute("ASSERT ('b', 'p', 1)")


@awaited
async def test_cancelling_reaches_no_other_tasks_statement() -> None:
    """Tasks share a connection; those that wait for their turn are cancelled, too."""
    async with aio.connect(":memory:", autocommit=True) as con:

        async def read() -> int:
            row = await (await con.execute("SELECT count(*) FROM beliefs a, beliefs b")).fetchone()
            assert row is not None
            return int(row[0])

        await con.executemany("ASSERT (?, 'p', 1)", [(f"s{n}",) for n in range(20)])
        for _ in range(30):
            doomed = [asyncio.create_task(read()) for _ in range(3)]
            spared = [asyncio.create_task(read()) for _ in range(3)]
            await asyncio.sleep(0.001)
            for task in doomed:
                task.cancel()
            assert await asyncio.gather(*spared) == [400] * 3
            await asyncio.gather(*doomed, return_exceptions=True)


@awaited
async def test_the_loop_goes_on_while_a_statement_runs() -> None:
    async with aio.connect(":memory:") as con:
        task = asyncio.create_task(con.execute(FOR_EVER))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not task.done()
        con.interrupt()
        assert await code(task) == "statement.interrupted"


@awaited
async def test_a_hundred_readers_beside_a_writer(tmp_path: Path) -> None:
    async with aio.connect(tmp_path / "kb", autocommit=True) as writer:
        await writer.execute("ASSERT ('s', 'p', 0)")

        async def read(number: int) -> int:
            async with aio.connect(tmp_path / "kb", read_only=True, audit="off") as con:
                row = await (await con.execute("SELECT count(*) FROM history")).fetchone()
                assert row is not None
                return int(row[0])

        async def write() -> None:
            for number in range(20):
                await writer.execute("ASSERT ('s', 'p', ?)", (number + 1,))

        found, _ = await asyncio.gather(asyncio.gather(*map(read, range(100))), write())
        assert all(1 <= count <= 21 for count in found)


@awaited
async def test_many_writers_take_turns(tmp_path: Path) -> None:
    await (await aio.connect(tmp_path / "kb")).close()

    async def write(number: int) -> None:
        async with aio.connect(tmp_path / "kb", timeout=60) as con:
            await con.execute("ASSERT (?, 'p', 1)", (f"s{number}",))
            await asyncio.sleep(0.002)
            await con.execute("ASSERT (?, 'p', 2)", (f"s{number}",))

    await asyncio.gather(*map(write, range(30)))
    async with aio.connect(tmp_path / "kb") as con:
        cursor = await con.execute("SELECT count(*), max(tx) FROM beliefs WHERE object = 2")
        assert await cursor.fetchone() == (30, 30)


@pytest.mark.parametrize("kind", ["Connection", "Cursor"])
def test_nothing_of_the_connector_is_missing(kind: str) -> None:
    def names(module: Any) -> set[str]:
        return {name for name in dir(getattr(module, kind)) if not name.startswith("_")}

    errors = {name for name in names(epql) if name.endswith("Error") or name == "Warning"}
    instead = {"runner", "row_factory", "messages", "lastrowid", "setinputsizes", "setoutputsize"}
    assert names(epql) - names(aio) - errors - instead == set()


def test_threads_end_with_their_connections() -> None:
    async def use() -> None:
        con = await aio.connect(":memory:")
        await con.execute("SELECT 1")
        await con.close()

    asyncio.run(use())
    for thread in threading.enumerate():
        if thread.name.startswith("epql-aio"):
            thread.join(30)
            assert not thread.is_alive()
