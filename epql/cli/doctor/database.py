"""A database's folder: what is in it, whether it is whole, who holds it. It only looks."""

from __future__ import annotations

import os
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
    else:
        mode = os.stat(path).st_mode & 0o777
        others = "" if not mode & 0o077 else "; others than its owner may look in"
        yield Finding("permissions", f"can be read and written ({mode:o}){others}")


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
            "lock", f"free, but process {note.pid} ended in the middle of a write", WARN,
            f"the next opening for writing puts it in order: epql {path} -c 'SELECT 1'",
        )  # fmt: skip


def _contents(path: Path) -> Findings:
    """Journal and index, which are each other's witnesses."""
    from epql.engine.check import check_age, opened_index
    from epql.engine.files import OsFiles
    from epql.engine.folder import INDEX
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
