"""What reads bytes that somebody else may have written: frames, records, the audit's records, the
note in LOCK, FORMAT, BACKUP, exports, history, rows of files (row C5).

A target that only saw raw bytes would stop at the first checksum. So where a checksum guards what
is read, the first byte chooses whether it is made right again, as an attacker would.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import apsw

import epql
from epql.engine.audit import record as audit_record
from epql.engine.audit import schema as audit_schema
from epql.engine.audit.fold import AuditFold
from epql.engine.audit.fold import Entry as AuditEntry
from epql.engine.backup import _read_manifest
from epql.engine.check import check_record
from epql.engine.database import Database
from epql.engine.digest import digest
from epql.engine.errors import Error
from epql.engine.files import MemoryFiles
from epql.engine.folder import check_format, create_contents
from epql.engine.index.fold import Fold
from epql.engine.index.schema import open_index
from epql.engine.ingest import apply_frame, catch_up
from epql.engine.journal import format as layout
from epql.engine.journal.recovery import open_tail
from epql.engine.journal.segments import segment_name
from epql.engine.journal.verify import verify
from epql.engine.lock import NOTE_SIZE, WriterLock, decode_note
from epql.engine.opening import Options
from epql.engine.records import KINDS, key_of
from epql.engine.replay import Commit, commits_of, replay
from epql.exchange import dump
from tests.clock import TestClock
from tests.fuzz.checks import FACTS, Finding, only_documented
from tests.fuzz.choices import Choices

SALT, IDENTITY = bytes(range(16)), b"\x07" * 16
KINDS_TRIED = "HLEDMVCRXUTFG"
_LETTERS = KINDS_TRIED + "?zQ"
_AT = 1_780_000_000_000_000


# ---------------------------------------------------------------- a small database to draw from


@cache
def history() -> tuple[Commit, ...]:
    """The commits of a small database that has a record of every kind."""
    clock = TestClock("2026-01-05T10:00:00+00:00")
    made = epql.connect(":memory:", agent="fuzz", clock=clock)
    for _ in made.script(FACTS):
        clock.move(seconds=7)
        made.commit()
    (ground,) = made.execute("SELECT id FROM beliefs WHERE subject='a'").fetchone()
    for statement in _GOVERNED:
        made.execute(statement, [ground] * statement.count("?"))
        clock.move(seconds=7)
        made.commit()
    found = tuple(commits_of(made.runner.database.files))
    made.close()
    missing = set(KINDS_TRIED) - {kind for one in found for kind, _, _ in one.records}
    assert not missing, missing
    return found


_GOVERNED = (
    "ASSERT ('d', 'p', 1) BECAUSE ? AGENT 'other'",
    "DEFINE POLICY stale_after = '3d'",
    "DEFINE AGENT 'other' (kind = 'model')",
    "DEFINE TOPIC 't' (subjects = 'a*')",
    "FORBID ('x*', 'library', 'requests') WHEN confidence > 0.1 REASON 'old'",
    "FORBID ('y', *, *)",
    "REPEAL ('y', *, *)",
    "VOTE FOR ('a', 'b') WEIGHT 0.5",
    "CONFIRM ('a', 'b')",
    "CORRECT ('a', 'b') TO 3 REASON 'wrong'",
)


def frame_of(
    commit: Commit, offset: int, previous: bytes, *, salt: bytes = SALT
) -> tuple[bytes, bytes]:
    """A commit as a frame at a place, and its digest."""
    return layout.encode_frame(
        tx=commit.tx,
        offset=offset,
        recorded_at=commit.recorded_at,
        records=commit.records,
        synced_up_to=offset,
        previous=previous,
        salt=salt,
        flags=layout.BACKFILLED if commit.is_backfilled else 0,
    )


def segment_of(commits: tuple[Commit, ...], *, sealed: bool = False) -> bytes:
    """A journal of one segment, as its writer would have written it."""
    start = layout.chain_start(IDENTITY)
    data = layout.encode_segment_header(layout.SegmentHeader(IDENTITY, 1, SALT, start))
    previous = start
    for commit in commits:
        frame, previous = frame_of(commit, len(data), previous)
        data += frame
    return data


# ---------------------------------------------------------------- frames


def frames(data: bytes) -> None:
    """A segment of any bytes, or one whose hashes were made right again. Raises: Finding."""
    choices = Choices(data)
    kind = choices.below(3)
    rest = choices.rest()
    if kind == 0:
        _read_segment(rest)
    elif kind == 1:
        _read_segment(resealed(rest))
    else:
        _decode(rest)


def resealed(data: bytes) -> bytes:
    """The same segment with every hash made right that guards what lies where a header says.

    A frame's salted check, its hash, its offset and the chain; a length that cannot be ends it.
    """
    head = data[:88].ljust(88, b"\0")
    made = head + digest(head)
    salt, previous = head[36:52] if len(head) > 52 else SALT, head[-32:]
    salt = layout._SEGMENT.unpack(head)[6]
    at = layout.SEGMENT_HEADER_SIZE
    while len(data) - at >= layout.FRAME_OVERHEAD and data[at : at + 4] == layout.FRAME_MAGIC:
        fields = list(layout._FRAME.unpack_from(data, at))
        length = fields[3]
        if not layout.FRAME_OVERHEAD <= length <= len(data) - at:
            break
        fields[6], fields[9] = at, previous
        top = layout._FRAME.pack(*fields)
        top += digest(salt + top)[: layout.CHECK_SIZE]
        body = data[at + layout.FRAME_HEADER_SIZE : at + length - 32]
        previous = digest(salt + top + body)
        made += top + body + previous
        at += length
    rest = data[at:]
    if rest[:4] == layout.TRAILER_MAGIC and len(rest) >= layout.TRAILER_SIZE:
        top = rest[: layout._TRAILER.size]
        rest = top + digest(salt + top) + rest[layout.TRAILER_SIZE :]
    return made + rest


def _decode(data: bytes) -> None:
    view = memoryview(data)
    for read in (
        lambda: layout.decode_segment_header(view),
        lambda: layout.decode_frame_header(view, salt=SALT),
        lambda: layout.decode_trailer(view, offset=0, salt=SALT),
        lambda: list(layout.decode_frame(view, segment=1, offset=0, salt=SALT).records()),
    ):
        with only_documented(), suppress(layout.Malformed):
            read()


def files_with(contents: dict[str, bytes]) -> MemoryFiles:
    """Files in memory that hold these."""
    files = MemoryFiles()
    for name, data in contents.items():
        files.mkdir(name.rpartition("/")[0])
        handle = files.create(name)
        handle.write(data)
        handle.close()
    return files


def _read_segment(data: bytes) -> None:
    """Look at it, read it, recover it, fold it: what was recovered reads as sound."""
    files = files_with({segment_name(1): data})
    with only_documented():
        verify(files)
    with only_documented():
        open_tail(files, repair=False)
    with only_documented():
        tail = open_tail(files, repair=True).tail
        report = verify(files)
        bad = [one for one in report.findings if one.code != "journal.record"]
        if bad or (report.last_tx, report.last_digest) != (tail.last_tx, tail.last_digest):
            raise Finding(f"recovered up to {tail.last_tx}, and verify says {report}")
        db = open_index(":memory:")
        try:
            catch_up(Fold(db), files)
        finally:
            db.close()
    with only_documented():
        commits = list(commits_of(files))
        _there_and_back(commits)


def segments() -> Iterator[bytes]:
    """Segments of the small database, whole, cut, and sealed."""
    whole = segment_of(history()[:4])
    for kind in (0, 1):
        yield bytes([kind]) + whole
        yield bytes([kind]) + segment_of(())
        yield bytes([kind]) + whole[:-40]
    frame, _ = frame_of(history()[0], 0, bytes(32))
    yield b"\2" + frame
    yield b"\2" + whole[: layout.SEGMENT_HEADER_SIZE]


# ---------------------------------------------------------------- records


def records(data: bytes) -> None:
    """A record of any bytes in a frame that is whole: applied or set aside, exported and read
    back as it was. Raises: Finding.

    Shape: the first byte is the kind, the second its flags.
    """
    choices = Choices(data)
    kind, flags, payload = choices.pick(_LETTERS), choices.byte() % 12, choices.rest()
    with only_documented():
        check_record(kind, payload, "here")
    last = history()[-1].tx
    commit = Commit(last + 1, _AT, False, [*_own(last + 1), (kind, flags, payload)])
    data, _ = frame_of(commit, 0, bytes(32))
    fold = _fold()
    with only_documented():
        frame = layout.decode_frame(memoryview(data), segment=1, offset=0, salt=SALT)
        fold.db.execute("SAVEPOINT one")
        try:
            apply_frame(fold, frame)
        finally:
            fold.db.execute("ROLLBACK TO one; RELEASE one")
            fold.forget()
    with only_documented():
        _there_and_back([commit._replace(tx=1)])


def _own(tx: int) -> list[tuple[str, int, bytes]]:
    from epql.engine.records import CommitInfo, encode

    return [("M", 0, encode(CommitInfo(tx, "fuzz")))]


@cache
def _fold() -> Fold:
    """An index of the small database."""
    db = open_index(":memory:")
    fold = Fold(db)
    files = files_with({segment_name(1): segment_of(history())})
    catch_up(fold, files)
    return fold


def _there_and_back(commits: list[Commit]) -> None:
    """An export of commits reads back as the same commits."""
    if [one.tx for one in commits] != list(range(1, len(commits) + 1)):
        return
    lines = list(dump.lines(commits))
    if list(dump.commits(lines)) != commits:
        raise Finding(f"an export reads back as other commits: {lines!r}"[:2000])


def payloads() -> Iterator[bytes]:
    """Each kind of record as it is written, and what no record is."""
    for commit in history():
        for kind, flags, payload in commit.records:
            yield bytes([_LETTERS.index(kind), flags]) + payload
    for payload in (
        b"\x91" * 200,
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdd\x7f\0\0\0",
    ):
        yield b"\0\1" + payload
        yield b"\3\0" + payload


# ---------------------------------------------------------------- the audit


def audit(data: bytes) -> None:
    """A record of the audit, twice, with its answer before and behind it. Raises: Finding."""
    choices = Choices(data)
    kind, payload = choices.pick("QA?"), choices.rest()
    with only_documented():
        db = _audit_db()
        fold = AuditFold(db)
        db.execute("SAVEPOINT one")
        try:
            entry = AuditEntry(1, 120, 0, kind, payload)
            fold.apply([entry])
            fold.apply([entry, entry._replace(place=1)])
            answer = audit_record.Answered(digest(payload), 1, b"d")
            fold.apply([AuditEntry(1, 200, 0, "A", audit_record.encode(answer))])
            db.execute("SELECT * FROM query, form, agent").fetchall()
        finally:
            db.execute("ROLLBACK TO one; RELEASE one")
    with only_documented():
        try:
            record = audit_record.decode(kind, payload)
        except (KeyError, ValueError):
            return
        if isinstance(record, audit_record.Asked):
            record.given()


@cache
def _audit_db() -> apsw.Connection:
    db = open_index(
        ":memory:", schema=audit_schema.SCHEMA, schema_version=audit_schema.SCHEMA_VERSION
    )
    db.execute("INSERT INTO chain(name, seen) VALUES('c', 0)")
    return db


def reads() -> Iterator[bytes]:
    """Questions and answers as they are written."""
    asked = audit_record.Asked(
        _AT, "20260112T210000-1f3c9e2a", 1, "ann", "SELECT ?", (1, ("a", 2.5), None, b"x"), "why",
        "select", ("beliefs",), 3, _AT, "UTC", ("approved",), "latest", -(2**62), 2**62,
    )  # fmt: skip
    yield b"\0" + audit_record.encode(asked)
    answered = audit_record.Answered(
        digest(b"q"), 2, b"d" * 32, ((digest(b"a"), 2, "exact"),), 1, True, ("unfiltered-proposed",)
    )
    yield b"\1" + audit_record.encode(answered)


# ---------------------------------------------------------------- small files of text


def notes(data: bytes) -> None:
    """The note in LOCK (also with its check made right), FORMAT, BACKUP. Raises: Finding."""
    choices = Choices(data)
    kind, rest = choices.below(4), choices.rest()
    with only_documented():
        if kind == 0:
            decode_note(rest)
        elif kind == 1:
            _use_note(noted(rest))
        elif kind == 2:
            check_format(files_with({"FORMAT": rest}))
        else:
            _read_manifest(files_with({"BACKUP": rest}))


def noted(head: bytes) -> bytes:
    """A note whose check is right."""
    head = head[: NOTE_SIZE - 16].ljust(NOTE_SIZE - 16)
    return head + digest(head).hex()[:15].encode() + b"\n"


def _use_note(line: bytes) -> None:
    files = MemoryFiles()
    create_contents(files)
    files.writer_note = line
    lock = WriterLock.of(files)
    with only_documented():
        open_tail(files, repair=False, lock=lock)
    with only_documented():
        lock.acquire(0)
        try:
            with only_documented():
                WriterLock.of(files).acquire(0)  # names the holder
            open_tail(files, repair=True, lock=lock)
        finally:
            lock.release()


def notes_written() -> Iterator[bytes]:
    """The small files as they are written."""
    from epql.engine.lock import Note, encode_note

    line = encode_note(Note("clean", 1, 120, 42, "0123456789abcdef", _AT, _AT))
    yield b"\0" + line
    for state in ("clean", "writing", "failed"):
        yield b"\1" + encode_note(Note(state, 1, 120, 42, "0123456789abcdef", _AT, _AT))[:112]
    yield b"\2EPQL database\nversion 1\n"
    yield b"\3EPQL backup\nversion 1\ntx 3\ndigest " + b"ab" * 32 + b"\n"


# ---------------------------------------------------------------- exports


def export(data: bytes) -> None:
    """An export of any lines, or with ids and end made right: read, and brought back into a new
    database, which then is sound. Raises: Finding."""
    choices = Choices(data)
    is_right, rest = choices.below(2), choices.rest()
    lines = rest.splitlines(keepends=True)
    if is_right:
        lines = righted(lines)
    with only_documented():
        commits = list(dump.commits(lines))
        database = Database(":memory:", Options(TestClock(), audit="off"))
        try:
            replay(database, commits)
            if list(commits_of(database.files)) != commits:
                raise Finding("what was brought back is not what was read")
        finally:
            database.close()


def righted(lines: list[bytes]) -> list[bytes]:
    """The lines with each record's id and the end made right."""
    made: list[bytes] = []
    counts = [0, 0]
    for number, line in enumerate(lines):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and "kind" in found and "id" in found:
            counts[1] += 1
            found["id"] = _address(found, number)
            line = json.dumps(found).encode() + b"\n"
        elif isinstance(found, dict) and "tx" in found:
            counts[0] += 1
        elif isinstance(found, dict) and "end" in found:
            break
        made.append(line)
    end = {"end": True, "commits": counts[0], "records": counts[1]}
    hasher = dump.Hasher()
    for line in made:
        hasher.update(line)
    return [*made, json.dumps({**end, "digest": hasher.hexdigest()}).encode() + b"\n"]


