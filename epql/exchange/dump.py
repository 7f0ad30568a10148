"""The lossless export: every commit with its records as JSON Lines, and its way back.

    {"format": "EPQL export", "version": 1}
    {"tx": 1, "at": "2026-01-12T21:00:00.000000Z", "agent": "ann", "records": 1}
    {"kind": "H", "id": "1f3c…", "lifecycle": "approved", "subject": "auth/jwt", …}
    {"end": true, "commits": 1, "records": 1, "digest": "…"}

A commit's line is followed by those of its records. `id` is the record's digest: a line that was
changed is noticed, and the last line tells whether the file is whole. The same commits give the
same bytes. Page: docs/formats/export.md. Not here: the journal's frames; a copy of those is a
backup (engine/backup.py).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from functools import cache
from typing import Any, get_type_hints

import msgspec

from epql import instants
from epql.engine.digest import Hasher
from epql.engine.errors import DataError, Error
from epql.engine.journal.format import is_kind
from epql.engine.lifecycle import CODE, NAME
from epql.engine.records import KINDS, CommitInfo, Record, decode, encode, key_of
from epql.engine.replay import Commit

FORMAT = "EPQL export"
VERSION = 1
_INSTANTS = {"valid_from", "valid_to", "cut"}


# ---------------------------------------------------------------- writing


def lines(commits: Iterable[Commit]) -> Iterator[bytes]:
    """The file's lines, each with its end."""
    hasher, count, records = Hasher(), 0, 0
    for line in _body(commits):
        hasher.update(line)
        if line.startswith(b'{"tx"'):
            count += 1
        elif line.startswith(b'{"kind"'):
            records += 1
        yield line
    end = {"end": True, "commits": count, "records": records, "digest": hasher.hexdigest()}
    yield _line(end)


def _body(commits: Iterable[Commit]) -> Iterator[bytes]:
    yield _line({"format": FORMAT, "version": VERSION})
    for commit in commits:
        head, rest = _head(commit)
        yield _line(head)
        for kind, flags, payload in rest:
            yield _line(_record(kind, flags, payload, commit.tx))


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _head(commit: Commit) -> tuple[dict[str, Any], list[tuple[str, int, bytes]]]:
    """A commit's line, and the records behind it; the record of who committed is the line."""
    head: dict[str, Any] = {"tx": commit.tx, "at": _instant(commit.recorded_at)}
    rest = commit.records
    info = _info(commit)
    if info is not None:
        head["agent"] = info.agent
        head.update(_set(info, ("origin", "key")))
        rest = rest[1:]
    if commit.is_backfilled:
        head["backfilled"] = True
    head["records"] = len(rest)
    return head, rest


def _info(commit: Commit) -> CommitInfo | None:
    """The commit's own record, if it is where it belongs and as it is always written."""
    if not commit.records:
        return None
    kind, flags, payload = commit.records[0]
    found = _known(kind, payload)
    is_plain = isinstance(found, CommitInfo) and found.tx == commit.tx and not flags
    return found if is_plain and isinstance(found, CommitInfo) else None


def _record(kind: str, flags: int, payload: bytes, tx: int) -> dict[str, Any]:
    line: dict[str, Any] = {"kind": kind, "id": key_of(kind, payload)[2:].hex()}
    found = _known(kind, payload)
    if kind == "H" and flags in NAME and found is not None:
        line["lifecycle"] = NAME[flags]
    elif flags:
        line["flags"] = flags
    if found is None or getattr(found, "tx", tx) != tx:
        return {**line, "bytes": base64.b64encode(payload).decode()}
    return {**line, **_fields(found)}


def _known(kind: str, payload: bytes) -> Record | None:
    """The record, if this program knows it and would write the same bytes."""
    try:
        found = decode(kind, payload)
    except (KeyError, msgspec.MsgspecError):
        return None
    return found if encode(found) == payload else None


def _fields(record: Record) -> dict[str, Any]:
    return {name: _shown(name, value) for name, value in _set(record).items() if name != "tx"}


