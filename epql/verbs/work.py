"""What a verb has to work with, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from epql.engine.content import check_name, check_optional, check_reason
from epql.engine.database import Database
from epql.engine.errors import Error
from epql.engine.session import Session
from epql.engine.transaction import Transaction
from epql.nodes import DefineQuery, Expression, QueryExpression
from epql.plan.scope import Resolver
from epql.plan.values import Params, span_of, value

if TYPE_CHECKING:
    from epql.verbs.asserter import Asserter

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """Rows and their columns (none without RETURNING), and how many assertions were written."""

    count: int
    columns: tuple[str, ...] | None = None
    rows: Sequence[Row] = ()


@dataclass
class Asking:
    """What a statement needs to evaluate its operands and to find what they name.

    `query` runs a SELECT and gives columns and rows.
    """

    database: Database
    session: Session
    resolver: Resolver
    query: Callable[[QueryExpression, Resolver], tuple[list[str], list[Row]]]
    notices: list[str] = field(default_factory=list, kw_only=True)

    @property
    def params(self) -> Params:
        """The statement's parameters."""
        return self.resolver.params

    def value(self, expression: Expression) -> Any:
        """The value of an expression."""
        return value(expression, self.params, self.resolver.evaluate)

    def name(self, what: str, expression: Expression) -> str:
        """A subject, predicate, agent …; errors point at the expression."""
        return str(self._checked(expression, lambda found: check_name(what, found)))

    def optional(self, what: str, expression: Expression | None) -> str | None:
        """A name, or None where the option is not given or NULL."""
        if expression is None:
            return None
        found: str | None = self._checked(expression, lambda value: check_optional(what, value))
        return found

    def reason(self, expression: Expression | None) -> str | None:
        """The REASON of a statement."""
        return None if expression is None else self._checked(expression, check_reason)

    def checked(self, expression: Expression, check: Callable[[Any], Any]) -> Any:
        """A value that passes a check; its error points at the expression."""
        return self._checked(expression, check)

    def _checked(self, expression: Expression, check: Callable[[Any], Any]) -> Any:
        try:
            return check(self.value(expression))
        except Error as error:
            raise error.with_span(span_of(expression)) from None

    def notice(self, text: str) -> None:
        """Tell the person something that is not an error."""
        self.notices.append(text)


@dataclass
class Work(Asking):
    """The surroundings of one statement that writes.

    `view_columns` gives the columns of a view as it would be, once it is known to work;
    `asserters`: those of statements that were executed before (`asserter_of`).
    """

    transaction: Transaction
    agent: str
    view_columns: Callable[[str, DefineQuery], list[str]]
    asserters: dict[int, Asserter]
