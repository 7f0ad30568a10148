"""Clauses as text again, and what their instants became.

Parameters stand with their values, so that the text can be typed as it is.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from epql import instants
from epql.engine.explain.words import literal
from epql.nodes import AsOf, Diff, Expression, History, Instant, Lifecycle, Resolve, Valid
from epql.plan.scope import Moment, Resolver
from epql.plan.values import value

Clause = AsOf | Valid | Lifecycle | Resolve | History | Diff
_BASES = {"tx": "TX ", "epoch": "EPOCH ", "query": "QUERY "}


class Writer:
    """Writes clauses of one execution: with its parameters, its zone and its present."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    # ------------------------------------------------------------ as written

    def text(self, clause: Clause) -> str:
        """The clause as it could be typed."""
        match clause:
            case AsOf(instant, before):
                return f"AS OF {'BEFORE ' if before else ''}{self.instant(instant)}"
            case Valid():
                return "VALID " + self._valid(clause)
            case Lifecycle():
                return "LIFECYCLE " + self._lifecycle(clause)
            case Resolve(strategy):
                return f"RESOLVE BY {strategy.upper()}"
            case History():
                return "HISTORY" + self._bounds(" FROM ", clause.start, " TO ", clause.end)
            case Diff(since, _, until, key):
                keys = "" if key is None else f" KEY ({', '.join(key)})"
                return "DIFF" + self._bounds(" SINCE ", since, " UNTIL ", until) + keys

    def _valid(self, valid: Valid) -> str:
        if valid.form == "anytime":
            return "ANYTIME"
        if valid.form == "during":
            assert valid.period is not None
            return "DURING " + self._value(valid.period)
        if valid.form == "at":
            assert valid.start is not None
            return "AT " + self.instant(valid.start)
        return self._bounds(" FROM ", valid.start, " TO ", valid.end).strip()

    def _bounds(self, first: str, start: Instant | None, then: str, end: Instant | None) -> str:
        parts = [(first, start), (then, end)]
        return "".join(word + self.instant(one) for word, one in parts if one is not None)

    def _lifecycle(self, lifecycle: Lifecycle) -> str:
        states: list[str] = []
        for state in lifecycle.states:
            found = self._found(state)
            states += found if isinstance(found, (list, tuple)) else [found]
        words = [state.upper() for state in states]
        if len(words) == 1 and not lifecycle.negated:
            return words[0]
        return f"{'NOT ' if lifecycle.negated else ''}IN ({', '.join(words)})"

    def instant(self, instant: Instant) -> str:
        """A time position as it could be typed."""
        if instant.value is None:
            text = "NOW"
        else:
            text = _BASES.get(instant.base, "") + self._value(instant.value)
            if instant.base == "text" and text.isdigit():
                text = f"TX {text}"  # a parameter that is a whole number
        for sign, amount in instant.shift:
            text += f" {'+' if sign > 0 else '-'} {self._value(amount)}"
        return text

    def _value(self, expression: Expression) -> str:
        found = self._found(expression)
        if isinstance(found, date):  # a datetime is one
            found = found.isoformat()
        return literal(found)

    def _found(self, expression: Expression) -> Any:
        return value(expression, self._resolver.params, self._resolver.evaluate)

    # ------------------------------------------------------------ as understood

    def meaning(self, clause: Clause, clock: int) -> str | None:
        """What the instants of a clause became; `clock` is where its relation is read."""
        resolver = self._resolver
        match clause:
            case AsOf():
                return self.moment(resolver.moment(clause))
            case Valid():
                if clause.form == "anytime":
                    return None
                start, end = resolver.valid_interval(clause, clock)
                return self._span(start, end, is_instant=clause.form == "at")
            case History(_, None, None):
                return None
            case History():
                start, end = (
                    None if one is None else resolver.point(one, clock, future=True).clock
                    for one in (clause.start, clause.end)
                )
                return self._span(start, end)
        return None

    def moment(self, moment: Moment) -> str:
        """A belief time: its instant in the session's zone, and the last commit it sees."""
        return f"{self.clock(moment.clock)}, TX {moment.tx}"

    def clock(self, us: int) -> str:
        """An instant in the session's zone, without needless zeros."""
        text = instants.to_datetime(us, self._resolver.zone).isoformat()
        return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text

    def _span(self, start: int | None, end: int | None, *, is_instant: bool = False) -> str:
        low = "open" if start is None else self.clock(start)
        if is_instant:
            return low
        return f"{low} up to {'open' if end is None else self.clock(end)}"
