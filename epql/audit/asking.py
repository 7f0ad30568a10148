"""A read as the audit keeps it: the question when it is asked, the answer when its rows have gone.

The words of a plan that never change (relations, which tables chose no states) are put together
once; what is left for each execution is one record before the rows and one behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from epql.audit import findings
from epql.audit.point import Standing
from epql.audit.rows import NO_ROWS, AuditedRows, Row, RowsDigest
from epql.audit.seen import Seen
from epql.engine.audit.log import AuditLog
from epql.engine.audit.record import Answered, Asked, by_place, query_id
from epql.engine.content import check_name
from epql.engine.errors import Error
from epql.engine.index.snapshot import Snapshot, Window
from epql.engine.lifecycle import NAME
from epql.engine.reading import unfit
from epql.engine.vtab.context import Scope
from epql.explain.written import Writer
from epql.nodes import LABELS, LEVELLED, NO_CLAUSES, Clauses, Parsed, Query
from epql.plan.compile import Plan
from epql.plan.notices import mixed_times
from epql.plan.scope import Resolver
from epql.plan.unfiltered import chooses
from epql.plan.values import Params, span_of, value
from epql.queries import PLAIN, Queries, bindable
from epql.settings import State

if TYPE_CHECKING:
    from epql.questions.inquiry import Reply


class Question(NamedTuple):
    """A question that was kept, and what its answer will need."""

    digest: bytes
    asked: Asked
    plan: Plan
    resolver: Resolver

    @property
    def id(self) -> str:
        """How it is called."""
        return query_id(self.digest)


def standing_of(plan: Plan, snapshot: Snapshot, resolver: Resolver) -> Standing:
    """What a point read says of itself each time; no AS OF, VALID or PURPOSE stands around it."""
    return Standing(
        plan.parsed.text, plan.reads.names, str(resolver.zone), _names(snapshot.states),
        snapshot.strategy, clauses_text(resolver), _is_unfiltered(plan, resolver),
    )  # fmt: skip


class Audits:
    """The reads of one connection."""

    def __init__(self, log: AuditLog, state: State) -> None:
        self._log = log
        self._state = state
        self._open: dict[int, ref[AuditedRows]] = {}
        self._standing: tuple[Clauses, str] = (NO_CLAUSES, "")

    @property
    def log(self) -> AuditLog:
        """Where they are kept."""
        return self._log

    @property
    def is_lazy(self) -> bool:
        """Whether their records are written when there is time."""
        return self._log.mode == "lazy"

    def ask(
        self, plan: Plan, resolver: Resolver, scopes: Sequence[Scope], seen_at: Scope | None
    ) -> Question:
        """Keep a query. `seen_at`: the scope that its basis names. Raises: OperationalError."""
        kind = "diff" if plan.compared is not None else "select"
        for scope in scopes:
            if isinstance(scope, Window):
                kind = "diff"
        asked = self._asked(
            kind, plan.parsed, resolver, seen_at, plan.reads.names,
            unfiltered=_is_unfiltered(plan, resolver),
        )  # fmt: skip
        try:
            digest = self._log.ask(asked)
        except (UnicodeEncodeError, OverflowError) as error:
            raise unfit(error) from error
        return Question(digest, asked, plan, resolver)

    def told(self, parsed: Parsed, resolver: Resolver, reply: Reply) -> tuple[str, Iterator[Row]]:
        """Keep a question that is no SELECT, under a kind of its own; its id, and its rows."""
        kind = _kind_of(parsed.statement)
        asked = self._asked(kind, parsed, resolver, reply.scope, (), unfiltered=False)
        digest = self._log.ask(asked)
        return query_id(digest), self._counted(digest, reply.rows)

    def _asked(
        self,
        kind: str,
        parsed: Parsed,
        resolver: Resolver,
        seen_at: Scope | None,
        names: tuple[str, ...],
        *,
        unfiltered: bool,
    ) -> Asked:
        found = seen_at.until if isinstance(seen_at, Window) else seen_at
        snapshot = found or resolver.snapshot(resolver.standing)
        present, log, state, database = resolver.present, self._log, self._state, resolver.database
        return Asked(
            present.clock, log.name, log.number(), state.agent, parsed.text,
            _params(parsed, resolver), self._purpose(parsed, resolver), kind, names,
            snapshot.tx, snapshot.clock, str(resolver.zone), _names(snapshot.states),
            snapshot.strategy, snapshot.valid_low, snapshot.valid_high,
            database.declarations.at(present.tx).policy, self._clauses(resolver), unfiltered,
            present.tx,
        )  # fmt: skip

    def _counted(self, digest: bytes, rows: Iterator[Row]) -> Iterator[Row]:
        told, complete = RowsDigest(), False
        try:
            for row in rows:
                told.update([row])
                yield row
            complete = True
        finally:
            self._log.answer(Answered(digest, told.count, told.digest(), complete=complete))

    def run(self, question: Question, queries: Queries, scopes: Sequence[Scope]) -> AuditedRows:
        """Run a question; its rows see to its answer, and so does an error. Raises: that error."""
        plan, seen = question.plan, Seen()
        try:
            watchers = seen.watchers(plan.carried)
            rows = queries.rows(plan, scopes, question.resolver, watchers, seen.sum_up)
        except Error as error:
            failed = Answered(question.digest, 0, NO_ROWS, error=error.code, complete=False)
            self._log.answer(failed)
            raise
        made = AuditedRows(rows, plan.carried, seen, partial(self._answer, question))
        self._open[id(made)] = ref(made)
        return made

    def settle(self) -> None:
        """End the records of rows that are still being fetched."""
        for rows in self._still_open():
            rows.settle()

    def close(self) -> None:
        """Let go of rows that are still being fetched."""
        for rows in self._still_open():
            rows.close()

    def _still_open(self) -> list[AuditedRows]:
        found = [one() for one in list(self._open.values())]
        return [rows for rows in found if rows is not None]

    def _answer(
        self, question: Question, told: AuditedRows, complete: bool, error: Error | None
    ) -> None:
        del self._open[id(told)]
        reads, count = told.seen.reads(question.resolver.database)
        self._log.answer(
            Answered(
                question.digest, told.told.count, told.told.digest(), reads, count, complete,
                tuple(_findings(question, reads, told)),
                None if error is None else error.code,
            )
        )  # fmt: skip

    # ------------------------------------------------------------ what is kept

    def _purpose(self, parsed: Parsed, resolver: Resolver) -> str | None:
        statement = parsed.statement
        written = statement.clauses.purpose if isinstance(statement, Query) else None
        if written is None:
            return self._state.purpose
        found = value(written, resolver.params, resolver.evaluate)
        try:
            return None if found is None else check_name("purpose", found)
        except Error as error:
            raise error.with_span(span_of(written)) from None

    def _clauses(self, resolver: Resolver) -> str:
        standing = resolver.standing
        if self._standing[0] is not standing:
            self._standing = standing, clauses_text(resolver)
        return self._standing[1]


def clauses_text(resolver: Resolver) -> str:
    """The clauses that stand around a text, as BEGIN takes them."""
    writer, standing = Writer(resolver), resolver.standing
    return " ".join(
        writer.text(getattr(standing, name))
        for name in LABELS
        if name in LEVELLED and getattr(standing, name) is not None
    )


def _kind_of(statement: object) -> str:
    """What the audit calls a statement: 'trace', 'why_not', …"""
    return _CAPITAL.sub(r"_\1", type(statement).__name__).lower()


_CAPITAL = re.compile(r"(?<=[a-z])([A-Z])")


def _params(parsed: Parsed, resolver: Resolver) -> tuple[Any, ...]:
    """The parameters that the text names: by place, or as (name, value)."""
    params, zone = resolver.params, resolver.zone
    if not params:
        return ()
    if type(params) is tuple and PLAIN.issuperset(map(type, params)):
        return params
    if isinstance(params, Mapping):
        return tuple((name, _kept(params[name], zone)) for name in parsed.named)
    kept = [_kept(found, zone) for found in params]
    return tuple([(one,) if isinstance(one, tuple) else one for one in kept])  # no pair of a name


@lru_cache(maxsize=1000)
def _names(states: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(NAME[code] for code in states)


def _kept(found: Any, zone: Any) -> Any:
    if isinstance(found, (list, tuple)):  # the states of LIFECYCLE IN ?
        return tuple(bindable(one, zone) for one in found)
    return bindable(found, zone)


def _is_unfiltered(plan: Plan, resolver: Resolver) -> bool:
    """Whether some table chose no states: neither by a condition nor by a clause at any level."""
    if plan.reads.unfiltered:
        return True
    for clause in plan.reads.asks:
        asked = clause or resolver.standing.lifecycle
        if asked is None or not chooses(asked, resolver):
            return True
    return False


def _findings(question: Question, reads: Sequence[Any], told: AuditedRows) -> list[str]:
    found: list[str] = []
    if question.asked.unfiltered:
        of_some = question.plan.carried.unchosen
        found = findings.of_states(told.seen.unchosen) if of_some else findings.unapproved(reads)
    if len(question.plan.uses) > 1 and mixed_times(question.plan, question.resolver):
        found.append(findings.MIXED_TIMES)
    if told.disputed:
        found.append(findings.DISPUTED)
    return found


def given(asked: Asked, named: Sequence[str]) -> Params:
    """The parameters of a kept question as a connector takes them."""
    if named:
        return {str(name): found for name, found in asked.params}
    return by_place(asked.params)
