"""What is asked of the audit: questions by id, and who has read an assertion.

What it is: audit.db, opened when somebody asks about reads and caught up before each answer; this
connection's own reads are in it at once.
What it is not: the truth. The chains are; audit.db may be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apsw

from epql.engine.audit.cache import busy, open_cache, remove_cache
from epql.engine.audit.chains import DiskChains
from epql.engine.audit.follow import Follower
from epql.engine.audit.log import AuditLog, flush_together
from epql.engine.audit.record import Answered, Asked, decode
from epql.engine.errors import ProgrammingError
from epql.engine.index.ask import only
from epql.engine.journal.reader import read_frame_at
from epql.engine.store.objects import ambiguous, digits_of


class Reader(NamedTuple):
    """One read of an assertion. `at` in µs; `state` is the code of the state it was seen in.

    `unfiltered`: the query chose no states in some table; `is_finding`: and that table showed what
    nobody had approved.
    """

    assertion: bytes
    agent: str
    query: bytes
    at: int
    state: int
    is_exact: bool
    unfiltered: bool
    kind: str
    relations: tuple[str, ...]
    is_finding: bool


class AuditIndex:
    """See the module. `db` is for the relations to read."""

    def __init__(self, log: AuditLog, *, busy_ms: int = 5000) -> None:
        self.log = log
        self._busy_ms = busy_ms
        self._open()

    def _open(self) -> None:
        self.db = open_cache(self.log.chains, self._busy_ms, self.log.tell)
        self.follower = Follower(self.db, self.log.chains, self.log.tell)

    def close(self) -> None:
        """Let go of audit.db."""
        self.db.close()

    def catch_up(self) -> None:
        """Take in what was read since, by this connection and by all others.

        Raises: OperationalError `audit.busy`.
        """
        flush_together(self.log)
        try:
            self.follower.run()
        except apsw.BusyError as error:
            raise busy() from error
        except (apsw.CorruptError, apsw.NotADBError):
            self.close()
            if isinstance(self.log.chains, DiskChains):
                remove_cache(self.log.chains.folder)
            self._open()
            self.follower.run()

    def behind(self) -> int:
        """Bytes that `catch_up` would have to read."""
        self.log.flush()
        return self.follower.behind()

    def find(self, name: str) -> bytes:
        """The digest of the question that an id or an unambiguous prefix names.

        Raises: ProgrammingError `id.malformed`, `id.too_short`, `id.unknown`, `id.ambiguous`.
        """
        digits = digits_of(name, "q:", "a query")
        low, high = (bytes.fromhex(digits.ljust(64, end)) for end in "0f")
        sql = "SELECT digest FROM query WHERE digest BETWEEN ? AND ? ORDER BY digest LIMIT 2"
        found = [bytes(row[0]) for row in self.db.execute(sql, (low, high))]
        if len(found) > 1:
            raise ambiguous(name, ["q:" + one.hex() for one in found])
        if not found:
            raise ProgrammingError(
                f"no query has the id {name!r}",
                code="id.unknown",
                hint="SELECT id, agent, text FROM queries lists them",
            )
        return found[0]

    def asked(self, query: bytes) -> Asked:
        """A question as it was recorded, read from its chain. Raises: InternalError."""
        sql = (
            "SELECT c.name, q.offset, q.place FROM query q JOIN chain c ON c.id=q.chain"
            " WHERE q.digest=?"
        )
        name, offset, place = only(self.db, sql, (query,))
        kind, _, payload = read_frame_at(self.log.chains.files(name), 1, offset).record_at(place)
        record = decode(kind, payload)
        assert isinstance(record, Asked)
        return record

    def answered(self, query: bytes) -> Answered | None:
        """What came of a question; None while its rows are being read, or if nobody said."""
        sql = "SELECT id, count, answer, reads, complete, findings, error FROM query WHERE digest=?"
        number, count, digest, reads, complete, findings, error = only(self.db, sql, (query,))
        if count is None:
            return None
        sql = (
            "SELECT a.digest, r.state, iif(r.exact, 'exact', 'scanned') FROM read r"
            " JOIN assertion a ON a.id=r.assertion WHERE r.query=?"
        )
        found = tuple((bytes(row[0]), row[1], row[2]) for row in self.db.execute(sql, (number,)))
        named = tuple(findings.split(", ")) if findings else ()
        return Answered(query, count, digest, found, reads, bool(complete), named, error)

    def readers_of(self, assertions: Iterable[bytes], before_us: int) -> Iterator[Reader]:
        """Who read these assertions before an instant, in order of time for each of them."""
        sql = (
            "SELECT a.digest, g.name, q.digest, q.at, r.state, r.exact, f.unfiltered, f.kind,"
            " instr(ifnull(q.findings, ''), 'unfiltered-'), f.relations"
            " FROM assertion a JOIN read r ON r.assertion=a.id"
            " JOIN query q ON q.id=r.query JOIN form f ON f.id=q.form JOIN agent g ON g.id=q.agent"
            " WHERE a.digest=? AND q.at<? ORDER BY q.at, q.id"
        )
        for assertion in assertions:
            for *row, unfiltered, kind, finding, relations in self.db.execute(
                sql, (assertion, before_us)
            ):
                names = tuple(relations.split(", ")) if relations else ()
                address, agent, query, at, state, exact = row
                yield Reader(
                    bytes(address), agent, bytes(query), at, state, bool(exact),
                    bool(unfiltered), kind, names, bool(finding),
                )  # fmt: skip
