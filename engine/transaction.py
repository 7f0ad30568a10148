"""A transaction: validate, build records, apply them, and at COMMIT one journal frame.

The records are applied to the index as they are made, inside one SQLite transaction, so a
transaction reads its own writes and ROLLBACK is SQLite's. COMMIT appends the frame, syncs, and
only then commits the index. A record may name the commit's own instant, which is stamped at
COMMIT: then the transaction is applied once more with the instant it really got.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

import apsw

from epql.engine.clock import FOREVER
from epql.engine.content import check_interval, check_type
from epql.engine.digest import digests
from epql.engine.errors import IntegrityError, InterfaceError
from epql.engine.governance import forbidding, four_eyes
from epql.engine.governance.corrections import first_approval
from epql.engine.governance.forbidding import Warned
from epql.engine.governance.trust import success
from epql.engine.index import topics
from epql.engine.index.declarations import Declared
from epql.engine.index.fold import Entry, Fold, Fresh, Head
from epql.engine.journal.writer import Pending
from epql.engine.lifecycle import CODE, NAME, TERMINAL, check_move
from epql.engine.records import (
    Assertion,
    CommitInfo,
    Declaration,
    Epoch,
    Object,
    Record,
    Transition,
    assertion_id,
    encode,
    key_of,
    kind_of,
)
from epql.engine.store.objects import RECORDS_MAX, seq_of

if TYPE_CHECKING:
    from epql.engine.database import Database


class Outcome(NamedTuple):
    """What became of one ASSERT: 'new', 'again' (it is the latest again), or 'same' (a retry)."""

    digest: bytes
    done: str


class Transaction:
    """One transaction under the writer's lock. `tx` is its number, `at` its instant so far."""

    def __init__(
        self, database: Database, at: int, info: CommitInfo, *, fixed_at: int | None = None
    ) -> None:
        self._database = database
        self._fold = database.fold
        self.tx = info.tx
        self.at = at
        self.fixed_at = fixed_at
        self._info = info
        self._records: list[tuple[str, int, bytes]] = []
        self._applied: list[Entry | Fresh] = []
        self.names_own_instant = False
        """Whether a record means the commit's instant, which `at` is not for certain."""
        self.may_correct = False
        """Whether a correction was made in it, even if its statement was rolled back since."""
        self._warned: list[Warned] = []
        self.is_lost = False
        """Whether SQLite has rolled it back; all that is left is to roll back."""
        self._fold.begin(self.tx, at, info)
        self._records.append(("M", 0, encode(info)))

    @property
    def database(self) -> Database:
        """Whose transaction it is."""
        return self._database

    @property
    def notices(self) -> list[str]:
        """What is to be told about the last statement: which rules advise against what it did."""
        return forbidding.notices(self._warned)

    @property
    def is_empty(self) -> bool:
        """Whether nothing but the commit's own record is in it."""
        return len(self._records) == 1

    @property
    def agent(self) -> str:
        """Who opened it."""
        return self._info.agent

    @property
    def db(self) -> apsw.Connection:
        """The index, as this transaction left it so far."""
        return self._fold.db

    @property
    def fold(self) -> Fold:
        """What applies its records."""
        return self._fold

    @property
    def declared(self) -> Declared:
        """What is declared, by this transaction too."""
        return self._database.declarations.at(self.tx)

    @contextmanager
    def statement(self, *, dry_run: bool = False) -> Iterator[None]:
        """All of a statement or nothing of it; nothing at all for a dry run."""
        self._fold.db.execute("SAVEPOINT epql_statement")
        before = len(self._records), len(self._applied), self.names_own_instant
        self._warned = []
        is_kept = False
        try:
            yield
            is_kept = not dry_run
        except apsw.Error as error:
            raise (self._database.told(error) or error) from error
        finally:
            self.is_lost = True  # unless what follows runs to its end
            with self._database.turns.shielded():
                # a full disk makes SQLite roll back all of it
                if self._fold.db.in_transaction:
                    if not is_kept:
                        self._fold.db.execute("ROLLBACK TO epql_statement")
                        self._database.forget()
                        del self._records[before[0] :], self._applied[before[1] :]
                        self.names_own_instant = before[2]
                    self._fold.db.execute("RELEASE epql_statement")
                    self.is_lost = False

    # ------------------------------------------------------------ assertions

    def assert_many(
        self, contents: Sequence[Assertion], states: Sequence[str], reason: str | None = None
    ) -> list[Outcome]:
        """Assert contents, each landing in its state; content that stands is asserted again.

        Raises: DataError for an empty interval, IntegrityError for an object of the wrong type
        or an assertion in a terminal state, `rule.forbidden` for what a HARD rule is about.
        """
        declared = self.declared.predicates
        for state in set(states):
            four_eyes.check_landing(self, state)
        for content in contents:
            check_interval(content.valid_from, content.valid_to)
            if declared:
                check_type(declared.get(content.predicate), content)
        payloads = list(map(encode, contents))
        found = digests(payloads)
        said = list(zip(contents, states, payloads, found, strict=True))
        if len(set(found)) < len(found) or self._fold.addresses.find_many(found):
            return [self._assert_one(*one, reason) for one in said]
        self._assert_new(contents, states, payloads, found, reason)
        return list(map(Outcome, found, repeat("new")))

    def _assert_new(
        self,
        contents: Sequence[Assertion],
        states: Sequence[str],
        payloads: Sequence[bytes],
        addresses: Sequence[bytes],
        reason: str | None,
    ) -> None:
        """Assert contents of which none is in the store yet."""
        self.enforce(contents, states)
        flags = list(map(CODE.__getitem__, states))
        seqs = self._reserve(len(contents))
        self._apply(Fresh(seqs, flags, contents, addresses), zip(repeat("H"), flags, payloads))
        if reason is not None:
            self._explain(contents, addresses, states, reason)

    def _assert_one(
        self, content: Assertion, state: str, payload: bytes, address: bytes, reason: str | None
    ) -> Outcome:
        number = self._fold.addresses.find(address)
        if number is None:
            self._assert_new([content], [state], [payload], [address], reason)
            return Outcome(address, "new")
        head = self._fold.head(number)
        ended = self._ended(head, content)
        if ended is None and head.seq == self._latest_in(head.slot):
            return Outcome(address, "same")
        # a rule says more than the state: why it was wrong, and what to use
        self.enforce([content], [NAME[head.state] if ended is None else state])
        if ended is not None:
            raise _terminal(address, ended, is_cut=NAME[head.state] not in TERMINAL)
        self.append(content)
        if reason is not None:
            self._explain([content], [address], [NAME[head.state]], reason)
        return Outcome(address, "again")

    def enforce(self, contents: Sequence[Assertion], states: Sequence[str]) -> None:
        """Hold what is about to be asserted against the rules; what happened elsewhere is not."""
        if self._info.origin == "local":
            self._warned += forbidding.enforce(self, contents, states)

    def _ended(self, head: Head, content: Assertion) -> str | None:
        """The terminal state of content that stood before: its own, or superseded by now."""
        end = FOREVER if content.valid_to is None else content.valid_to
        is_cut = head.valid_to != end and head.valid_to <= self.at
        state = "superseded" if is_cut else NAME[head.state]
        return state if state in TERMINAL else None

    def _explain(
        self,
        contents: Sequence[Assertion],
        addresses: Sequence[bytes],
        states: Sequence[str],
        why: str,
    ) -> None:
        """ASSERT … REASON: the reason is the event's, not part of the content."""
        for content, address, state in zip(contents, addresses, states, strict=True):
            self.move(address, state, state, "ASSERT", content.agent, why)

    def _latest_in(self, slot: int) -> int:
        """The seq of the latest assertion of a slot: one seek per state."""
        sql = "SELECT max(seq) FROM span WHERE slot=? AND state=?"
        found = self._fold.db.executemany(sql, [(slot, code) for code in NAME])
        return max(seq or 0 for (seq,) in found)

    # ------------------------------------------------------------ moves

    def transition(
        self, target: bytes, state: str, via: str, agent: str, reason: str | None = None
    ) -> bytes:
        """Move an assertion to another state; the digest of the move.

        Raises: IntegrityError for an illegal move, or one that four_eyes forbids.
        """
        head = self.head(target)
        check_move(NAME[head.state], state)
        if state == "approved":
            four_eyes.check_approval(self, target, agent)
        move = self.move(target, NAME[head.state], state, via, agent, reason)
        if state == "approved":
            self._credit(target, head.id, move)
        return move

    def _credit(self, target: bytes, assertion: int, move: bytes) -> None:
        """The first approval by another is a success of the author, in the same commit."""
        db = self._fold.db
        credit = first_approval(db, assertion, seq_of(self.tx, self.order - 1))
        if credit is not None:
            author, subject = credit
            topic = topics.of(db, subject, self.declared.topics)
            self.append(success(self.tx, self.order, author, topic, move, target))

    def head(self, target: bytes) -> Head:
        """The current state of an assertion."""
        number = self._fold.addresses.find(target)
        assert number is not None, "targets are resolved before they are moved"
        return self._fold.head(number)

    def move(
        self,
        target: bytes,
        was: str,
        state: str,
        via: str,
        agent: str,
        reason: str | None,
        *,
        by: bytes | None = None,
        cut: int | None = None,
        cut_tx: int = 0,
    ) -> bytes:
        """Record a move that was found legal; its digest."""
        move = Transition(
            self.tx, self.order, target, was, state, via, agent, reason, by, cut, cut_tx
        )
        return self.append(move)

    # ------------------------------------------------------------ declarations

    def define(self, what: str, name: str, body: Mapping[str, Object | None], agent: str) -> None:
        """DEFINE PREDICATE, POLICY, AGENT or TOPIC."""
        self.append(
            Declaration(self.tx, self.order, what, name, tuple(sorted(body.items())), agent)
        )

    def define_query(self, name: str, text: str | None, columns: Sequence[str], agent: str) -> None:
        """DEFINE QUERY; without a text DROP QUERY."""
        names = json.dumps(list(columns), ensure_ascii=False) if columns else None
        body = (("columns", names), ("text", text))
        self.append(Declaration(self.tx, self.order, "query", name, body, agent))

    def mark_epoch(self, name: str, agent: str) -> None:
        """MARK EPOCH. Raises IntegrityError if the name is taken."""
        if self._fold.db.execute("SELECT 1 FROM epoch WHERE name=?", (name,)).fetchone():
            raise IntegrityError(
                f"there is an epoch {name!r} already",
                code="epoch.exists",
                hint="SELECT * FROM epochs lists them; choose another name",
            )
        self.append(Epoch(self.tx, name, agent))

    # ------------------------------------------------------------ end

    def commit(self) -> int | None:
        """Make it durable, then visible; its tx, or None if there was nothing to commit."""
        if self.is_empty:
            self.rollback()
            return None
        return self._database.finish(self)

    def rollback(self) -> None:
        """Nothing happened."""
        self._database.abandon(self)

    def pending(self) -> Pending:
        """The frame to append, stamped with its instant."""
        backfilled = self._info.origin != "local"
        return Pending(self.at, self._records, backfilled)

    def apply_again(self) -> None:
        """Apply it as a whole, after a rollback."""
        self._fold.begin(self.tx, self.at, self._info)
        self._fold.apply(self.tx, self.at, self._applied)

    @property
    def size(self) -> int:
        """Bytes of its records so far."""
        return sum(len(payload) for _, _, payload in self._records)

    @property
    def record_count(self) -> int:
        """Records so far, the commit's own included."""
        return len(self._records)

    @property
    def order(self) -> int:
        """The place in the commit that the next record takes."""
        return len(self._records)

    def append(self, record: Record, flags: int = 0) -> bytes:
        """Add a record to the frame and apply it to the index; the record's digest."""
        kind, data = kind_of(record), encode(record)
        key = key_of(kind, data)
        self.may_correct |= kind == "X"
        (seq,) = self._reserve(1)
        self._apply(Entry(seq, kind, flags, record, key), [(kind, flags, data)])
        if kind == "D":
            self._database.declarations.added()
        return key[2:]

    def _reserve(self, count: int) -> range:
        """The positions of the next records. Raises: InterfaceError `transaction.too_large`."""
        if len(self._records) + count > RECORDS_MAX:
            raise InterfaceError(
                f"a transaction holds {RECORDS_MAX} records at most",
                code="transaction.too_large",
                hint="commit in batches",
            )
        first = seq_of(self.tx, len(self._records))
        return range(first, first + count)

    def _apply(self, made: Entry | Fresh, records: Iterable[tuple[str, int, bytes]]) -> None:
        """Apply what stands at reserved positions to the index, and add it to the frame."""
        self._fold.apply(self.tx, self.at, [made])
        self._applied.append(made)
        self._records += records


def _terminal(digest: bytes, state: str, *, is_cut: bool) -> IntegrityError:
    """The error of asserting again what has ended. `is_cut`: only from some instant on."""
    return IntegrityError(
        f"{assertion_id(digest)[:14]}… is {state}; it cannot be asserted again",
        code="assert.terminal",
        hint="SUPERSEDE what stands now WITH it" if is_cut else "REVIVE brings it back to proposed",
    )


def restamp(group: Sequence[Transaction], first: int) -> None:
    """Give transactions the instants that COMMIT stamped, from the first on; where a record means
    the instant of its commit, they are applied anew."""
    is_other = any(one.names_own_instant and one.at != at for at, one in enumerate(group, first))
    for at, one in enumerate(group, first):
        one.at = at
    if is_other:
        database = group[0].database
        database.db.execute("ROLLBACK")
        database.forget()
        database.db.execute("BEGIN IMMEDIATE")
        for one in group:
            one.apply_again()
