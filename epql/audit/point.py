"""A point read on its way: its row, and the records of the audit, which are made when they are
written and not while the reader waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from msgspec import Struct

from epql.audit import findings
from epql.audit.rows import NO_ROWS, digest_of_one
from epql.audit.seen import Read
from epql.engine.audit.log import AuditLog, Record
from epql.engine.audit.record import Answered, Asked, digest_of, encode, query_id

Row = tuple[Any, ...]


class Standing(NamedTuple):
    """What a question says whenever it is asked: fields of Asked."""

    text: str
    relations: tuple[str, ...]
    zone: str
    lifecycle: tuple[str, ...]
    resolve: str
    clauses: str
    unfiltered: bool


When = tuple[int, int, str, tuple[Any, ...], str | None, int, int, int, int]
"""What it says this time, fields of Asked: at, number, agent, params, purpose, tx, clock, policy,
present. A plain tuple, because one is made for each read."""


class PointRead(Struct):
    """The row of a point read, if there is one. Its records are made by `records`, in any thread.

    `encoded`: the row as msgpack has a list of it. `answers`: how it ended, once it has (rows,
    whether they were used up); who takes it, writes it.
    """

    log: AuditLog
    standing: Standing
    when: When
    row: Row | None
    encoded: bytes
    reads: tuple[Read, ...]
    is_disputed: bool
    asked: Asked | None = None
    is_open: bool = True
    is_written: bool = False
    answers: list[tuple[int, bool]] = []

    # ------------------------------------------------------------ rows

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row, self.row = self.row, None
        if self.is_open:
            self._end(0 if row is None else 1, True)
        if row is None:
            raise StopIteration
        return row

    def rest(self) -> list[Row]:
        """The row, if it was not fetched."""
        return list(self)

    def close(self) -> None:
        """Let go of the row."""
        self.row = None
        if self.is_open:
            self._end(0, False)

    def __del__(self) -> None:
        if self.is_open:
            with suppress(Exception):  # nobody is left to tell
                self.close()

    def _end(self, count: int, complete: bool) -> None:
        self.is_open = False
        self.answers.append((count, complete))
        if self.is_written:  # looked at last, as `records` looks at the answer last
            self.log.later(self, self.when[0], 0)

    # ------------------------------------------------------------ records

    @property
    def id(self) -> str:
        """How the question is called."""
        return query_id(digest_of(self._question()))

    def records(self) -> list[Record]:
        """What is to be written now: the question, and the answer if it has ended."""
        asked = self._question()
        found: list[Record] = []
        if not self.is_written:
            self.is_written = True
            found.append(("Q", 0, encode(asked)))
        try:
            count, complete = self.answers.pop()
        except IndexError:
            return found
        found.append(("A", 0, encode(self._answered(asked, count, complete))))
        return found

    def _question(self) -> Asked:
        if self.asked is None:
            text, relations, zone, lifecycle, resolve, clauses, unfiltered = self.standing
            at, number, agent, params, purpose, tx, clock, policy, present = self.when
            self.asked = Asked(
                at, self.log.name, number, agent, text, params, purpose, "select", relations,
                tx, clock, zone, lifecycle, resolve, clock, clock, policy, clauses, unfiltered,
                present,
            )  # fmt: skip
        return self.asked

    def _answered(self, asked: Asked, count: int, complete: bool) -> Answered:
        if not count:
            return Answered(digest_of(asked), 0, NO_ROWS, complete=complete)
        found = findings.unapproved(self.reads) if asked.unfiltered else []
        if self.is_disputed:
            found.append(findings.DISPUTED)
        return Answered(
            digest_of(asked), 1, digest_of_one(self.encoded), self.reads, len(self.reads),
            complete, tuple(found),
        )  # fmt: skip