def _address(found: dict[str, Any], number: int) -> str:
    import base64

    fields = dict(found)
    kind = str(fields.pop("kind"))
    for name in ("id", "lifecycle", "flags"):
        fields.pop(name, None)
    try:
        if "bytes" in fields:
            payload = base64.b64decode(fields["bytes"])
        else:
            payload = dump._encoded(kind, fields, 1)
        return key_of(kind, payload)[2:].hex()
    except Exception:  # the product's to say, when it reads the line
        return str(found["id"])


def exports() -> Iterator[bytes]:
    """The small database, commit by commit."""
    for commit in history():
        yield b"\1" + b"".join(dump.lines([commit._replace(tx=1)]))
    yield b"\0" + b"".join(dump.lines(history()[:2]))


# ---------------------------------------------------------------- files to import


@cache
def _folder() -> Path:
    root = "/dev/shm" if os.path.isdir("/dev/shm") else None
    return Path(tempfile.mkdtemp(prefix="epql-fuzz-", dir=root))


def histories() -> Iterator[bytes]:
    """Lines of history."""
    yield (
        b'\0{"at": "2015-01-08T10:00:00Z", "agent": "e", "source": "c:1", "facts": [["p", "q", "D"],'
        b' {"subject": "p", "predicate": "r", "object": 1, "lifecycle": "proposed",'
        b' "confidence": 0.9, "valid_from": "2015-01-01", "valid_to": 1420800000}]}\n'
        b'{"at": 1420800001.5, "agent": "f", "commit": "x", "facts": [["p", "q", null]]}\n'
    )


