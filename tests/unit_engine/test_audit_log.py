"""The audit's stream: when records are on disk, who writes which chain, what failures do."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

import epql
from epql.engine.audit import log as log_module
from epql.engine.audit import stream
from epql.engine.audit.chains import DiskChains, MemoryChains
from epql.engine.audit.index import AuditIndex
from epql.engine.audit.log import AuditLog, Record
from epql.engine.audit.record import Answered, Asked, decode, digest_of, encode, query_id
from epql.engine.errors import Error, OperationalError
from epql.engine.files import OsFiles, OsHandle, translate
from tests.unit_engine.audits import START, asked, ids, opened, read, segments

LIMIT_S = 10.0
"""Generous: what is promised is 100 ms, on a machine that others use too."""


def wait_until_written(folder: Path, more_than: int = 0) -> float:
    """Poll until the chains have grown; seconds it took."""
    began = time.monotonic()
    while sum(path.stat().st_size for path in segments(folder)) <= more_than:
        assert time.monotonic() - began < LIMIT_S, "nothing was written"
        time.sleep(0.005)
    return time.monotonic() - began


def refuse(name: str, code: int, monkeypatch: pytest.MonkeyPatch, method: str = "mkdir") -> None:
    """Make a call on files fail where `name` is in the file's name."""
    original = getattr(OsFiles, method)

    def failing(self: OsFiles, file: str, *more: object) -> object:
        if name in file or name in str(self.root):
            raise translate(OSError(code, os.strerror(code)), method, file)
        return original(self, file, *more)

    monkeypatch.setattr(OsFiles, method, failing)


def test_records_come_back_as_they_were() -> None:
    log = AuditLog(MemoryChains(), "off")
    question = asked(
        log, params=("x", 1, 2.5, None, b"\0"), purpose="why not", clauses="AS OF TX 1"
    )
    assert decode("Q", encode(question)) == question
    answer = Answered(digest_of(question), 3, bytes(32), ((bytes(32), 3, "exact"),), 1)
    assert decode("A", encode(answer)) == answer
    assert query_id(digest_of(question)) == "q:" + digest_of(question).hex()


def test_named_parameters_come_back_as_a_connector_takes_them() -> None:
    log = AuditLog(MemoryChains(), "off")
    question = decode("Q", encode(asked(log, params=(("s", "x"), ("n", 1)))))
    assert isinstance(question, Asked) and question.given() == {"s": "x", "n": 1}


def test_equal_questions_have_different_ids(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    other, _ = opened(tmp_path)
    assert len({log.ask(asked(log)), log.ask(asked(log)), other.ask(asked(other))}) == 3
    log.close()
    other.close()


def test_lazy_records_are_written_without_a_further_call(tmp_path: Path) -> None:
    log, notices = opened(tmp_path)
    assert not segments(tmp_path)
    query = read(log)
    wait_until_written(tmp_path, 120)
    other, _ = opened(tmp_path)
    assert ids(AuditIndex(other)) == {query}
    assert not notices
    log.close()


def test_lazy_reads_of_a_moment_stand_in_one_frame(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    for _ in range(50):
        read(log)
    log.close()
    (segment,) = segments(tmp_path)
    assert segment.read_bytes().count(b"EPQF") < 5


def test_sync_records_are_on_disk_before_the_call_returns(tmp_path: Path) -> None:
    log, _ = opened(tmp_path, "sync")
    log.ask(asked(log))
    (segment,) = segments(tmp_path)
    size = segment.stat().st_size
    assert size > 120
    read(log)
    assert segment.stat().st_size > size
    log.close()


def test_off_leaves_nothing(tmp_path: Path) -> None:
    log, _ = opened(tmp_path, "off")
    assert log.ask(asked(log))
    log.close()
    assert not (tmp_path / "audit").exists()


def test_nothing_is_made_before_the_first_read(tmp_path: Path) -> None:
    with epql.connect(tmp_path / "kb") as con:
        con.execute("ASSERT ('a', 'b', 'c')")
    con.close()
    assert not (tmp_path / "kb" / "audit").exists()


def test_a_commit_writes_what_was_read_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "PAUSE_S", 3600.0)
    con = epql.connect(tmp_path / "kb")
    log = con.runner.database.audit
    read(log)
    assert not segments(tmp_path / "kb")
    con.execute("ASSERT ('a', 'b', 'c')")
    con.commit()
    assert segments(tmp_path / "kb")
    con.close()


def test_a_later_connection_takes_over_the_chain(tmp_path: Path) -> None:
    queries = set()
    for _ in range(20):
        log, _ = opened(tmp_path)
        queries.add(read(log))
        log.close()
    assert len(segments(tmp_path)) == 1
    assert ids(AuditIndex(log)) == queries


def test_connections_at_once_have_a_chain_each(tmp_path: Path) -> None:
    logs = [opened(tmp_path)[0] for _ in range(3)]
    for log in logs:
        read(log)
        log.flush()
    assert len(segments(tmp_path)) == 3
    for log in logs:
        log.close()


def test_a_long_chain_is_sealed_and_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "CONTINUED_BYTES_MAX", 1000)
    queries = set()
    for _ in range(3):
        log, _ = opened(tmp_path)
        queries |= {read(log) for _ in range(10)}
        log.close()
    assert len(segments(tmp_path)) == 3
    assert all(b"EPQT" in path.read_bytes()[-152:] for path in segments(tmp_path))
    assert ids(AuditIndex(log)) == queries


