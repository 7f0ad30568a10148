"""Bulk loading of history: commits with instants of their own, in groups, ingested behind.

This thread encodes, appends and syncs; the ingestor applies in another. So that no commit has to
wait for the index, the loader keeps in memory what stands in each slot it has touched; the lock
guarantees that nobody else changes it.

What a fact means: from that commit on, its slot holds that object. Equal to what stands: nothing,
or a move to the lifecycle state it names; another object: the old one is superseded at the
commit's instant; no object: what stood is retracted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from epql.engine.clock import micros
from epql.engine.content import check_interval, check_type
from epql.engine.database import Database
from epql.engine.errors import DataError, IntegrityError, InterfaceError
from epql.engine.files import OsFiles
from epql.engine.folder import INDEX
from epql.engine.index.schema import open_index
from epql.engine.ingest import Ingestor, catch_up
from epql.engine.journal.writer import JournalWriter, Pending
from epql.engine.lifecycle import CODE, LANDING, LIVE, MOVES, NAME
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
_GROUP_COMMITS = 2000
_INGEST_TIMEOUT_S = 3600.0


class Fact(NamedTuple):
    """What a slot holds from a commit on; `content` None: nothing any more."""

    subject: str
    predicate: str
    content: Assertion | None
    state: str | None = None


class Standing(NamedTuple):
    """What stands in a slot: an assertion and its state."""

    digest: bytes
    object: Object
    state: str


class Counts(NamedTuple):
    """What a load has written."""

    commits: int = 0
    assertions: int = 0
    moves: int = 0


class BulkLoader:
    """Appends commits with given instants. Made by `bulk_load`."""

    def __init__(
        self, database: Database, writer: JournalWriter, ingestor: Ingestor | None
    ) -> None:
        self._database = database
        self._writer = writer
        self._ingestor = ingestor
        self._slots: dict[tuple[str, str], list[Standing]] = {}
        self._keys: set[str] = set()
        self._group: list[Pending] = []
        self._group_bytes = 0
        self._last_at = writer.last_recorded_at
        self._declared = database.declarations.as_of(writer.last_tx)
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
        self._writer.append(group)
        if self._ingestor is None:
            catch_up(self._database.fold, self._database.files)
        else:
            self._ingestor.announce(self._writer.last_tx)

    def settle(self) -> None:
        """Wait until all that was loaded is in the index."""
        self.flush()
        if self._ingestor is not None and self.counts.commits:
            self._ingestor.wait_for(self._writer.last_tx, _INGEST_TIMEOUT_S)

    def standing(self, subject: str, predicate: str) -> list[Standing]:
        """What stands in a slot, oldest first; terminal states included."""
        found = self._slots.get((subject, predicate))
        if found is None:
            rows = standing_in(self._database, subject, predicate)
            found = [Standing(*row) for row in rows]
            self._slots[subject, predicate] = found
        return found

    def is_many(self, predicate: str) -> bool:
        """Whether the predicate is declared CARDINALITY MANY."""
        declared = self._declared.get(predicate)
        return declared is not None and declared.cardinality == "many"

    def check(self, content: Assertion) -> None:
        """The checks of ASSERT that need the catalog."""
        check_interval(content.valid_from, content.valid_to)
        check_type(self._declared.get(content.predicate), content)

    def state_of(self, digest: bytes) -> str | None:
        """The state of an assertion of the same content, if there is one; waits for the index."""
        self.settle()
        objects = self._database.objects
        number = objects.find(b"H:" + digest)
        if number is None:
            return None
        return NAME[self._database.fold.head(number).state]

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
        self.slots: dict[tuple[str, str], list[Standing]] = {}
        self.assertions = self.moves = 0

    def add(self, record: Record, flags: int = 0) -> bytes:
        """Append a record; its digest."""
        kind, data = kind_of(record), encode(record)
        self.records.append((kind, flags, data))
        return key_of(kind, data)[2:]

    def take(self, fact: Fact) -> None:
        """The records that make a fact so."""
        slot = fact.subject, fact.predicate
        standing = list(self.slots.get(slot) or self._loader.standing(*slot))
        if fact.content is None:
            self.slots[slot] = [self._withdrawn(one) for one in standing]
            return
        self._loader.check(fact.content)
        old = self._current(standing, fact)
        new = self._said(old, fact, fact.content)
        if old is not None:
            standing.remove(old)
            if self._loader.is_many(fact.predicate) and old.object != new.object:
                standing.append(old)
        self.slots[slot] = [*standing, new]

    def _current(self, standing: list[Standing], fact: Fact) -> Standing | None:
        """What the fact is compared with: the latest live one, else the latest."""
        assert fact.content is not None
        same = fact.content.object
        if self._loader.is_many(fact.predicate):
            standing = [s for s in standing if _is_same(s.object, same)]
        live = [one for one in standing if one.state in LIVE]
        return (live or standing)[-1] if standing else None

    def _withdrawn(self, one: Standing) -> Standing:
        if one.state not in (*LIVE, "deprecated"):
            return one
        return self._moved(one, "retracted", "RETRACT")

    def _said(self, old: Standing | None, fact: Fact, content: Assertion) -> Standing:
        if old is None:
            return self._asserted(content, fact.state or "proposed")
        if _is_same(old.object, content.object):
            return self._said_again(old, fact.state, content)
        if old.state in LIVE:
            return self._superseded(old, fact.state or old.state, content)
        return self._asserted_anew(content, fact.state or "proposed", old)

    def _said_again(self, old: Standing, state: str | None, content: Assertion) -> Standing:
        """The same object: nothing, a move, or where no move leads there, a new assertion."""
        if state is None and old.state in (*LIVE, "deprecated"):
            return old
        state = state or "proposed"
        if state == old.state:
            return old
        if state in MOVES[old.state]:
            return self._moved(old, state, "TRANSITION")
        return self._asserted_anew(content, state, self._withdrawn(old))

    def _superseded(self, old: Standing, state: str, content: Assertion) -> Standing:
        successor = _starting(content, self._at)
        new = self._asserted(successor, state)
        self._move(old, "superseded", "SUPERSEDE", by=new.digest, cut=self._at)
        return new

    def _asserted_anew(self, content: Assertion, state: str, ended: Standing) -> Standing:
        """Assert in a slot whose belief has ended; the very same content is revived."""
        digest = key_of("H", encode(content))[2:]
        known = ended.state if digest == ended.digest else self._loader.state_of(digest)
        if known is None:
            return self._asserted(content, state)
        one = self._moved(Standing(digest, content.object, known), "proposed", "REVIVE")
        return one if state == "proposed" else self._moved(one, state, "TRANSITION")

    def _asserted(self, content: Assertion, state: str) -> Standing:
        """Assert so that it ends in `state`; a terminal one is reached by a move."""
        landing = state if state in LANDING else "approved" if state == "superseded" else "proposed"
        digest = self.add(content, CODE[landing])
        self.assertions += 1
        one = Standing(digest, content.object, landing)
        return one if landing == state else self._moved(one, state, "TRANSITION")

    def _moved(self, one: Standing, state: str, via: str) -> Standing:
        self._move(one, state, via)
        return one._replace(state=state)

    def _move(
        self, one: Standing, state: str, via: str, by: bytes | None = None, cut: int | None = None
    ) -> None:
        if via != "REVIVE" and via != "SUPERSEDE" and state not in MOVES[one.state]:
            raise IntegrityError(
                f"{one.state} cannot become {state}", code="lifecycle.illegal_move"
            )
        order = len(self.records)
        self.add(
            Transition(
                self.tx, order, one.digest, one.state, state, via, self._agent, None, by, cut
            )
        )
        self.moves += 1


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
        ingestor = None
        if isinstance(database.files, OsFiles):
            path = str(database.files.root / INDEX)
            ingestor = Ingestor(lambda: open_index(path), database.files)
            ingestor.start()
        loader = BulkLoader(database, writer, ingestor)
        try:
            try:
                yield loader
            finally:
                if not writer.failed:
                    loader.flush()
        finally:
            if ingestor is not None:
                ingestor.stop()
            database.forget()
