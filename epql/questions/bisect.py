"""BISECT (query) BETWEEN a AND b: the latest commit in (a, b] after which the answer differs.

Walks back from b, from point to point at which something happened to what the query read, and
runs the query just before and just after each. Between them nothing has to be tried, so the cost
grows with what touched the answer, not with the journal.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from epql.engine.errors import DataError, OperationalError, ProgrammingError
from epql.engine.explain.reach import Reach
from epql.engine.explain.touching import Point
from epql.engine.index.ask import only
from epql.engine.index.snapshot import Snapshot
from epql.engine.session import Present
from epql.engine.vtab.show import instant
from epql.nodes import Bisect
from epql.plan.compile import Plan
from epql.plan.scope import Moment
from epql.questions.inquiry import Inquiry, Reply, Row

COLUMNS = ("tx", "at", "agent", "cause", "reason", "origin", "before", "after")
_TRIED_MAX = 10_000
"""Points that are tried before the search is given up."""

Answer = Counter[tuple[Any, ...]]


@dataclass(frozen=True)
class Difference:
    """A point at which the answer changed, what the query read there, and the two answers."""

    point: Point
    reach: Reach
    before: Answer
    after: Answer


def run(inquiry: Inquiry, statement: Bisect) -> Reply:
    """One row, or none where the answer never changed in the window."""
    low, high = _window(inquiry, statement)
    bisector = _Bisector(inquiry, inquiry.queries.inner(statement.query))
    found = bisector.search(Point(low.clock, low.tx, False), Point(high.clock, high.tx, False))
    if bisector.is_fixed:
        raise ProgrammingError(
            "nothing in the query goes with the time it is asked at",
            code="clause.meaningless",
            span=statement.query.meta.get("span") or statement.span,
            hint="BISECT a query over relations, without AS OF of its own",
        )
    if found is None:
        inquiry.notice("the answer did not change in the window")
    elif found.point.is_bound:
        inquiry.notice("no commit changed the answer: a valid time starts or ends")
    elif bisector.later is not None:
        at = instant(bisector.later.at)
        inquiry.notice(f"the answer changed again at {at}: a valid time starts or ends")
    rows = [] if found is None else [_row(inquiry, found)]
    return Reply(COLUMNS, iter(rows), Snapshot.at(high.tx, high.clock))


def _window(inquiry: Inquiry, statement: Bisect) -> tuple[Moment, Moment]:
    """The ends of the window: b counts from where the session stands, a from b."""
    resolver = inquiry.resolver
    top = resolver.moment(resolver.standing.as_of)
    high = resolver.point(statement.high, top.clock)
    low = resolver.point(statement.low, high.clock)
    if high.clock > top.clock:
        raise DataError(
            "the window ends after the instant the session stands at",
            code="bisect.after_as_of",
            span=statement.high.span,
        )
    if low.clock >= high.clock:  # NOW AND '-7d', too: a counts from b
        raise DataError(
            "the window of BISECT is empty: it ends where it begins, or before",
            code="bisect.reversed",
            span=statement.low.span,
            hint="BETWEEN the earlier AND the later",
        )
    return low, high


class _Bisector:
    """Runs one query at many moments."""

    def __init__(self, inquiry: Inquiry, plan: Plan) -> None:
        self._inquiry = inquiry
        self._plan = plan
        self.is_fixed = False
        self.later: Point | None = None
        """Where time alone changed the answer after the commit that was found."""

    def search(self, low: Point, high: Point) -> Difference | None:
        """The latest commit that changed the answer; without one, the latest valid bound."""
        _, reach = self._answer(high.tx, high.at)
        self.is_fixed = reach.is_empty
        if self.is_fixed:
            return None
        by_time: Difference | None = None
        for _ in range(_TRIED_MAX):
            point = reach.latest(low, high)
            if point is None:
                return by_time
            before_at = (point.tx, point.at - 1) if point.is_bound else (point.tx - 1, point.at)
            after, seen = self._answer(point.tx, point.at)
            before, reach = self._answer(*before_at)
            high = Point(before_at[1], before_at[0], False)
            if before == after:
                continue
            found = Difference(point, seen, before, after)
            if not point.is_bound:
                self.later = None if by_time is None else by_time.point
                return found
            by_time = by_time or found
        raise OperationalError(
            f"{_TRIED_MAX} commits were tried, and the answer is the same after each",
            code="bisect.limit",
            hint="BETWEEN a later instant AND …, or a query with more conditions",
        )

    def _answer(self, tx: int, clock: int) -> tuple[Answer, Reach]:
        """The answer just after a commit, asked at a clock, and what was read for it."""
        inquiry = self._inquiry
        standing = structs.replace(inquiry.resolver.standing, as_of=None)
        resolver = replace(inquiry.resolver, standing=standing, notices=[])
        resolver.stand_at(Present(tx, clock, tx))
        reach = Reach(inquiry.database, tx)
        inquiry.session.noted = reach.note
        try:
            rows, _, _ = inquiry.queries.run(self._plan, resolver)
            return Counter(map(_typed, rows)), reach
        finally:
            inquiry.session.noted = None


def _typed(row: Iterable[Any]) -> tuple[Any, ...]:
    """A row in which 1 is not 1.0."""
    return tuple((type(cell).__name__, cell) for cell in row)


def _row(inquiry: Inquiry, found: Difference) -> Row:
    point = found.point
    told = found.reach.told(point)
    gone, come = found.before - found.after, found.after - found.before
    sides = (_json(gone), _json(come))
    if point.is_bound:
        return (None, instant(point.at), None, told.cause, None, None, *sides)
    sql = "SELECT g.name, c.origin FROM txn c JOIN agent g ON g.id=c.agent WHERE c.tx=?"
    agent, origin = only(inquiry.database.db, sql, (point.tx,))
    agent = told.agent or agent
    return (point.tx, instant(point.at), agent, told.cause, told.reason, origin, *sides)


def _json(answer: Answer) -> str:
    rows = [[_plain(cell) for _, cell in row] for row in answer.elements()]
    return json.dumps(rows, ensure_ascii=False)


def _plain(cell: Any) -> Any:
    return cell.hex() if isinstance(cell, bytes) else cell
