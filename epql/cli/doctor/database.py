"""A database's folder: what is in it, whether it is whole, who holds it. It only looks."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from epql.cli.doctor.finding import FAIL, OK, WARN, Finding, Findings, looked_at
from epql.cli.doctor.volume import space, sync_speed, volume
from epql.output.screen import plural
from epql.output.sizes import size

if TYPE_CHECKING:
    from epql.engine.journal.verify import Report

PARTS = ("journal", "index", "audit")


def database(path: Path) -> Findings:
    """Everything about the database at a path; nothing is opened that could change it."""
    parts = list(looked_at("database", lambda: _folder(path)))
    yield from parts
    if not path.is_dir():
        return
    yield from looked_at("permissions", lambda: _permissions(path))
    yield from looked_at("file system", lambda: volume(path))
    yield from looked_at("free space", lambda: space(path, size_of(path, "index")))
    if any(part.status == FAIL for part in parts):
        return
    yield from looked_at("size", lambda: _sizes(path))
    yield from looked_at("lock", lambda: _lock(path))
    yield from looked_at("clock", lambda: _clock(path))
    yield from looked_at("doubt", lambda: _doubt(path))
    yield from looked_at("kept aside", lambda: _torn(path))
    yield from looked_at("unfinished copies", lambda: _unfinished(path))
    yield from looked_at("journal", lambda: _contents(path))
    yield from looked_at("audit", lambda: _audit(path))
    yield from looked_at("sync", lambda: sync_speed(path))


def size_of(folder: Path, part: str) -> int:
    """The bytes of a part of a database."""
    return sum(file.stat().st_size for file in _files_of(folder, part))


def _files_of(folder: Path, part: str) -> list[Path]:
    if part == "index":
        return [file for file in folder.glob("index.db*") if file.is_file()]
    return [file for file in (folder / part).rglob("*") if file.is_file()]


def _folder(path: Path) -> Findings:
    from epql.cli.opening import pointing_out
    from epql.engine.files import OsFiles
    from epql.engine.folder import FORMAT_VERSION, check_folder, check_format

    with pointing_out(str(path)):
        check_folder(path, must_exist=True)
    yield Finding("database", str(path.resolve()))
    check_format(OsFiles(path))
    yield Finding("format", f"version {FORMAT_VERSION}", data=FORMAT_VERSION)


def _permissions(path: Path) -> Findings:
    unreadable = [
        file
        for part in PARTS
        for file in [path, *_files_of(path, part)]
        if not os.access(file, os.R_OK)
    ]
    if unreadable:
        text = f"{unreadable[0]} cannot be read by this user"
        yield Finding("permissions", text, FAIL, "chmod, or ask its owner")
    elif not os.access(path, os.W_OK):
        yield Finding(
            "permissions", "can be read, not written, by this user", WARN,
            "read it with --read-only; to write, ask its owner",
        )  # fmt: skip
    elif (wide := _wide(path)) is not None:
        mode = os.stat(wide).st_mode & 0o777
        text = f"can be read and written; others than its owner may look into {wide} ({mode:o})"
        yield Finding("permissions", text, WARN, f"chmod -R go= {shlex.quote(str(path))}")
    else:
        mode = os.stat(path).st_mode & 0o777
        yield Finding("permissions", f"can be read and written, by its owner alone ({mode:o})")


def _wide(path: Path) -> Path | None:
    """The folder, or the first file in it, that others may read or write."""
    if not path.stat().st_mode & 0o077:
        return None  # who may not enter the folder cannot reach what is in it
    files = (file for part in PARTS for file in _files_of(path, part))
    return next((one for one in (path, *files) if one.stat().st_mode & 0o077), None)


def _sizes(path: Path) -> Findings:
    sizes = {part: size_of(path, part) for part in PARTS}
    text = ", ".join(f"{part} {size(count)}" for part, count in sizes.items())
    yield Finding("size", text, data=sizes)


def _lock(path: Path) -> Findings:
    from epql.engine.explain.words import when
    from epql.engine.lock import LOCK_NAME, WriterLock

    lock = WriterLock(path / LOCK_NAME)
    is_held, note = lock.probe(), lock.read_note()
    if is_held:
        who = "somebody" if note is None else f"process {note.pid}, since {when(note.since_us)}"
        yield Finding("lock", f"held by {who}: a write is going on")
    elif note is None or note.is_clean:
        yield Finding("lock", "free")
    else:
        yield Finding(
            "lock", f"free, but process {note.pid} {_ENDED[note.state]}", WARN,
            f"the next opening for writing puts it in order: epql {path} -c 'SELECT 1'",
        )  # fmt: skip


_ENDED = {
    "writing": "ended in the middle of a write",
    "failed": "ended after a write that the disk refused",
}


def _clock(path: Path) -> Findings:
    from epql.engine.clock import micros, system_clock
    from epql.engine.explain.words import when
    from epql.engine.files import OsFiles
    from epql.engine.journal.recovery import open_tail
    from epql.engine.lock import WriterLock

    files = OsFiles(path)
    last = open_tail(files, repair=False, lock=WriterLock.of(files)).tail.last_recorded_at
    now = micros(system_clock())
    if last > now:
        yield Finding(
            "clock", f"it says {when(now)}, before the last commit, which is of {when(last)}", WARN,
            "set the clock (timedatectl); until then commits are stamped just after the last one",
        )  # fmt: skip
    else:
        yield Finding("clock", "after the last commit")


def _doubt(path: Path) -> Findings:
    from epql.engine.doubt import is_in_doubt
    from epql.engine.files import OsFiles

    if is_in_doubt(OsFiles(path)):
        yield Finding(
            "doubt", "the disk refused something of the index, or gave back what was not written",
            WARN, f"the next opening for writing checks it: epql {path} -c 'SELECT 1'",
        )  # fmt: skip


def _torn(path: Path) -> Findings:
    """What recovery has cut off and kept."""
    files = sorted((path / "journal").glob("torn-*.part"))
    if files:
        text = f"{plural(len(files), 'unfinished write')} cut off after a crash: {files[-1].name}"
        yield Finding(
            "kept aside", text, WARN, "nothing was promised about it; delete the files"
            " journal/torn-*.part when you know what was being written", [f.name for f in files],
        )  # fmt: skip


def _unfinished(path: Path) -> Findings:
    from epql.engine.leftovers import leftovers

    for left in leftovers(path.absolute()):
        text = f"{left} was left by a restore or a backup that was killed"
        yield Finding("unfinished copies", text, WARN, f"rm -r {shlex.quote(str(left))}")


def _set_aside(number: int, first: str) -> Findings:
    if number:
        yield Finding(
            "records", f"{plural(number, 'record')} set aside, which this version cannot use"
            f" ({first})", WARN, "a newer program wrote them: install a newer epql", number,
        )  # fmt: skip


def _contents(path: Path) -> Findings:
    """Journal and index, which are each other's witnesses."""
    from epql.engine.check import check_age, opened_index
    from epql.engine.files import OsFiles
    from epql.engine.folder import INDEX
    from epql.engine.index import problems
    from epql.engine.ingest import applied
    from epql.engine.journal.verify import Expectation, verify

    files = OsFiles(path)
    with opened_index(path / INDEX) as (index, fault):
        tx, digest = (0, None) if index is None else applied(index)[:2]
        report = verify(files, expect=[Expectation(tx, digest)] if tx else [])
        yield from _journal(report)
        if fault is not None:
            remedy = "the next opening makes it" if fault.is_harmless else f"epql rebuild {path}"
            status = WARN if fault.is_harmless else FAIL
            yield Finding("index", fault.sentence, status, remedy)
            return
        if index is not None:
            yield from looked_at("records", lambda: _set_aside(*problems.count(index)))
    behind = list(check_age(files, path / INDEX, tx, report.last_tx)) if report.is_sound else []
    for fault in behind:
        yield Finding("index", fault.sentence, WARN, f"epql {path} -c 'SELECT 1'")
    if not behind:
        yield Finding("index", f"up to date, at tx {tx:,}", data=tx)


def _journal(report: Report) -> Findings:

    seen = f"{plural(report.frames, 'commit')} in {plural(report.segments, 'segment')}"
    bad = [finding for finding in report.findings if not finding.is_harmless]
    if bad:
        remedy = "do not write to it; restore it from a copy (epql verify tells all of it)"
        yield Finding("journal", f"{seen}; {bad[0].code}: {bad[0].sentence}", FAIL, remedy)
    for finding in report.findings:
        if finding.is_harmless:
            remedy = "the next opening for writing puts it in order"
            yield Finding("journal", finding.sentence, WARN, remedy)
    if not report.findings:
        yield Finding("journal", f"{seen}: the chain holds", data=report.frames)


def _audit(path: Path) -> Findings:
    from epql.engine.audit.inspect import inspect

    report = inspect(path)
    bad = [finding for _, finding in report.findings if not finding.is_harmless]
    seen = f"{plural(report.questions, 'read')} in {plural(report.chains, 'chain')}"
    if bad:
        yield Finding(
            "audit", f"{bad[0].code}: {bad[0].sentence}", FAIL,
            "the knowledge is whole; the record of reads is not (epql verify tells which)",
        )  # fmt: skip
    else:
        yield Finding("audit", seen, OK, data=report.questions)
