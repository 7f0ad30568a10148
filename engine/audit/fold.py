"""The fold of the audit: records of a chain become rows of audit.db.

What it is: the one function that fills the tables, batch by batch, inside the caller's
transaction. It can be given a record twice (a batch whose write failed is written again) and an
answer before its question (the two may stand in different chains).
What it is not: it reads no files; index.py does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import apsw

from epql.engine.audit.record import EXACT, UNREADABLE, Answered, Asked, decode, encode
from epql.engine.digest import digest
from epql.engine.index.ask import first, only

_CACHED = 200_000
_QUERY = "INSERT OR IGNORE INTO query VALUES(" + ",".join("?" * 17) + ")"
_ANSWER = "UPDATE query SET count=?, reads=?, complete=?, answer=?, findings=?, error=? WHERE id=?"
_UNANSWERED: tuple[Any, ...] = (None,) * 6


class Entry(NamedTuple):
    """A record and where it stands: chain's number, frame's offset, place in the frame."""

    chain: int
    offset: int
    place: int
    kind: str
    payload: bytes


class AuditFold:
    """Fills audit.db. What it remembers of the tables is dropped after a rollback (`forget`)."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._agents: dict[str, int] = {}
        self._forms: dict[tuple[Any, ...], int] = {}
        self._assertions: dict[bytes, int] = {}

    def forget(self) -> None:
        """Drop what is remembered of the tables."""
        self._agents.clear()
        self._forms.clear()
        self._assertions.clear()

    def apply(self, entries: Iterable[Entry]) -> int:
        """Apply records; how many could not be understood (another program's, or damaged)."""
        asked: dict[bytes, tuple[Any, ...]] = {}
        answers: list[tuple[int, Answered]] = []
        unknown = 0
        for entry in entries:
            try:
                record = decode(entry.kind, entry.payload)
            except UNREADABLE:
                unknown += 1
                continue
            if not _fits(record):
                unknown += 1
            elif isinstance(record, Asked):
                address = digest(entry.payload)
                asked[address] = self._row_of(record, address, entry)
            else:
                answers.append((entry.chain, record))
        numbers, are_new = self._add_questions(asked, answers)
        self._add_answers(numbers, answers, are_new=are_new)
        return unknown

    # ------------------------------------------------------------ questions

    def _row_of(self, asked: Asked, address: bytes, entry: Entry) -> tuple[Any, ...]:
        agent = self._agent(asked.agent)
        return (
            address, entry.chain, entry.offset, entry.place, asked.at, agent,
            self._form(asked), _shown(asked), asked.tx, asked.clock,
        )  # fmt: skip

    def _add_questions(
        self, asked: dict[bytes, tuple[Any, ...]], answers: list[tuple[int, Answered]]
    ) -> tuple[dict[bytes, int], bool]:
        """The numbers of the questions, and whether all are new: then those whose answers are
        here have gone in with them."""
        if not asked:
            return {}, True
        number = only(self._db, "SELECT ifnull(max(id), 0) FROM query")[0]
        numbers = dict(zip(asked, range(number + 1, number + 1 + len(asked)), strict=True))
        ends = {answer.query: _ends(answer) for _, answer in answers}
        before = self._db.total_changes()
        self._db.executemany(
            _QUERY,
            [
                (numbers[address], *row, *ends.get(address, _UNANSWERED))
                for address, row in asked.items()
            ],
        )
        are_new = self._db.total_changes() - before == len(asked)
        if not are_new:
            sql = "SELECT id FROM query WHERE digest=?"
            numbers = {address: only(self._db, sql, (address,))[0] for address in asked}
        return numbers, are_new and not self._take_early(numbers, answers)

    def _take_early(self, numbers: dict[bytes, int], answers: list[tuple[int, Answered]]) -> bool:
        """Add the answers that came before their questions; whether there may be any."""
        if first(self._db, "SELECT 1 FROM early LIMIT 1") is None:
            return False
        for address in numbers:
            row = first(self._db, "SELECT chain, record FROM early WHERE query=?", (address,))
            if row is not None:
                record = decode("A", bytes(row[1]))
                assert isinstance(record, Answered)
                answers.append((row[0], record))
                self._db.execute("DELETE FROM early WHERE query=?", (address,))
        return True

    # ------------------------------------------------------------ answers

    def _add_answers(
        self, numbers: dict[bytes, int], answers: list[tuple[int, Answered]], *, are_new: bool
    ) -> None:
        reads: list[tuple[int, int, int, bool]] = []
        ends: list[tuple[Any, ...]] = []
        for chain, answer in answers:
            number = numbers.get(answer.query)
            if number is None:
                row = first(self._db, "SELECT id FROM query WHERE digest=?", (answer.query,))
                if row is None:
                    sql = "INSERT OR IGNORE INTO early VALUES(?, ?, ?)"
                    self._db.execute(sql, (answer.query, chain, encode(answer)))
                    continue
                number = row[0]
                ends.append((*_ends(answer), number))
            elif not are_new:
                ends.append((*_ends(answer), number))
            reads += [
                (self._assertion(address), number, state, via == EXACT)
                for address, state, via in answer.reads
            ]
        self._db.executemany(_ANSWER, ends)
        # an assertion that stands behind one row and was looked at for another was read exactly
        self._db.executemany(
            "INSERT INTO read VALUES(?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET exact=max(exact, excluded.exact)",
            reads,
        )

    # ------------------------------------------------------------ what stands once

    def _agent(self, name: str) -> int:
        number = self._agents.get(name)
        if number is None:
            self._db.execute("INSERT OR IGNORE INTO agent(name) VALUES(?)", (name,))
            number = int(only(self._db, "SELECT id FROM agent WHERE name=?", (name,))[0])
            self._remember(self._agents, name, number)
        return number

    def _form(self, asked: Asked) -> int:
        form = (
            asked.text, asked.purpose, asked.kind, ", ".join(asked.relations), asked.zone,
            ", ".join(asked.lifecycle), asked.resolve, asked.clauses, asked.unfiltered,
        )  # fmt: skip
        number = self._forms.get(form)
        if number is None:
            key = digest(encode(form))
            self._db.execute(
                "INSERT OR IGNORE INTO form(key, text, purpose, kind, relations, zone, lifecycle,"
                " resolve, clauses, unfiltered) VALUES(?,?,?,?,?,?,?,?,?,?)",
                (key, *form),
            )
            number = int(only(self._db, "SELECT id FROM form WHERE key=?", (key,))[0])
            self._remember(self._forms, form, number)
        return number

    def _assertion(self, address: bytes) -> int:
        number = self._assertions.get(address)
        if number is None:
            sql = "SELECT id FROM assertion WHERE digest=?"
            row = first(self._db, sql, (address,))
            if row is None:
                self._db.execute("INSERT INTO assertion(digest) VALUES(?)", (address,))
                row = (self._db.last_insert_rowid(),)
            number = int(row[0])
            self._remember(self._assertions, address, number)
        return number

    @staticmethod
    def _remember(cache: dict[Any, int], key: Any, number: int) -> None:
        if len(cache) >= _CACHED:
            cache.clear()
        cache[key] = number


