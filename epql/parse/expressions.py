"""What the rules of expressions.lark mean: sqlglot expressions.

Each function takes the values of a rule's parts and its place. Names, operators and functions
are kept as written: every call is an `Anonymous`, so that nothing is renamed on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from epql.engine.errors import DataError, ProgrammingError, Span
from epql.nodes import Bind, Expression, UnaryPlus
from epql.parse.lexer import Token
from epql.parse.places import at, literal, span_of

Parts = list[Any]

BINARY: dict[str, type[exp.Expression]] = {
    "EQ": exp.EQ,
    "EQ_EQ": exp.EQ,
    "NE": exp.NEQ,
    "NE_BANG": exp.NEQ,
    "LT": exp.LT,
    "LE": exp.LTE,
    "GT": exp.GT,
    "GE": exp.GTE,
    "AMP": exp.BitwiseAnd,
    "PIPE": exp.BitwiseOr,
    "SHIFT_LEFT": exp.BitwiseLeftShift,
    "SHIFT_RIGHT": exp.BitwiseRightShift,
    "PLUS": exp.Add,
    "MINUS": exp.Sub,
    "STAR": exp.Mul,
    "SLASH": exp.Div,
    "PERCENT": exp.Mod,
    "CONCAT": exp.DPipe,
    "ARROW": exp.JSONExtract,
    "LONG_ARROW": exp.JSONExtractScalar,
}
MATCHES: dict[str, type[exp.Expression]] = {
    "LIKE": exp.Like,
    "GLOB": exp.Glob,
    "REGEXP": exp.RegexpLike,
    "MATCH": exp.Match,
}
CURRENT: dict[str, type[exp.Expression]] = {
    "CURRENT_DATE": exp.CurrentDate,
    "CURRENT_TIME": exp.CurrentTime,
    "CURRENT_TIMESTAMP": exp.CurrentTimestamp,
}
PARAMETERS_MAX = 32766
"""SQLite's own limit on the number of parameters."""


def is_token(part: Any, *kinds: str) -> bool:
    return isinstance(part, Token) and part.kind in kinds


def without_tokens(parts: Parts) -> Parts:
    return [part for part in parts if not isinstance(part, Token)]


def _tokens(parts: Parts) -> Iterator[Token]:
    """The tokens of a rule without a meaning of its own, without the comments between them."""
    for part in parts:
        if isinstance(part, Token):
            yield part
        else:
            yield from _tokens(part)


