"""What must be true of a database that writers of tests/crash wrote, whatever happened to them.

    python -m tests.crash.checker FOLDER ACKS      exit 0, or 1 and what is wrong

`check` opens it as the product does. Then: what was acknowledged is there, once and unchanged, in
each writer's order; at most one commit (or one group of them) a writer is there that was not; the
journal says the same as the index; one more commit, close and open works.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import epql
from epql.engine.folder import INDEX
from epql.engine.records import Assertion, decode
from tests.crash.content import GROUP, Rows, number_of, rows_of


def check(folder: str | Path, ack_lines: Iterable[bytes | str], *, rebuild: bool = False) -> int:
    """How many commits there are; `rebuild`: without the index that is there.

    Raises: AssertionError for a broken promise; epql.Error if it does not open by itself.
    """
    folder = Path(folder)
    promised, copies = _promises(ack_lines)
    if "backup-0" in promised or (folder / "kb").exists():
        for copy in copies | {path.name for path in folder.glob("copy-*")}:
            _check_copy(folder / copy)
        folder = folder / "kb"
        folder.parent.mkdir(exist_ok=True)
    if rebuild:
        for file in folder.glob(INDEX + "*"):
            file.unlink()
    with _opened(folder) as con:
        found = check_open(con, promised)
        (own,) = con.runner.database.db.execute(_OWN).fetchone()
        row = rows_of("checker-0", own + 1)[0]
        con.execute("ASSERT (?, ?, ?)", row)
    with _opened(folder) as con:
        tx, _ = con.runner.database.last()
        assert tx == found + 1, f"{found} commits and one more were {tx} after opening again"
        stayed = con.runner.database.db.execute(_LAST).fetchone()
        assert stayed == row, "the checker's own commit did not stay"
    return found


_OWN = "SELECT count(*) FROM slot WHERE subject LIKE 'checker-0/%'"
_LAST = (
    "SELECT subject, predicate, object FROM assertion a JOIN slot ON slot.id=a.slot"
    " ORDER BY a.id DESC LIMIT 1"
)
_COMMITS = "SELECT tx, recorded_at FROM txn ORDER BY tx"
"""Asked of the index, which is faster: a state of thousands is checked in some milliseconds."""


class _opened:
    """A connection for a while; a crash in the block lets go of it, too."""

    def __init__(self, folder: Path) -> None:
        self.con = epql.connect(folder, agent="checker-0", audit="off", autocommit=True)

    def __enter__(self) -> Any:
        return self.con

    def __exit__(self, *_: object) -> None:
        self.con.close()


def _promises(ack_lines: Iterable[bytes | str]) -> tuple[dict[str, int], set[str]]:
    """Writer → its last acknowledged number, and the copies that were acknowledged."""
    promised: dict[str, int] = {}
    copies = set()
    for line in ack_lines:
        words = (line.decode() if isinstance(line, bytes) else line).split()
        if len(words) < 3 or words[0] not in ("ACK", "FOUND"):
            continue
        if words[1] == "COPY":
            copies.add(f"copy-{words[3]}")
        else:
            promised[words[1]] = max(promised.get(words[1], 0), int(words[2]))
    return promised, copies


def check_open(con: Any, promised: dict[str, int]) -> int:
    """What a connection shows is what was promised, and what its journal says; the commits."""
    database = con.runner.database
    assert not database.behind_by
    commits = database.db.execute(_COMMITS).fetchall()
    assert [tx for tx, _ in commits] == list(range(1, len(commits) + 1)), "gaps in tx"
    instants = [at for _, at in commits]
    assert all(a < b for a, b in pairwise(instants)), "time went back"
    rows = con.execute(
        "SELECT tx, agent, subject, predicate, object, confidence FROM assertions LIFECYCLE ANY"
        " ORDER BY tx"
    ).fetchall()
    _check_writers([row[:5] for row in rows], promised)
    if any(writer.startswith("correct-") for writer in promised):
        _check_corrections(con, promised)
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


def _check_writers(rows: list[Any], promised: dict[str, int]) -> None:
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
        most = least + (GROUP if writer.startswith("bulk-") else 1)
        is_bounded = writer != "checker-0"
        assert len(commits) <= most or not is_bounded, f"{writer}: {len(commits)}, at most {most}"


def _check_corrections(con: Any, promised: dict[str, int]) -> None:
    """What a writer of `correct` corrected, it corrected once; the last may be missing."""
    rows = con.execute("SELECT agent, reason, tended FROM corrections").fetchall()
    for writer, least in promised.items():
        if writer.startswith("correct-"):
            reasons = [int(reason) for agent, reason, _ in rows if agent == writer]
            assert len(reasons) == len(set(reasons)), "a correction is doubled"
            missing = set(range(1, least + 1)) - set(reasons)
            assert not missing, f"{writer}: corrections {missing} are missing"
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
    except (AssertionError, epql.Error) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
