"""What the tests of the audit share: questions, answers, logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from epql.audit.findings import unapproved
from epql.engine.audit.chains import DiskChains
from epql.engine.audit.index import AuditIndex
from epql.engine.audit.log import AuditLog
from epql.engine.audit.record import EXACT, Answered, Asked
from epql.engine.digest import digest

START = 1_767_607_200_000_000
"""2026-01-05T10:00:00Z in µs."""


def asked(log: AuditLog, at: int = START, **fields: object) -> Asked:
    """A question of this log's; `fields` replace what it has."""
    given: dict[str, object] = {
        "at": at, "chain": log.name, "number": log.number(), "agent": "ann",
        "text": "SELECT object FROM beliefs WHERE subject = ?", "params": ("svc/api",),
        "purpose": None, "kind": "select", "relations": ("beliefs",), "tx": 1, "clock": at,
        "zone": "UTC", "lifecycle": ("proposed", "review", "approved"), "resolve": "latest",
        "valid_low": at, "valid_high": at, "unfiltered": True,
    }  # fmt: skip
    return Asked(**{**given, **fields})  # type: ignore[arg-type]


def read(log: AuditLog, at: int = START, **fields: object) -> bytes:
    """A question and its answer, one proposed assertion, handed to a log; the question's digest."""
    address = log.ask(asked(log, at, **fields))
    log.answer(answered(address))
    return address


def answered(query: bytes, reads: Sequence[tuple[bytes, int, str]] = ()) -> Answered:
    """An answer of one row, read from assertion 'one' unless `reads` says otherwise."""
    shown = tuple(reads) or ((digest(b"one"), 1, EXACT),)
    findings = tuple(unapproved(shown))
    return Answered(query, 1, digest(b"rows"), shown, len(shown), findings=findings)


def opened(folder: Path, mode: str = "lazy") -> tuple[AuditLog, list[str]]:
    """A log of the database in a folder, and the notices it gives."""
    notices: list[str] = []
    return AuditLog(DiskChains(folder), mode, tell=notices.append), notices


def ids(index: AuditIndex) -> set[bytes]:
    """The digests of all questions, after catching up."""
    index.catch_up()
    return {bytes(row[0]) for row in index.db.execute("SELECT digest FROM query")}


def segments(folder: Path) -> list[Path]:
    """The files of all chains."""
    return sorted(folder.glob("audit/*/journal/*.log"))
