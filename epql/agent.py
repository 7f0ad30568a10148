"""What agent code says most often, as typed methods over the same statements.

    con.assert_("auth/jwt", "algorithm", "RS256", confidence=0.92, lifecycle="approved")
    con.check("auth/jwt", "algorithm", "ES256")          what forbids it
    con.why("auth/jwt", "algorithm")                     why it is believed
    con.correct(("auth/jwt", "algorithm", "ES256"), forbid=True, prefer="RS256", reason="…")
    with con.as_of("2026-01-12 21:00"): con.execute(…)   what was believed then

Each builds one statement whose values are parameters; docs/language has what it means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from epql.engine.explain.words import literal
from epql.engine.records import Object
from epql.rows import tuple_row

if TYPE_CHECKING:
    from epql.cursor import Cursor
    from epql.rows import Row, RowFactory
    from epql.runner import Runner

Time = str | date | int
"""An instant: text in any form, a datetime (naive: of the session's zone), a date, or a tx."""

Target = str | tuple[str, str] | tuple[str, str, Object]
"""An assertion: its id or a prefix of it, its slot, or its triple."""


class Hit(NamedTuple):
    """A rule that a triple would meet: the columns of CHECK, in their order.

    `verdict` is 'DENY' (an ASSERT would be refused) or 'WARN'; `freshness` is that before this use.
    """

    verdict: str
    subject: str
    predicate: str
    object: Object
    rule: str
    pattern: str
    reason: str | None
    prefer: Object | None
    severity: str
    agent: str
    recorded_at: str
    freshness: float
    last_used: str | None


class Ground(NamedTuple):
    """What WHY tells of one assertion of a slot: its columns, in their order.

    `role` is 'winner', 'loser' or 'excluded', `step` what decided, `why` a sentence. The lists
    (`approved_by` to `parents`, `corrections`, `rules`) are JSON text, None where empty.
    """

    role: str
    object: Object
    lifecycle: str
    step: str
    why: str
    confidence: float
    trust: float
    freshness: float
    credence: float
    score: float | None
    agent: str
    recorded_at: str
    source: str | None
    reason: str | None
    approved_by: str | None
    votes: str | None
    parents: str | None
    flagged: str | None
    corrections: str | None
    rules: str | None
    valid_from: str | None
    valid_to: str | None
    subject: str
    predicate: str
    tx: int
    id: str


class Said:
    """A statement in the making: its text, and the values for its question marks."""

    def __init__(self, text: str, *values: Any) -> None:
        self.text = text
        self.values = list(values)

    def add(self, words: str, *values: Any) -> Self:
        """Append words with their values, unless a value is None."""
        if None not in values:
            self.text += " " + words
            self.values += values
        return self

    def add_valid(self, start: Time | None, end: Time | None) -> Self:
        """Append VALID FROM … TO …; an end that is None is open."""
        if start is None and end is None:
            return self
        self.text += " VALID"
        return self.add("FROM ?", start).add("TO ?", end)


def said_of(verb: str, target: Target) -> Said:
    """A statement about a target."""
    if isinstance(target, tuple):
        return Said(f"{verb} ({', '.join('?' * len(target))})", *target)
    return Said(f"{verb} ?", target)


def said_assertion(
    subject: str,
    predicate: str,
    object: Object,  # noqa: A002  the third part of a triple
    *,
    confidence: float | None = None,
    lifecycle: str | None = None,
    agent: str | None = None,
    source: str | None = None,
    valid_from: Time | None = None,
    valid_to: Time | None = None,
    because: Sequence[str] = (),
    qualified: Mapping[str, Object] | None = None,
    key: str | None = None,
    if_none: bool = False,
    reason: str | None = None,
) -> Said:
    """An ASSERT."""
    said = Said("ASSERT (?, ?, ?)", subject, predicate, object)
    said.add("AGENT ?", agent).add("CONFIDENCE ?", confidence).add("LIFECYCLE ?", lifecycle)
    said.add("SOURCE ?", source).add_valid(valid_from, valid_to)
    if because:
        said.add("BECAUSE " + ", ".join("?" * len(because)), *because)
    if qualified:
        pairs = ", ".join(f"{literal(name)} = ?" for name in qualified)
        said.add(f"QUALIFIED ({pairs})", *qualified.values())
    said.add("KEY ?", key)
    if if_none:
        said.add("IF NONE")
    return said.add("REASON ?", reason)


def said_correction(
    target: Target,
    *,
    reason: str,
    to: Object | None = None,
    valid_from: Time | None = None,
    valid_to: Time | None = None,
    forbid: bool = False,
    prefer: Object | None = None,
    confidence: float | None = None,
    source: str | None = None,
) -> Said:
    """A CORRECT."""
    said = said_of("CORRECT", target).add("TO ?", to).add_valid(valid_from, valid_to)
    if forbid:
        said.add("FORBID")
    said.add("PREFER ?", prefer).add("CONFIDENCE ?", confidence).add("SOURCE ?", source)
    return said.add("REASON ?", reason)


class Speaking:
    """The methods of a connection for agent code."""

    if TYPE_CHECKING:

        @property
        def runner(self) -> Runner: ...

        def execute(self, text: str, params: Sequence[Any] = ()) -> Cursor[Any]: ...

        def cursor(self, *, row_factory: RowFactory[Row]) -> Cursor[Row]: ...

    def assert_(
        self,
        subject: str,
        predicate: str,
        object: Object,  # noqa: A002  the third part of a triple
        *,
        confidence: float | None = None,
        lifecycle: str | None = None,
        agent: str | None = None,
        source: str | None = None,
        valid_from: Time | None = None,
        valid_to: Time | None = None,
        because: Sequence[str] = (),
        qualified: Mapping[str, Object] | None = None,
        key: str | None = None,
        reason: str | None = None,
    ) -> str:
        """ASSERT a triple; the id of the assertion.

        Units: `confidence` from 0 to 1. `because`: ids of the assertions it is derived from.
        Raises: IntegrityError `rule.forbidden` if a rule forbids it, and the errors of ASSERT.
        Source: docs/language/asserting.md.
        """
        said = said_assertion(
            subject, predicate, object, confidence=confidence, lifecycle=lifecycle, agent=agent,
            source=source, valid_from=valid_from, valid_to=valid_to, because=because,
            qualified=qualified, key=key, reason=reason,
        )  # fmt: skip
        said.add("RETURNING id")
        return str(self._said(said).fetchall()[0][0])

    def check(
        self,
        subject: str,
        predicate: str,
        object: Object,  # noqa: A002  the third part of a triple
    ) -> list[Hit]:
        """CHECK a triple before it is acted upon: the rules it would meet, none if it is free.

        Raises: the errors of CHECK. Source: docs/language/forbidding.md.
        """
        rows = self._said(Said("CHECK (?, ?, ?)", subject, predicate, object)).fetchall()
        return [Hit(*row) for row in rows]

    def why(self, subject: str, predicate: str | None = None) -> list[Ground]:
        """WHY a slot has its belief, or WHY an assertion (its id alone) wins or loses there.

        Shape: the winner first, then the losers, then what the clauses exclude.
        Raises: ProgrammingError `target.none`, `id.*`. Source: docs/language/asking-why.md.
        """
        target: Target = subject if predicate is None else (subject, predicate)
        return [Ground(*row) for row in self._said(said_of("WHY", target)).fetchall()]

    def correct(
        self,
        target: Target,
        *,
        reason: str,
        to: Object | None = None,
        valid_from: Time | None = None,
        valid_to: Time | None = None,
        forbid: bool = False,
        prefer: Object | None = None,
        confidence: float | None = None,
        source: str | None = None,
    ) -> str:
        """CORRECT an assertion; the id of its replacement, or else of the correction ('x:…').

        `to`, `valid_from`, `valid_to`, `confidence` and `source` are the replacement's; with
        `forbid` the wrong triple is forbidden from now on, and `prefer` is what to use instead.
        Raises: IntegrityError for what cannot be corrected, and the errors of targets.
        Source: docs/language/judging.md.
        """
        said = said_correction(
            target, reason=reason, to=to, valid_from=valid_from, valid_to=valid_to, forbid=forbid,
            prefer=prefer, confidence=confidence, source=source,
        )  # fmt: skip
        said.add("RETURNING corrected_by")
        return str(self._said(said).fetchall()[0][0])

    @contextmanager
    def as_of(self, instant: Time) -> Iterator[Self]:
        """Within the block every read of this connection stands at an instant; nothing can be
        written. Afterwards the session stands where it stood.

        Raises: the errors of SET AS OF. Source: docs/language/transactions.md.
        """
        state = self.runner.state
        before = state.session
        self.execute("SET AS OF ?", (instant,))
        try:
            yield self
        finally:
            state.session = before

    def _said(self, said: Said) -> Cursor[Row]:
        return self.cursor(row_factory=tuple_row).execute(said.text, said.values)
