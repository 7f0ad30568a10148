"""Loading history that happened elsewhere, with its own belief times.

The file is JSON Lines, one commit a line (docs/formats/history.md):

    {"at": "2015-01-08T10:00:00Z", "agent": "editor-3", "source": "commit:41021a4b",
     "facts": [["pep/484", "status", "Draft"],
               {"subject": "pep/484", "predicate": "proposes", "object": "Type Hints",
                "lifecycle": "proposed", "confidence": 0.9}]}

A line that was loaded before is known by its content and skipped, so a load can be resumed and
repeated. Not here: what a fact does to what stands (engine/bulk.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any

from epql import instants
from epql.engine.bulk import BulkLoader, Fact, bulk_load
from epql.engine.clock import SECOND
from epql.engine.content import (
    check_confidence,
    check_interval,
    check_name,
    check_object,
    check_optional,
)
from epql.engine.digest import digest
from epql.engine.errors import (
    DataError,
    Error,
    IntegrityError,
)
from epql.engine.lifecycle import check_state
from epql.engine.records import Assertion
from epql.exchange.files import Progress, opened
from epql.exchange.words import counted

if TYPE_CHECKING:
    from epql.runner import Runner

_LINE = {"at", "agent", "source", "commit", "facts"}
_FACT = {
    "subject", "predicate", "object", "lifecycle", "confidence", "agent", "source", "valid_from",
    "valid_to",
}  # fmt: skip
_LINE_MAX = 32 * 2**20
_TELL_EVERY = 50


@dataclass
class Report:
    """What an import did. `bad`: (line number, what is wrong) of the lines left out."""

    commits: int = 0
    skipped: int = 0
    assertions: int = 0
    moves: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)

    def sentence(self) -> str:
        """The report in words."""
        parts = [
            f"{counted(self.commits, 'commit')} loaded",
            f"{counted(self.assertions, 'assertion')}, {counted(self.moves, 'move')}",
        ]
        if self.skipped:
            parts.append(f"{counted(self.skipped, 'commit')} there already")
        if self.bad:
            parts.append(f"{counted(len(self.bad), 'bad line')} left out")
        return "; ".join(parts)


def import_history(
    runner: Runner,
    path: str,
    *,
    progress: Progress | None = None,
    skip_bad: bool = False,
) -> Report:
    """Load a file of history; '-' is standard input, '.gz' is read through gzip.

    Raises: DataError `history.line` naming the first bad line, unless `skip_bad`; the commits
    before it stay. OperationalError `files.missing` and so on.
    """
    runner.check_may_commit("an import")
    runner.queries.buffer()
    report = Report()
    with opened(path) as source, bulk_load(runner.database) as loader:
        for number, line in enumerate(source.lines(), start=1):
            runner.turns.check()
            if not line.strip():
                continue
            try:
                _load(loader, line, report)
            except (DataError, IntegrityError) as error:
                problem = _bad(number, error)
                if not skip_bad:
                    raise problem from error
                report.bad.append((number, error.message))
            if progress is not None and number % _TELL_EVERY == 0:
                progress(source.position(), source.size)
        loader.settle()
        if progress is not None:
            progress(source.size, source.size)
        report.commits, report.assertions, report.moves = loader.counts
    return report


def _bad(number: int, error: Error) -> Error:
    return DataError(
        f"line {number}: {error.message}",
        code="history.line",
        hint=error.hint or "docs/formats/history.md shows what a line looks like",
    )


def _load(loader: BulkLoader, line: bytes, report: Report) -> None:
    read = _read(line)
    try:
        canonical = json.dumps(read, sort_keys=True, ensure_ascii=True).encode()
    except RecursionError as error:
        raise DataError("the line is nested too deeply", code="history.line") from error
    key = digest(canonical).hex()[:32]
    if loader.has(key):
        report.skipped += 1
        return
    agent = check_name("agent", read.get("agent"))
    source = check_optional("source", read.get("source"))
    facts = [_fact(fact, agent, source) for fact in read["facts"]]
    loader.commit(_instant(read["at"]), agent, key, facts)


def _read(line: bytes) -> dict[str, Any]:
    """One line as a checked object."""
    if len(line) > _LINE_MAX:
        raise DataError("the line is too long", code="history.line")
    try:
        read = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is not JSON ({error})", code="history.line") from error
    if not isinstance(read, dict):
        raise DataError("a line is one JSON object", code="history.line")
    _check_fields(read, _LINE, ("at", "agent", "facts"))
    if not isinstance(read["facts"], list):
        raise DataError("facts is a list", code="history.line")
    return read


def _check_fields(read: dict[str, Any], known: set[str], needed: tuple[str, ...]) -> None:
    for name in needed:
        if name not in read:
            raise DataError(f"the field {name!r} is missing", code="history.line")
    for name in read:
        if name not in known:
            raise DataError(
                f"there is no field {name!r}; the fields are {', '.join(sorted(known))}",
                code="history.line",
            )


def _instant(value: Any) -> int:
    """An instant of the file: ISO 8601, or seconds since 1970 UTC as a number."""
    if isinstance(value, bool):
        raise DataError("true is no instant", code="history.line")
    if isinstance(value, (int, float)):
        if not abs(value) < 1e11:
            raise DataError(f"at is {value}: seconds since 1970 were expected", code="history.line")
        return round(value * SECOND)
    if isinstance(value, str):
        return instants.parse_instant(value, now_us=0, zone=UTC)
    raise DataError("at is an ISO 8601 text, or seconds since 1970", code="history.line")


def _fact(read: Any, agent: str, source: str | None) -> Fact:
    if isinstance(read, list) and len(read) == 3:
        read = dict(zip(("subject", "predicate", "object"), read, strict=True))
    if not isinstance(read, dict):
        raise DataError("a fact is [subject, predicate, object] or an object", code="history.line")
    _check_fields(read, _FACT, ("subject", "predicate", "object"))
    subject = check_name("subject", read["subject"])
    predicate = check_name("predicate", read["predicate"])
    if read["object"] is None:
        return Fact(subject, predicate, None)
    state = read.get("lifecycle")
    content = Assertion(
        subject,
        predicate,
        check_object(read["object"]),
        check_confidence(read.get("confidence", 1.0)),
        check_optional("agent", read.get("agent")) or agent,
        check_optional("source", read.get("source")) or source,
        _bound(read.get("valid_from")),
        _bound(read.get("valid_to")),
    )
    check_interval(content.valid_from, content.valid_to)
    return Fact(subject, predicate, content, None if state is None else check_state(str(state)))


def _bound(value: Any) -> int | None:
    return None if value is None else _instant(value)
