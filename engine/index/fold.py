"""apply: the one way in which a commit changes the index.

Commits, recovery, rebuild, bulk load and followers all come through here, so the index is
always fold(apply, journal). No clock, no randomness, no look at anything but the index.

What one assertion looks like as its life goes on (time runs down, `[` valid time `)`):

    tx 5   asserted             span  proposed   [valid_from ............ valid_to)
    tx 8   promoted             span  approved   [valid_from ............ valid_to)
    tx 9   superseded from v    span  approved   [valid_from ... v)                   head
                                span  superseded               [v ...... valid_to)    tail

An open span has to_tx = FOREVER; a move closes the head's span and opens another. Later moves
concern the head; a tail stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import apsw

from epql.engine.clock import EVER, FOREVER
from epql.engine.index import governance, problems
from epql.engine.index.ask import first, only
from epql.engine.index.topics import first_segment
from epql.engine.lifecycle import CODE, LANDING, NAME, TERMINAL
from epql.engine.records import (
    Assertion,
    CommitInfo,
    Declaration,
    Epoch,
    Record,
    Transition,
)
from epql.engine.store.addresses import Addresses
from epql.engine.store.kv import DiskStore
from epql.engine.store.objects import Objects

_SLOT_CACHE_MAX = 400_000
_PROPOSED = CODE["proposed"]
_SUPERSEDED = CODE["superseded"]
_ENDING = (CODE["retracted"], CODE["incorrect"])
_STANDING = tuple(CODE[state] for state in LANDING)

_INSERT_ASSERTION = "INSERT INTO assertion VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)"
_INSERT_SPAN = "INSERT INTO span VALUES(?,?,?,?,?,?,?,?)"
_INSERT_TOUCHED = "INSERT OR REPLACE INTO touched VALUES(?,?,?,?)"
_TOUCH_NEW = (
    "INSERT OR REPLACE INTO touched SELECT ?, slot, id, id FROM assertion"
    " WHERE id BETWEEN ? AND ? ORDER BY slot, id"
)
_INSERT_BOUND = "INSERT OR IGNORE INTO bound VALUES(?,?)"
_INSERT_PARENT = "INSERT OR IGNORE INTO parent VALUES(?,?)"
_INSERT_TRANSITION = "INSERT INTO transition VALUES(?,?,?,?,?,?,?,?,?)"


class Entry(NamedTuple):
    """One record on its way into the index.

    `flags` of an assertion is the code of the state it lands in (0: it is asserted again).
    `key` is the record's key in the store, `seq` its position.
    """

    seq: int
    kind: str
    flags: int
    record: Record
    key: bytes


class Fresh(NamedTuple):
    """Assertions one behind the other whose content is new, as columns of one length."""

    seqs: Sequence[int]
    flags: Sequence[int]
    contents: Sequence[Assertion]
    digests: Sequence[bytes]


class Head(NamedTuple):
    """The current state of an assertion, as its row in the index has it."""

    id: int
    slot: int
    state: int
    seq: int
    since_tx: int
    valid_from: int
    valid_to: int


class Fold:
    """Applies commits to an index inside the SQLite transaction that its caller opened."""

    def __init__(self, db: apsw.Connection) -> None:
        self.db = db
        self.addresses = Addresses(db)
        self.objects = Objects(DiskStore(db), self.addresses)
        self.forget()

    def forget(self) -> None:
        """Drop what was remembered of the index; call it after a rollback."""
        self._agents: dict[str, int] = {}
        self._slots: dict[tuple[str, str], int] = {}
        self._topics = _Topics()
        self._spoke: set[tuple[int, str]] = set()

    # ------------------------------------------------------------ one commit

    def begin(self, tx: int, recorded_at: int, info: CommitInfo) -> None:
        """Open a commit's row; `recorded_at` may be provisional until `finish`."""
        agent = self.agent_id(info.agent, tx)
        row = (tx, recorded_at, agent, info.origin, info.key, 0)
        sql = "INSERT INTO txn(tx, recorded_at, agent, origin, key, records) VALUES(?,?,?,?,?,?)"
        self.db.execute(sql, row)

    def apply(self, tx: int, at: int, entries: Iterable[Entry | Fresh]) -> None:
        """Apply records of commit `tx`, in order; `at` is the commit's instant."""
        touched: dict[int, tuple[int, int]] = {}
        batch: list[Entry] = []
        for entry in entries:
            if isinstance(entry, Entry) and entry.kind == "H":
                batch.append(entry)
                continue
            self._assertions(tx, at, batch, touched)
            batch = []
            if isinstance(entry, Entry):
                self._event(tx, at, entry, touched)
            else:
                self._write_touched(tx, touched)
                self._insert(tx, at, entry)
        self._assertions(tx, at, batch, touched)
        self._write_touched(tx, touched)

    def finish(
        self, tx: int, recorded_at: int, records: int, digest: bytes, segment: int, offset: int
    ) -> None:
        """Close a commit: its final instant, its frame, and the index's new checkpoint."""
        sql = "UPDATE txn SET recorded_at=?, records=?, digest=?, segment=?, offset=? WHERE tx=?"
        self.db.execute(sql, (recorded_at, records, digest, segment, offset, tx))
        sql = "INSERT OR REPLACE INTO meta VALUES('applied_tx', ?), ('applied_digest', ?)"
        self.db.execute(sql, (tx, digest))

    def set_aside(self, seq: int, kind: str, reason: str) -> None:
        """Note a record that cannot be understood, and go on (rule I5)."""
        problems.set_aside(self.db, seq, kind, reason)

    # ------------------------------------------------------------ assertions

    def _assertions(
        self, tx: int, at: int, batch: list[Entry], touched: dict[int, tuple[int, int]]
    ) -> None:
        if not batch:
            return
        known = self.addresses.find_many(entry.key[2:] for entry in batch)
        fresh: list[Entry] = []
        for entry in batch:
            if entry.key[2:] not in known:
                known[entry.key[2:]] = entry.seq
                fresh.append(entry)
                continue
            self._insert_entries(tx, at, fresh, touched)
            fresh = []
            self._assert_again(tx, known[entry.key[2:]], entry.seq, touched)
        self._insert_entries(tx, at, fresh, touched)

    def _insert_entries(
        self, tx: int, at: int, fresh: list[Entry], touched: dict[int, tuple[int, int]]
    ) -> None:
        if fresh:
            self._write_touched(tx, touched)
            seqs, _, flags, records, keys = zip(*fresh, strict=True)
            self._insert(tx, at, Fresh(seqs, flags, records, [key[2:] for key in keys]))

    def _insert(self, tx: int, at: int, fresh: Fresh) -> None:
        """Rows for assertions whose content is new."""
        contents, known = fresh.contents, self._agents
        slots = self._slot_ids(tx, contents)
        agents = [known.get(one.agent) or self.agent_id(one.agent, tx) for one in contents]
        rows, spans, bounds = [], [], []
        columns = zip(*fresh, slots, agents, strict=True)
        for seq, flags, content, digest, slot, agent in columns:
            start = at if content.valid_from_tx else content.valid_from
            if start is None:
                start = EVER
            else:
                bounds.append((start, slot))
            end = content.valid_to
            if end is None:
                end = FOREVER
            else:
                bounds.append((end, slot))
            state = flags or _PROPOSED
            rows.append((
                seq, slot, content.object, content.confidence, agent, content.source, digest,
                _extra(content), state, seq, tx, start, end,
            ))  # fmt: skip
            spans.append((slot, state, seq, tx, start, FOREVER, end, seq))
        spans.sort()
        self.db.executemany(_INSERT_ASSERTION, rows)
        self.db.executemany(_INSERT_SPAN, spans)
        self.db.execute(_TOUCH_NEW, (tx, fresh.seqs[0], fresh.seqs[-1]))
        if bounds:
            self.db.executemany(_INSERT_BOUND, bounds)
        topics = self._topics
        voices = {(one, topics[said.subject]) for one, said in zip(agents, contents, strict=True)}
        self._note_voices(tx, voices)
        parents = [
            (parent, seq)
            for seq, content in zip(fresh.seqs, contents, strict=True)
            for parent in content.parents
        ]
        if parents:
            self.db.executemany(_INSERT_PARENT, parents)

    def _note_voices(self, tx: int, voices: set[tuple[int, str]]) -> None:
        """Remember who has spoken on which topic, and since when."""
        if len(self._spoke) > _SLOT_CACHE_MAX:
            self._spoke.clear()
        new = voices - self._spoke
        if new:
            rows = [(agent, topic, tx) for agent, topic in sorted(new)]
            self.db.executemany("INSERT OR IGNORE INTO spoke VALUES(?,?,?)", rows)
            self._spoke |= new

    def _assert_again(
        self, tx: int, assertion: int, seq: int, touched: dict[int, tuple[int, int]]
    ) -> None:
        """The same content once more: its head becomes the latest of its slot again."""
        head = self.head(assertion)
        self._close(head, tx)
        self._open(head._replace(seq=seq, since_tx=tx))
        touched[head.slot] = (seq, assertion)

    # ------------------------------------------------------------ events

    def _event(self, tx: int, at: int, entry: Entry, touched: dict[int, tuple[int, int]]) -> None:
        record = entry.record
        if isinstance(record, CommitInfo):
            return  # `begin` has made its row, which is found by its number
        if isinstance(record, Transition):
            self._transition(tx, at, entry.seq, record, touched)
        elif isinstance(record, Epoch):
            row = (entry.seq, record.name, self.agent_id(record.agent, tx))
            self.db.execute("INSERT INTO epoch VALUES(?,?,?)", row)
        elif isinstance(record, Declaration):
            body = json.dumps(dict(record.body), ensure_ascii=False)
            row2 = (entry.seq, record.what, record.name, body, self.agent_id(record.agent, tx))
            self.db.execute("INSERT INTO declaration VALUES(?,?,?,?,?)", row2)
            if record.what == "agent":
                self.agent_id(record.name, tx)
        else:
            governance.apply(self, tx, entry, touched)
        self.objects.add(entry.key, entry.seq)

    def _transition(
        self, tx: int, at: int, seq: int, move: Transition, touched: dict[int, tuple[int, int]]
    ) -> None:
        assertion = self.addresses.find(move.assertion)
        if assertion is None:
            self.set_aside(seq, "L", f"no assertion a:{move.assertion.hex()}")
            return
        head = self.head(assertion)
        cut = at if move.cut_tx else move.cut
        state = CODE[move.state]
        if move.via == "REVIVE":
            head, cut = self._revived(head, tx), None
        else:
            self._close(head, tx)
        if state in _ENDING:
            self._end_others(head, state, tx)
        if cut is not None and cut > head.valid_from:
            tail = head._replace(state=state, since_tx=tx, valid_from=cut)
            self._insert_span(tail)
            self.db.execute(_INSERT_BOUND, (cut, head.slot))
            self._open(head._replace(since_tx=tx, valid_to=cut))
        else:
            self._open(head._replace(state=state, since_tx=tx))
        agent = self.agent_id(move.agent, tx)
        row = (seq, assertion, CODE[move.was], state, move.via, agent, move.reason, move.by, cut)
        self.db.execute(_INSERT_TRANSITION, row)
        touched[head.slot] = (seq, assertion)

    def _revived(self, head: Head, tx: int) -> Head:
        """What REVIVE brings back, its span closed: the head, or the tail that was superseded.

        After the latter the tail is the head; what lay before the cut stays as it is.
        """
        tail = None if NAME[head.state] in TERMINAL else self.tail(head)
        self._close(tail or head, tx)
        return tail or head

    def _end_others(self, head: Head, state: int, tx: int) -> None:
        """End the pieces that a revived tail has left behind: withdrawn is withdrawn as a whole."""
        sql = "SELECT 1 FROM transition WHERE assertion=? AND via='REVIVE' LIMIT 1"
        if first(self.db, sql, (head.id,)) is None:
            return
        for other in self._open_pieces(head, _STANDING):
            self._close(other, tx)
            self._insert_span(other._replace(state=state, since_tx=tx))

    # ------------------------------------------------------------ spans

    def tail(self, head: Head) -> Head | None:
        """The piece of an assertion that was superseded from an instant on, the head living on.

        Of several the one superseded last: each was cut off what then was the head, so it is the
        earliest in valid time.
        """
        pieces = self._open_pieces(head, (_SUPERSEDED,))
        return min(pieces, key=lambda piece: piece.valid_from, default=None)

    def _open_pieces(self, head: Head, states: Sequence[int]) -> list[Head]:
        sql = (
            "SELECT assertion, slot, state, seq, from_tx, valid_from, valid_to FROM span"
            " WHERE slot=? AND state=? AND to_tx=? AND assertion=?"
        )
        rows = [(head.slot, state, FOREVER, head.id) for state in states]
        return [Head(*row) for row in self.db.executemany(sql, rows)]

    def head(self, assertion: int) -> Head:
        """The current state of an assertion."""
        sql = (
            "SELECT id, slot, state, seq, since_tx, valid_from, valid_to FROM assertion WHERE id=?"
        )
        return Head(*only(self.db, sql, (assertion,)))

    def _close(self, head: Head, tx: int) -> None:
        """End the head's span at `tx`; one that this very commit opened never was."""
        where = "WHERE slot=? AND state=? AND seq=? AND from_tx=? AND valid_from=?"
        key = (head.slot, head.state, head.seq, head.since_tx, head.valid_from)
        if head.since_tx == tx:
            self.db.execute("DELETE FROM span " + where, key)
        else:
            self.db.execute("UPDATE span SET to_tx=? " + where, (tx, *key))

    def _open(self, head: Head) -> None:
        """Begin a span for the head, and make it the assertion's current state."""
        self._insert_span(head)
        sql = "UPDATE assertion SET state=?, seq=?, since_tx=?, valid_from=?, valid_to=? WHERE id=?"
        self.db.execute(sql, (*head[2:], head.id))

    def _insert_span(self, head: Head) -> None:
        row = (
            head.slot, head.state, head.seq, head.since_tx, head.valid_from, FOREVER,
            head.valid_to, head.id,
        )  # fmt: skip
        self.db.execute(_INSERT_SPAN, row)

    def _write_touched(self, tx: int, touched: dict[int, tuple[int, int]]) -> None:
        """What a commit has touched so far; a later record may touch it anew."""
        if touched:
            rows = [(tx, slot, event, assertion) for slot, (event, assertion) in touched.items()]
            rows.sort()
            self.db.executemany(_INSERT_TOUCHED, rows)
            touched.clear()

    # ------------------------------------------------------------ dictionaries

    def agent_id(self, name: str, tx: int) -> int:
        """The number of an agent, made if it is new."""
        number = self._agents.get(name)
        if number is None:
            row = self.db.execute("SELECT id FROM agent WHERE name=?", (name,)).fetchone()
            if row is None:
                self.db.execute("INSERT INTO agent(name, tx) VALUES(?,?)", (name, tx))
                row = (self.db.last_insert_rowid(),)
            number = self._agents[name] = int(row[0])
        return number

    def slot_id(self, subject: str, predicate: str) -> int | None:
        """The number of a slot, or None if nothing was ever asserted there."""
        number = self._slots.get((subject, predicate))
        if number is None:
            sql = "SELECT id FROM slot WHERE subject=? AND predicate=?"
            row = self.db.execute(sql, (subject, predicate)).fetchone()
            if row is None:
                return None
            number = self._slots[subject, predicate] = int(row[0])
        return number

    def _slot_ids(self, tx: int, contents: Sequence[Assertion]) -> list[int]:
        """The slots of many assertions; new ones are numbered in order of appearance."""
        names = [(content.subject, content.predicate) for content in contents]
        slots = self._slots
        if len(slots) > _SLOT_CACHE_MAX:
            slots.clear()
            self._topics.clear()
        missing = dict.fromkeys(name for name in names if name not in slots)
        if missing:
            self._load_slots(tx, missing)
        return [slots[name] for name in names]

    def _load_slots(self, tx: int, missing: Iterable[tuple[str, str]]) -> None:
        sql = "SELECT subject, predicate, id FROM slot WHERE subject=? AND predicate=?"
        missing = list(missing)
        for subject, predicate, number in self.db.executemany(sql, missing):
            self._slots[subject, predicate] = number
        new = [name for name in missing if name not in self._slots]
        last = only(self.db, "SELECT ifnull(max(id), 0) FROM slot")[0]
        rows = [
            (number, subject, predicate, first_segment(subject), tx)
            for number, (subject, predicate) in enumerate(new, start=last + 1)
        ]
        self.db.executemany("INSERT INTO slot VALUES(?,?,?,?,?)", rows)
        self._slots.update({(row[1], row[2]): row[0] for row in rows})


class _Topics(dict[str, str]):
    """The first segments of subjects that were met lately."""

    def __missing__(self, subject: str) -> str:
        topic = self[subject] = first_segment(subject)
        return topic


def _extra(content: Assertion) -> str | None:
    """What few assertions have, as JSON: parents, qualifiers, idempotency key."""
    if not (content.parents or content.qualifiers or content.key):
        return None
    extra: dict[str, object] = {}
    if content.parents:
        extra["parents"] = ["a:" + parent.hex() for parent in content.parents]
    if content.qualifiers:
        extra["qualifiers"] = dict(content.qualifiers)
    if content.key is not None:
        extra["key"] = content.key
    return json.dumps(extra, ensure_ascii=False)
