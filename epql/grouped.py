"""Statements that share their sync with those of other threads: durability='group'.

What is done there, and how, is engine/group.py; here is which statements may: those that commit by
themselves and need nothing of their own session but what stands in their text and parameters.
Whatever reads a query, scratch tables or an open transaction goes the general way (runner.py).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec import Struct

from epql import nodes
from epql.engine import group
from epql.engine.errors import Error, InternalError
from epql.engine.files import OsFiles
from epql.engine.transaction import Transaction
from epql.plan.scope import Resolver
from epql.plan.values import Params, is_constant
from epql.result import Result, written

if TYPE_CHECKING:
    from epql.runner import Runner
    from epql.verbs.asserter import Asserter
    from epql.verbs.work import Answer

_VERBS = (
    nodes.Assert, nodes.Transition, nodes.Retract, nodes.Supersede, nodes.Revive, nodes.Confirm,
    nodes.Vote,
)  # fmt: skip


def grouping(runner: Runner) -> Grouped | None:
    """How the statements of a connection that is to share syncs do it; None where they cannot."""
    database = runner.database
    writes_files = isinstance(database.files, OsFiles) and not database.options.read_only
    return Grouped(runner) if writes_files else None


class Grouped:
    """The statements of one connection that share their syncs."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._writer: group.SharedWriter | None = None
        self._asserters: dict[int, Asserter] = {}
        self._known: dict[int, tuple[nodes.Statement, nodes.Statement | None]] = {}
        """What is carried out of a statement, by its identity."""

    def takes(self, statement: nodes.Statement) -> nodes.Statement | None:
        """What `write` is to carry out of a statement; None: it may not be done here, now."""
        runner = self._runner
        if not runner.autocommit or runner.in_transaction:
            return None
        if runner.limits.memory is not None:  # SQLite may take back all of a group for want of it
            return None
        known = self._known.get(id(statement))
        if known is None or known[0] is not statement:
            if len(self._known) >= _KEPT_MAX:
                self._known.clear()
            known = self._known[id(statement)] = statement, _shared_form(statement)
        return known[1]

    def write(self, statement: nodes.Statement, params: Params) -> Result:
        """Carry a statement out; it is committed when this returns. Raises: as any that writes."""
        from epql.carried_out import VERBS
        from epql.verbs.work import Work

        runner = self._runner
        runner.check_may_write()
        runner.queries.buffer()  # what is read from here on shall see what is written now
        runner.database.audit.flush()  # what was read before is known wherever the commit is
        if self._writer is None:
            self._writer = group.join(runner.database.files, runner.database.options)
        writer, state = self._writer, runner.state

        def act(transaction: Transaction) -> tuple[Answer, list[str]]:
            database = transaction.database
            if database.notices:  # of opening and recovery there
                runner.database.notices += database.notices
                database.notices.clear()
            resolver = Resolver(database, state.zone, params, _refuse, state.standing)
            work = Work(
                database, writer.session, resolver, _refuse, transaction, state.agent, _refuse,
                self._asserters,
            )  # fmt: skip
            with transaction.statement():
                answer = VERBS[type(statement)](work, statement)
            return answer, [*resolver.notices, *work.notices, *transaction.notices]

        timeout_s = runner.database.options.timeout_s
        done = writer.carry_out(state.agent, runner.turns, timeout_s, act)
        runner.committed = done.tx or runner.committed
        if done.behind_by:
            runner.database.behind_by = done.behind_by
        answer, notices = done.answer
        return written(answer, notices)

    def close(self) -> None:
        """Share nothing more."""
        writer, self._writer = self._writer, None
        if writer is not None:
            group.leave(writer)


def _shared_form(statement: nodes.Statement) -> nodes.Statement | None:
    """A statement that needs nothing but its parameters and what is written in it; else None."""
    from epql.verbs import inserts

    if isinstance(statement, nodes.Insert):
        with suppress(Error):  # what is wrong with it is told by the general way
            return _shared_form(inserts.as_assert(statement))
        return None
    is_dry = getattr(statement, "dry_run", False)
    is_alone = isinstance(statement, _VERBS) and not is_dry and _is_plain(statement)
    return statement if is_alone else None


def _is_plain(part: object) -> bool:
    if isinstance(part, nodes.Expression):
        return isinstance(part, nodes.Bind) or is_constant(part)
    if isinstance(part, Struct):
        return all(_is_plain(getattr(part, name)) for name in part.__struct_fields__)
    return not isinstance(part, tuple) or all(map(_is_plain, part))


def _refuse(*_: Any) -> NoReturn:
    raise InternalError(
        "a statement that needs its session was not to share its sync", code="internal.unexpected"
    )


_KEPT_MAX = 1000
