"""durability='group': commits of several threads under one sync, each of them its own."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

import epql
from epql.engine import group
from epql.engine.audit.log import AuditLog
from epql.engine.database import Database
from epql.engine.files import OsHandle
from epql.engine.index.fold import Fold
from epql.engine.journal.segments import segment_name
from epql.engine.journal.writer import JournalWriter
from epql.engine.line import Line
from epql.engine.transaction import Transaction
from tests.unit_epql.grouping import (
    Job,
    Running,
    connect,
    groups,
    held,
    in_line,
    lined_up,
    together,
    until,
    writer_of,
)

__all__ = ["groups"]
ASSERT = "ASSERT (?, 'is', ?) RETURNING tx, agent, subject"


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    return tmp_path / "kb"


@pytest.fixture
def cons(kb: Path) -> Iterator[list[epql.Connection]]:
    """Connections that have written once each: commits 1 to 4."""
    made = [connect(kb, agent=f"agent{n}") for n in range(4)]
    for number, con in enumerate(made):
        con.execute("ASSERT (?, 'began', 1)", (f"agent{number}",))
    yield made
    for con in made:
        con.close()


def says(con: epql.Connection, text: str, *values: Any) -> Job:
    """A statement, and the rows it answers."""
    return lambda: con.execute(text, values).fetchall()


def told(con: epql.Connection, text: str) -> Job:
    """A statement, and what it tells."""
    return lambda: con.execute(text).notices


def subjects(con: epql.Connection) -> list[Any]:
    """(tx, agent, subject) of what was written after the beginning."""
    sql = "SELECT tx, agent, subject FROM assertions WHERE predicate = 'is' ORDER BY tx"
    return con.execute(sql).fetchall()


def reopened(kb: Path) -> list[Any]:
    """The same, of the database opened anew and found sound."""
    con = epql.connect(kb)
    assert con.verify() == []
    found = subjects(con)
    con.close()
    return found


# ---------------------------------------------------------------- what they are answered


def test_statements_of_threads_share_an_append(
    kb: Path, cons: list[epql.Connection], groups: list[int]
) -> None:
    jobs = [says(con, ASSERT, f"s{n}", n) for n, con in enumerate(cons)]
    answers = together(kb, writer_of(cons[0]), jobs)
    assert groups == [4]
    expected = [(5 + n, f"agent{n}", f"s{n}") for n in range(4)]
    assert answers == [[row] for row in expected]
    assert [con.runner.committed for con in cons] == [5, 6, 7, 8]
    for con in cons:
        assert subjects(con) == expected
        con.close()
    assert reopened(kb) == expected


def test_one_thread_alone_waits_for_nobody(kb: Path, groups: list[int]) -> None:
    con = connect(kb)
    for number in range(3):
        con.execute("ASSERT (?, 'is', 1)", (f"s{number}",))
    assert groups == [1, 1, 1]
    con.close()


def test_all_that_many_threads_were_told_is_there(kb: Path, groups: list[int]) -> None:
    """The oracle is what each thread wrote down: tx by subject."""
    acknowledged: list[dict[str, int]] = [{} for _ in range(8)]

    def work(number: int) -> None:
        con = connect(kb, agent=f"agent{number}")
        for step in range(25):
            subject = f"{number}/{step}"
            ((tx, _, _),) = con.execute(ASSERT, (subject, step)).fetchall()
            acknowledged[number][subject] = tx
            seen = con.execute("SELECT tx FROM assertions WHERE subject = ?", (subject,)).fetchall()
            assert seen == [(tx,)]
        con.close()

    running = [Running(lambda number=number: work(number)) for number in range(8)]  # type: ignore[misc]
    assert [one.result() for one in running] == [None] * 8
    assert sum(groups) == 200
    expected = [
        (tx, f"agent{number}", subject)
        for number, one in enumerate(acknowledged) for subject, tx in one.items()
    ]  # fmt: skip
    assert reopened(kb) == sorted(expected)
    for one in acknowledged:
        assert list(one.values()) == sorted(one.values())


def test_what_a_statement_tells_is_told_to_its_own_thread(
    kb: Path, cons: list[epql.Connection]
) -> None:
    same = "ASSERT ('s', 'is', 1) AGENT 'the same'"
    jobs = [told(cons[0], same), told(cons[1], same), told(cons[2], "ASSERT ('t', 'is', 1)")]
    first, second, third = together(kb, writer_of(cons[0]), jobs)
    assert first == third == []
    assert ["stands already" in text for text in second] == [True]


def test_each_sees_what_those_before_it_in_the_group_did(
    kb: Path, cons: list[epql.Connection], groups: list[int]
) -> None:
    jobs = [
        says(cons[0], "ASSERT ('s', 'is', 1) RETURNING tx"),
        says(cons[1], "ASSERT ('s', 'is', 2) IF NONE"),
        says(cons[2], "SUPERSEDE ('s', 'is') WITH 3 RETURNING tx"),
        says(cons[3], "PROMOTE ('s', 'is', 3) RETURNING tx, lifecycle"),
    ]
    first, refused, second, third = together(kb, writer_of(cons[0]), jobs)
    assert (first, second, third) == ([(5,)], [(6,)], [(6, "approved")])
    assert isinstance(refused, epql.IntegrityError) and refused.code == "guard.exists"
    assert refused.text == "ASSERT ('s', 'is', 2) IF NONE"
    assert groups == [3]
    assert cons[3].execute("SELECT object FROM beliefs WHERE subject = 's'").fetchall() == [(3,)]
    assert cons[0].verify() == []


def test_an_insert_of_values_is_an_assert(
    kb: Path, cons: list[epql.Connection], groups: list[int]
) -> None:
    insert = "INSERT INTO assertions (subject, predicate, object) VALUES (?, 'is', ?) RETURNING tx"
    jobs = [says(con, insert, f"s{n}", n) for n, con in enumerate(cons)]
    assert together(kb, writer_of(cons[0]), jobs) == [[(5 + n,)] for n in range(4)]
    assert groups == [4]
    with pytest.raises(epql.ProgrammingError) as raised:
        cons[0].execute("INSERT INTO assertions VALUES ('s', 'is', 1)")
    assert raised.value.code == "insert.form"


def test_the_instants_of_a_group_grow_though_the_clock_stands(kb: Path) -> None:
    def stopped() -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    cons = [connect(kb, clock=stopped) for _ in range(3)]
    cons[0].execute("ASSERT ('began', 'is', 1)")
    cons[1].execute("ASSERT ('s1', 'was', 1)")
    cons[2].execute("ASSERT ('s2', 'was', 1)")
    jobs = [
        says(cons[0], "ASSERT ('s0', 'is', 1)"),
        says(cons[1], "SUPERSEDE ('s1', 'was') WITH 2"),
        says(cons[2], "SUPERSEDE ('s2', 'was') WITH 2"),
    ]
    together(kb, writer_of(cons[0]), jobs)
    rows = cons[0].execute("SELECT recorded_at FROM commits ORDER BY tx").fetchall()
    assert len(rows) == 6 and rows == sorted(set(rows))
    cuts = (
        cons[0]
        .execute("SELECT valid_from FROM assertions WHERE predicate = 'was' AND object = 2")
        .fetchall()
    )
    assert sorted(cuts) == rows[-2:]
    assert cons[0].verify() == []
    for con in cons:
        con.close()


# ---------------------------------------------------------------- what does not share


@pytest.mark.parametrize(
    "text",
    [
        "ASSERT ('s', 'is', (SELECT max(n) FROM scratch))",
        "ASSERT SELECT 's', 'is', n FROM scratch",
        "ASSERT ('s', 'is', 1 + 2)",
        "INSERT INTO assertions (subject, predicate, object) SELECT 's', 'is', n FROM scratch",
        "INSERT INTO scratch VALUES (4)",
        "RETRACT (SELECT id FROM assertions WHERE subject = 'agent1')",
        "ASSERT ('s', 'is', 3) DRY RUN",
        "DEFINE PREDICATE 'is' CARDINALITY MANY",
        "CORRECT ('agent1', 'began') TO 3 REASON 'wrong'",
    ],
)  # fmt: skip
def test_what_needs_its_session_goes_alone(
    text: str, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    con = cons[0]
    con.execute("CREATE TEMP TABLE scratch (n)")
    con.execute("INSERT INTO scratch VALUES (3)")
    monkeypatch.setattr(group.SharedWriter, "carry_out", None)
    con.execute(text)
    assert con.verify() == []


def test_a_transaction_goes_alone_and_sees_what_was_grouped(
    kb: Path, cons: list[epql.Connection], groups: list[int]
) -> None:
    cons[0].execute("ASSERT ('s0', 'is', 1)")
    cons[1].execute("BEGIN")
    cons[1].execute("ASSERT ('s1', 'is', 1)")
    assert [row[2] for row in subjects(cons[1])] == ["s0", "s1"]
    cons[1].execute("COMMIT")
    cons[2].execute("ASSERT ('s2', 'is', 1)")
    expected = [(5, "agent0", "s0"), (6, "agent1", "s1"), (7, "agent2", "s2")]
    assert subjects(cons[3]) == expected
    assert groups == [1, 1, 1]


def test_a_connection_reads_what_it_wrote_though_rows_are_half_read(
    cons: list[epql.Connection],
) -> None:
    rows = cons[0].execute("SELECT subject FROM assertions ORDER BY subject")
    assert rows.fetchone() == ("agent0",)
    cons[0].execute("ASSERT ('s', 'is', 1)")
    assert subjects(cons[0]) == [(5, "agent0", "s")]
    assert [row[0] for row in rows] == ["agent1", "agent2", "agent3"]


def test_what_was_read_before_is_in_the_audit(kb: Path) -> None:
    con = connect(kb, audit="lazy")
    con.execute("SELECT subject FROM beliefs").fetchall()
    waiting = con.runner.database.audit._waiting
    assert waiting
    con.execute("ASSERT ('s', 'is', 1)")
    assert not waiting
    con.close()


def test_the_general_rules_hold(kb: Path, cons: list[epql.Connection]) -> None:
    cons[0].execute("SET AS OF TX 1")
    with pytest.raises(epql.ProgrammingError) as raised:
        cons[0].execute("ASSERT ('s', 'is', 1)")
    assert raised.value.code == "transaction.in_the_past"
    reader = connect(kb, read_only=True)
    with pytest.raises(epql.OperationalError) as refused:
        reader.execute("ASSERT ('s', 'is', 1)")
    assert refused.value.code == "database.read_only"
    reader.close()


def test_connections_of_asyncio_share(kb: Path, groups: list[int]) -> None:
    async def main() -> None:
        made = [
            await epql.aio.connect(
                kb, agent=f"agent{n}", durability="group", autocommit=True, timeout=60, audit="off"
            )
            for n in range(4)
        ]  # fmt: skip
        for con in made:
            await con.execute("ASSERT ('a', 'began', 1)")
        groups.clear()
        with held(kb):
            tasks = [
                asyncio.ensure_future(con.execute(ASSERT, (f"s{n}", n)))
                for n, con in enumerate(made)
            ]
            while in_line(writer_of(made[0].sync)) < 4:
                await asyncio.sleep(0.001)
        await asyncio.gather(*tasks)
        for con in made:
            await con.close()

    asyncio.run(main())
    assert groups == [4]
    assert len(reopened(kb)) == 4


# ---------------------------------------------------------------- failures


def test_a_sync_that_fails_is_told_to_all_and_nothing_stays(
    kb: Path, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: OsHandle) -> None:
        raise epql.OperationalError("cannot sync", code="journal.io")

    jobs = [says(con, ASSERT, f"s{n}", n) for n, con in enumerate(cons[:3])]
    with monkeypatch.context() as patched:
        patched.setattr(OsHandle, "sync", fail)
        errors = together(kb, writer_of(cons[0]), jobs)
    assert [type(error) for error in errors] == [epql.OperationalError] * 3
    assert [error.code for error in errors] == ["journal.io"] * 3
    assert len(set(map(id, errors))) == 3
    assert subjects(cons[3]) == []
    for con in cons:
        with pytest.raises(epql.OperationalError) as raised:
            con.execute("ASSERT ('later', 'is', 1)")
        assert raised.value.code == "journal.failed"
    fresh = connect(kb, agent="fresh")  # while those that failed are still open
    fresh.execute("ASSERT ('fresh', 'is', 1)")
    shared = {writer_of(cons[0]), writer_of(fresh)}
    assert len(shared) == 2
    fresh.close()
    for con in cons:
        con.close()
    assert set(group._shared.values()).isdisjoint(shared)
    # what was written and not synced may turn up: all of the group, in order, or nothing
    names = [subject for _, _, subject in reopened(kb)]
    assert names in (["fresh"], ["s0", "s1", "s2", "fresh"])


def test_a_torn_end_that_is_found_on_the_way_is_told(kb: Path, cons: list[epql.Connection]) -> None:
    with held(kb) as lock:
        note = lock.read_note()
        assert note is not None
        lock.note("writing", note.segment, note.offset)
        with (kb / segment_name(note.segment)).open("ab") as segment:
            segment.write(b"torn")
    cons[0].execute(ASSERT, ("s", 1))
    assert ["4 bytes" in notice for notice in cons[0].notices] == [True]
    assert cons[1].execute(ASSERT, ("t", 1)).fetchall() == [(6, "agent1", "t")]
    assert cons[1].notices == []


def test_an_index_that_cannot_commit_is_caught_up_by_each(
    kb: Path, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise apsw.FullError("database or disk is full")

    jobs = [says(con, ASSERT, f"s{n}", n) for n, con in enumerate(cons[:2])]
    with monkeypatch.context() as patched:
        patched.setattr(Fold, "finish", full)
        answers = together(kb, writer_of(cons[0]), jobs)
    assert [answer[0][0] for answer in answers] == [5, 6]
    assert [row[0] for row in subjects(cons[1])] == [5, 6]
    cons[2].execute("ASSERT ('s2', 'is', 1)")
    assert [row[0] for row in subjects(cons[0])] == [5, 6, 7]


def test_a_full_index_undoes_the_group_and_not_the_next(
    kb: Path, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite takes all of a transaction back then, also what others did in it."""
    move = Transaction.transition

    def full(self: Transaction, *given: Any) -> bytes:
        self.db.execute("ROLLBACK")
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(Transaction, "transition", full)
    jobs = [
        says(cons[0], ASSERT, "s0", 0),
        says(cons[1], "PROMOTE ('agent1', 'began')"),
        says(cons[2], ASSERT, "s2", 2),
    ]
    first, second, third = together(kb, writer_of(cons[0]), jobs)
    assert isinstance(first, epql.OperationalError) and isinstance(second, epql.OperationalError)
    assert first.code == second.code
    assert third == [(5, "agent2", "s2")]
    monkeypatch.setattr(Transaction, "transition", move)
    cons[1].execute("PROMOTE ('agent1', 'began')")
    assert [row[0] for row in subjects(cons[0])] == [5]
    assert cons[0].verify() == []


