"""Frequent mistakes, each with its own words: a table of small recognisers.

A recogniser looks at the token that has no place, at those before it and at what would have
been possible, and returns the error to raise, or None. The first that answers wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from epql.engine.errors import Error, ProgrammingError, Span
from epql.parse.clauses import nearest
from epql.parse.driver import Unexpected, statement_words
from epql.parse.lexer import END, NAME, Token

INSTANT_FORMS = "a time is a string: '2026-01-12', '-24h', 'yesterday 21:00'; else TX n, EPOCH 'x'"
CLAUSE_STARTS = ("AS_OF", "VALID", "LIFECYCLE", "RESOLVE", "HISTORY", "DIFF", "PURPOSE")

_DATE = re.compile(r"\d{4}-\d{1,2}(?:-\d{1,2})?(?:[T ]?\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?Z?)?")
_RELATIVE = re.compile(r"[-+]\s*(?:\d+\s*[a-zA-Z]+)+")
_WORDS = re.compile(r"[A-Za-z]+(?:\s+\d{1,2}:\d{2})?")


@dataclass(frozen=True)
class Mistake:
    """What a recogniser sees: the text, the wrong token, those before, what was possible."""

    text: str
    token: Token
    before: tuple[Token, ...]
    expected: frozenset[str]

    def back(self, number: int) -> str:
        """The token that many places before the wrong one, in capitals; '' before the first."""
        if number > len(self.before):
            return ""
        token = self.before[-number]
        return "AS OF" if token.kind == "AS_OF" else token.value.upper()

    def span(self, back: int = 0) -> Span:
        token = self.before[-back] if back else self.token
        return Span(token.start, token.end)

    def takes(self, *kinds: str) -> bool:
        return all(kind in self.expected for kind in kinds)

    @property
    def wants_instant(self) -> bool:
        return self.takes("STRING", "TX", "EPOCH", "NOW")

    def error(
        self,
        message: str,
        hint: str,
        *,
        code: str = "parse.unexpected_token",
        span: Span | None = None,
        expected: str | None = None,
    ) -> Error:
        return ProgrammingError(
            message, code=code, span=span or self.span(), hint=hint, expected=expected
        )


def find(text: str, error: Unexpected) -> Error | None:
    """The error of the first recogniser that knows the mistake."""
    mistake = Mistake(text, error.token, tuple(error.before), error.expected)
    for recognise in RECOGNISERS:
        found = recognise(mistake)
        if found is not None:
            return found
    return None


# ---------------------------------------------------------------- times


def as_at(m: Mistake) -> Error | None:
    if (m.back(2), m.back(1)) != ("AS", "AT"):
        return None
    return m.error(
        "unexpected AT", "a past state is read with AS OF <instant>", span=m.span(1),
        expected="expected OF",
    )  # fmt: skip


def version_as_of(m: Mistake) -> Error | None:
    if m.back(1) != "AS OF" or m.back(2) != "VERSION" or m.token.kind != "NUMBER":
        return None
    return _foreign(m, 2, f"a transaction is read with AS OF TX {m.token.value}")


def at_offset(m: Mistake) -> Error | None:
    if m.back(1) not in ("AT", "BEFORE") or m.token.kind != "LPAR":
        return None
    found = re.match(r"\(\s*OFFSET\s*=>\s*-\s*(\d+)", m.text[m.token.start :], re.IGNORECASE)
    ago = f"-{found.group(1)}s" if found else "-60s"
    word = "BEFORE " if m.back(1) == "BEFORE" else ""
    return _foreign(m, 1, f"a past state is read with AS OF {word}'{ago}'")


def before_transaction(m: Mistake) -> Error | None:
    if m.back(1) != "BEFORE" or m.back(2) == "AS OF" or m.token.value.upper() not in _BEFORE:
        return None
    return _foreign(m, 1, "the state before a transaction is read with AS OF BEFORE TX n")


def table_version(m: Mistake) -> Error | None:
    if m.token.value[:1] != "@" or not m.before or m.before[-1].end != m.token.start:
        return None
    digits = re.sub(r"\D", "", m.token.value)
    target = f"TX {digits}" if digits else f"EPOCH '{m.token.value[1:]}'"
    return _foreign(m, 0, f"a past state is read with {m.before[-1].value} AS OF {target}")


def for_version(m: Mistake) -> Error | None:
    if m.back(1) != "FOR" or m.token.kind == END:
        return None
    if m.token.value.upper() == "VERSION":
        return _foreign(m, 0, "a transaction is read with AS OF TX n")
    if m.token.value.upper() in ("TIMESTAMP", "SYSTEM", "TIME"):
        return _foreign(m, 0, "a past state is read with AS OF '2026-01-12'")
    return None


def for_between(m: Mistake) -> Error | None:
    if m.back(2) != "FOR" or m.token.kind not in ("BETWEEN", NAME):
        return None
    if m.back(1) == "SYSTEM_TIME":
        return _foreign(m, 0, "the versions of a window are read with HISTORY FROM a TO b")
    if m.back(1) == "VALID_TIME":
        return _foreign(m, 0, "a window of the world is read with VALID FROM a TO b")
    return None


def unquoted_instant(m: Mistake) -> Error | None:
    if not m.wants_instant or m.token.kind == END:
        return None
    rest = m.text[m.token.start :]
    if m.token.kind == "QUOTED_NAME":
        inner = m.token.value[1:-1].replace("'", "''")
        return _unquoted(m, m.span(), inner)
    for pattern in (_DATE, _RELATIVE):
        found = pattern.match(rest)
        if found:
            place = Span(m.token.start, m.token.start + found.end())
            return _unquoted(m, place, found.group())
    if m.token.kind == "NUMBER":
        return m.error(
            f"{m.token.value} is a bare number, not a time",
            f"a transaction is TX {m.token.value}; {INSTANT_FORMS.partition(';')[0]}",
            code="instant.bare_integer",
            expected="expected an instant",
        )
    found = _WORDS.match(rest)
    if m.token.kind == NAME and found and found.group().split()[0].lower() in _INSTANT_WORDS:
        return _unquoted(m, Span(m.token.start, m.token.start + found.end()), found.group())
    return m.error(
        f"{m.token.value!r} is not a time", INSTANT_FORMS, expected="expected an instant"
    )


def tx_without_number(m: Mistake) -> Error | None:
    if m.back(1) != "TX" or not m.takes("NUMBER"):
        return None
    return m.error(
        "TX takes the number of a transaction", "write TX 42, or TX ? with a parameter",
        expected="expected a number",
    )  # fmt: skip


# ---------------------------------------------------------------- clauses and their places


def clause_before_from(m: Mistake) -> Error | None:
    if m.token.kind != "FROM" or m.takes("FROM"):
        return None
    for number, token in enumerate(reversed(m.before), 1):
        word = token.value.upper()
        if word == "SELECT":
            return None
        if token.kind == "AS_OF" or (word in CLAUSE_STARTS and word != "VALID"):
            return m.error(
                "a clause cannot stand before FROM",
                "put it directly after the table, or at the end of the query",
                code="clause.misplaced",
                span=m.span(number),
            )
    return None


def lifecycle_equals(m: Mistake) -> Error | None:
    if m.back(1) != "LIFECYCLE" or m.token.kind not in ("EQ", "EQ_EQ") or m.takes("EQ"):
        return None
    return m.error("the clause LIFECYCLE has no =", "write LIFECYCLE approved")


def order_of_parts(m: Mistake) -> Error | None:
    if m.token.kind not in ("WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT"):
        return None
    if m.back(1) == "," or not m.takes(END):
        return None
    return m.error(
        f"{m.token.value.upper()} stands too late",
        "the order is FROM, WHERE, GROUP BY, HAVING, WINDOW, ORDER BY, LIMIT",
    )


# ---------------------------------------------------------------- words


def double_quoted(m: Mistake) -> Error | None:
    if m.token.kind != "QUOTED_NAME" or not m.takes("STRING"):
        return None
    inner = m.token.value[1:-1].replace("'", "''")
    return m.error(
        "a string is needed and this is a quoted name", f"strings have single quotes: '{inner}'",
        expected="expected a string",
    )  # fmt: skip


def bare_text(m: Mistake) -> Error | None:
    if m.token.kind != NAME or not m.takes("STRING") or m.takes(NAME):
        return None
    return m.error(
        f"unexpected {m.token.value!r}", f"strings have single quotes: '{m.token.value}'",
        expected="expected a string",
    )  # fmt: skip


def quote_in_string(m: Mistake) -> Error | None:
    if not m.before or m.before[-1].kind != "STRING" or m.before[-1].end != m.token.start:
        return None
    if m.token.kind == END or not m.token.value[0].isalnum():
        return None
    return m.error(
        "the string before this ends at its second quote",
        "a quote inside a string is doubled: 'it''s'",
    )


def missing_from(m: Mistake) -> Error | None:
    if m.token.kind not in (NAME, "QUOTED_NAME") or not m.takes("FROM", END):
        return None
    if m.back(1) == "*":
        close = nearest(m.token.value, ["from"])
        return m.error(
            f"unexpected {m.token.value!r}", close or f"write FROM {m.token.value}",
            expected="expected FROM",
        )  # fmt: skip
    return None


def comma_before(m: Mistake) -> Error | None:
    if m.back(1) != "," or m.token.kind not in _AFTER_LIST:
        return None
    what = "the end" if m.token.kind == END else m.token.value.upper()
    return m.error(
        f"a comma stands before {what}", "take the comma away, or add what should follow it",
        span=m.span(1),
        code="parse.unexpected_end" if m.token.kind == END else "parse.unexpected_token",
    )  # fmt: skip


def explained_write(m: Mistake) -> Error | None:
    if m.back(1) != "EXPLAIN" or len(m.before) != 1 or m.token.kind not in statement_words():
        return None
    return m.error(
        "EXPLAIN takes a query",
        "what a statement that writes would do, it tells itself with DRY RUN at its end",
        expected="expected SELECT, WITH or VALUES",
    )


def unknown_statement(m: Mistake) -> Error | None:
    if m.before or m.token.kind == END:
        return None
    return m.error(
        f"no statement begins with {m.token.value!r}",
        nearest(m.token.value, statement_words())
        or "statements are SELECT, ASSERT, CORRECT, WHY, …",
        expected="expected SELECT, WITH, ASSERT, …",
    )


_BEFORE = ("TX", "TIMESTAMP", "STATEMENT", "VERSION")
_INSTANT_WORDS = (
    "now", "today", "yesterday", "tomorrow", "monday", "tuesday", "wednesday", "thursday",
    "friday", "saturday", "sunday",
)  # fmt: skip
_AFTER_LIST = (
    END, "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "RPAR", "UNION", "WINDOW",
)  # fmt: skip


def _foreign(m: Mistake, back: int, hint: str) -> Error:
    return m.error(
        "another system's way to read the past", hint, code="clause.foreign", span=m.span(back)
    )


def _unquoted(m: Mistake, span: Span, value: str) -> Error:
    return m.error(
        "a time is written in single quotes", f"write '{value}'", code="instant.unquoted",
        span=span, expected="expected an instant",
    )  # fmt: skip


RECOGNISERS: tuple[Callable[[Mistake], Error | None], ...] = (
    as_at,
    version_as_of,
    at_offset,
    before_transaction,
    table_version,
    for_version,
    for_between,
    tx_without_number,
    unquoted_instant,
    comma_before,
    clause_before_from,
    lifecycle_equals,
    explained_write,
    unknown_statement,
    order_of_parts,
    quote_in_string,
    double_quoted,
    bare_text,
    missing_from,
)
