"""The clauses of a relation to a Snapshot or a Window, once per execution.

Instants resolve here and nowhere else: text, parameters, TX, EPOCH, ids, arithmetic. What a
standing AS OF of the session means, what the defaults are, and what a person is told about it
(notices) is decided here too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from typing import Any, NamedTuple

from sqlglot import exp

from epql import instants
from epql.engine.clock import EVER, FOREVER
from epql.engine.content import check_name
from epql.engine.database import Database
from epql.engine.errors import DataError, Error, ProgrammingError, Span
from epql.engine.index.snapshot import Snapshot, StatesBy, Window
from epql.engine.index.states import as_chosen, check_states, default_states, states_by
from epql.engine.lifecycle import states_of
from epql.engine.lookup import by_id, recorded_in
from epql.engine.session import Present
from epql.engine.vtab.register import RELATIONS
from epql.nodes import NO_CLAUSES, AsOf, Clauses, Diff, History, Instant, Lifecycle, Valid
from epql.plan import catalog
from epql.plan.diff import Side
from epql.plan.relations import Use, merged
from epql.plan.values import Evaluate, Params, span_of, value

_LITERAL: dict[int, tuple[Lifecycle, tuple[int, ...], StatesBy]] = {}
"""What clauses say that say the same at each execution, by their identity."""
_KEPT_MAX = 1000


class Moment(NamedTuple):
    """A belief time: the last commit seen, and the evaluation clock."""

    tx: int
    clock: int


@dataclass
class Resolver:
    """Resolves the clauses of one execution. `standing`: what the session or transaction set."""

    database: Database
    zone: tzinfo
    params: Params
    evaluate: Evaluate
    standing: Clauses = NO_CLAUSES
    notices: list[str] = field(default_factory=list)
    is_strict: bool = True
    """Whether a read that chooses no states is refused where the policy requires it."""
    _present: Moment | None = None
    bound: int | None = None
    """Commits after this one are not seen, though their instants would let them: a replay goes by
    tx, and history may have been loaded since."""

    @property
    def present(self) -> Moment:
        """What this execution sees without AS OF; the same for all its parts."""
        if self._present is None:
            self._present = Moment(*self.database.present())
        return self._present

    @property
    def shared(self) -> Present:
        """The present as all parts of this execution share it."""
        return Present(*self.present, self.bound)

    def stand_at(self, present: Present) -> None:
        """Take over the present of another execution, or of another part of this one."""
        self._present, self.bound = Moment(present.tx, present.clock), present.bound

    def tx_at(self, clock: int) -> int:
        """The last commit recorded at or before an instant, as far as this execution may see."""
        tx = self.database.tx_at(clock)
        return tx if self.bound is None else min(tx, self.bound)

    @property
    def now(self) -> int:
        """The instant of this execution."""
        return self.present.clock

    # ------------------------------------------------------------ scopes

    def scope(self, use: Use) -> Snapshot | Window:
        """What a relation is read at."""
        clauses = merged(use.clauses, self.standing)
        if clauses.diff is None:
            scope: Snapshot | Window = self.snapshot(clauses)
        else:
            scope = self.window(clauses, clauses.diff)
        if "lifecycle" not in catalog.clauses_of(use.relation):
            return scope
        return self._chosen(use, scope)

    def _chosen(self, use: Use, scope: Snapshot | Window) -> Snapshot | Window:
        """The scope of a relation for which states are chosen; refused where none are.

        Raises: ProgrammingError `policy.lifecycle_required`, at the table.
        """
        if not self.is_strict:
            return as_chosen(scope)
        if not use.may_choose_states:
            answers = RELATIONS[use.relation].answers
            try:
                check_states(self.database.declarations, scope, answers=answers)
            except Error as error:
                raise error.with_span(use.span) from None
        return scope

    def snapshot(self, clauses: Clauses) -> Snapshot:
        """A snapshot as the clauses say, with the defaults of language.md §3."""
        moment = self.moment(clauses.as_of)
        snapshot = self._at(moment, clauses)
        if clauses.history is not None:
            snapshot = self._with_history(snapshot, clauses.history)
        return snapshot

    def window(self, clauses: Clauses, diff: Diff) -> Window:
        """The two snapshots that a DIFF compares, each at its own clock."""
        since, until = self._ends(diff, clauses.as_of)
        return Window(self._at(since, clauses), self._at(until, clauses), clauses.valid is None)

    def _ends(self, diff: Diff, as_of: AsOf | None) -> tuple[Moment, Moment]:
        """SINCE and UNTIL of a DIFF that stands at an AS OF."""
        top = self.moment(as_of)
        until = top
        if diff.until is not None:
            until = self.point(diff.until, top.clock)
            if until.clock > top.clock:
                raise DataError(
                    "UNTIL lies after the instant the statement stands at",
                    code="diff.until_after_as_of",
                    span=diff.until.span,
                    hint="move AS OF, or leave UNTIL out",
                )
        since = self.point(diff.since, until.clock)
        if since.clock > until.clock:
            raise DataError(
                "SINCE lies after UNTIL",
                code="diff.reversed",
                span=diff.since.span,
                hint="DIFF SINCE the earlier UNTIL the later",
            )
        return since, until

    def _at(self, moment: Moment, clauses: Clauses) -> Snapshot:
        low = high = moment.clock
        strategy = "latest" if clauses.resolve is None else clauses.resolve.strategy
        if clauses.valid is not None:
            low, high = self.valid_bounds(clauses.valid, moment.clock)
        states, by = self.states(moment.tx, clauses.lifecycle)
        return Snapshot(moment.tx, moment.clock, low, high, states, strategy, states_by=by)

    def states(self, tx: int, lifecycle: Lifecycle | None) -> tuple[tuple[int, ...], StatesBy]:
        """The codes of the states that are seen at a transaction, and what chose them."""
        if lifecycle is None:
            return default_states(self.database.declarations.at(tx)), "policy"
        kept = _LITERAL.get(id(lifecycle))
        if kept is not None:
            return kept[1:]
        names = self._state_names(lifecycle)
        try:
            found = states_of(names, lifecycle.negated), states_by(names, lifecycle.negated)
        except Error as error:
            raise error.with_span(lifecycle.span) from None
        if all(isinstance(state, exp.Literal) for state in lifecycle.states):
            if len(_LITERAL) >= _KEPT_MAX:
                _LITERAL.clear()
            _LITERAL[id(lifecycle)] = (lifecycle, *found)
        return found

    def _state_names(self, lifecycle: Lifecycle) -> tuple[str, ...]:
        names: list[str] = []
        for state in lifecycle.states:
            found = value(state, self.params, self.evaluate)
            names += found if isinstance(found, (list, tuple)) else [found]
        for name in names:
            if not isinstance(name, str):
                raise DataError(
                    f"a lifecycle state is a word, not {name!r}",
                    code="lifecycle.unknown",
                    span=lifecycle.span,
                )
        return tuple(names)

    def _with_history(self, snapshot: Snapshot, history: History) -> Snapshot:
        if history.start is None and history.end is None:
            return snapshot
        after, upto = 0, snapshot.tx
        start = end = None
        if history.start is not None:
            start = self.point(history.start, snapshot.clock)
            after = start.tx
        if history.end is not None:
            end = self.point(history.end, snapshot.clock, future=True)
            if start is not None and start.clock > end.clock:
                raise DataError(
                    "the window of HISTORY ends before it begins",
                    code="history.reversed",
                    span=history.start.span if history.start else None,
                    hint="HISTORY FROM the earlier TO the later",
                )
            # half-open: a version that begins at the very end is not in the window
            upto = self.tx_at(end.clock - 1)
        return replace(snapshot, window=(after, upto))

    # ------------------------------------------------------------ belief time

    def moment(self, as_of: AsOf | None) -> Moment:
        """Where AS OF stands; without one, now."""
        if as_of is None:
            return self.present
        if isinstance(as_of, Side):
            ends = self._ends(as_of.diff, as_of.stands or self.standing.as_of)
            return ends[as_of.which == "after"]
        found = self.point(as_of.instant, self.now)
        if as_of.before:
            tx, clock = found
            if self.database.recorded_at(tx) == clock:
                found = Moment(tx - 1, clock - 1)
            else:
                found = Moment(self.tx_at(clock - 1), clock - 1)
        if found.tx == 0:
            self._note("AS OF lies before the first commit: nothing was known")
        return found

    def point(self, instant: Instant, base: int, *, future: bool = False) -> Moment:
        """The commit and clock of a past instant; relative ones count from `base`.

        Raises: DataError `instant.future` unless `future`, `instant.unknown_tx` and so on.
        """
        try:
            return self._point(instant, base, future)
        except Error as error:
            raise error.with_span(instant.span) from None

    def _point(self, instant: Instant, base: int, future: bool) -> Moment:
        if instant.base == "query" and not instant.shift:
            return self._seen_by(instant)
        tx = self._transaction_of(instant)
        if tx is not None:
            recorded = self.database.recorded_at(tx) if tx else self._before_all()
            assert recorded is not None
            if not instant.shift:
                return Moment(tx, recorded)
            clock = self._shifted(recorded, instant)
        else:
            clock = self.instant(instant, base)
        if clock > self.now and clock > self.database.asked.last() and not future:
            raise DataError(
                f"{instants.format_instant(clock)} lies in the future",
                code="instant.future",
                hint="belief time ends now; for the world's future use VALID AT",
            )
        self.database.wait_for_writer(clock)
        return Moment(self.tx_at(clock), clock)

    def _before_all(self) -> int:
        first = self.database.recorded_at(1)
        return (self.now if first is None else first) - 1

    def _transaction_of(self, instant: Instant) -> int | None:
        """The commit that an instant names; None when it names a point of time."""
        found = None if instant.value is None else self._value(instant)
        if instant.base == "tx":
            return self._known_tx(found)
        if instant.base == "epoch":
            return self._epoch(found)
        if instant.base == "query":
            return self._seen_by(instant).tx
        if isinstance(found, bool):
            return None
        if isinstance(found, int):
            return self._known_tx(found)
        if isinstance(found, str) and instants.looks_like_record(found):
            return recorded_in(self.database, by_id(self.database, found))
        return None

    def _seen_by(self, instant: Instant) -> Moment:
        """What an audited query saw."""
        found = self._value(instant)
        if not isinstance(found, str):
            raise ProgrammingError(
                f"{found!r} is not the id of a query",
                code="id.malformed",
                hint="an id is 'q:' and hexadecimal digits, such as 'q:5d20c1'",
            )
        index = self.database.audited()
        index.catch_up()
        asked = index.asked(index.find(found))
        self._known_tx(asked.tx)
        return Moment(asked.tx, asked.clock)

    def _known_tx(self, number: Any) -> int:
        last = self.database.last()[0]
        if not isinstance(number, int) or isinstance(number, bool):
            raise ProgrammingError(
                f"a transaction is a whole number, not {number!r}", code="instant.unreadable"
            )
        if not 0 <= number <= last:
            raise DataError(
                f"there is no transaction {number}; the last one is {last}",
                code="instant.unknown_tx",
                hint="SELECT tx, recorded_at FROM commits lists them",
            )
        return number

    def _epoch(self, name: Any) -> int:
        check_name("epoch", name)
        row = self.database.db.execute(
            "SELECT id >> 20 FROM epoch WHERE name=?", (name,)
        ).fetchone()
        if row is None:
            raise ProgrammingError(
                f"there is no epoch {name!r}",
                code="epoch.unknown",
                hint="SELECT name FROM epochs lists them",
            )
        return int(row[0])

    # ------------------------------------------------------------ any time

    def instant(self, instant: Instant, base: int) -> int:
        """An instant in microseconds, past or future."""
        try:
            if instant.base in ("tx", "epoch", "query"):
                return self._point(instant, base, future=True).clock
            if instant.base == "now":
                return self._shifted(base, instant)
            return self._shifted(self.point_of_time(self._value(instant), base), instant)
        except Error as error:
            raise error.with_span(instant.span) from None

    def point_of_time(self, found: Any, base: int) -> int:
        """A value in microseconds: text in any form of an instant, a date, a transaction."""
        if isinstance(found, str):
            if instants.looks_like_record(found):
                tx = recorded_in(self.database, by_id(self.database, found))
                return self.database.recorded_at(tx) or 0
            return instants.parse_instant(found, now_us=base, zone=self.zone)
        if isinstance(found, date):  # a datetime is one
            return instants.from_datetime(found, self.zone)
        if isinstance(found, int) and not isinstance(found, bool):
            return self.database.recorded_at(self._known_tx(found)) or 0
        raise DataError(
            f"{found!r} is no instant",
            code="instant.unreadable",
            hint="a string such as '2026-01-12 21:00' or '-24h', a datetime, or TX n",
        )

    def _shifted(self, us: int, instant: Instant) -> int:
        for sign, amount in instant.shift:
            text = value(amount, self.params, self.evaluate)
            if not isinstance(text, str):
                raise DataError(
                    f"{text!r} is no duration",
                    code="instant.unreadable",
                    span=span_of(amount),
                    hint="a string such as '24h' or '7d'",
                )
            us = instants.shift(us, instants.parse_duration(text), sign, self.zone)
        return us

    def _value(self, instant: Instant) -> Any:
        assert instant.value is not None
        return value(instant.value, self.params, self.evaluate)

    # ------------------------------------------------------------ valid time

    def valid_bounds(self, valid: Valid, clock: int) -> tuple[int, int]:
        """(low, high) of a Snapshot for a VALID clause."""
        start, end = self.valid_interval(valid, clock)
        if valid.form == "at":
            return (start or 0, start or 0)
        low = EVER if start is None else start
        return low, FOREVER if end is None else end - 1

    def valid_interval(self, valid: Valid, clock: int) -> tuple[int | None, int | None]:
        """[from, to) as written; None is open. VALID AT v has v as both.

        Raises: DataError `valid.empty`.
        """
        if valid.form == "anytime":
            return None, None
        if valid.form == "during":
            return self._period(valid)
        start = None if valid.start is None else self.instant(valid.start, clock)
        if valid.form == "at":
            return start, start
        end = None if valid.end is None else self.instant(valid.end, clock)
        if start is not None and end is not None and start >= end:
            raise DataError(
                "the valid interval is empty: it ends before it begins",
                code="valid.empty",
                span=valid.span,
                hint="intervals are half-open, [from, to)",
            )
        return start, end

    def _period(self, valid: Valid) -> tuple[int, int]:
        assert valid.period is not None
        found = value(valid.period, self.params, self.evaluate)
        try:
            if not isinstance(found, str):
                raise DataError(f"{found!r} is no period", code="instant.unreadable")
            return instants.parse_period(found, self.zone)
        except Error as error:
            raise error.with_span(span_of(valid.period) or valid.span) from None

    def _note(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)


def at_transaction(number: int, span: Span) -> AsOf:
    """AS OF TX n, for a transaction or session that is pinned."""
    return AsOf(Instant("tx", exp.Literal.number(number), span), False, span)


def at_instant(us: int, span: Span) -> AsOf:
    """AS OF an instant in microseconds."""
    literal = exp.Literal.string(instants.format_instant(us))
    return AsOf(Instant("text", literal, span), False, span)
