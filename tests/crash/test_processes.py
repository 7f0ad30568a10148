"""R10: several processes on one database, killed and stopped at random; an own checker of what
they wrote down. R14: a backup beside four writers.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine.backup import restore
from epql.engine.clock import system_clock
from epql.engine.folder import INDEX
from epql.engine.opening import Options
from tests.crash import processes
from tests.crash.holder import start
from tests.crash.photograph import dump
from tests.rows import Row

ROLES = {
    **{f"w{number}": processes.write for number in range(4)},
    **{f"r{number}": processes.read for number in range(4)},
    "follower": processes.follow,
}
WRITERS = {name: role for name, role in ROLES.items() if role is processes.write}
EPISODE_S = 30.0
"""Then a new database: the checker reads all of it."""


class Crowd:
    """The processes of one database."""

    def __init__(self, folder: Path, logs: Path, roles: dict[str, Any], rnd: random.Random) -> None:
        self.folder, self.logs, self.roles, self.rnd = folder, logs, roles, rnd
        self.running: dict[str, BaseProcess] = {}
        self.lives = 0
        logs.mkdir()
        epql.connect(folder, audit="off").close()

    def start(self, name: str) -> None:
        """Start a process; each life of it has a log of its own."""
        self.lives += 1
        path = self.logs / f"{name}.{self.lives:06d}"
        seed = self.rnd.randrange(10**6)
        self.running[name] = start(self.roles[name], self.folder, path, name, seed)

    def kill(self, name: str) -> None:
        """SIGKILL; a process that ended by itself is a failure."""
        process = self.running.pop(name)
        assert process.is_alive(), f"{name} ended by itself with {process.exitcode}"
        process.kill()
        process.join()

    def signal(self, name: str, number: int) -> None:
        process = self.running[name]
        assert process.is_alive(), f"{name} ended by itself with {process.exitcode}"
        os.kill(process.pid or 0, number)

    def disturb(self, until: float) -> dict[str, int]:
        """Kill and stop at random; how often."""
        done = {"kills": 0, "stops": 0}
        stopped: dict[str, float] = {}
        while time.monotonic() < until:
            time.sleep(self.rnd.uniform(0.01, 0.15))
            for name in [name for name, end in stopped.items() if time.monotonic() > end]:
                self.signal(name, signal.SIGCONT)
                del stopped[name]
            name = self.rnd.choice(sorted(self.running))
            if name in stopped:
                continue
            if self.rnd.random() < 0.5:
                self.kill(name)
                self.start(name)
                done["kills"] += 1
            else:
                self.signal(name, signal.SIGSTOP)
                stopped[name] = time.monotonic() + self.rnd.choice([0.01, 0.1, 0.5])
                done["stops"] += 1
        for name in stopped:
            self.signal(name, signal.SIGCONT)
        return done

    def lines(self, kind: str) -> Iterator[tuple[str, list[str]]]:
        """(log, words) of the whole lines of processes whose name begins so, in order."""
        for path in sorted(self.logs.glob(f"{kind}*")):
            for line in path.read_text().split("\n")[:-1]:
                yield path.name, line.split()

    def acknowledged(self) -> dict[tuple[str, int], int]:
        """(writer, number) → tx."""
        return {
            (log.partition(".")[0], int(words[1])): int(words[2])
            for log, words in self.lines("w")
            if words[0] == "ACK"
        }


@contextmanager
def crowd(folder: Path, roles: dict[str, Any], rnd: random.Random) -> Iterator[Crowd]:
    """Processes that run; killed at the end."""
    folder.mkdir(parents=True)
    made = Crowd(folder / "kb", folder / "logs", roles, rnd)
    try:
        for name in roles:
            made.start(name)
        yield made
    finally:
        for process in made.running.values():
            process.kill()
            process.join()


# ---------------------------------------------------------------- the checker


def check_writers(crowd: Crowd, con: epql.Connection) -> int:
    """Each acknowledged number once, at its tx; none that nobody tried; each writer's in order."""
    acknowledged = crowd.acknowledged()
    tried = {
        (log.partition(".")[0], int(words[1]))
        for log, words in crowd.lines("w")
        if words[0] == "TRY"
    }
    rows = con.execute(
        "SELECT subject, object, tx FROM assertions WHERE predicate = 'is' LIFECYCLE ANY"
    ).fetchall()
    found = {(subject.partition("/")[0], number): tx for subject, number, tx in rows}
    assert len(found) == len(rows), "a number is there twice"
    lost = {one: tx for one, tx in acknowledged.items() if found.get(one) != tx}
    assert not lost, f"acknowledged, and not there: {lost}"
    assert set(found) <= tried, f"nobody wrote {set(found) - tried}"
    for writer in WRITERS:
        numbers = [
            number for (name, number), _ in sorted(found.items(), key=by_tx) if name == writer
        ]
        assert numbers == list(range(1, len(numbers) + 1)), f"{writer} is out of order"
    unseen = [words for _, words in crowd.lines("w") if words[0] == "UNSEEN"]
    assert not unseen, f"acknowledged, and not seen at once: {unseen}"
    return len(acknowledged)


def by_tx(item: tuple[tuple[str, int], int]) -> int:
    return item[1]


