"""Value expressions of verbs to Python values: literals and parameters at once, the rest by SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from sqlglot import exp

from epql.engine.errors import ProgrammingError, Span
from epql.nodes import Bind, Expression, Parsed

Params = Sequence[Any] | Mapping[str, Any]
Evaluate = Callable[[Expression, Params], Any]
"""Computes an expression that is neither literal nor parameter."""

Getter = Callable[[Params], Any]


def getter(expression: Expression, evaluate: Evaluate) -> Getter:
    """A function from parameters to the expression's value, for use on many rows."""
    if isinstance(expression, Bind):
        key = expression.this
        return lambda params: params[key]
    constant = _constant(expression)
    if constant is not _NOT_CONSTANT:
        return lambda params: constant
    return lambda params: evaluate(expression, params)


def value(expression: Expression, params: Params, evaluate: Evaluate) -> Any:
    """The expression's value."""
    if isinstance(expression, Bind):
        return params[expression.this]
    constant = _constant(expression)
    return evaluate(expression, params) if constant is _NOT_CONSTANT else constant


def is_constant(expression: Expression) -> bool:
    """Whether its value is the same whatever the parameters are, and known without SQL."""
    return not isinstance(expression, Bind) and _constant(expression) is not _NOT_CONSTANT


_NOT_CONSTANT = object()


def _constant(expression: Expression) -> Any:
    if isinstance(expression, exp.Paren):
        return _constant(expression.this)
    if isinstance(expression, exp.Literal):
        return expression.this if expression.is_string else _number(expression.this)
    if isinstance(expression, exp.Null):
        return None
    if isinstance(expression, exp.Boolean):
        return int(expression.this)
    if isinstance(expression, exp.Neg):
        inner = _constant(expression.this)
        return -inner if isinstance(inner, (int, float)) else _NOT_CONSTANT
    return _NOT_CONSTANT


def _number(text: str) -> Any:
    """A numeric literal as SQLite reads it: an integer that does not fit is a real."""
    try:
        if text[:2].lower() == "0x":
            return int(text, 16)
        whole = int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return _NOT_CONSTANT
    return whole if -(2**63) <= whole <= 2**63 else float(whole)


def are_plain(parsed: Parsed, rows: Sequence[object]) -> bool:
    """Whether `check_params` takes each of many parameters as what nearly every call brings."""
    if parsed.named or not set(map(type, rows)) <= {tuple}:
        return False
    return set(map(len, cast("Sequence[tuple[Any, ...]]", rows))) <= {parsed.positional}


_TEXTS = (str, bytes, bytearray, memoryview)
"""Sequences that nobody means as a list of parameters."""


def check_params(parsed: Parsed, params: Params) -> Params:
    """The parameters, once they are known to fit the statement.

    Raises: ProgrammingError `parameter.count`, `parameter.missing`, `parameter.style`.
    """
    if type(params) is tuple and len(params) == parsed.positional and not parsed.named:
        return params  # what nearly every call brings
    if isinstance(params, _TEXTS) or not isinstance(params, (Sequence, Mapping)):
        raise ProgrammingError(
            f"parameters come as a list, a tuple or a dict, not as {type(params).__name__}",
            code="parameter.style",
            hint="one parameter: (value,)",
        )
    if isinstance(params, Mapping):
        return _check_named(parsed, params)
    if parsed.named:
        raise ProgrammingError(
            "the statement names its parameters: " + ", ".join(f":{n}" for n in parsed.named),
            code="parameter.style",
            hint="pass a dict",
        )
    if len(params) != parsed.positional:
        raise ProgrammingError(
            f"the statement takes {_count(parsed.positional)}, {len(params)} given",
            code="parameter.count",
        )
    return params


def _check_named(parsed: Parsed, params: Mapping[str, Any]) -> Params:
    if parsed.positional:
        raise ProgrammingError(
            f"the statement takes {_count(parsed.positional)} by position",
            code="parameter.style",
            hint="pass a list or a tuple",
        )
    missing = [name for name in parsed.named if name not in params]
    if missing:
        raise ProgrammingError(
            "no value is given for " + ", ".join(f":{name}" for name in missing),
            code="parameter.missing",
        )
    return params


def _count(number: int) -> str:
    return "1 parameter" if number == 1 else f"{number} parameters"


def span_of(expression: Expression) -> Span | None:
    """The place of an expression in the text."""
    found: Span | None = expression.meta.get("span")
    return found
