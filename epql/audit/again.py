"""A kept question asked once more: on what it stood on then, at now, or as the difference of both.

Everything is computed anew from text, parameters, zone and standing clauses; of the old answer
there is a digest, a count and the assertions that it showed, with which the new one is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec import structs

from epql.audit.asking import given
from epql.audit.rows import AuditedRows, Row, RowsDigest
from epql.audit.seen import Read, Seen
from epql.engine.audit.record import Answered, Asked, query_id
from epql.engine.database import Database
from epql.engine.errors import DataError, NotSupportedError, ProgrammingError, Span
from epql.engine.records import assertion_id
from epql.engine.session import Present
from epql.engine.vtab.context import Scope
from epql.engine.vtab.show import instant
from epql.nodes import Begin, Clauses, Expression, Parsed, Query
from epql.parse import parse
from epql.plan.compile import Plan
from epql.plan.scope import Resolver
from epql.plan.sincequery import diff_since, has_diff
from epql.plan.values import Params
from epql.queries import Queries
from epql.zone import zone_of

KINDS = ("select", "diff")
"""The kinds of questions that can be asked again."""


class Kept(NamedTuple):
    """A question in the audit, and what came of it."""

    digest: bytes
    asked: Asked
    answered: Answered | None


class Outcome(NamedTuple):
    """An answer given again, and how it compares with the one that was given then."""

    columns: list[str]
    rows: list[Row]
    scope: Scope | None
    resolver: Resolver
    notice: str


def kept(database: Database, name: str) -> Kept:
    """The question of that id. Raises ProgrammingError `id.*`, NotSupportedError `replay.kind`."""
    index = database.audited()
    index.catch_up()
    digest = index.find(name)
    asked = index.asked(digest)
    return Kept(digest, asked, index.answered(digest))


class Again:
    """One kept question, with what it needs to be asked again."""

    def __init__(self, database: Database, queries: Queries, question: Kept) -> None:
        asked = question.asked
        _check(asked)
        self._database = database
        self._queries = queries
        self._question = question
        self._parsed = parse(asked.text)
        assert isinstance(self._parsed.statement, Query)
        self._query = self._parsed.statement
        self._params = given(asked, self._parsed.named)
        self._standing = _standing(asked.clauses)

    def then(self) -> Outcome:
        """On what it stood on. Raises: what asking it raises."""
        asked = self._question.asked
        last = self._database.last()[0]
        if asked.present > last:
            raise DataError(
                f"the query saw transaction {asked.present}, which was never committed",
                code="replay.undone",
                hint=f"the last one is {last}",
            )
        bound = max(asked.present, asked.tx)
        resolver = self._resolver(Present(asked.present, asked.at, bound), self._standing)
        plan = self._queries.plan_at(self._parsed, self._query, asked.present)
        return self._run(plan, resolver)

    def now(self) -> Outcome:
        """The same question at now; an AS OF in its own text stays."""
        plan = self._queries.plan(self._parsed, self._query, audited=True)
        return self._run(plan, self._now())

    def difference(self, span: Span) -> Outcome:
        """What differs between the answer then and the one now. Raises `replay.diff`."""
        if has_diff(self._query):
            raise NotSupportedError(
                "the query is a DIFF itself",
                code="replay.diff",
                span=span,
                hint="REPLAY QUERY … AS OF NOW asks it again at now",
            )
        answered = self._question.answered
        was_one = answered is not None and answered.complete and answered.rows == 1
        is_one = was_one and len(self.now().rows) == 1
        query = diff_since(self._query, query_id(self._question.digest), span, one_row=is_one)
        parsed = Parsed(query, self._parsed.text, self._parsed.positional, self._parsed.named)
        plan = self._queries.plan(parsed, query, audited=True)
        return self._run(plan, self._now(), is_difference=True)

    # ------------------------------------------------------------ steps

    def _now(self) -> Resolver:
        return self._resolver(None, structs.replace(self._standing, as_of=None))

    def _resolver(self, present: Present | None, standing: Clauses) -> Resolver:
        """A resolver as the question had it; what its instants compute stands where it stands."""
        zone = zone_of(self._question.asked.zone)

        def made(params: Params) -> Resolver:
            resolver = Resolver(self._database, zone, params, evaluate, standing)
            if present is not None:
                resolver.stand_at(present)
            return resolver

        def evaluate(expression: Expression, params: Params) -> Any:
            return self._queries.value(expression, made(params))

        return made(self._params)

    def _run(self, plan: Plan, resolver: Resolver, *, is_difference: bool = False) -> Outcome:
        scopes = self._queries.scopes_of(plan, resolver)
        columns = self._queries.columns_of(plan)
        seen = Seen()
        with self._queries.speaking(self._question.asked.agent):
            running = self._queries.rows(plan, scopes, resolver, seen.watchers(plan.carried))
            rows = AuditedRows(running, plan.carried, seen, _nothing).rest()
        scope = self._queries.stands_on(plan, scopes, resolver)
        if is_difference:
            notice = _of_difference(self._question, len(rows))
        else:
            reads, _ = seen.reads(self._database)
            notice = compared(self._question, rows, reads)
            if notice.startswith("differs") and self._may_have_seen_more():
                notice += "; it may have seen a transaction that was still open then"
        return Outcome(columns, rows, scope, resolver, notice)

    def _may_have_seen_more(self) -> bool:
        """Whether the last commit that it saw was, or may have been, an open transaction."""
        asked = self._question.asked
        recorded_at = self._database.recorded_at(asked.present)
        return recorded_at is not None and recorded_at >= asked.at


def _check(asked: Asked) -> None:
    if asked.kind not in KINDS:
        raise NotSupportedError(
            f"a {asked.kind.replace('_', ' ').upper()} is not asked again",
            code="replay.kind",
            hint="SELECTs are: TRACE QUERIES lists them with their kind",
        )
    scratch = [name for name in asked.relations if name.startswith("temp.")]
    if scratch:
        raise ProgrammingError(
            f"the query read the scratch table {scratch[0].removeprefix('temp.')!r}, which went"
            " with its connection",
            code="replay.scratch",
        )


def _standing(clauses: str) -> Clauses:
    """The clauses of a session, as Audits wrote them down."""
    begin = parse(f"BEGIN {clauses}").statement
    assert isinstance(begin, Begin)
    return begin.clauses


def _nothing(*_: object) -> None:
    """A replay leaves no answer of its own behind."""


# ---------------------------------------------------------------- comparing


def compared(question: Kept, rows: Sequence[Row], reads: Sequence[Read]) -> str:
    """How rows compare with the answer that was given."""
    then = f"the answer of {instant(question.asked.at)}"
    answered = question.answered
    if answered is None:
        return f"{then} was never recorded: there is nothing to compare with"
    if answered.error is not None:
        return f"{then} was an error: {answered.error}"
    digest = RowsDigest()
    digest.update(list(rows if answered.complete else rows[: answered.rows]))
    fetched = "" if answered.complete else f" as far as it was fetched ({_rows(answered.rows)})"
    if digest.digest() == answered.digest and digest.count == answered.rows:
        return f"identical to {then}{fetched}"
    told = [
        f"differs from {then}{fetched}: {_rows(answered.rows)} then, {_rows(len(rows))} this time"
    ]
    if answered.complete and answered.read_count == len(answered.reads):
        before = {read[0] for read in answered.reads}
        after = {read[0] for read in reads}
        told += _moved("came", after - before)
        told += _moved("went", before - after)
    return "; ".join(told)


def _of_difference(question: Kept, count: int) -> str:
    if not count:
        return f"the answer of {instant(question.asked.at)} is the same now"
    return f"compared with the answer of {instant(question.asked.at)}: {_rows(count)} of change"


def _moved(word: str, digests: Iterable[bytes]) -> list[str]:
    names = sorted(assertion_id(digest) for digest in digests)
    shown = [name[:14] + "…" for name in names[:5]]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return [f"{word}: {', '.join(shown)}{more}"] if names else []


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