def test_a_full_chain_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "CHAIN_BYTES_MAX", 2000)
    monkeypatch.setattr(stream, "CONTINUED_BYTES_MAX", 1000)
    log, _ = opened(tmp_path, "sync")
    queries = {read(log) for _ in range(30)}
    assert len(segments(tmp_path)) > 3
    log.close()
    assert ids(AuditIndex(log)) == queries


def test_an_old_chain_is_not_taken_over(tmp_path: Path) -> None:
    day = 86_400_000_000
    chains = DiskChains(tmp_path)
    stream.take(chains, now=lambda: START).close(START)
    stream.take(chains, now=lambda: START + 6 * day).close(START)
    assert len(chains.names()) == 1
    stream.take(chains, now=lambda: START + 8 * day).close(START)
    assert len(chains.names()) == 2


def test_a_damaged_chain_is_left_alone(tmp_path: Path) -> None:
    log, _ = opened(tmp_path, "sync")
    read(log)
    read(log)
    log.close()
    (segment,) = segments(tmp_path)
    data = bytearray(segment.read_bytes())
    data[200] ^= 1
    segment.write_bytes(data)
    log, notices = opened(tmp_path)
    read(log)
    log.close()
    assert len(segments(tmp_path)) == 2 and segment.read_bytes() == data
    assert not notices


def test_a_full_disk_does_not_break_lazy_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, notices = opened(tmp_path)
    queries = {read(log)}
    log.flush()
    with monkeypatch.context() as full:

        def write(self: OsHandle, data: bytes) -> None:
            raise translate(OSError(errno.ENOSPC, ""), "write", "a file")

        full.setattr(OsHandle, "write", write)
        for _ in range(3):
            queries.add(read(log))
            log.flush()
        assert len(notices) == 1 and "the disk is full" in notices[0]
        with log._mutex:  # the thread may be trying it again
            left = DiskChains(tmp_path).names()
        assert len(left) == 1, "failed births leave nothing behind"
    queries.add(read(log))
    log.close()
    assert ids(AuditIndex(log)) == queries
    assert len(notices) == 1


def test_a_full_disk_breaks_reads_that_must_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = opened(tmp_path, "sync")
    query = read(log)
    with monkeypatch.context() as full:

        def sync(self: OsHandle) -> None:
            raise translate(OSError(errno.ENOSPC, ""), "sync", "a file")

        full.setattr(OsHandle, "sync", sync)
        with pytest.raises(OperationalError) as caught:
            read(log)
        assert caught.value.code == "journal.disk_full"
    later = read(log)
    log.close()
    assert {query, later} <= ids(AuditIndex(log))


def test_records_that_cannot_be_written_are_kept_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_WAITING_BYTES_MAX", 20_000)
    with monkeypatch.context() as full:
        refuse("audit", errno.EROFS, full)
        log, notices = opened(tmp_path)
        queries = [read(log) for _ in range(500)]
        assert len(notices) == 2 and "some reads are not in it" in notices[1]
    log.close()
    kept = ids(AuditIndex(log))
    assert queries[-1] in kept and queries[0] not in kept and len(kept) < 200


