"""Point reads that come again: all that the next execution does not decide is kept ready.

    SELECT object FROM beliefs WHERE subject = ? AND predicate = ? AS OF TX ?

An agent asks such a question thousands of times, and its SQL takes a few microseconds; so whatever
needs no parameter and no clock is found once, by the general way (runner.py), and a change of
anything it stands on (clauses, zone, names, declarations, an open transaction) leads back there.
So does whatever may be wrong: the general way says what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from epql.audit.asking import standing_of
from epql.audit.point import PointRead
from epql.audit.rows import encoded
from epql.audit.seen import Read as SeenRead
from epql.engine import reading
from epql.engine.audit.record import EXACT
from epql.engine.index.snapshot import Snapshot
from epql.engine.lookup import digests_of
from epql.engine.session import Present
from epql.engine.vtab.context import Scope
from epql.nodes import Query
from epql.notices import Read, notices_of
from epql.plan.compile import Plan
from epql.plan.scope import Resolver
from epql.plan.steady import is_steady, transaction
from epql.plan.values import Params
from epql.queries import PLAIN
from epql.result import Basis, Result, Row

if TYPE_CHECKING:
    from epql.engine.fused import Fused
    from epql.runner import Runner

_BYTES_MAX = 100_000
"""Of a row whose records may wait."""


def ready_of(runner: Runner, plan: Plan, scope: Scope, resolver: Resolver) -> Ready | None:
    """A point read made ready from one that ran just now; None where it is not that plain."""
    if plan.fusion is None or not plan.fusion.is_point or not runner.database.is_calm:
        return None
    (use,) = plan.uses
    query = plan.parsed.statement
    audits = runner.audits
    if not isinstance(query, Query) or query.clauses.purpose is not None or plan.parsed.named:
        return None
    if not (is_steady(use.clauses) and is_steady(runner.state.session)):
        return None
    if runner.state.session.as_of is not None:
        return None
    if not isinstance(scope, Snapshot) or scope.strategy != "latest":
        return None
    if audits is not None and (not audits.is_lazy or plan.carried.columns != 1):
        return None
    fused = runner.queries.fused(plan, [scope], resolver)
    return None if fused is None else Ready(runner, plan, scope, fused, resolver)


class Ready:
    """A point read of a connection. `run` gives None where the general way must be taken."""

    def __init__(
        self, runner: Runner, plan: Plan, snapshot: Snapshot, fused: Fused, resolver: Resolver
    ) -> None:
        self.plan = plan
        self.snapshot = snapshot
        self._runner = runner
        self._database = runner.database
        self._state, self._version = runner.state, runner.state.version
        self._agent, self._purpose = runner.state.agent, runner.state.purpose
        self._session = runner.session
        self._sql, self._fixed, self._ordered = fused
        self._positional = plan.parsed.positional
        self._own = _getter(plan.binds)
        as_of = plan.uses[0].clauses.as_of
        self._as_of = None if as_of is None else transaction(as_of)
        self._columns = tuple(runner.queries.columns_of(plan))
        self._types = partial(runner.queries.types_of, plan)
        self._disputed = plan.carried.disputed
        self._log = None if runner.audits is None else runner.audits.log
        self._standing = standing_of(plan, snapshot, resolver)
        self._declared = runner.database.declarations.at(snapshot.tx)
        self._policy = 0
        self._sees = -1
        """The last commit after which names and declarations were found to be the same."""
        self._seen_at = {snapshot.tx}
        """Commits as of which the declarations were."""

    def run(self, params: Params) -> Result | None:
        """Ask once more. Raises: what fails while SQLite runs."""
        database = self._database
        if (
            type(params) is not tuple
            or len(params) != self._positional
            or not PLAIN.issuperset(map(type, params))
            or self._state.version != self._version
            or not database.is_calm
            or not self._session.may_fuse
        ):
            return None
        self._session.turns.check()
        while True:
            known = database.supposed()
            present = known.tx, max(database.clock(), known.recorded_at)
            at = self._moment(params, present)
            if at is None:
                return None
            rows = self._rows(params, *at)
            if rows is None or database.still_is(known):
                break
        return None if rows is None else self._result(rows, params, at, present)

    def _moment(self, params: tuple[Any, ...], present: tuple[int, int]) -> tuple[int, int] | None:
        """Where AS OF stands; None unless all that the plan stands on is the same there."""
        tx = present[0]
        if tx != self._sees and not self._holds_after(tx):
            return None
        if self._as_of is None:
            return present
        tx = self._as_of(params)
        if type(tx) is not int or not 0 < tx <= present[0]:
            return None
        if tx not in self._seen_at and not self._is_same_at(tx):
            return None
        return tx, self._database.instant_of(tx)

    def _holds_after(self, tx: int) -> bool:
        declared = self._database.declarations.at(tx)
        if self._runner.queries.catalog is not self.plan.catalog:
            return False
        if self._as_of is None and declared is not self._declared:
            return False
        self._sees, self._policy = tx, declared.policy
        return True

    def _is_same_at(self, tx: int) -> bool:
        if self._database.declarations.at(tx) is not self._declared:
            return False
        if len(self._seen_at) >= _SEEN_MAX:
            self._seen_at.clear()
        self._seen_at.add(tx)
        return True

    def _rows(self, params: tuple[Any, ...], tx: int, clock: int) -> list[Row] | None:
        values = self._ordered((*self._fixed, tx, clock, clock, clock, *self._own(params), 0))
        try:
            return self._session.db.execute(self._sql, values).fetchall()
        except (OverflowError, UnicodeError):
            return None
        except BaseException as error:
            reading.tell(self._session, error)

    def _result(
        self,
        rows: list[Row],
        params: tuple[Any, ...],
        at: tuple[int, int],
        present: tuple[int, int],
    ) -> Result | None:
        given: Any = iter(rows) if self._log is None else self._audited(rows, params, at, present)
        if given is None:
            return None
        return PointResult(
            -1, self._columns, given, self._runner.take_notices(),
            asked=None if self._log is None else given, types=self._types, ready=self,
            params=params, at=at, present=present,
        )  # fmt: skip

    def _audited(
        self,
        rows: list[Row],
        params: tuple[Any, ...],
        at: tuple[int, int],
        present: tuple[int, int],
    ) -> PointRead | None:
        log, database = self._log, self._database
        assert log is not None
        row, data, is_disputed = None, b"", False
        reads: tuple[SeenRead, ...] = ()
        if rows:
            row, mark = rows[0][:-1], rows[0][-1]
            data = encoded([row])
            if len(data) > _BYTES_MAX:
                return None
            number = mark >> 4
            digest = database.digests.get(number) or digests_of(database, [number])[number]
            reads = ((digest, mark & 15, EXACT),)
            is_disputed = self._disputed is not None and bool(row[self._disputed])
        when = (
            present[1], log.number(), self._agent, params, self._purpose, *at, self._policy,
            present[0],
        )  # fmt: skip
        read = PointRead(log, self._standing, when, row, data, reads, is_disputed)
        log.later(read, present[1], len(data))
        return read

    def late(self, params: tuple[Any, ...], present: tuple[int, int]) -> list[str]:
        """The notices that need a look of their own."""
        if not self._state.notices:
            return []
        queries, resolver = self._runner.queries, self._runner.resolver(params, Present(*present))
        scopes = queries.scopes_of(self.plan, resolver)
        return notices_of(Read(queries, self.plan, resolver, scopes))

    def basis(self, tx: int, clock: int) -> Basis:
        """What an answer read there stands on."""
        seen = replace(self.snapshot, tx=tx, clock=clock, valid_low=clock, valid_high=clock)
        return Basis.of(seen, self._standing.zone, self._declared.policy)


class PointResult(Result):
    """The answer of a point read, with what it was asked with."""

    ready: Ready | None = None
    params: tuple[Any, ...] = ()
    at: tuple[int, int] = (0, 0)
    present: tuple[int, int] = (0, 0)
    is_looked_for: bool = False

    def stands_on(self) -> Basis | None:
        """What the answer stands on."""
        assert self.ready is not None
        return self.ready.basis(*self.at)

    def all_notices(self) -> list[str]:
        """The notices; those that need a look are looked for now."""
        assert self.ready is not None
        if not self.is_looked_for:
            self.is_looked_for = True
            self.notices += self.ready.late(self.params, self.present)
        return self.notices


_SEEN_MAX = 10_000


def _getter(binds: tuple[int | str, ...]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """What takes the parameters that SQL has out of all of them."""
    if len(binds) > 1:
        return itemgetter(*binds)
    return lambda params: tuple(params[bind] for bind in binds)  # type: ignore[index]
