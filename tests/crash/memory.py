"""A process whose memory runs out in the middle of a statement.

    python -m tests.crash.memory FOLDER WHAT HOW FIRST LAST STEP

WHAT is append (a commit) or query. HOW says what runs out, at FIRST, FIRST + STEP … below LAST:

    one, burst   the allocation of that number in the interpreter fails; the next 29, too
    heap         SQLite may have so many pages of 4 KiB more than it has
    space        the process may have so many pages more

For each it says `NUMBER OUTCOME`, and after a commit that was told as done `ACK SUBJECT`; it ends
with 1 and one line if a promise is broken.
"""

from __future__ import annotations

import os
import resource
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import apsw

import epql

PAGE = 4096
ROWS = 200
"""Of a commit, where a heap or a process is full."""

SUBJECTS = "SELECT subject FROM beliefs WHERE predicate LIKE 'p%'"


class Broken(Exception):
    """A promise is broken."""


def say(*words: object) -> None:
    """Tell the test."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def fail_allocations(number: int, count: int) -> Callable[[], None]:
    """Let the allocation of that number fail, and what follows; returns what ends it."""
    import _testcapi

    _testcapi.set_nomemory(number, number + count)
    return _testcapi.remove_mem_hooks  # type: ignore[no-any-return]


def fill_heap(pages: int) -> Callable[[], None]:
    """Let SQLite have no more than that."""
    apsw.hard_heap_limit(apsw.memory_used() + pages * PAGE)
    return lambda: (apsw.hard_heap_limit(0), None)[1]


def fill_space(pages: int) -> Callable[[], None]:
    """Let the process have no more than that."""
    used = int(Path("/proc/self/statm").read_text().split()[0])
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, ((used + pages) * PAGE, most))
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most))


SHORT: dict[str, Callable[[int], Callable[[], None]]] = {
    "one": lambda number: fail_allocations(number, 1),
    "burst": lambda number: fail_allocations(number, 30),
    "heap": fill_heap,
    "space": fill_space,
}


class Memory:
    """One folder, used while memory is short."""

    def __init__(self, folder: str, what: str, how: str) -> None:
        self.folder = folder
        self.how = how
        self.act = self.append if what == "append" else self.query
        self.rows = 1 if how in ("one", "burst") else ROWS
        self.untold: set[str] = set()
        self.open()
        self.known = self.subjects()
        if self.act == self.query and not self.known:  # there is something to ask for
            self.append("s")
            self.known = self.subjects()

    def open(self) -> None:
        """Open the database."""
        self.found: list[Any] | None = None
        self.con: Any = epql.connect(self.folder, agent="a", audit="off")

    def subjects(self) -> Counter[str]:
        """How many beliefs each commit has."""
        return Counter(subject for (subject,) in self.con.execute(SUBJECTS).fetchall())

    def append(self, subject: str) -> None:
        """One commit."""
        if self.rows == 1:
            self.con.execute(f"ASSERT ('{subject}', 'p', 'o')")
        else:
            length = 20_000 if self.act == self.query and self.how == "space" else 2_000
            rows = [(subject, f"p{n}", f"{n} " * length) for n in range(self.rows)]
            self.con.executemany("ASSERT (?, ?, ?)", rows)
        self.con.commit()
        say("ACK", subject)

    def query(self, subject: str) -> None:
        """One query; its text is new each time."""
        text = (
            f"SELECT subject, object, '{subject}' FROM beliefs WHERE predicate LIKE 'p%' ORDER BY 2"
        )
        self.found = self.con.execute(text).fetchall()

    def one(self, number: int) -> str:
        """What one statement came to."""
        subject, error, self.found = f"s{number}-{self.how}-{os.getpid()}", None, None
        end = SHORT[self.how](number)
        try:
            self.act(subject)
        except BaseException as caught:
            error = caught
        finally:
            end()
        outcome = "done" if error is None else f"{type(error).__name__} {_code(error)}".strip()
        if error is not None and not self.is_documented(error):
            raise Broken(f"not the documented error: {_chain(error)}") from error
        if self.found is not None and Counter(row[0] for row in self.found) != self.known:
            raise Broken("the answer is not whole, and no error said so")
        del error
        return f"{outcome}, {self.after(subject, is_done=outcome == 'done')}"

    def is_documented(self, error: BaseException) -> bool:
        """MemoryError itself: where ours has no memory either, or before the call has begun."""
        if type(error) is MemoryError:
            return self.how != "one" or len(traceback.extract_tb(error.__traceback__)) <= 3
        return _code(error) == "memory.full"

    def after(self, subject: str, *, is_done: bool) -> str:
        """The connection is used again: all or nothing is there, and work goes on."""
        self.con.rollback()
        seen = self.subjects()
        if is_done and self.act == self.append and subject not in seen:
            raise Broken("what was told as done is not seen")
        self.check(seen, subject)
        if is_done or subject in seen:
            self.untold.discard(subject)
        try:
            self.con.execute("ASSERT ('again', 'q', ?)", (subject,))
            self.con.commit()
            return "used again"
        except epql.OperationalError as error:
            if error.code != "journal.failed":
                raise Broken(f"the connection is of no use: {_chain(error)}") from error
        self.con.close()
        self.open()
        self.check(self.subjects(), subject)
        return "opened again"

    def check(self, seen: Counter[str], subject: str) -> None:
        """The statement's rows are all there or none; the others are."""
        for one in {subject, *self.untold}:  # what was not acknowledged may turn up, whole
            if seen[one] not in (0, self.rows):
                raise Broken(f"{seen[one]} of {self.rows} rows of {one} are seen")
        before, after = Counter(self.known), Counter(seen)
        for one in (subject, *self.untold):
            del before[one], after[one]
        if before != after:
            raise Broken(f"other rows have changed: {before - after} → {after - before}")
        self.untold.add(subject)
        self.known = +seen


def _code(error: BaseException) -> str:
    return str(getattr(error, "code", ""))


def _chain(error: BaseException) -> str:
    return " | ".join("".join(traceback.format_exception(error)).splitlines()[-40:])


def main(folder: str, what: str, how: str, first: str, last: str, step: str) -> int:
    """Let memory run out again and again; the exit code."""
    memory = Memory(folder, what, how)
    try:
        memory.one(10**6)  # all that is loaded when first needed is there
        for number in range(int(first), int(last), int(step)):
            say(number, memory.one(number))
        memory.con.close()
    except (Broken, epql.Error) as error:
        say("BROKEN", _chain(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
