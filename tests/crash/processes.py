"""The processes of R10 and R14, each writing down what it saw: writers, readers, a follower.

They are started by multiprocessing (holder.context) and killed at any moment; each has a log of
its own, whose whole lines are true:

    writer    TRY i            about to write number i
              ACK i tx         it is committed as tx
              UNSEEN i         a second connection did not see it then
    reader    NOW tx count     what a plain read saw
              ASOF us tx …     what an answer as of an instant was
              CHANGED us …     the same question had another answer
    follower  AT tx            the index was brought up to there

Writers 1 and 3 share their syncs with other threads of their process.
Number i of writer k is one commit: ('w<k>/<i>', 'is', i) and ('w<k>', 'last', i).
"""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import epql
from epql.engine.files import OsFiles
from epql.engine.folder import INDEX
from epql.engine.index.fold import Fold
from epql.engine.index.schema import open_index
from epql.engine.ingest import catch_up
from epql.engine.ingestor import Ingestor
from epql.engine.journal.recovery import open_tail
from epql.engine.lock import WriterLock
from tests.clock import text_of

Tell = Callable[[str], None]
SHARING: dict[str, Any] = {"durability": "group", "autocommit": True}
LAST = "SELECT object FROM beliefs WHERE predicate = 'last' AND subject IN ('w0','w1','w2','w3')"


def log(path: Path) -> Tell:
    """Writes lines that are whole or not there; not through a buffer: they are promises."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def tell(line: str) -> None:
        os.write(fd, line.encode() + b"\n")

    return tell


def again(step: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Until nobody is in the way."""
    while True:
        try:
            return step(*args, **named)
        except epql.OperationalError as error:
            if not error.retryable:
                raise
            time.sleep(0.002)


def connected(folder: Path, who: str, **arguments: Any) -> epql.Connection:
    made = again(epql.connect, folder, agent=who, audit="off", timeout=1.0, **arguments)
    assert isinstance(made, epql.Connection)
    return made


def rows(con: epql.Connection, sql: str, *values: Any) -> list[Any]:
    return list(con.execute(sql, values).fetchall())


def write(folder: Path, path: Path, name: str, seed: int) -> None:
    """A writer; it goes on where the one before it was."""
    tell, rnd = log(path), random.Random(seed)
    con = connected(folder, name, **(SHARING if name in ("w1", "w3") else {}))
    if name in ("w1", "w3"):
        for thread in range(2):
            threading.Thread(
                target=chat, args=(folder, f"{name}/{seed}/{thread}"), daemon=True
            ).start()
    other = connected(folder, name)
    sql = "SELECT object FROM beliefs WHERE subject = ? AND predicate = 'last'"
    found = again(rows, con, sql, name)
    number = int(found[0][0]) + 1 if found else 1
    while True:
        tell(f"TRY {number}")
        tx = again(commit, con, name, number)
        tell(f"ACK {number} {tx}")
        if rnd.random() < 0.3:
            sql = "SELECT tx FROM assertions WHERE subject = ?"
            seen = again(rows, other, sql, f"{name}/{number}")
            if seen != [(tx,)]:
                tell(f"UNSEEN {number} {seen}")
        number += 1


def chat(folder: Path, who: str) -> None:
    """Small commits in another thread of a writer, with which it shares its syncs."""
    con = connected(folder, who, **SHARING)
    for number in itertools.count():
        again(con.execute, "ASSERT (?, 'chat', ?)", (who, number))
        time.sleep(0.002)


def commit(con: epql.Connection, name: str, number: int) -> int:
    """Number `number` of a writer, in one commit; its tx."""
    try:
        values = f"{name}/{number}", number, name, number
        (tx,), _ = rows(con, "ASSERT (?, 'is', ?), (?, 'last', ?) RETURNING tx", *values)
        con.commit()
    except BaseException:
        con.rollback()
        raise
    return int(tx)


def read(folder: Path, path: Path, name: str, seed: int) -> None:
    """A reader; it asks about now and about instants, and about those again."""
    tell, rnd = log(path), random.Random(seed)
    con = connected(folder, name, read_only=seed % 2 == 0)
    asked: list[tuple[int, str]] = []
    while True:
        if rnd.random() < 0.02:
            con.close()
            con = connected(folder, name, read_only=rnd.random() < 0.5)
        tx, *objects = again(answer, con, LAST).split()
        tell(f"NOW {tx} {sum(map(int, objects))}")
        us = time.time_ns() // 1000 - rnd.choice([0, 100, 1_000, 20_000])
        asked.append((us, again(as_of, con, us)))
        tell(f"ASOF {us} {asked[-1][1]}")
        us, kept = rnd.choice(asked[-50:])
        got = again(as_of, con, us)
        if got != kept:
            tell(f"CHANGED {us} from {kept} to {got}")
        time.sleep(rnd.uniform(0, 0.01))


def as_of(con: epql.Connection, us: int) -> str:
    """The answer as of an instant."""
    return answer(con, LAST + " AS OF ?", text_of(us))


def answer(con: epql.Connection, sql: str, *values: Any) -> str:
    """'tx object object …'."""
    cursor = con.execute(sql, values)
    objects = sorted(row[0] for row in cursor)
    assert cursor.basis is not None
    return " ".join(map(str, [cursor.basis.tx, *objects]))


def follow(folder: Path, path: Path, name: str, seed: int) -> None:
    """The ingestor beside the writers: it brings what is durable into the index."""
    tell = log(path)
    files = OsFiles(folder)
    lock = WriterLock.of(files)
    while True:
        follower = Ingestor(folder)
        follower.start()
        try:
            for _ in range(50):
                tx = open_tail(files, repair=False, lock=lock).tail.last_tx
                follower.announce(tx)
                if not follower.wait_for(tx, 10):  # it ended, as whoever loads would find
                    catch_up(Fold(open_index(str(folder / INDEX))), files, upto=tx)
                tell(f"AT {tx}")
                time.sleep(0.01)
            follower.stop()
        except epql.OperationalError as error:
            if not error.retryable:
                raise
        except Exception as error:
            if "Busy" not in type(error).__name__:
                tell(f"FAILED {error!r}")
                raise