def _ends(answer: Answered) -> tuple[Any, ...]:
    findings = ", ".join(answer.findings) or None
    return (
        answer.rows, answer.read_count, answer.complete, answer.digest, findings, answer.error,
    )  # fmt: skip


def _fits(record: Asked | Answered) -> bool:
    """Whether its numbers fit in SQLite's; none is written here that does not."""
    if isinstance(record, Asked):
        if not all(_is_value(value) for value in record.params):
            return False
        numbers = [record.at, record.tx, record.clock]
    else:
        numbers = [record.rows, record.read_count, *(state for _, state, _ in record.reads)]
    return all(-(2**63) <= number < 2**63 for number in numbers)


def _is_value(value: Any, depth: int = 3) -> bool:
    """Whether it is what a parameter can be: a value, a list or a pair of them."""
    if isinstance(value, (tuple, list)):
        return depth > 0 and all(_is_value(one, depth - 1) for one in value)
    return value is None or isinstance(value, (str, int, float, bytes))


def _shown(asked: Asked) -> str | None:
    """The parameters as people read them: a list, or an object of names, in JSON."""
    given = asked.given()
    return _AS_JSON(given) if given else None


def _in_hex(value: Any) -> str:
    return f"x'{bytes(value).hex()}'"


_AS_JSON = json.JSONEncoder(ensure_ascii=False, default=_in_hex).encode