def _set(record: Record, only: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The fields that say more than their default."""
    found = {}
    for name, default in _defaults(type(record)):
        value = getattr(record, name)
        if (only is None or name in only) and (value != default or type(value) is float):
            found[name] = value
    return found


@cache
def _defaults(kind: type[Record]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in msgspec.structs.fields(kind))


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_shown("", one) for one in value]
    return _instant(value) if name in _INSTANTS and isinstance(value, int) else value


def _instant(us: int) -> str | int:
    """ISO 8601, or the number where no text says the same."""
    try:
        text = instants.format_instant(us)
        return text if instants.parse_instant(text, now_us=0, zone=UTC) == us else us
    except Error:
        return us


# ---------------------------------------------------------------- reading


def commits(source: Iterable[bytes]) -> Iterator[Commit]:
    """The commits of a file. The last may be taken as given only when the iteration has ended.

    Raises: DataError `export.line` (with the number of the line), `export.version`,
    `export.cut`, `export.digest`.
    """
    reader = _Reader(source)
    reader.header()
    while (head := reader.head()) is not None:
        yield reader.commit(head)


class _Reader:
    def __init__(self, source: Iterable[bytes]) -> None:
        self._source = iter(source)
        self._hasher = Hasher()
        self._number = self._commits = self._records = 0

    def header(self) -> None:
        line = self._next()
        if line.get("format") != FORMAT:
            raise self._bad("this is not an EPQL export: its first line is another")
        if line.get("version") != VERSION:
            raise DataError(
                f"the export has version {line.get('version')!r}; this program reads {VERSION}",
                code="export.version",
                hint="install a newer epql",
            )

    def head(self) -> dict[str, Any] | None:
        """The next commit's line; None at the end, if it is as the file says."""
        before = self._hasher.hexdigest()
        line = self._next()
        if "end" not in line:
            return line
        said = line.get("commits"), line.get("records")
        if said != (self._commits, self._records):
            raise DataError(
                f"the file says that it has {said[0]} commits and {said[1]} records, and has"
                f" {self._commits} and {self._records}",
                code="export.digest",
                hint="it was changed after it was written; use another copy",
            )
        if line.get("digest") != before:
            raise DataError(
                "the file is not as it was written: its digest is another",
                code="export.digest",
                hint="use another copy",
            )
        if next(self._source, None) is not None:
            self._number += 1
            raise self._bad("something stands behind the end")
        return None

    def commit(self, head: dict[str, Any]) -> Commit:
        """The commit of a line, with the records behind it."""
        try:
            tx, count = (_whole(head[name], 2**63) for name in ("tx", "records"))
            at = _whole(_micros(head["at"]))
            records = [] if "agent" not in head else [_own(tx, head)]
        except Error as error:
            raise self._bad(error.message) from error
        except _UNREADABLE as error:
            raise self._bad("a commit's line was expected") from error
        for _ in range(count):
            records.append(self._record(self._next(), tx))
        self._commits += 1
        self._records += count
        return Commit(tx, at, bool(head.get("backfilled", False)), records)

    def _record(self, line: dict[str, Any], tx: int) -> tuple[str, int, bytes]:
        try:
            kind, address = str(line.pop("kind")), str(line.pop("id"))
            state = line.pop("lifecycle", None)
            flags = _whole(line.pop("flags", 0), 256) if state is None else CODE[state]
            if not is_kind(kind):
                raise ValueError(f"there is no kind {kind[:9]!r}")
            data = line.pop("bytes", None)
            payload = _encoded(kind, line, tx) if data is None else base64.b64decode(data)
        except Error as error:
            raise self._bad(error.message) from error
        except _UNREADABLE as error:
            raise self._bad(f"this is no record ({error})") from error
        if key_of(kind, payload)[2:].hex() != address:
            raise self._bad("the record is not the one that its id names")
        return kind, flags, payload

    def _next(self) -> dict[str, Any]:
        line = next(self._source, None)
        if line is None or not line.endswith(b"\n"):
            raise DataError(
                f"the file ends too early, behind line {self._number}",
                code="export.cut",
                hint="it was cut off; use another copy",
            )
        self._number += 1
        self._hasher.update(line)
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._bad(f"this is not JSON ({error})") from error
        if not isinstance(found, dict):
            raise self._bad("a line is one JSON object")
        return found

    def _bad(self, message: str) -> DataError:
        return DataError(
            f"line {self._number}: {message}",
            code="export.line",
            hint="docs/formats/export.md shows what a line looks like",
        )


_UNREADABLE = (
    KeyError, TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError
)  # fmt: skip
"""What becomes of values that a record cannot have."""


def _whole(value: Any, end: int | None = None) -> int:
    """A whole number, below `end` and not negative if that is given."""
    if type(value) is not int or (end is not None and not 0 <= value < end):
        raise ValueError(f"{value!r:.20} is no number that can stand there")
    return value


def _own(tx: int, head: dict[str, Any]) -> tuple[str, int, bytes]:
    rest = {name: head[name] for name in ("origin", "key") if name in head}
    return "M", 0, _checked("M", CommitInfo(tx, head["agent"], **rest))


def _encoded(kind: str, fields: dict[str, Any], tx: int) -> bytes:
    read = _readers(kind)
    values = {name: read[name](value) for name, value in fields.items()}
    if "tx" in read:
        values["tx"] = tx
    return _checked(kind, KINDS[kind](**values))


def _checked(kind: str, record: Record) -> bytes:
    payload = encode(record)
    decode(kind, payload)  # the types of its fields
    return payload


@cache
def _readers(kind: str) -> dict[str, Callable[[Any], Any]]:
    """How each field of a kind is read."""
    hints = get_type_hints(KINDS[kind])
    return {name: _reader(name, hint) for name, hint in hints.items()}


def _reader(name: str, hint: Any) -> Callable[[Any], Any]:
    if hint in (bytes, bytes | None):
        return lambda value: None if value is None else bytes.fromhex(value)
    if hint == tuple[bytes, ...]:
        return lambda value: tuple(map(bytes.fromhex, value))
    if name in _INSTANTS:
        return _micros
    return lambda value: value


def _micros(value: Any) -> Any:
    """Microseconds of an instant as `_instant` writes it."""
    if isinstance(value, str):
        return instants.parse_instant(value, now_us=0, zone=UTC)
    return value
