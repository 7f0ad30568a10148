"""The process that is killed, starved or lied to while it writes.

    python -m tests.crash.work FOLDER [KIND] [COUNT] [NAME]

KIND is one of WORK; it stops after COUNT steps, or never (0). NAME tells writers of the same kind
apart. It goes on from what it finds and says so, `FOUND KIND-NAME NUMBER`: what a reader was shown
is a promise, too. It prints `ACK KIND-NAME NUMBER` once a commit is durable.
It ends with 0 when done, and with 3 and one line when it had to give up in the documented way.
What a commit holds is in content.py; what must be true afterwards is in checker.py.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import epql
from epql.engine.journal.writer import JournalWriter
from tests.crash.content import GROUP, number_of, rows_of
from tests.crash.mutants import plant_from_environment

DONE, GAVE_UP, BUG = 0, 3, 4
SMALL_SEGMENT = 6_000
THREADS = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def say(*words: object) -> None:
    """Tell the test. Not through a buffer: the next call may kill."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def acknowledge(*words: object) -> None:
    """Promise that what the words name will stay."""
    say("ACK", *words)


Steps = Generator[None, None, None]
"""A kind of work: each step ends with an acknowledgement."""


def append(con: Any, writer: str, number: int) -> Steps:
    """One assertion a commit."""
    while True:
        number += 1
        con.execute("ASSERT (?, ?, ?)", rows_of(writer, number)[0])
        con.commit()
        acknowledge(writer, number)
        yield


def batch(con: Any, writer: str, number: int) -> Steps:
    """Commits of several sizes, up to some tens of kB; some are given up first."""
    while True:
        number += 1
        con.executemany("ASSERT (?, ?, ?)", rows_of(writer, number))
        if number % 7 == 0:  # an abandoned transaction must leave nothing
            con.rollback()
            con.executemany("ASSERT (?, ?, ?)", rows_of(writer, number))
        con.commit()
        acknowledge(writer, number)
        yield


def bulk(con: Any, writer: str, number: int) -> Steps:
    """Groups of commits under one sync; the index follows in a thread of its own."""
    while True:
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            last = con.runner.database.last()[1]
            for step in range(1, GROUP + 1):
                at = str(EPOCH + timedelta(microseconds=last + step))
                facts = rows_of(writer, number + step)
                file.write(json.dumps({"at": at, "agent": writer, "facts": facts}) + "\n")
            file.flush()
            report = con.import_history(file.name)
        assert report.commits == GROUP, report
        number += GROUP
        acknowledge(writer, number)
        yield


def correct(con: Any, writer: str, number: int) -> Steps:
    """An assertion, then a correction of it, then what follows from that."""
    while True:
        number += 1
        row = rows_of(writer, number)[0]
        (name,) = con.execute("ASSERT (?, ?, ?) RETURNING id", row).fetchone()
        con.commit()
        con.execute("CORRECT ? REASON ?", (name, str(number)))
        con.commit()
        acknowledge(writer, number)
        yield


def backup(con: Any, writer: str, number: int) -> Steps:
    """Commits, and a copy of the database beside it after each third of them."""
    beside = Path(con.runner.database.path).parent
    steps = append(con, writer, number)
    for step in steps:
        number += 1
        if number % 3 == 0 and not (beside / f"copy-{number}").exists():
            con.backup(beside / f"copy-{number}")
            acknowledge("COPY", writer, number)
        yield step


def group(con: Any, writer: str, number: int) -> Steps:
    """Threads with small commits that share their syncs, each a writer of its own."""
    path = con.runner.database.path
    names = [writer, *(f"{writer}.{thread}" for thread in range(1, THREADS))]
    cons = [con, *(connect(path, "group", name) for name in names[1:])]
    numbers = [number, *(last_number(*one) for one in zip(cons[1:], names[1:], strict=True))]
    for name, found in zip(names[1:], numbers[1:], strict=True):
        say("FOUND", name, found)

    def commit(thread: int) -> None:
        numbers[thread] += 1
        cons[thread].execute("ASSERT (?, ?, ?)", rows_of(names[thread], numbers[thread])[0])
        acknowledge(names[thread], numbers[thread])

    with ExitStack() as opened, ThreadPoolExecutor(THREADS) as pool:
        for one in cons[1:]:
            opened.callback(one.close)
        while True:
            for done in [pool.submit(commit, thread) for thread in range(THREADS)]:
                done.result()
            yield


WORK: dict[str, Callable[[Any, str, int], Steps]] = {
    "append": append, "batch": batch, "bulk": bulk, "rotation": batch, "correct": correct,
    "backup": backup, "group": group,
}  # fmt: skip
"""Kind → what it does. `create` makes the database and nothing else."""


def connect(folder: str, kind: str, writer: str) -> Any:
    """A connection of a writer."""
    shared = {"durability": "group", "autocommit": True} if kind == "group" else {}
    return epql.connect(folder, agent=writer, audit="off", timeout=60, **shared)


def last_number(con: Any, writer: str) -> int:
    """How far the writer came."""
    sql = "SELECT subject FROM assertions WHERE agent = ? LIFECYCLE ANY ORDER BY tx DESC LIMIT 1"
    row = con.execute(sql, (writer,)).fetchone()
    return number_of(row[0]) if row else 0


def main(folder: str, kind: str = "append", count: str = "0", name: str = "0") -> int:
    """Work; the exit code."""
    plant_from_environment()
    if kind == "rotation":
        JournalWriter.__init__.__kwdefaults__["segment_bytes_max"] = SMALL_SEGMENT
    if kind == "backup":
        os.makedirs(folder, exist_ok=True)
        folder = os.path.join(folder, "kb")
    con, writer = None, f"{kind}-{name}"
    try:
        con = connect(folder, kind, writer)
        if kind == "create":
            acknowledge("MADE")
        else:
            found = last_number(con, writer)
            say("FOUND", writer, found)
            steps = WORK[kind](con, writer, found)
            for _ in range(int(count)) if int(count) else itertools.count():
                next(steps)
            steps.close()
        con.close()
    except epql.Error as error:
        print(f"{type(error).__name__} {error.code}: {error.message}", file=sys.stderr)
        return GAVE_UP if con is None or is_read_only_after_failure(con) else BUG
    return DONE


def is_read_only_after_failure(con: Any) -> bool:
    """Whether no commit gets through a journal that has failed."""
    grouped = con.runner._grouped
    shared = None if grouped is None else grouped._writer
    if not (con.runner.database.has_failed or (shared is not None and shared.has_failed)):
        return True
    try:
        con.rollback()
        con.execute("ASSERT ('nobody', 'says', 'this')")
        con.commit()
    except epql.Error:
        return True  # journal.failed, or where more calls fail, what comes before it
    return False


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
