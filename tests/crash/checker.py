"""What must be true of a database that writers of tests/crash wrote, whatever happened to them.

    python -m tests.crash.checker FOLDER ACKS      exit 0; 1: a broken promise; 3: an error

`check` opens it as the product does. Then: what was acknowledged is there, once and unchanged, in
each writer's order; at most one commit (or one group of them) a writer is there that was not; the
journal says the same as the index; one more commit, close and open works.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import apsw

import epql
from epql.engine.folder import INDEX
from epql.engine.reading import translated
from epql.engine.records import Assertion, decode
from tests.crash.content import GROUP, Rows, number_of, rows_of


def check(folder: str | Path, ack_lines: Iterable[bytes | str], *, rebuild: bool = False) -> int:
    """How many commits there are; `rebuild`: without the index that is there.

    Raises: AssertionError for a broken promise; epql.Error if it does not open by itself.
    """
    folder = Path(folder)
    promised = Promises.of(ack_lines)
    if "backup-0" in promised.upto or (folder / "kb").exists():
        for copy in promised.copies | {path.name for path in folder.glob("copy-*")}:
            _check_copy(folder / copy)
        folder = folder / "kb"
        folder.parent.mkdir(exist_ok=True)
    if rebuild:
        for file in folder.glob(INDEX + "*"):
            file.unlink()
    with _opened(folder) as con:
        found = check_open(con, promised.upto, promised.corrected, promised.late)
        ((own,),) = _asked(con, _OWN)
        row = rows_of("checker-0", own + 1)[0]
        con.execute("ASSERT (?, ?, ?)", row)
    with _opened(folder) as con:
        tx, _ = con.runner.database.last()
        assert tx == found + 1, f"{found} commits and one more were {tx} after opening again"
        assert _asked(con, _LAST) == [row], "the checker's own commit did not stay"
    return found


def _asked(con: Any, sql: str) -> list[Any]:
    """The index's answer, which is faster than the language: a state is checked in milliseconds."""
    try:
        return con.runner.database.db.execute(sql).fetchall()  # type: ignore[no-any-return]
    except apsw.Error as error:
        raise translated(error) from error


_OWN = "SELECT count(*) FROM slot WHERE subject LIKE 'checker-0/%'"
_LAST = (
    "SELECT subject, predicate, object FROM assertion a JOIN slot ON slot.id=a.slot"
    " ORDER BY a.id DESC LIMIT 1"
)
_COMMITS = "SELECT tx, recorded_at FROM txn ORDER BY tx"


class _opened:
    """A connection for a while; a crash in the block lets go of it, too."""

    def __init__(self, folder: Path) -> None:
        self.con = epql.connect(folder, agent="checker-0", audit="off", autocommit=True)

    def __enter__(self) -> Any:
        return self.con

    def __exit__(self, *_: object) -> None:
        self.con.close()


@dataclass
class Promises:
    """What lines promised: how far each writer came, which corrections there are, which copies.
    `late`: how far each may have come besides, as it said while the power went."""

    upto: dict[str, int] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    corrected: set[tuple[str, int]] = field(default_factory=set)
    copies: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, lines: Iterable[bytes | str]) -> Promises:
        """Read the lines of work.py; others are passed over."""
        promised = cls()
        for line in lines:
            words = (line.decode() if isinstance(line, bytes) else line).split()
            if words[:1] == ["LATE"]:
                if len(words) == 4:
                    promised.late[words[2]] = max(promised.late.get(words[2], 0), int(words[3]))
            elif words[:2] == ["ACK", "COPY"]:
                promised.copies.add(f"copy-{words[3]}")
            elif len(words) == 3 and words[0] in ("ACK", "FOUND"):
                writer, number = words[1], int(words[2])
                promised.upto[writer] = max(promised.upto.get(writer, 0), number)
                if words[0] == "ACK" and writer.startswith("correct-"):
                    promised.corrected.add((writer, number))
        return promised


def check_open(
    con: Any,
    upto: Mapping[str, int],
    corrected: Set[tuple[str, int]] = frozenset(),
    late: Mapping[str, int] = MappingProxyType({}),
) -> int:
    """What a connection shows is what was promised, and what its journal says; the commits."""
    database = con.runner.database
    assert not database.behind_by
    commits = _asked(con, _COMMITS)
    assert [tx for tx, _ in commits] == list(range(1, len(commits) + 1)), "gaps in tx"
    instants = [at for _, at in commits]
    assert all(a < b for a, b in pairwise(instants)), "time went back"
    rows = con.execute(
        "SELECT tx, agent, subject, predicate, object, confidence FROM assertions LIFECYCLE ANY"
        " ORDER BY tx"
    ).fetchall()
    _check_writers([row[:5] for row in rows], upto, late)
    if corrected:
        _check_corrections(con, corrected)
    told = []
    for tx, _, kind, payload in database.journal_records(1, len(commits) + 1):
        assert tx <= len(commits), "the journal holds more commits than the index"
        if kind == "H":
            record = decode(kind, payload)
            assert isinstance(record, Assertion)
            content = (record.subject, record.predicate, record.object, record.confidence)
            told.append((tx, record.agent, *content))
    assert sorted(told) == sorted(rows), "the index is not what the journal says"
    return len(commits)


def _check_writers(rows: list[Any], promised: Mapping[str, int], late: Mapping[str, int]) -> None:
    """Each writer's commits are 1, 2, 3 … in that order, whole, at least as far as promised."""
    found: dict[str, dict[int, Rows]] = {}
    for tx, agent, *triple in rows:
        found.setdefault(agent, {}).setdefault(tx, []).append(tuple(triple))
    for writer in found.keys() | promised.keys():
        commits = list(found.get(writer, {}).values())
        for number, commit in enumerate(commits, 1):
            assert number_of(commit[0][0]) == number, f"{writer}: {commit[0][0]} is {number}th"
            assert sorted(commit) == sorted(rows_of(writer, number)), f"{writer}: {number} changed"
        least = promised.get(writer, 0)
        assert len(commits) >= least, f"{writer}: {least} acknowledged, {len(commits)} there"
        most = max(least, late.get(writer, 0)) + (GROUP if writer.startswith("bulk-") else 1)
        is_bounded = writer != "checker-0"
        assert len(commits) <= most or not is_bounded, f"{writer}: {len(commits)}, at most {most}"


def _check_corrections(con: Any, promised: Set[tuple[str, int]]) -> None:
    """Each correction that was promised is there, none twice, and what follows from it was done."""
    rows = con.execute("SELECT agent, reason, tended FROM corrections").fetchall()
    found = [(agent, int(reason)) for agent, reason, _ in rows]
    assert len(found) == len(set(found)), "a correction is doubled"
    assert promised <= set(found), f"corrections are missing: {promised - set(found)}"
    assert all(tended for _, _, tended in rows), "the gardener left something undone"


def _check_copy(folder: Path) -> None:
    """A backup holds all that was acknowledged before it began: its name says up to where."""
    from epql.engine.backup import check_backup

    check_backup(folder)
    with _opened(folder) as con:
        check_open(con, {"backup-0": int(folder.name.rpartition("-")[2])})


def main(folder: str, acks: str) -> int:
    """Check; the exit code."""
    try:
        check(folder, Path(acks).read_bytes().split(b"\n")[:-1])
    except AssertionError as error:
        print(f"AssertionError: {error}", file=sys.stderr)
        return 1
    except epql.Error as error:
        print(f"{type(error).__name__} {error.code}: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