def check_sequence(con: epql.Connection) -> int:
    """Commits 1, 2, 3 …, each later than the one before; how many."""
    commits = con.execute("SELECT tx, recorded_at FROM commits ORDER BY tx").fetchall()
    assert [tx for tx, _ in commits] == list(range(1, len(commits) + 1))
    instants = [at for _, at in commits]
    assert instants == sorted(set(instants))
    return len(commits)


def check_readers(crowd: Crowd, con: epql.Connection) -> tuple[int, int]:
    """No reader went back, and each answer as of an instant is still the answer; how many reads."""
    last: dict[str, tuple[int, int]] = {}
    answers: dict[int, str] = {}
    reads = 0
    for log, words in crowd.lines("r"):
        reads += 1
        assert words[0] != "CHANGED", f"{log}: {words}"
        if words[0] == "NOW":
            seen = int(words[1]), int(words[2])
            before = last.get(log, (0, 0))
            assert seen[0] >= before[0] and seen[1] >= before[1], f"{log}: {before}, then {seen}"
            last[log] = seen
        else:
            us, answer = int(words[1]), " ".join(words[2:])
            assert answers.setdefault(us, answer) == answer
    for us, answer in answers.items():
        assert processes.as_of(con, us) == answer, f"as of {us}"
    return reads, len(answers)


def check_index(folder: Path) -> None:
    """What many processes have grown is what the journal says."""
    grown = dump(folder)
    for file in folder.glob(INDEX + "*"):
        file.unlink()
    epql.connect(folder, audit="off").close()
    assert dump(folder) == grown


def episode(folder: Path, rnd: random.Random, seconds: float) -> dict[str, int]:
    """Some seconds of all processes, and then the checker."""
    with crowd(folder, ROLES, rnd) as one:
        done = one.disturb(time.monotonic() + seconds)
        for name in ROLES:
            one.kill(name)
    con = epql.connect(one.folder, audit="off")
    acknowledged = check_writers(one, con)
    commits = check_sequence(con)
    reads, answers = check_readers(one, con)
    failed = [words for _, words in one.lines("follower") if words[0] == "FAILED"]
    assert not failed, failed
    assert con.verify() == []
    con.close()
    check_index(one.folder)
    told = {"acknowledged": acknowledged, "commits": commits, "reads": reads, "as of": answers}
    return done | told


@pytest.mark.row("R10", "several processes")
def test_many_processes_on_one_database(row: Row, tmp_path: Path) -> None:
    rnd = random.Random(row.seed)
    total: dict[str, int] = {}
    while row.ran < row.count and not row.is_over():
        seconds = min(EPISODE_S, row.count - row.ran, max(5.0, row.left()))
        told = episode(tmp_path / f"{row.ran}", rnd, seconds)
        row.ran += int(seconds)
        for what, number in told.items():
            total[what] = total.get(what, 0) + number
            row.tell(what, total[what])
    assert total["acknowledged"] > row.ran, total


# ---------------------------------------------------------------- backups


@pytest.mark.row("R14", "backup while four write")
def test_a_backup_beside_writers_holds_what_was_acknowledged(row: Row, tmp_path: Path) -> None:
    rnd = random.Random(row.seed)
    rounds, more = row.rounds(), True
    while more:
        with crowd(tmp_path / f"{row.ran}", WRITERS, rnd) as one:
            wait_for(one, 20)
            con = epql.connect(one.folder, audit="off")
            copies = []
            more = False
            for number in rounds:
                held = one.acknowledged()
                copies.append((one.folder.parent / f"copy{number}", held))
                con.backup(copies[-1][0])
                time.sleep(rnd.uniform(0, 0.1))
                if len(copies) == 25:
                    more = True
                    break
            con.close()
        for copy, held in copies:
            check_copy(one, copy, held)
            row.tell("acknowledged before one", len(held))


def wait_for(one: Crowd, number: int) -> None:
    """Until so many are acknowledged."""
    give_up = time.monotonic() + 60
    while len(one.acknowledged()) < number:
        assert time.monotonic() < give_up, "the writers do not get on"
        time.sleep(0.01)


COMMITS = "SELECT tx, recorded_at, agent, records FROM commits ORDER BY tx"
RECORDS = "SELECT id, tx, subject, predicate, object, agent FROM assertions LIFECYCLE ANY"


def check_copy(one: Crowd, copy: Path, held: dict[tuple[str, int], int]) -> None:
    """Restored, it is the first commits of the database, and has all that was acknowledged."""
    to = copy.with_name(copy.name + "-restored")
    tx = restore(copy, to, Options(system_clock)).tx
    whole, part = (epql.connect(path, audit="off") for path in (one.folder, to))
    commits = part.execute(COMMITS).fetchall()
    assert len(commits) == tx
    assert commits == whole.execute(COMMITS).fetchall()[:tx]
    rows = sorted(part.execute(f"{RECORDS} AS OF TX {tx}").fetchall())
    assert rows == sorted(whole.execute(f"{RECORDS} AS OF TX {tx}").fetchall())
    there = {(s.partition("/")[0], n): t for _, t, s, p, n, _ in rows if p == "is"}
    lost = {number: at for number, at in held.items() if there.get(number) != at}
    assert not lost, f"acknowledged before the backup began, and not in it: {lost}"
    assert part.verify() == []
    whole.close()
    part.close()