def test_who_cannot_begin_fails_alone(kb: Path, cons: list[epql.Connection]) -> None:
    short = connect(kb, agent="short", timeout=0.05)
    with held(kb), pytest.raises(epql.OperationalError) as raised:
        short.execute("ASSERT ('s', 'is', 1)")
    assert raised.value.code == "lock.timeout"
    short.execute("ASSERT ('s', 'is', 1)")
    short.close()


def test_who_waits_in_line_too_long_is_told(
    kb: Path, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_of(cons[0])
    with held(kb):
        (first,) = lined_up(writer, [says(cons[0], ASSERT, "s0", 0)])
        for con in cons[1:]:
            with pytest.raises(epql.OperationalError) as raised:
                writer.carry_out("nobody", con.runner.turns, 0.05, lambda _: None)
            assert raised.value.code == "lock.timeout" and raised.value.retryable
    assert first.result() == [(5, "agent0", "s0")]


# ---------------------------------------------------------------- interrupts


class Gate:
    """A sync that waits until it is let through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        sync = OsHandle.sync

        def gated(handle: OsHandle) -> None:
            self.reached.set()
            assert self.opened.wait(60)
            sync(handle)

        monkeypatch.setattr(OsHandle, "sync", gated)


def test_nobody_is_answered_before_the_sync(
    kb: Path, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [says(con, ASSERT, f"s{n}", n) for n, con in enumerate(cons[:3])]
    with held(kb):
        running = lined_up(writer_of(cons[0]), jobs)
        gate = Gate(monkeypatch)
    assert gate.reached.wait(60)
    running[0].thread.join(0.3)
    assert [one.found for one in running] == [None] * 3
    assert subjects(cons[3]) == []  # nor does anybody see it
    gate.opened.set()
    assert [one.result()[0][0] for one in running] == [5, 6, 7]


def test_an_interrupt_ends_the_wait_of_its_own_thread_only(
    kb: Path, cons: list[epql.Connection], groups: list[int]
) -> None:
    jobs = [says(con, ASSERT, f"s{n}", n) for n, con in enumerate(cons)]
    with held(kb):
        running = lined_up(writer_of(cons[0]), jobs)
        cons[0].interrupt()  # waits for LOCK
        cons[2].interrupt()  # waits for its turn
        ended = [running[n].result() for n in (0, 2)]
    assert [error.code for error in ended] == ["statement.interrupted"] * 2
    assert [running[n].result() for n in (1, 3)] == [
        [(5, "agent1", "s1")], [(6, "agent3", "s3")],
    ]  # fmt: skip
    assert sum(groups) == 2
    cons[0].execute("ASSERT ('s0', 'is', 1)")
    assert [row[0] for row in subjects(cons[2])] == [5, 6, 7]


def test_an_interrupt_of_a_statement_that_is_being_written_comes_too_late(
    kb: Path, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [says(con, ASSERT, f"s{n}", n) for n, con in enumerate(cons)]
    with held(kb):
        running = lined_up(writer_of(cons[0]), jobs)
        gate = Gate(monkeypatch)
    assert gate.reached.wait(60)
    for con in cons:
        con.interrupt()
    gate.opened.set()
    assert [one.result() for one in running] == [[(5 + n, f"agent{n}", f"s{n}")] for n in range(4)]
    assert len(subjects(cons[0])) == 4


def test_ctrl_c_is_raised_when_it_is_known_what_became_of_the_commit(
    kb: Path, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The main thread has done its part and waits for another that syncs."""
    gate = Gate(monkeypatch)
    struck = threading.Event()

    def strike(*_: object) -> None:
        if not struck.is_set():
            struck.set()
            raise KeyboardInterrupt

    def conduct() -> Any:
        with held(kb) as lock:
            begin.set()
            until(lambda: in_line(writer_of(cons[0])) == 1)
            (other,) = lined_up(writer_of(cons[0]), [says(cons[1], ASSERT, "s1", 1)])
            lock.release()
            assert gate.reached.wait(60)
            until(struck_by_now)
            gate.opened.set()
        return other.result()

    def struck_by_now() -> bool:
        """Again, since one that comes just before the main thread sleeps does not wake it."""
        os.kill(os.getpid(), signal.SIGINT)
        return struck.wait(0.05)

    begin = threading.Event()
    before = signal.signal(signal.SIGINT, strike)
    try:
        conducting = Running(conduct)
        assert begin.wait(60)
        with pytest.raises(KeyboardInterrupt):
            cons[0].execute(ASSERT, ("s0", 0))
    finally:
        signal.signal(signal.SIGINT, before)
    assert conducting.result() == [(6, "agent1", "s1")]
    assert subjects(cons[0]) == [(5, "agent0", "s0"), (6, "agent1", "s1")]
    cons[0].execute("ASSERT ('s2', 'is', 1)")


def test_who_is_ended_while_it_writes_for_others_tells_them(
    kb: Path, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    jobs = [says(con, ASSERT, f"s{n}", n) for n, con in enumerate(cons[:2])]
    for owner, name, code in (
        (AuditLog, "flush", "statement.interrupted"), (OsHandle, "sync", "journal.failed"),
    ):  # fmt: skip
        with monkeypatch.context() as patched, held(kb) as lock:
            running = lined_up(writer_of(cons[0]), jobs)
            patched.setattr(owner, name, end)
            lock.release()
            first, second = (one.result() for one in running)
        assert isinstance(first, epql.OperationalError) and first.code == code
        assert isinstance(second, KeyboardInterrupt)
    assert subjects(cons[3]) == []


STEPS: list[tuple[Any, str]] = [
    (group.SharedWriter, "_begin"), (group.SharedWriter, "_keep"), (group.SharedWriter, "_undo"),
    (group.SharedWriter, "_settle"), (Line, "step_out"), (Line, "hand_over"), (Line, "leave"),
    (Database, "begin_behind"), (Database, "finish"), (Database, "abandon"),
    (Transaction, "assert_many"), (JournalWriter, "append"), (OsHandle, "sync"),
]  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_ctrl_c_at_any_step_leaves_nobody_waiting(
    owner: Any, name: str, when: str, kb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread of three is struck, the first, the second or the last in line."""
    step, hits = getattr(owner, name), []
    acknowledged: dict[str, int] = {}

    def struck(*given: Any) -> Any:
        if threading.current_thread().name != "struck":
            return step(*given)
        threading.current_thread().name = "was struck"
        hits.append(name)
        if when == "after":
            step(*given)
        raise KeyboardInterrupt

    for place in range(3):
        cons = [connect(kb, agent=f"{place}/{n}") for n in range(3)]
        for number, con in enumerate(cons):
            con.execute("ASSERT (?, 'began', ?)", (str(place), number))
        jobs = [says(con, ASSERT, f"s{place}/{n}", n) for n, con in enumerate(cons)]
        if name in ("_undo", "abandon"):
            jobs[place] = says(cons[place], f"ASSERT ('{place}', 'began', 9) IF NONE")
        with monkeypatch.context() as patched, held(kb) as lock:
            running = lined_up(writer_of(cons[0]), jobs)
            running[place].thread.name = "struck"
            patched.setattr(owner, name, struck)
            lock.release()
            answers = [one.result() for one in running]
        for answer in answers:
            if isinstance(answer, list):
                acknowledged[answer[0][2]] = answer[0][0]
            else:
                assert isinstance(answer, (KeyboardInterrupt, epql.DatabaseError)), answer
        for con in cons:
            con.close()
    assert hits
    con = connect(kb)
    con.execute("ASSERT ('after', 'is', 1)")
    there = {subject: tx for tx, _, subject in subjects(con)}
    assert acknowledged.items() <= there.items()
    assert con.verify() == []
    con.close()


# ---------------------------------------------------------------- connections that come and go


def test_others_go_on_when_one_is_closed(kb: Path, cons: list[epql.Connection]) -> None:
    writer = writer_of(cons[0])
    assert writer.users == 4
    for con in cons[:3]:
        con.close()
        cons[3].execute("ASSERT ('s', 'is', ?)", (writer.users,))
    assert writer_of(cons[3]) is writer and writer.users == 1
    cons[3].close()
    assert writer not in group._shared.values()
    con = connect(kb)
    con.execute("ASSERT ('s', 'is', 9)")
    con.close()


def test_a_child_of_a_fork_writes_through_its_own(kb: Path, cons: list[epql.Connection]) -> None:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            try:
                cons[0].execute("ASSERT ('inherited', 'is', 1)")
            except epql.InterfaceError as error:
                code = 2 if error.code == "connection.forked" else 1
            own = connect(kb, agent="child")
            own.execute("ASSERT ('child', 'is', 1)")
            own.close()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    cons[0].execute("ASSERT ('parent', 'is', 1)")
    assert subjects(cons[1]) == [(5, "child", "child"), (6, "agent0", "parent")]


def test_a_child_of_a_parent_that_writes_is_refused(
    kb: Path, cons: list[epql.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    running = Running(says(cons[0], ASSERT, "s0", 0))
    assert gate.reached.wait(60)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            connect(kb).close()
        except epql.InterfaceError as error:
            code = 2 if error.code == "connection.forked" else 1
        finally:
            os._exit(code)
    gate.opened.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert running.result() == [(5, "agent0", "s0")]


def test_groups_are_bounded(
    kb: Path, cons: list[epql.Connection], groups: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [says(con, ASSERT, f"s{n}", n) for n, con in enumerate(cons)]
    monkeypatch.setattr(group, "COMMITS_MAX", 3)
    together(kb, writer_of(cons[0]), jobs)
    jobs = [says(con, ASSERT, f"t{n}", "x" * 600) for n, con in enumerate(cons)]
    monkeypatch.setattr(group, "COMMITS_MAX", 100)
    monkeypatch.setattr(group, "BYTES_MAX", 1000)
    together(kb, writer_of(cons[0]), jobs)
    assert groups == [3, 1, 2, 2]