class Expressions:
    """The rules of expressions.lark."""

    text: str

    def __init__(self, text: str) -> None:
        self.text = text
        self.positional = 0
        self.numbered: Token | None = None
        self.named: dict[str, Token] = {}

    # ------------------------------------------------------------ operators

    def or_op(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Or(this=parts[0], expression=parts[2]), start, end)

    def and_op(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.And(this=parts[0], expression=parts[2]), start, end)

    def not_op(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Not(this=parts[1]), start, end)

    def binary(self, parts: Parts, start: int, end: int) -> Expression:
        made = BINARY[parts[1].kind]
        return at(made(this=parts[0], expression=parts[2]), start, end)

    def sign(self, parts: Parts, start: int, end: int) -> Expression:
        if parts[0].kind == "PLUS":  # SQLite's + hides a column from its index and affinity
            return at(UnaryPlus(this=parts[1]), start, end)
        made = exp.Neg if parts[0].kind == "MINUS" else exp.BitwiseNot
        return at(made(this=parts[1]), start, end)

    def is_op(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Is(this=parts[0], expression=parts[2]), start, end)

    def is_not(self, parts: Parts, start: int, end: int) -> Expression:
        inner = at(exp.Is(this=parts[0], expression=parts[3]), start, end)
        return at(exp.Not(this=inner), start, end)

    def is_distinct(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.NullSafeNEQ(this=parts[0], expression=parts[-1]), start, end)

    def is_not_distinct(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.NullSafeEQ(this=parts[0], expression=parts[-1]), start, end)

    def null_test(self, parts: Parts, start: int, end: int) -> Expression:
        null = at(exp.Null(), parts[1].start, end)
        inner = at(exp.Is(this=parts[0], expression=null), start, end)
        return inner if parts[1].kind == "ISNULL" else at(exp.Not(this=inner), start, end)

    def between(self, parts: Parts, start: int, end: int) -> Expression:
        inner = exp.Between(this=parts[0], low=parts[-3], high=parts[-1])
        return self._maybe_not(inner, parts, start, end)

    def like(self, parts: Parts, start: int, end: int) -> Expression:
        inner = MATCHES[parts[-2].kind](this=parts[0], expression=parts[-1])
        return self._maybe_not(inner, parts, start, end)

    def like_escape(self, parts: Parts, start: int, end: int) -> Expression:
        match = at(MATCHES[parts[-4].kind](this=parts[0], expression=parts[-3]), start, end)
        inner = exp.Escape(this=match, expression=parts[-1])
        return self._maybe_not(inner, parts, start, end)

    def in_list(self, parts: Parts, start: int, end: int) -> Expression:
        items = parts[-2] if isinstance(parts[-2], list) else []
        return self._maybe_not(exp.In(this=parts[0], expressions=items), parts, start, end)

    def in_query(self, parts: Parts, start: int, end: int) -> Expression:
        query = at(exp.Subquery(this=parts[-2]), parts[-3].start, end)
        return self._maybe_not(exp.In(this=parts[0], query=query), parts, start, end)

    def in_table(self, parts: Parts, start: int, end: int) -> Expression:
        return self._maybe_not(exp.In(this=parts[0], field=parts[-1]), parts, start, end)

    def _maybe_not(self, inner: Expression, parts: Parts, start: int, end: int) -> Expression:
        at(inner, start, end)
        return at(exp.Not(this=inner), start, end) if is_token(parts[1], "NOT") else inner

    def collate(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Collate(this=parts[0], expression=parts[2]), start, end)

    # ------------------------------------------------------------ atoms

    def paren(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Paren(this=parts[1]), start, end)

    def row_value(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Tuple(expressions=[parts[1], *parts[3]]), start, end)

    def scalar_query(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Subquery(this=parts[1]), start, end)

    def exists(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Exists(this=parts[2]), start, end)

    def cast(self, parts: Parts, start: int, end: int) -> Expression:
        kind = parts[4]
        if isinstance(kind, Token):  # SQL: CAST (x AS ) has no type, which is one, too
            kind = at(exp.DataType(this=exp.DType.USERDEFINED, kind=""), kind.start, kind.start)
        return at(exp.Cast(this=parts[2], to=kind), start, end)

    def type_name(self, parts: Parts, start: int, end: int) -> Expression:
        """Any words, as SQLite allows; kept as written, since they only decide affinity."""
        names = [part for part in parts if isinstance(part, exp.Identifier)]
        size = "".join(token.value for token in _tokens(parts[len(names) :]))
        kind = " ".join(name.name for name in names) + size
        return at(exp.DataType(this=exp.DType.USERDEFINED, kind=kind), start, end)

    def case(self, parts: Parts, start: int, end: int) -> Expression:
        operand = None if isinstance(parts[1], exp.If) else parts[1]
        branches = [part for part in parts if isinstance(part, exp.If)]
        default = parts[-2] if is_token(parts[-3], "ELSE") else None
        return at(exp.Case(this=operand, ifs=branches, default=default), start, end)

    def when(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.If(this=parts[1], true=parts[3]), start, end)

    def expr_list(self, parts: Parts, start: int, end: int) -> list[Expression]:
        return parts[::2]

    def string(self, parts: Parts, start: int, end: int) -> Expression:
        return literal(parts[0].value[1:-1].replace("''", "'"), start, end)

    def number(self, parts: Parts, start: int, end: int) -> Expression:
        digits = parts[0].value.replace("_", "")
        if digits[:2] in ("0x", "0X") and len(digits[2:].lstrip("0")) > 16:
            raise DataError(
                "a hexadecimal number has at most 16 digits",
                code="number.too_big",
                span=Span(start, end),
            )
        return at(exp.Literal(this=digits, is_string=False), start, end)

    def blob(self, parts: Parts, start: int, end: int) -> Expression:
        digits = parts[0].value[2:-1]
        if len(digits) % 2:
            raise DataError(
                "a blob has two hexadecimal digits a byte",
                code="blob.odd_digits",
                span=Span(start, end),
            )
        return at(exp.HexString(this=digits), start, end)

    def null(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Null(), start, end)

    def boolean(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Boolean(this=parts[0].kind == "TRUE"), start, end)

    def current(self, parts: Parts, start: int, end: int) -> Expression:
        return at(CURRENT[parts[0].kind](), start, end)

    def signed_value(self, parts: Parts, start: int, end: int) -> Expression:
        number = self.number(parts[1:], parts[1].start, end)
        return number if parts[0].kind == "PLUS" else at(exp.Neg(this=number), start, end)

    def parameter(self, parts: Parts, start: int, end: int) -> Expression:
        token: Token = parts[0]
        return at(Bind(this=self.bind(token)), start, end)

    def bind(self, token: Token) -> int | str:
        """The position (from 0) or the name of a parameter; one statement has one style."""
        if token.value[0] != "?":
            self.named.setdefault(token.value[1:], token)
            if self.numbered is not None:
                raise _mixed(token)
            return token.value[1:]
        self.numbered = token
        if self.named:
            raise _mixed(token)
        position = int(token.value[1:]) - 1 if len(token.value) > 1 else self.positional
        if not 0 <= position < PARAMETERS_MAX:
            raise ProgrammingError(
                f"a parameter's number is from 1 to {PARAMETERS_MAX}",
                code="parameter.number",
                span=Span(token.start, token.end),
            )
        self.positional = max(self.positional, position + 1)
        return position

    # ------------------------------------------------------------ names

    def bare_name(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Identifier(this=parts[0].value, quoted=False), start, end)

    def quoted_name(self, parts: Parts, start: int, end: int) -> Expression:
        value = parts[0].value
        quote = value[-1]
        inner = value[1:-1] if quote == "]" else value[1:-1].replace(quote * 2, quote)
        made = at(exp.Identifier(this=inner, quoted=True), start, end)
        made.meta["written"] = value
        return made

    def string_name(self, parts: Parts, start: int, end: int) -> Expression:
        value = parts[0].value[1:-1].replace("''", "'")
        return at(exp.Identifier(this=value, quoted=True), start, end)

    def names(self, parts: Parts, start: int, end: int) -> list[Expression]:
        return parts[::2]

    any_names = names

    def column(self, parts: Parts, start: int, end: int) -> Expression:
        keys = ("this", "table", "db")
        args = dict(zip(keys, reversed(parts[::2]), strict=False))
        return at(exp.Column(**args), start, end)

    # ------------------------------------------------------------ calls

    def call(self, parts: Parts, start: int, end: int) -> Expression:
        made: Expression = parts[0]
        for part in parts[1:]:
            if isinstance(part, exp.Where):
                made = at(exp.Filter(this=made, expression=part), start, end)
            else:
                made = at(exp.Window(this=made, over="OVER", **part), start, end)
        return made

    def function_call(self, parts: Parts, start: int, end: int) -> Expression:
        name: exp.Identifier = parts[0]
        arguments: list[Expression] = []
        for part in parts[2:-1]:
            if is_token(part, "STAR"):
                arguments = [at(exp.Star(), part.start, part.end)]
            elif isinstance(part, list):
                arguments = part
                if is_token(parts[2], "DISTINCT"):
                    place = Span(parts[2].start, span_of(part[-1]).end)
                    arguments = [at(exp.Distinct(expressions=part), *place)]
            elif isinstance(part, exp.Order):  # a last argument: ORDER BY of an aggregate
                arguments = [*arguments, part]
        made = exp.Anonymous(this=name.name, expressions=arguments)
        made.meta["name_span"] = span_of(name)
        return at(made, start, end)

    def filter(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Where(this=parts[3]), start, end)

    def over_name(self, parts: Parts, start: int, end: int) -> dict[str, Any]:
        return {"alias": parts[1]}

    def over_window(self, parts: Parts, start: int, end: int) -> dict[str, Any]:
        if not isinstance(parts[2], dict):  # OVER ()
            return {}
        return parts[2]

    def window_definition(self, parts: Parts, start: int, end: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for part in parts:
            if isinstance(part, exp.Identifier):
                made["alias"] = part
            elif isinstance(part, list):
                made["partition_by"] = part
            elif isinstance(part, exp.Order):
                made["order"] = part
            else:
                made["spec"] = part
        return made

    def partition_by(self, parts: Parts, start: int, end: int) -> list[Expression]:
        made: list[Expression] = parts[2]
        return made

    def frame_start(self, parts: Parts, start: int, end: int) -> Expression:
        return self._frame(parts[0], parts[1], None, parts[2:], start, end)

    def frame_between(self, parts: Parts, start: int, end: int) -> Expression:
        return self._frame(parts[0], parts[2], parts[4], parts[5:], start, end)

    def _frame(
        self, unit: Token, first: Any, last: Any, exclude: Parts, start: int, end: int
    ) -> Expression:
        args: dict[str, Any] = {"kind": unit.kind, "start": first[0], "start_side": first[1]}
        if last is not None:
            args["end"], args["end_side"] = last
        if exclude:
            args["exclude"] = exp.var(exclude[0])
        return at(exp.WindowSpec(**args), start, end)

    def bound_unbounded(self, parts: Parts, start: int, end: int) -> tuple[Any, Any]:
        return "UNBOUNDED", parts[1].kind

    def bound_current(self, parts: Parts, start: int, end: int) -> tuple[Any, Any]:
        return "CURRENT ROW", None

    def bound_offset(self, parts: Parts, start: int, end: int) -> tuple[Any, Any]:
        return parts[0], parts[1].kind

    def exclude(self, parts: Parts, start: int, end: int) -> str:
        return " ".join(part.kind for part in parts[1:])


def _mixed(token: Token) -> ProgrammingError:
    return ProgrammingError(
        "named and positional parameters are mixed",
        code="parameter.mixed",
        span=Span(token.start, token.end),
        hint="use ? for all of them, or :name for all of them",
    )
