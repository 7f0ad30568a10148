"""Carries statements out: the session's state, its transactions, queries and verbs.

What only some statements need (verbs, questions, EXPLAIN) is loaded when the first of them comes:
a program that starts to ask one thing waits for no more than that.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

from msgspec import structs

from epql import nodes
from epql.audit.asking import Audits
from epql.engine.allowed import Allowed
from epql.engine.database import Database
from epql.engine.errors import (
    DataError,
    Error,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)
from epql.engine.governance.gardener import Done, tend
from epql.engine.index.snapshot import Window
from epql.engine.reading import FOREIGN, ours
from epql.engine.session import Present, Session
from epql.engine.transaction import Transaction
from epql.engine.vtab.context import Scope
from epql.explain.levels import Origins, Standing
from epql.gardening import Gardening
from epql.limits import Limits
from epql.nodes import NO_CLAUSES, Expression, Parsed
from epql.nodes.looking import looking
from epql.parse import parse
from epql.parse.splitter import check_length
from epql.plan.compile import Plan
from epql.plan.hidden import overridden
from epql.plan.notices import mixed_times
from epql.plan.scope import Resolver, at_transaction
from epql.plan.settled import settled
from epql.plan.values import Params, are_plain, check_params
from epql.queries import KEPT_MAX, Queries
from epql.ready import Ready, ready_of
from epql.result import Basis, Result, Row, types_of, written
from epql.scratch import Change, ScratchTables
from epql.settings import State

if TYPE_CHECKING:
    from epql.explain.show import Settings
    from epql.grouped import Grouped
    from epql.questions.inquiry import Inquiry, Reply, Writer
    from epql.verbs.asserter import Asserter
    from epql.verbs.work import Answer, Work


class Runner:
    """One connection's session. Raises the errors of epql, with the statement's text.

    `committed`: the tx of its last commit, the gardener's not counted; 0 before the first.
    """

    def __init__(self, database: Database, agent: str, *, autocommit: bool, limits: Limits) -> None:
        self.database = database
        self.turns = database.turns
        self.state = State(agent)
        self._at_first = replace(self.state)
        self.autocommit = autocommit
        self._transaction: Transaction | None = None
        self.committed = 0
        self.gardening = Gardening(database)
        self.session = Session(database, self._overridden, lambda: self.state.agent)
        self.queries = Queries(database, self.session, self.state, weakref.WeakSet())
        self.scratch = ScratchTables(self.session.scratch, self.queries)
        is_audited = database.audit.mode != "off"
        self.audits = Audits(database.audit, self.state) if is_audited else None
        self._parsed: dict[str, Parsed] = {}
        self._ready: dict[str, Ready] = {}
        self._asserters: dict[int, Asserter] = {}
        self._grouped: Grouped | None = None
        if database.options.durability == "group":  # nobody else needs what it loads
            from epql.grouped import grouping

            self._grouped = grouping(self)
        self.limits = limits

    @property
    def limits(self) -> Limits:
        """What one statement may take."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._ready.clear()
        self.session.limit(Allowed(limits.time, limits.memory, limits.length, limits.depth))

    # ------------------------------------------------------------ statements

    def execute(self, text: str, params: Params = ()) -> Result:
        """Execute one statement."""
        ready = self._ready.get(text) if type(text) is str else None
        result = None if ready is None else self._run_ready(ready, text, params)
        return self._execute(text, params) if result is None else result

    def _run_ready(self, ready: Ready, text: str, params: Params) -> Result | None:
        try:
            return ready.run(params)
        except Exception as error:
            self._tell(error, text)

    def _execute(self, text: str, params: Params) -> Result:
        self._settle()
        try:
            with looking(self.turns.check):
                parsed = self._parse(text)
                params = check_params(parsed, params)
                self.database.refresh()
                resolver = self.resolver(params)
                result = self._dispatch(parsed, resolver)
        except Exception as error:
            self._tell(error, text)
        result.notices = [*resolver.notices, *result.notices, *self.take_notices()]
        if not self.state.notices:
            result.notices = []
        if self.database.behind_by:
            result.notices.append(
                f"commit {self.database.behind_by} is durable, but the index has no room for it"
                " yet: this is the state before it"
            )
        return result

    def execute_many(self, text: str, rows: Iterable[Params]) -> Result:
        """Execute a statement that writes once for each row of parameters, as one unit."""
        from epql.carried_out import VERBS
        from epql.verbs import assert_, inserts
        from epql.verbs.work import Answer

        self._settle()
        try:
            parsed = self._parse(text)
            if self._is_scratch(parsed.statement):
                resolver = self.resolver(())
                given = self._given(parsed, rows)
                answer = self.scratch.change_many(parsed, parsed.statement, resolver, given)
                return _answered(answer, resolver)
            verb = VERBS.get(type(parsed.statement))
            if verb is None:
                raise ProgrammingError(
                    "executemany is for statements that write",
                    code="executemany.query",
                    hint="execute a query once for each set of parameters",
                )
            checked = self._given(parsed, rows)
            statement = parsed.statement
            dry_run = getattr(statement, "dry_run", False)
            if isinstance(statement, nodes.Insert):
                statement, verb = inserts.as_assert(statement), VERBS[nodes.Assert]

            def run(work: Work) -> Answer:
                if isinstance(statement, nodes.Assert) and assert_.is_batchable(statement):
                    return assert_.run_many(work, statement, checked)
                count, columns = 0, None
                answers: list[Row] = []
                for row in checked:
                    work.resolver.params = row
                    answer = verb(work, statement)
                    count, columns = count + answer.count, answer.columns
                    answers += answer.rows
                return Answer(count, columns, answers)

            result = self._write(run, self.resolver(()), dry_run=dry_run)
        except Exception as error:
            self._tell(error, text)
        result.notices += self.take_notices()
        return result

    def _given(self, parsed: Parsed, rows: Iterable[Params]) -> Iterator[Params]:
        """The caller's rows, each of which fits the statement, with a look before each, or before
        a few of a list where all fit."""
        look = self.turns.check
        if type(rows) is list and are_plain(parsed, rows):
            rows = rows.copy()
            for start in range(0, len(rows), _LOOKED_AT):
                look()
                yield from rows[start : start + _LOOKED_AT]
            return
        given = _listed(rows)
        while True:
            look()
            try:
                row = next(given)
            except StopIteration:
                return
            except Exception as error:
                raise _Theirs(error) from error
            yield check_params(parsed, row)

    def _tell(self, error: Exception, text: str) -> NoReturn:
        """Raise what a person is told of an error of a statement."""
        if isinstance(error, _Theirs):
            raise error.error
        told = self.database.told(error)
        if told is not None:
            raise told.with_text(text) from error
        if isinstance(error, Error):
            raise error.with_text(text) from error.__cause__
        if isinstance(error, FOREIGN):
            raise ours(error).with_text(text) from error
        raise error

    def take_notices(self) -> list[str]:
        """What is to be told besides the statement: of the gardener, of the audit's writing."""
        if not (self.gardening.untold or self.database.audit.untold):
            return []
        return [*self.gardening.take_notices(), *self.database.audit.take_notices()]

    def _parse(self, text: str) -> Parsed:
        if not isinstance(text, str):
            raise ProgrammingError(
                f"a statement is text, not {type(text).__name__}", code="statement.type"
            )
        check_length(text, self._limits.statement)
        parsed = self._parsed.get(text)
        if parsed is None:
            _check_characters(text)
            parsed = parse(text)
            if len(text) <= KEPT_MAX:
                if len(self._parsed) >= _CACHED:
                    self._parsed.clear()
                self._parsed[text] = parsed
        return parsed

    def _dispatch(self, parsed: Parsed, resolver: Resolver) -> Result:
        statement = parsed.statement
        if isinstance(statement, nodes.Query):
            return self._query(parsed, statement, resolver)
        if isinstance(statement, nodes.Explain):
            return self._explain(parsed, statement, resolver)
        if isinstance(statement, (nodes.Describe, nodes.Show)):
            return self._told(statement, resolver)
        if isinstance(statement, nodes.ScratchDefinition):
            return _answered(self.scratch.define(parsed, statement, resolver), resolver)
        if self._is_scratch(statement):
            return _answered(self.scratch.change(parsed, statement, resolver), resolver)
        from epql.carried_out import VERBS
        from epql.questions.register import QUESTIONS

        question = QUESTIONS.get(type(statement))
        if question is not None:
            return self._ask(question, parsed, resolver)
        verb = VERBS.get(type(statement))
        if verb is not None:
            grouped = self._grouped
            if grouped is not None and (shared := grouped.takes(statement)) is not None:
                return grouped.write(shared, resolver.params)
            dry_run = getattr(statement, "dry_run", False)
            return self._write(lambda work: verb(work, statement), resolver, dry_run=dry_run)
        if isinstance(statement, nodes.Exchange):
            from epql.exchange import statements  # what it needs is loaded when it is used

            return statements.run(self, parsed, resolver)
        return self._control(statement, resolver)

    def _is_scratch(self, statement: nodes.Statement) -> TypeGuard[Change]:
        """Whether it changes rows of a scratch table; INSERT INTO assertions does not."""
        if isinstance(statement, nodes.Insert):
            from epql.verbs import inserts

            return self.scratch.is_scratch(statement.table) or not inserts.is_assert(statement)
        return isinstance(statement, nodes.ScratchChange)

    def ready(self, params: Params) -> Resolver:
        """What resolves the operands of something that is done without a text."""
        self.database.refresh()
        return self.resolver(params)

    # ------------------------------------------------------------ queries

    def _query(self, parsed: Parsed, query: nodes.Query, resolver: Resolver) -> Result:
        queries, audits = self.queries, self.audits
        plan = queries.plan(parsed, query, audited=audits is not None)
        scopes = queries.scopes_of(plan, resolver)
        columns = queries.columns_of(plan)
        scope = queries.stands_on(plan, scopes, resolver)
        result = Result(-1, tuple(columns), types=partial(queries.types_of, plan))
        if audits is not None and plan.uses:
            question = audits.ask(plan, resolver, scopes, scope)
            result.asked = question.id
            result.rows = audits.run(question, queries, scopes)
        else:
            result.rows = queries.rows(plan, scopes, resolver)
        if scope is not None:
            self._make_ready(plan, scope, resolver)
        result.basis = partial(self._basis, scope, resolver, str(self.state.zone))
        if self.state.notices:
            result.late = partial(_notices, queries, plan, resolver, scopes)
        return result

    def _make_ready(self, plan: Plan, scope: Scope, resolver: Resolver) -> None:
        ready = ready_of(self, plan, scope, resolver)
        if ready is not None and len(plan.parsed.text) <= KEPT_MAX:
            if len(self._ready) >= _CACHED:
                self._ready.clear()
            self._ready[plan.parsed.text] = ready

    def _explain(self, parsed: Parsed, explain: nodes.Explain, resolver: Resolver) -> Result:
        from epql.explain.query import COLUMNS, SQLITE_COLUMNS, Explained

        plan = self.queries.plan(parsed, explain.query)
        prepared = self.queries.explain(plan, resolver)
        if explain.query_plan:
            return Result(-1, SQLITE_COLUMNS, iter(prepared.plan))
        standing = Standing(self.state.transaction, self.state.session)
        origins = Origins(explain.query, standing)
        audited = self.queries.plan(parsed, explain.query, audited=self.audits is not None)
        is_fused = self.queries.fused(audited, prepared.scopes, resolver) is not None
        lines = Explained(plan, prepared, resolver, origins, is_fused=is_fused).rows()
        return Result(-1, COLUMNS, iter(lines), mixed_times(plan, resolver))

    def _told(self, statement: nodes.Describe | nodes.Show, resolver: Resolver) -> Result:
        from epql.explain import answers

        if isinstance(statement, nodes.Describe):
            told = answers.of_describe(self.queries, statement)
        else:
            told = answers.of_show(self.queries, statement, self._settings(resolver))
        return Result(-1, told.columns, iter(told.rows), told.notices)

    def _ask(
        self, question: Callable[[Inquiry, Any], Reply], parsed: Parsed, resolver: Resolver
    ) -> Result:
        from epql.questions.inquiry import Inquiry

        inquiry = Inquiry(
            self.database, self.session, resolver, self.queries.lists, self.queries, self._writer()
        )
        reply = question(inquiry, parsed.statement)
        result = Result(-1, reply.columns, reply.rows, inquiry.notices)
        result.types = partial(types_of, reply.columns)
        if self.audits is not None:
            result.asked, result.rows = self.audits.told(parsed, resolver, reply)
        result.basis = partial(self._basis, reply.scope, resolver, str(self.state.zone))
        return result

    def _settings(self, resolver: Resolver) -> Settings:
        from epql import __version__
        from epql.explain.show import Settings

        state = self.state
        transaction = "none"
        if self.in_transaction:
            transaction = "read only" if state.read_only else "open"
        return Settings(
            state.agent, state.purpose, str(state.zone), state.notices, state.fuse, transaction,
            __version__,
            Standing(state.transaction, state.session), resolver,
        )  # fmt: skip

    @staticmethod
    def _basis(scope: Scope | None, resolver: Resolver, zone: str) -> Basis:
        snapshot = scope.until if isinstance(scope, Window) else scope
        snapshot = snapshot or resolver.snapshot(resolver.standing)
        return Basis.of(snapshot, zone, resolver.database.declarations.at(snapshot.tx).policy)

    def _evaluate(self, expression: Expression, params: Params) -> Any:
        """The value of an expression that needs SQL: arithmetic, functions, subqueries."""
        return self.queries.value(expression, self.resolver(params))

    def resolver(self, params: Params, present: Present | None = None) -> Resolver:
        """What resolves the clauses of one execution; `present`: that of another, if given."""
        resolver = Resolver(
            self.database, self.state.zone, params, self._evaluate, self.state.standing
        )
        if present is not None:
            resolver.stand_at(present)
        return resolver

    def sees(self) -> int:
        """The last commit that a read sees now, with the clauses that stand."""
        resolver = self.resolver(())
        return resolver.moment(resolver.standing.as_of).tx

    def _overridden(
        self, scope: Scope, hidden: Mapping[str, object], present: Present | None
    ) -> Scope:
        return overridden(self.resolver((), present), scope, hidden)

    # ------------------------------------------------------------ writing

    def _write(self, run: Callable[[Work], Answer], resolver: Resolver, *, dry_run: bool) -> Result:
        from epql.verbs.work import Work

        self.check_may_write()
        self.queries.buffer()
        transaction = self._open_transaction()
        work = Work(
            self.database, self.session, resolver, self.queries.lists, transaction,
            self.state.agent, self.queries.view_columns, self._asserters,
        )  # fmt: skip
        try:
            with transaction.statement(dry_run=dry_run):
                answer = run(work)
        except BaseException:
            if transaction.is_lost or not self._is_kept_open():
                self.rollback()
            raise
        if not self._is_kept_open():
            self._end(commit=True)
        if dry_run:
            work.notice("DRY RUN: nothing was written")
        return written(answer, [*resolver.notices, *work.notices, *transaction.notices])

    def write_alone(
        self, run: Callable[[Work], Answer], resolver: Resolver, *, dry_run: bool = False
    ) -> Result:
        """Write in a commit of its own; no transaction is open."""
        try:
            result = self._write(run, resolver, dry_run=dry_run)
        except BaseException:
            self.rollback()
            raise
        self._end(commit=True)
        return result

    def _writer(self) -> Writer | None:
        """What a question writes with; None where the session may not write."""
        state = self.state
        is_past = state.read_only or state.standing.as_of is not None
        return None if is_past or self.database.options.read_only else self._note

    def _note(self, act: Callable[[Transaction], None]) -> None:
        """Write in the transaction that is open, else in a commit of its own."""
        is_alone = not self.in_transaction
        self.queries.buffer()
        transaction = self._open_transaction()
        try:
            with transaction.statement():
                act(transaction)
        except BaseException:
            if transaction.is_lost or is_alone:
                self.rollback()
            raise
        if is_alone:
            self._end(commit=True)

    def check_may_write(self) -> None:
        """Raise unless the session stands at now and may write."""
        self.database.check_writable()
        if self.state.read_only:
            raise ProgrammingError(
                "the transaction was begun READ ONLY",
                code="transaction.read_only",
                hint="end it with COMMIT or ROLLBACK first",
            )
        if self.state.standing.as_of is not None:
            raise ProgrammingError(
                "the session stands in the past; the past cannot be written",
                code="transaction.in_the_past",
                hint="ROLLBACK ends it"
                if self.state.transaction.as_of is not None
                else "SET AS OF NOW ends it",
            )

    def check_may_commit(self, what: str) -> None:
        """The same for what commits by itself: nothing may be open that its commit would end."""
        self.check_may_write()
        if self.in_transaction:
            raise InterfaceError(
                f"a transaction is open; {what} commits by itself",
                code="transaction.open",
                hint="COMMIT or ROLLBACK it first",
            )

    def _open_transaction(self) -> Transaction:
        if self._transaction is None:
            self._transaction = self.database.begin(self.state.agent)
        return self._transaction

    def _is_kept_open(self) -> bool:
        return self.state.explicit or not self.autocommit

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open: begun by BEGIN, or by a write without autocommit."""
        return self.state.explicit or self._transaction is not None

    def commit(self) -> None:
        """COMMIT; nothing if no transaction is open."""
        self._end(commit=True)
        self.database.notices += self.gardening.take_notices()

    def rollback(self) -> None:
        """ROLLBACK; nothing if no transaction is open."""
        self._end(commit=False)

    def restart(self) -> None:
        """Roll back what is open, and let go of everything that was SET."""
        self.rollback()
        self.state.become(self._at_first)

    def _settle(self) -> None:
        """Let go of a transaction that has ended here and could not be undone in the engine."""
        left = self.database.transaction
        if left is not None and self._transaction is None:
            self.database.abandon(left)

    def _end(self, *, commit: bool) -> None:
        self._settle()
        transaction, self._transaction = self._transaction, None
        self.state.explicit = self.state.read_only = False
        self.state.transaction = NO_CLAUSES
        if transaction is None:
            return
        self.queries.buffer()
        if not commit:
            if self.audits is not None:
                self.audits.settle()
            transaction.rollback()
            return
        self.committed = transaction.commit() or self.committed
        if transaction.may_correct:
            self.gardening.after_correction()

    def garden(self) -> list[Done]:
        """Do what follows from corrections and is not done yet. Raises: OperationalError."""
        self.check_may_commit("the gardener")
        self.queries.buffer()
        return tend(self.database)

    def close(self) -> None:
        """Roll back what is open and close the database."""
        if self.audits is not None:
            self.audits.close()
        self.queries.drop()
        self.rollback()
        if self._grouped is not None:
            self._grouped.close()
        self.session.close()
        self.database.close()

    # ------------------------------------------------------------ sessions

    def _control(self, statement: nodes.Statement, resolver: Resolver) -> Result:
        if isinstance(statement, nodes.Begin):
            self._begin(statement, resolver)
        elif isinstance(statement, (nodes.Commit, nodes.Rollback)):
            self._end_by_statement(statement)
        elif isinstance(statement, nodes.Set):
            self._set(statement, resolver)
        else:
            from epql.carried_out import NOT_YET

            raise NotSupportedError(
                f"{NOT_YET[type(statement)]} is not available yet",
                code="statement.not_yet",
                span=statement.span,
            )
        return Result(0)

    def _end_by_statement(self, statement: nodes.Commit | nodes.Rollback) -> None:
        if self.autocommit and not self.in_transaction:
            raise ProgrammingError(
                "no transaction is open",
                code="transaction.none",
                span=statement.span,
                hint="BEGIN opens one",
            )
        self._end(commit=isinstance(statement, nodes.Commit))

    def _begin(self, begin: nodes.Begin, resolver: Resolver) -> None:
        if self.in_transaction:
            raise ProgrammingError(
                "a transaction is open already",
                code="transaction.open",
                span=begin.span,
                hint="COMMIT or ROLLBACK it first",
            )
        clauses = begin.clauses
        if begin.read_only and clauses.as_of is None:
            # all reads of the transaction see what its first would have seen
            clauses = structs.replace(
                clauses, as_of=at_transaction(self.database.last()[0], begin.span)
            )
        self.state.transaction = settled(clauses, resolver)
        self.state.explicit, self.state.read_only = True, begin.read_only

    def _set(self, statement: nodes.Set, resolver: Resolver) -> None:
        as_of = statement.clauses.as_of
        if as_of is not None and self._transaction is not None:
            raise ProgrammingError(
                "a transaction that writes is open; it cannot move to the past",
                code="transaction.open",
                span=as_of.span,
                hint="COMMIT or ROLLBACK it first",
            )
        self.state.set(statement, resolver)


def _notices(queries: Queries, plan: Plan, resolver: Resolver, scopes: list[Scope]) -> list[str]:
    from epql.notices import Read, notices_of  # what it needs is loaded when somebody reads them

    return notices_of(Read(queries, plan, resolver, scopes))


def _answered(answer: Answer, resolver: Resolver) -> Result:
    return Result(answer.count, answer.columns, iter(answer.rows), list(resolver.notices))


def _check_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            "the statement holds half a character (a lone surrogate)",
            code="value.text",
            hint="decode the text with the right encoding first",
        ) from error


class _Theirs(Exception):
    """An error of the caller's own rows, which he gets back as it is."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _listed(rows: Iterable[Params]) -> Iterator[Params]:
    try:
        return iter(rows)
    except TypeError:
        raise ProgrammingError(
            f"executemany takes rows of parameters, not {type(rows).__name__}",
            code="parameter.style",
            hint="a list of tuples, or of dicts",
        ) from None


_LOOKED_AT = 16
"""Rows of one list between two looks."""

_CACHED = 1000
