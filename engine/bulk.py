"""Bulk loading of history: commits with instants of their own, ingested behind (appending.py).

So that no commit has to wait for the index, the loader keeps in memory what stands in each slot
it has touched; the lock guarantees that nobody else changes it.

What a fact means: from that commit on, its slot holds that object. Equal to what stands: nothing,
or a move to the lifecycle state it names; another object: the old one is superseded at the
commit's instant; no object: what stood is retracted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from epql.engine.appending import Appending
from epql.engine.clock import micros
from epql.engine.content import check_interval, check_type
from epql.engine.database import Database
from epql.engine.errors import DataError, IntegrityError, InterfaceError
from epql.engine.governance.trust import success
from epql.engine.index import topics
from epql.engine.journal.writer import JournalWriter, Pending
from epql.engine.lifecycle import CODE, LANDING, LIVE, MOVES
from epql.engine.lookup import standing_in
from epql.engine.records import (
    Assertion,
    CommitInfo,
    Object,
    Record,
    Transition,
    encode,
    key_of,
    kind_of,
)

_GROUP_BYTES = 2 * 2**20
_GROUP_COMMITS = 200


class Fact(NamedTuple):
    """What a slot holds from a commit on; `content` None: nothing any more."""

    subject: str
    predicate: str
    content: Assertion | None
    state: str | None = None


class Standing(NamedTuple):
    """What stands in a slot: an assertion, its state, its valid time.

    `is_cut`: it was superseded from some instant on, so it holds before that instant only.
    `agent`: its author; `is_approved`: another agent has approved it, now or before.
    """

    digest: bytes
    object: Object
    state: str
    valid_from: int | None
    valid_to: int | None
    is_cut: bool
    agent: str
    is_approved: bool


Slot = dict[bytes, Standing]
"""Every assertion of a slot by its digest, oldest first; terminal states included."""


class Counts(NamedTuple):
    """What a load has written."""

    commits: int = 0
    assertions: int = 0
    moves: int = 0


class BulkLoader:
    """Appends commits with given instants. Made by `bulk_load`."""

    def __init__(self, database: Database, writer: JournalWriter) -> None:
        self._database = database
        self._writer = writer
        self._appending = Appending(database, writer)
        self._slots: dict[tuple[str, str], Slot] = {}
        self._keys: set[str] = set()
        self._group: list[Pending] = []
        self._group_bytes = 0
        self._last_at = writer.last_recorded_at
        self._declared = database.declarations.as_of(writer.last_tx)
        self._topics = database.declarations.at(writer.last_tx).topics
        self.counts = Counts()

    def has(self, key: str) -> bool:
        """Whether a commit of that key is in the journal already."""
        if key in self._keys:
            return True
        sql = "SELECT 1 FROM txn WHERE key=?"
        return self._database.db.execute(sql, (key,)).fetchone() is not None

    def commit(self, at: int, agent: str, key: str, facts: list[Fact]) -> None:
        """Append one commit of facts at its instant; nothing is kept of one that fails.

        Units: `at` in microseconds UTC.
        Raises: DataError `backfill.order`, `backfill.future`; IntegrityError.
        """
        self._check_instant(at)
        commit = _Commit(self, self._writer.last_tx + len(self._group) + 1, at, agent)
        commit.add(CommitInfo(commit.tx, agent, "backfill", key))
        for fact in facts:
            commit.take(fact)
        self._slots.update(commit.slots)
        self._last_at = at
        self._keys.add(key)
        self._group.append(Pending(at, commit.records, backfilled=True))
        self._group_bytes += sum(len(data) for _, _, data in commit.records)
        commits, assertions, moves = self.counts
        self.counts = Counts(commits + 1, assertions + commit.assertions, moves + commit.moves)
        if self._group_bytes >= _GROUP_BYTES or len(self._group) >= _GROUP_COMMITS:
            self.flush()

    def flush(self) -> None:
        """Append and sync what is pending, and let it be ingested."""
        if not self._group:
            return
        group, self._group, self._group_bytes = self._group, [], 0
        self._appending.append(group)

    def settle(self) -> None:
        """See to it that all that was loaded is in the index."""
        try:
            if not self._writer.failed:
                self.flush()
        finally:
            self._appending.settle()

    def standing(self, subject: str, predicate: str) -> Slot:
        """What stands in a slot; not to be changed."""
        found = self._slots.get((subject, predicate))
        if found is None:
            rows = standing_in(self._database, subject, predicate)
            found = {row.digest: Standing(*row) for row in rows}
            self._slots[subject, predicate] = found
        return found

    def topic(self, subject: str) -> str:
        """The topic of a subject, as it is declared now."""
        return topics.of(self._database.db, subject, self._topics)

    def is_many(self, predicate: str) -> bool:
        """Whether the predicate is declared CARDINALITY MANY."""
        declared = self._declared.get(predicate)
        return declared is not None and declared.cardinality == "many"

    def check(self, content: Assertion) -> None:
        """The checks of ASSERT that need the catalog."""
        check_interval(content.valid_from, content.valid_to)
        check_type(self._declared.get(content.predicate), content)

    def _check_instant(self, at: int) -> None:
        if at <= self._last_at:
            raise DataError(
                "its instant is not after the last commit's",
                code="backfill.order",
                hint="history is loaded in the order it happened, before anything later",
            )
        if at > micros(self._database.options.clock()):
            raise DataError("its instant lies in the future", code="backfill.future")


class _Commit:
    """The records of one commit in the making; slots change only when it is taken as a whole."""

    def __init__(self, loader: BulkLoader, tx: int, at: int, agent: str) -> None:
        self._loader = loader
        self.tx = tx
        self._at = at
        self._agent = agent
        self.records: list[tuple[str, int, bytes]] = []
        self.slots: dict[tuple[str, str], Slot] = {}
        self._slot: Slot = {}
        self._subject = ""
        self.assertions = self.moves = 0

    def add(self, record: Record, flags: int = 0) -> bytes:
        """Append a record; its digest."""
        kind, data = kind_of(record), encode(record)
        self.records.append((kind, flags, data))
        return key_of(kind, data)[2:]

    def take(self, fact: Fact) -> None:
        """The records that make a fact so."""
        self._subject = fact.subject
        name = fact.subject, fact.predicate
        known = self.slots.get(name)
        self._slot = dict(self._loader.standing(*name) if known is None else known)
        if fact.content is None:
            for one in list(self._slot.values()):
                self._withdraw(one)
        else:
            self._loader.check(fact.content)
            self._say(self._current(fact.content), fact, fact.content)
        self.slots[name] = self._slot

    def _current(self, content: Assertion) -> Standing | None:
        """What a fact is compared with: the latest live one, else the latest."""
        standing = list(self._slot.values())
        if self._loader.is_many(content.predicate):
            standing = [one for one in standing if _is_same(one.object, content.object)]
        live = [one for one in standing if one.state in LIVE]
        return (live or standing)[-1] if standing else None

    def _withdraw(self, one: Standing) -> None:
        if one.state in (*LIVE, "deprecated"):
            self._move(one, "retracted", "RETRACT")

    def _say(self, old: Standing | None, fact: Fact, content: Assertion) -> None:
        if old is None:
            self._assert(content, fact.state or "proposed")
        elif _is_same(old.object, content.object):
            self._say_again(old, fact.state, content)
        elif old.state in LIVE:
            self._supersede(old, fact.state or old.state, content)
        else:
            self._assert_anew(content, fact.state or "proposed")

    def _say_again(self, old: Standing, state: str | None, content: Assertion) -> None:
        """The same object: nothing, a move, or where no move leads there, a new assertion."""
        if state is None and old.state in (*LIVE, "deprecated"):
            return
        state = state or "proposed"
        if state == old.state:
            return
        if state in MOVES[old.state]:
            self._move(old, state, "TRANSITION")
            return
        self._withdraw(old)
        self._assert_anew(content, state)

    def _supersede(self, old: Standing, state: str, content: Assertion) -> None:
        successor = self._assert(_starting(content, self._at), state)
        if old.valid_to is None or old.valid_to > self._at:  # else it has ended by itself
            self._move(old, "superseded", "SUPERSEDE", by=successor.digest, cut=self._at)

    def _assert_anew(self, content: Assertion, state: str) -> None:
        """Assert in a slot whose belief has ended; the very same content is revived.

        What was superseded held only up to then, so it is not revived: it holds once more.
        """
        known = self._slot.get(_digest_of(content))
        is_cut = known is not None and known.is_cut
        self._assert(_starting(content, self._at) if is_cut else content, state)

    def _assert(self, content: Assertion, state: str) -> Standing:
        """Assert so that it ends in `state`; a terminal one is reached by a move."""
        check_interval(content.valid_from, content.valid_to)
        known = self._slot.get(_digest_of(content))
        if known is not None:
            return self._revive(known, state)
        landing = state if state in LANDING else "approved" if state == "superseded" else "proposed"
        digest = self.add(content, CODE[landing])
        self.assertions += 1
        one = Standing(
            digest, content.object, landing, content.valid_from, content.valid_to, False,
            content.agent, False,
        )  # fmt: skip
        self._slot[digest] = one
        return self._lead(one, state)

    def _revive(self, known: Standing, state: str) -> Standing:
        if known.is_cut:
            raise IntegrityError(
                "this very assertion was superseded in its slot",
                code="assert.terminal",
                hint="give it another valid_from, or none",
            )
        self._withdraw(known)
        return self._lead(self._move(self._slot[known.digest], "proposed", "REVIVE"), state)

    def _lead(self, one: Standing, state: str) -> Standing:
        """Move on to a state, through approved where that is the only way."""
        if state == one.state:
            return one
        if state not in MOVES[one.state] and "approved" in MOVES[one.state]:
            one = self._move(one, "approved", "TRANSITION")
        return self._move(one, state, "TRANSITION")

    def _move(
        self, one: Standing, state: str, via: str, by: bytes | None = None, cut: int | None = None
    ) -> Standing:
        if via != "REVIVE" and via != "SUPERSEDE" and state not in MOVES[one.state]:
            raise IntegrityError(
                f"{one.state} cannot become {state}", code="lifecycle.illegal_move"
            )
        order = len(self.records)
        move = self.add(
            Transition(
                self.tx, order, one.digest, one.state, state, via, self._agent, None, by, cut
            )
        )
        self.moves += 1
        if state == "approved" and one.agent != self._agent and not one.is_approved:
            one = self._credit(one, move)
        is_cut = one.is_cut or (
            cut is not None and (one.valid_from is None or cut > one.valid_from)
        )
        moved = self._slot[one.digest] = one._replace(state=state, is_cut=is_cut)
        return moved

    def _credit(self, one: Standing, move: bytes) -> Standing:
        """The first approval by another is a success of the author (transaction.py)."""
        topic = self._loader.topic(self._subject)
        self.add(success(self.tx, len(self.records), one.agent, topic, move, one.digest))
        return one._replace(is_approved=True)


def _digest_of(content: Assertion) -> bytes:
    return key_of("H", encode(content))[2:]


def _is_same(one: Object, other: Object) -> bool:
    return one == other and type(one) is type(other)


def _starting(content: Assertion, at: int) -> Assertion:
    """The content, valid from an instant on unless it says otherwise."""
    if content.valid_from is not None:
        return content
    return Assertion(
        content.subject, content.predicate, content.object, content.confidence, content.agent,
        content.source, at, content.valid_to, 0, content.parents, content.qualifiers, content.key,
    )  # fmt: skip


@contextmanager
def bulk_load(database: Database) -> Iterator[BulkLoader]:
    """Load history: takes the writer's lock, and leaves with all of it in the index.

    Raises: OperationalError `lock.timeout`, `journal.failed`; InterfaceError if a transaction is
    open. What was appended before an error stays.
    """
    database.check_writable()
    if database.transaction is not None:
        raise InterfaceError("a transaction is open", code="transaction.open")
    with database.writing() as writer:
        loader = BulkLoader(database, writer)
        try:
            try:
                yield loader
            finally:
                loader.settle()
        finally:
            database.forget()