def test_a_record_that_is_too_large_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_RECORD_BYTES_MAX", 1000)
    log, notices = opened(tmp_path)
    log.ask(asked(log, params=("x" * 1000,)))
    assert len(notices) == 1 and "too large" in notices[0]
    log.close()
    log, _ = opened(tmp_path, "sync")
    with pytest.raises(OperationalError) as caught:
        log.ask(asked(log, params=("x" * 1000,)))
    assert caught.value.code == "audit.too_large"
    log.close()


def test_a_folder_that_cannot_be_written_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epql.connect(tmp_path / "kb").close()
    refuse("audit", errno.EROFS, monkeypatch)
    con = epql.connect(tmp_path / "kb", read_only=True)
    log = con.runner.database.audit
    for _ in range(3):
        read(log)
        log.flush()
    told = [notice for notice in con.notices if "not audited" in notice]
    assert len(told) == 1 and "read-only" in told[0]
    asked = [con.execute("SELECT 1").notices for _ in range(2)]
    assert asked == [told, []], "the next statement tells it, too"
    con.close()


def test_only_the_owner_may_look_into_the_audit(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        log, _ = opened(tmp_path)
        read(log)
        log.close()
    finally:
        os.umask(before)
    folders = [folder for folder in (tmp_path / "audit").rglob("*") if folder.is_dir()]
    for folder in (tmp_path / "audit", *folders):
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_a_read_only_connection_audits_where_it_can(tmp_path: Path) -> None:
    epql.connect(tmp_path / "kb").close()
    con = epql.connect(tmp_path / "kb", read_only=True)
    query = read(con.runner.database.audit)
    con.close()
    log, _ = opened(tmp_path / "kb")
    assert ids(AuditIndex(log)) == {query}


def test_an_answer_after_the_end_is_kept(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    query = log.ask(asked(log))
    log.close()
    log.answer(Answered(query, 0, bytes(32), complete=False))
    index = AuditIndex(opened(tmp_path)[0])
    index.catch_up()
    found = index.answered(query)
    assert found is not None and not found.complete


def test_nobody_holds_the_chain_after_close(tmp_path: Path) -> None:
    log, _ = opened(tmp_path)
    read(log)
    log.close()
    log.close()
    taken = stream.take(DiskChains(tmp_path))
    assert len(DiskChains(tmp_path).names()) == 1
    taken.close(stream.system_us())


@pytest.mark.parametrize("mode", ["always", "", "LAZY"])
def test_an_unknown_mode_makes_no_database(tmp_path: Path, mode: str) -> None:
    with pytest.raises(Error) as caught:
        epql.connect(tmp_path / "kb", audit=mode)
    assert caught.value.code == "connect.audit"
    assert not (tmp_path / "kb").exists()


class MadeAtTheSecondTry:
    """A read whose records cannot be made at first, as where memory is short."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.is_tried = False

    def records(self) -> list[Record]:
        if not self.is_tried:
            self.is_tried = True
            raise MemoryError
        return [("Q", 0, self.data)]


def test_what_cannot_be_made_now_is_written_with_what_came_before_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "PAUSE_S", LIMIT_S)  # the thread leaves it to us
    log = AuditLog(DiskChains(tmp_path), "lazy")
    before = log.ask(asked(log))
    between = asked(log)
    log.later(MadeAtTheSecondTry(encode(between)), START, 0)
    after = log.ask(asked(log))
    with pytest.raises(MemoryError):
        log.flush()
    log.flush()
    assert ids(AuditIndex(log)) == {before, digest_of(between), after}
    log.close()


def test_the_thread_outlives_a_lack_of_memory(tmp_path: Path) -> None:
    log = AuditLog(DiskChains(tmp_path), "lazy")
    first = asked(log)
    late = MadeAtTheSecondTry(encode(first))
    log.later(late, START, 0)
    began = time.monotonic()
    while not late.is_tried:
        assert time.monotonic() - began < LIMIT_S, "the thread did not try"
        time.sleep(0.005)
    second = log.ask(asked(log))
    wait_until_written(tmp_path)
    log.close()
    assert ids(AuditIndex(log)) == {digest_of(first), second}
