"""Makes sample databases of the format that the program has now: `python tests/samples/make.py v1`.

It never writes over one that is there: a sample stands for what a released program left on disks.
A new format version, or a new kind of record, gets new samples beside the old ones.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import epql  # noqa: E402
from epql.engine import lock  # noqa: E402
from epql.engine.files import OsHandle  # noqa: E402
from epql.engine.head import head_of  # noqa: E402
from epql.engine.journal.writer import JournalWriter  # noqa: E402
from tests.samples.sample import FOLDER, Sample, ask, write  # noqa: E402

QUESTIONS = (
    "SELECT tx, recorded_at, agent, origin, records, digest FROM commits ORDER BY tx",
    "SELECT subject, predicate, object, agent, confidence, source, lifecycle, valid_from, valid_to,"
    " id FROM assertions LIFECYCLE ANY VALID ANYTIME ORDER BY id",
    "SELECT subject, predicate, object, agent FROM beliefs ORDER BY subject, predicate, object"
    " VALID AT '2025-06-01'",
    "SELECT subject, object FROM beliefs ORDER BY subject, object AS OF TX 2 VALID AT '2025-06-01'",
    "SELECT tx, id, from_state, to_state, via, agent, reason, superseded_by, superseded_from"
    " FROM transitions ORDER BY tx, id",
    "SELECT name, tx, recorded_at, agent FROM epochs",
)
GOVERNED = (
    "SELECT id, subject, predicate, object, severity, prefer, reason, agent FROM constraints"
    " ORDER BY id",
    "SELECT correction, tx, id, agent, reason, replacement, rule, tended FROM corrections"
    " ORDER BY tx",
    "SELECT predicate, type, cardinality FROM predicates ORDER BY predicate",
    "SELECT tx, id, agent, vote, weight, reason, counts FROM votes ORDER BY tx",
    "SELECT agent, topic, successes, failures FROM trust ORDER BY agent, topic",
    "SELECT object FROM open_ports ORDER BY object VALID AT '2025-06-01'",
)
_BOOT = "f" * 16
"""Not of this machine: what a sample shows must not depend on where it is opened."""


class Clock:
    """A second later at each look."""

    def __init__(self) -> None:
        self._now = datetime(2025, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def opened(path: Path, clock: Clock, *, audit: str = "off") -> epql.Connection:
    """The sample, by somebody with a name."""
    return epql.connect(path, agent="ann", clock=clock, audit=audit, autocommit=True)


def fill(path: Path, clock: Clock, commits: int = 6) -> None:
    """Some plain commits."""
    with closing(opened(path, clock)) as con:
        for number in range(1, commits + 1):
            con.execute(
                "ASSERT (?, 'port', ?) CONFIDENCE 0.9 SOURCE 'wiki'", (f"svc/{number % 4}", number)
            )
        con.execute("ASSERT ('svc/é', 'note', 'naïve ✓'), ('svc/x', 'load', 0.25)")
        con.execute("PROMOTE ('svc/1', 'port')")
        con.execute("MARK EPOCH 'first'")


def plain(path: Path) -> None:
    """Assertions, a promotion and an epoch, closed in order."""
    fill(path, Clock())


def kinds(path: Path) -> None:
    """Every kind of record: verbs, declarations, votes, rules, corrections, gardener, history."""
    clock = Clock()
    history = path.with_name("history.jsonl")
    lines = [
        {"at": year, "agent": agent, "facts": [["old/fact", "is", value]], "commit": year}
        for year, agent, value in (("2020-01-01", "ada", "true"), ("2021-01-01", "ben", "false"))
    ]
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with closing(opened(path, clock)) as con:
        con.import_history(history)
        for text in STATEMENTS:
            con.execute(text)
        con.garden()
    history.unlink()


STATEMENTS = (
    "DEFINE PREDICATE port TYPE number CARDINALITY many",
    "DEFINE POLICY stale_after = '90 days'",
    "DEFINE QUERY open_ports AS SELECT subject, object FROM beliefs WHERE predicate = 'port'",
    "ASSERT ('web', 'port', 80), ('web', 'port', 443) LIFECYCLE APPROVED",
    "ASSERT ('db', 'port', 5432) VALID FROM '2025-01-01' TO '2026-01-01' SOURCE 'wiki'",
    "ASSERT ('web', 'language', 'Python') CONFIDENCE 0.8",
    "SUPERSEDE ('web', 'language') WITH 'Go' REASON 'latency'",
    "ASSERT ('cache', 'kind', 'redis')",
    "VOTE FOR ('cache', 'kind', 'redis') WEIGHT 0.5 REASON 'measured'",
    "PROMOTE ('cache', 'kind', 'redis')",
    "TRANSITION ('cache', 'kind', 'redis') TO deprecated REASON 'old'",
    "CONFIRM ('cache', 'kind', 'redis')",
    "ASSERT ('queue', 'kind', 'rabbit')",
    "REJECT ('queue', 'kind', 'rabbit') REASON 'no'",
    "ASSERT ('mail', 'kind', 'smtp')",
    "RETRACT ('mail', 'kind', 'smtp')",
    "REVIVE ('mail', 'kind', 'smtp')",
    "FORBID ('http/*', 'library', 'urllib*') PREFER 'requests' REASON 'house standard'",
    "FORBID ('x', 'y', 'z') SEVERITY SOFT",
    "ASSERT ('auth', 'algorithm', 'HS256') LIFECYCLE APPROVED",
    "ASSERT ('auth', 'summary', 'uses HS256')"
    " BECAUSE (SELECT id FROM beliefs WHERE subject = 'auth')",
    "CORRECT ('auth', 'algorithm') TO 'RS256' REASON 'every token got 401'",
    "CHECK ('http/client', 'library', 'urllib3')",
    "REPEAL ('x', 'y', 'z')",
    "MARK EPOCH 'all'",
)


def segments(path: Path) -> None:
    """Several sealed segments and an open one."""
    usual = dict(JournalWriter.__init__.__kwdefaults__)
    JournalWriter.__init__.__kwdefaults__["segment_bytes_max"] = 1000
    try:
        fill(path, Clock(), commits=20)
    finally:
        JournalWriter.__init__.__kwdefaults__.update(usual)


def torn(path: Path) -> None:
    """Killed while a frame was being written: half of it is there, the note says 'writing'."""

    def half(handle: OsHandle, data: bytes) -> None:
        os.write(handle._fd, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    _killed(path, lambda: setattr(OsHandle, "write", half))


def unclean(path: Path) -> None:
    """Killed between a frame and its sync: the frame is whole, the note says 'writing', and the
    index lacks it."""

    def kill(handle: OsHandle) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    _killed(path, lambda: setattr(OsHandle, "sync", kill))


def _killed(path: Path, spoil: Callable[[], None]) -> None:
    child = os.fork()
    if not child:
        lock._boot_id = lambda: _BOOT
        clock = Clock()
        fill(path, clock)
        con = opened(path, clock)
        con.execute("ASSERT ('just', 'before', 'it')")
        spoil()
        con.execute("ASSERT ('killed', 'in', 'this')")
        os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), status


def audited(path: Path) -> None:
    """With an audit: reads of two connections, with purposes and parameters."""
    clock = Clock()
    fill(path, clock)
    for purpose in ("a look", "another"):
        with closing(opened(path, clock, audit="sync")) as con:
            con.execute(
                f"SELECT object FROM beliefs WHERE subject = ? PURPOSE '{purpose}'", ("svc/1",)
            ).fetchall()


SAMPLES: dict[str, Callable[[Path], None]] = {
    "plain": plain, "kinds": kinds, "segments": segments, "torn": torn, "unclean": unclean,
    "audited": audited,
}  # fmt: skip
AUDITED = ("SELECT purpose, agent, rows FROM queries WHERE purpose IS NOT NULL ORDER BY purpose",)


def main(version: str) -> None:
    """Make those that are not there."""
    for name, make in SAMPLES.items():
        if (FOLDER / version / f"{name}.txt").exists():
            print(f"{version}/{name} is there, and stays")
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.epql"
            make(path)
            to = FOLDER / version / f"{name}.tar.xz"
            with tarfile.open(to, "w:xz", preset=9) as tar:
                tar.add(path, path.name, filter=_nobodys)
            write(f"{version}/{name}", _asked(name, make.__doc__ or "", path))
        print(f"{version}/{name}: {to.stat().st_size:,} bytes")


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _asked(name: str, about: str, path: Path) -> Sample:
    questions = QUESTIONS + {"kinds": GOVERNED, "audited": AUDITED}.get(name, ())
    with closing(epql.connect(path, read_only=True, audit="off")) as con:
        answers = {question: ask(con, question) for question in questions}
    return Sample(" ".join(about.split()), str(head_of(path)), answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
