"""audit.db and what is asked of it: a fold of all chains, whatever becomes of the file."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

import epql
from epql.connection import Connection
from epql.engine.audit import follow, stream
from epql.engine.audit.index import AuditIndex
from epql.engine.audit.record import EXACT, SCANNED, Answered
from epql.engine.audit.retention import prune
from epql.engine.digest import digest
from epql.engine.errors import ProgrammingError
from epql.engine.lifecycle import CODE
from tests.unit_engine.audits import START, answered, asked, ids, opened, read, segments

ONE, TWO = digest(b"one"), digest(b"two")
PROPOSED, APPROVED = CODE["proposed"], CODE["approved"]
DAY = 86_400_000_000


@pytest.fixture
def con(tmp_path: Path) -> Connection:
    return epql.connect(tmp_path / "kb", audit="lazy")


# ---------------------------------------------------------------- asking


def test_a_question_and_its_answer_come_back(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    question = asked(log, params=("x", 1, None, b"\xff"), relations=("beliefs", "commits"))
    query = log.ask(question)
    index = AuditIndex(log)
    index.catch_up()
    assert index.asked(query) == question and index.answered(query) is None
    answer = Answered(
        query, 2, digest(b"r"), ((ONE, PROPOSED, EXACT), (TWO, APPROVED, SCANNED)), 9, False,
        ("unfiltered-proposed", "disputed"), "interrupted",
    )  # fmt: skip
    log.answer(answer)
    index.catch_up()
    found = index.answered(query)
    assert found is not None and sorted(found.reads) == sorted(answer.reads)
    assert (found.rows, found.digest, found.read_count, found.complete) == (
        2,
        digest(b"r"),
        9,
        False,
    )
    assert (found.findings, found.error) == (answer.findings, answer.error)


def test_a_prefix_names_a_query(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    queries = {read(log) for _ in range(300)}
    index = AuditIndex(log)
    index.catch_up()
    for query in queries:
        assert index.find("q:" + query.hex()) == index.find("Q:" + query.hex()[:13]) == query
    for name, code in (
        ("q:123", "id.too_short"), ("a:12345", "id.malformed"), ("q:xyzw", "id.malformed"),
        ("q:" + "0" * 64, "id.unknown"),
    ):  # fmt: skip
        with pytest.raises(ProgrammingError) as caught:
            index.find(name)
        assert caught.value.code == code


def test_a_prefix_of_two_queries_is_ambiguous(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    index = AuditIndex(log)
    seen: dict[str, bytes] = {}
    while True:
        query = log.ask(asked(log))
        if query.hex()[:4] in seen:
            break
        seen[query.hex()[:4]] = query
    index.catch_up()
    with pytest.raises(ProgrammingError) as caught:
        index.find("q:" + query.hex()[:4])
    assert caught.value.code == "id.ambiguous"
    assert caught.value.hint is not None and query.hex()[:16] in caught.value.hint


def test_readers_are_those_before_an_instant(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    first = read(log, START, agent="ann", kind="why", unfiltered=False)
    second = log.ask(asked(log, START + 5, agent="bob"))
    log.answer(answered(second, [(ONE, APPROVED, SCANNED), (TWO, PROPOSED, EXACT)]))
    index = AuditIndex(log)
    index.catch_up()
    found = list(index.readers_of([ONE, TWO, digest(b"nobody")], START + 6))
    assert [(one.agent, one.query, one.at, one.state, one.is_exact) for one in found] == [
        ("ann", first, START, PROPOSED, True),
        ("bob", second, START + 5, APPROVED, False),
        ("bob", second, START + 5, PROPOSED, True),
    ]
    assert [(one.unfiltered, one.kind, one.relations) for one in found[:2]] == [
        (False, "why", ("beliefs",)), (True, "select", ("beliefs",)),
    ]  # fmt: skip
    assert [one.query for one in index.readers_of([ONE], START + 5)] == [first]


def test_who_read_costs_by_the_readers() -> None:
    """The plan looks the assertion up, then its reads, then their queries."""
    log, _ = opened(Path("/nonexistent"), "off")
    db = AuditIndex(log).db
    plan = " ".join(
        row[3]
        for row in db.execute(
            "EXPLAIN QUERY PLAN SELECT 1 FROM assertion a JOIN read r ON r.assertion=a.id"
            " JOIN query q ON q.id=r.query WHERE a.digest=? AND q.at<?",
            (b"", 0),
        )
    )
    assert "SCAN" not in plan


def test_an_answer_in_another_chain_finds_its_question(tmp_path: Path) -> None:
    log, _ = opened(tmp_path, "sync")
    other, _ = opened(tmp_path, "sync")
    query = log.ask(asked(log))
    other.answer(answered(query))
    names = log.chains.names()
    for order in (names, names[::-1]):
        log.chains.names = lambda order=order: order  # type: ignore[method-assign]
        index = AuditIndex(log)
        index.catch_up()
        assert index.answered(query) is not None
        assert list(index.readers_of([ONE], START + 1))
        assert not list(index.db.execute("SELECT 1 FROM early"))
        index.close()
        for path in (tmp_path / "audit").glob("audit.db*"):
            path.unlink()
    log.close()
    other.close()


def test_a_record_that_stands_twice_counts_once(tmp_path: Path) -> None:
    log, _ = opened(tmp_path, "sync")
    question = asked(log)
    for _ in range(2):
        query = log.ask(question)
        log.answer(answered(query))
        index = AuditIndex(log)
        assert ids(index) == {query}
        assert index.db.execute("SELECT count(*) FROM read").fetchall() == [(1,)]
    log.close()


# ---------------------------------------------------------------- the cache


def test_each_look_takes_in_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_BATCH_RECORDS", 7)
    log, _ = opened(tmp_path)
    index, queries = AuditIndex(log), set()
    for _ in range(10):
        queries |= {read(log) for _ in range(5)}
        assert ids(index) == queries
    log.close()


def test_two_indexes_at_once_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_BATCH_RECORDS", 7)
    logs = [opened(tmp_path)[0] for _ in range(2)]
    indexes = [AuditIndex(log) for log in logs]
    queries = set()
    for number in range(10):
        queries |= {read(log, agent=f"agent{number % 3}") for log in logs}
        logs[0].flush()
        logs[1].flush()
        assert ids(indexes[number % 2]) == queries
    assert ids(indexes[0]) == ids(indexes[1]) == queries
    for log in logs:
        log.close()


def test_a_deleted_audit_db_comes_back(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    queries = {read(log) for _ in range(3)}
    index = AuditIndex(log)
    assert ids(index) == queries
    index.close()
    (tmp_path / "audit" / "audit.db").unlink()
    assert ids(AuditIndex(log)) == queries


@pytest.mark.parametrize("how", ["zeros", "text", "empty", "version", "page"])
def test_a_damaged_audit_db_is_made_anew(tmp_path: Path, how: str) -> None:
    log, notices = opened(tmp_path)
    queries = {read(log) for _ in range(200)}
    index = AuditIndex(log)
    index.catch_up()
    index.close()
    path = tmp_path / "audit" / "audit.db"
    if how == "version":
        db = apsw.Connection(str(path))
        db.pragma("user_version", 99)
        db.close()
    elif how == "page":
        data = bytearray(path.read_bytes())
        data[4096:] = b"\xff" * (len(data) - 4096)
        path.write_bytes(data)
    else:
        path.write_bytes({"zeros": bytes(8192), "text": b"hello " * 1000, "empty": b""}[how])
    queries.add(read(log))
    assert ids(AuditIndex(log)) == queries
    assert not notices


def test_a_chain_that_was_removed_takes_its_rows_with_it(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    other, _ = opened(tmp_path)
    gone = read(other, agent="bob", text="SELECT 'secret'")
    kept = read(log)
    log.flush()
    other.close()
    index = AuditIndex(log)
    assert ids(index) == {gone, kept}
    (name,) = [
        name
        for (name,) in index.db.execute(
            "SELECT c.name FROM chain c JOIN query q ON q.chain=c.id WHERE q.digest=?", (gone,)
        )
    ]
    log.chains.remove(name)
    assert ids(index) == {kept}
    assert index.db.execute("SELECT name FROM agent").fetchall() == [("ann",)]
    assert index.db.execute("SELECT count(*) FROM form").fetchall() == [(1,)]
    log.close()


def test_a_torn_tail_is_not_seen(tmp_path: Path) -> None:
    log, notices = opened(tmp_path, "sync")
    queries = {read(log), read(log)}
    log.close()
    (segment,) = segments(tmp_path)
    whole = segment.read_bytes()
    segment.write_bytes(whole + whole[120:200])
    index = AuditIndex(log)
    assert ids(index) == queries and not notices
    later, _ = opened(tmp_path)
    queries.add(read(later))
    later.close()
    assert len(segments(tmp_path)) == 1, "the next writer puts it in order and goes on"
    assert ids(index) == queries


def test_sealed_chains_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CONTINUED_BYTES_MAX", 100)
    queries = set()
    for _ in range(5):
        log, _ = opened(tmp_path)
        queries.add(read(log))
        log.close()
    index = AuditIndex(log)
    assert ids(index) == queries and len(segments(tmp_path)) == 5
    for segment in segments(tmp_path):
        segment.chmod(0o600)
        segment.write_bytes(b"")
    assert ids(index) == queries


def test_a_chain_that_lost_frames_is_read_again(tmp_path: Path) -> None:
    log, _ = opened(tmp_path, "sync")
    first = log.ask(asked(log))
    (segment,) = segments(tmp_path)
    before = segment.read_bytes()
    log.ask(asked(log))
    index = AuditIndex(log)
    assert len(ids(index)) == 2
    log.close()
    segment.write_bytes(before)
    assert ids(index) == {first}


def test_damage_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    log, _ = opened(tmp_path, "sync")
    good = log.ask(asked(log))
    (segment,) = segments(tmp_path)
    place = segment.stat().st_size + 100
    log.ask(asked(log))
    log.ask(asked(log))
    log.close()
    data = bytearray(segment.read_bytes())
    data[place] ^= 1
    segment.write_bytes(data)
    other, notices = opened(tmp_path)
    elsewhere = read(other)
    index = AuditIndex(other)
    assert ids(index) == {good, elsewhere} == ids(index)
    assert len(notices) == 1 and "damaged" in notices[0] and "audit's chain" in notices[0]
    other.close()


def test_without_a_place_to_write_the_cache_is_private(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("in the way")
    log, notices = opened(tmp_path, "off")
    assert ids(AuditIndex(log)) == set()
    assert len(notices) == 1 and "private" in notices[0]


# ---------------------------------------------------------------- the relations


def rows(con: Connection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


def test_queries_and_reads_show_what_was_recorded() -> None:
    con = epql.connect(":memory:", audit="off")
    log = con.runner.database.audit
    log.mode = "lazy"
    query = log.ask(
        asked(log, params=(("s", "ü"), ("n", 1)), purpose="a test", clauses="LIFECYCLE ANY")
    )
    log.mode = "off"
    assert rows(con, "SELECT rows, reads, complete, digest FROM queries") == [(None,) * 4]
    log.mode = "lazy"
    log.answer(
        Answered(
            query,
            1,
            digest(b"r"),
            ((ONE, PROPOSED, EXACT), (TWO, APPROVED, SCANNED)),
            5,
            findings=("unfiltered-proposed",),
        )
    )
    log.mode = "off"
    name = "q:" + query.hex()
    assert rows(con, "SELECT * FROM queries") == [
        (
            name, "2026-01-05T10:00:00.000000Z", "ann",
            "SELECT object FROM beliefs WHERE subject = ?", '{"s": "ü", "n": 1}', "a test",
            "select", "beliefs", 1, "2026-01-05T10:00:00.000000Z", "UTC",
            "proposed, review, approved", "latest", "LIFECYCLE ANY", 1, 1, 5, 1,
            digest(b"r").hex(), "unfiltered-proposed", None,
        )
    ]  # fmt: skip
    start = (name, "2026-01-05T10:00:00.000000Z", "ann")
    assert rows(con, "SELECT * FROM reads ORDER BY lifecycle") == [
        (*start, "a:" + TWO.hex(), "approved", "scanned", 1, None),
        (*start, "a:" + ONE.hex(), "proposed", "exact", 1, "unfiltered-proposed"),
    ]
    con.close()


def test_conditions_on_the_relations_find_the_same_rows(con: Connection) -> None:
    log = con.runner.database.audit
    for number in range(40):
        agent = f"agent{number % 4}"
        read(log, START + number * 1_000_000, agent=agent, unfiltered=number % 2 == 0)
    log.mode = "off"
    everything = rows(con, "SELECT id, recorded_at, agent, unfiltered FROM queries")
    assert len(everything) == 40
    bounds = (
        "2026", "2026-01", "2026-01-05", "2026-01-05T10", "2026-01-05T10:00", "2026-01-05T10:00:07",
        "2026-01-05T10:00:07.000000", "2026-01-05T10:00:07.000000Z", "2026-01-05T10:00:0",
        "2026-13-01", "zzz", "", "2026-01-05T10:00:07.000000Zz",
    )  # fmt: skip
    for bound in bounds:
        for op in ("=", "<", "<=", ">", ">="):
            found = rows(con, f"SELECT id FROM queries WHERE recorded_at {op} '{bound}'")
            plain = rows(con, f"SELECT id FROM queries WHERE recorded_at || '' {op} '{bound}'")
            assert sorted(found) == sorted(plain), (op, bound)
    for condition in (
        f"id = '{everything[7][0]}'", "id = 'q:12'", "id = 5", "id IS NULL", "agent = 'agent1'",
        "agent > 'agent2'", "recorded_at > 5", "recorded_at IS NULL", "tx = 1", "tx = '1'",
    ):  # fmt: skip
        found = rows(con, f"SELECT id FROM queries WHERE {condition}")
        plain = rows(con, f"SELECT id FROM (SELECT * FROM queries LIMIT 1000) WHERE {condition}")
        assert sorted(found) == sorted(plain), condition
    (row,) = rows(con, f"SELECT count(*) FROM reads WHERE id = 'a:{ONE.hex()}' AND finding IS NULL")
    assert row == (20,)
    con.close()


def test_reads_are_seen_as_of_an_instant(tmp_path: Path) -> None:
    con = epql.connect(tmp_path / "kb", autocommit=True)
    con.execute("ASSERT ('a', 'b', 'c')")
    log = con.runner.database.audit
    queries = [read(log, START + n * 1_000_000) for n in range(3)]
    log.mode = "off"
    sql = "SELECT id FROM queries AS OF '2026-01-05T10:00:01Z'"
    assert {row[0] for row in rows(con, sql)} == {"q:" + one.hex() for one in queries[:2]}
    sql = "SELECT count(*) FROM reads WHERE as_of = '2026-01-05T09:59:59Z'"
    assert rows(con, sql) == [(0,)]
    with pytest.raises(ProgrammingError) as caught:
        con.execute("SELECT * FROM queries DIFF SINCE '-1d'").fetchall()
    assert caught.value.code == "clause.meaningless"
    con.close()


# ---------------------------------------------------------------- retention


def test_old_chains_are_forgotten(tmp_path: Path) -> None:
    old, _ = opened(tmp_path)
    new, _ = opened(tmp_path)
    living, _ = opened(tmp_path)
    for _ in range(3):
        read(old, START, agent="bob")
    kept = {read(new, START + 2 * DAY), read(living, START, agent="carol")}
    for log in (old, new, living):
        log.flush()
    old.close()
    new.close()
    index = AuditIndex(living)
    assert len(ids(index)) == 5
    assert prune(index, START + DAY) == 3
    assert ids(index) == kept and len(segments(tmp_path)) == 2
    assert prune(index, START + DAY) == 0
    living.close()
    assert prune(index, START + DAY) == 1
    assert prune(index, START + 9 * DAY) == 1
    assert not segments(tmp_path) and ids(index) == set()
    assert read(opened(tmp_path)[0])


def test_a_chain_that_goes_on_is_not_forgotten(tmp_path: Path) -> None:
    for at in (START, START + 2 * DAY):
        log, _ = opened(tmp_path)
        read(log, at)
        log.close()
    index = AuditIndex(log)
    assert prune(index, START + DAY) == 0 and len(ids(index)) == 2


def test_a_damaged_chain_is_not_forgotten(tmp_path: Path) -> None:
    log, _ = opened(tmp_path, "sync")
    for _ in range(3):
        log.ask(asked(log))
    log.close()
    (segment,) = segments(tmp_path)
    data = bytearray(segment.read_bytes())
    data[250] ^= 1
    segment.write_bytes(data)
    assert prune(AuditIndex(log), START + DAY) == 0
    assert segments(tmp_path) == [segment]


def test_the_audit_of_a_database_in_memory_is_forgotten_too() -> None:
    con = epql.connect(":memory:")
    log = con.runner.database.audit
    read(log)
    index = con.runner.database.audited()
    assert len(ids(index)) == 1
    log.close()
    assert prune(index, START + DAY) == 1 and ids(index) == set()
    con.close()