def history_lines(data: bytes) -> None:
    """Lines of history in a new database, with bad ones skipped or not."""
    choices = Choices(data)
    skip, rest = choices.below(2) == 1, choices.rest()
    path = _folder() / "history.jsonl"
    path.write_bytes(rest)
    with epql.connect(":memory:", agent="fuzz") as connection:
        with only_documented():
            connection.import_history(path, skip_bad=skip)
        with only_documented():
            connection.execute("SELECT * FROM history").fetchall()
        _is_sound(connection)


def _is_sound(connection: Any) -> None:
    with only_documented():
        found = [one for one in connection.verify() if not one.is_harmless]
        if found:
            raise Finding(f"verify says {found}"[:2000])


_FORMATS = ("jsonl", "csv", "tsv", "nquads", "jsonl.gz")


def rows(data: bytes) -> None:
    """A file of rows in a trial import: first byte the format, second the options."""
    choices = Choices(data)
    ending, options, rest = choices.pick(_FORMATS), choices.byte(), choices.rest()
    if ending.endswith(".gz") and options & 16:
        rest = gzip.compress(rest, 1)
    path = _folder() / f"rows.{'nq' if ending == 'nquads' else ending}"
    path.write_bytes(rest)
    with only_documented():
        _connection().import_file(
            path,
            header=not options & 1,
            detect_types=bool(options & 2),
            skip_bad=bool(options & 4),
            wide_by="subject" if options & 8 else None,
            dry_run=True,
        )


@cache
def _connection() -> Any:
    return epql.connect(":memory:", agent="fuzz", autocommit=True)


def row_files() -> Iterator[bytes]:
    """Files of each format."""
    yield b'\0\0{"subject": "s", "predicate": "p", "object": 1, "parents": [], "qualifiers": {"a": 1}}\n["s", "p", 2.5]\n'
    yield b'\0\4{"subject": "s", "predicate": "p", "object": "x", "confidence": 0.5, "valid_from": "2026-01-12"}\n'
    yield b'\1\2subject,predicate,object,confidence\ns,p,"a ""b""\nc",0.5\n'
    yield b"\1\10subject;a;b\ns;1;2\n"
    yield b"\2\0subject\tpredicate\tobject\ns\tp\t1\n"
    yield b'\3\0<urn:epql:name:s> <urn:p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> <urn:epql:a:1f3c> .\n<urn:epql:a:1f3c> <urn:epql:is:agent> "ann" .\n'
    yield b'\3\4_:b <urn:p> "x"@en .\n'
    yield b'\4\20["s", "p", 1]\n'


assert set(KINDS) == set(KINDS_TRIED)
_ = Error
