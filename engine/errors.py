"""The errors of every layer: one tree, the one that PEP 249 names.

    Warning
    Error                        code, span, hint, retryable
    ├─ InterfaceError            closed cursor, calls out of order
    └─ DatabaseError
       ├─ ProgrammingError       syntax, unknown name, wrong parameters      (span)
       ├─ DataError              bad timestamp, empty period, out of range   (span)
       ├─ IntegrityError         a stated constraint broken
       ├─ OperationalError       locked, disk full, interrupted              (some retryable)
       ├─ InternalError          checksum mismatch, our own broken invariant
       └─ NotSupportedError      parsed, not yet executed                    (span)

A leaf: imports nothing of ours. `epql` re-exports the classes; users read `epql.DataError`.
Codes are short, dotted and stable (`parse.unexpected_token`); docs/language/errors.md lists them.
"""

from __future__ import annotations

import pickle
from typing import Any, NamedTuple


class Span(NamedTuple):
    """Characters of the statement's text: start inclusive, end exclusive."""

    start: int
    end: int

    def shifted(self, by: int) -> Span:
        """The same span in a text that has `by` more characters before it."""
        return Span(self.start + by, self.end + by)


class Warning(Exception):  # noqa: A001  PEP 249 gives this name
    """Something worth knowing that is not an error (PEP 249)."""


class Error(Exception):
    """Base of every error EPQL raises; carries what a person needs to mend the input.

    `expected` completes the caret line ("expected OF"), `hint` tells the remedy,
    `text` is the statement the span points into (set at the door that knows it).
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        span: Span | None = None,
        expected: str | None = None,
        hint: str | None = None,
        text: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.span = span
        self.expected = expected
        self.hint = hint
        self.text = text
        self.retryable = retryable

    def with_text(self, text: str) -> Error:
        """Attach the statement's text, once; the innermost place that knows it wins."""
        if self.text is None:
            self.text = text
        return self

    def with_span(self, span: Span | None) -> Error:
        """Attach the place, once; the innermost place that knows it wins."""
        if self.span is None:
            self.span = span
        return self

    @property
    def position(self) -> tuple[int, int] | None:
        """(line, column), both from 1, of the span's start; None without text or span."""
        if self.text is None or self.span is None:
            return None
        before = self.text[: self.span.start]
        return before.count("\n") + 1, self.span.start - (before.rfind("\n") + 1) + 1

    def render(self) -> str:
        """The error as a person reads it: class, code, place, line, caret, hint.

        >>> text = "SELECT * FROM beliefs AS AT '2024-01-01'"
        >>> print(ProgrammingError("unexpected AT", code="parse.unexpected_token",
        ...       span=Span(25, 27), expected="expected OF", text=text).render())
        ProgrammingError parse.unexpected_token, line 1 column 26: unexpected AT
            SELECT * FROM beliefs AS AT '2024-01-01'
                                     ^^ expected OF
        """
        head = f"{type(self).__name__} {self.code}"
        place = self.position
        if place is None or self.text is None or self.span is None:
            lines = [f"{head}: {self.message}"]
        else:
            line_no, column = place
            line = self.text.split("\n")[line_no - 1]
            width = max(1, min(self.span.end - self.span.start, len(line) - column + 1))
            shown, indent = _window(line, column - 1, width)
            caret = " " * indent + "^" * max(1, min(width, len(shown) - indent))
            tail = f" {self.expected}" if self.expected else ""
            lines = [
                f"{head}, line {line_no} column {column}: {self.message}",
                "    " + shown,
                "    " + caret + tail,
            ]
        if self.hint:
            lines.append("hint: " + self.hint)
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.render()

    def __reduce__(self) -> tuple[Any, ...]:
        cause = _portable(self.__cause__)
        return _rebuild, (type(self), self.__dict__, cause, self.__suppress_context__)


def _rebuild(
    cls: type[Error],
    state: dict[str, Any],
    cause: BaseException | None = None,
    is_context_suppressed: bool = False,
) -> Error:
    """Unpickle an error without knowing its constructor's keywords."""
    error = cls.__new__(cls)
    Exception.__init__(error, state["message"])
    error.__dict__.update(state)
    error.__cause__ = cause
    error.__suppress_context__ = is_context_suppressed
    return error


def _portable(cause: BaseException | None) -> BaseException | None:
    """A cause that another process can have: itself, or what it says."""
    try:
        pickle.loads(pickle.dumps(cause))
    except Exception:  # whatever somebody's class does when it is pickled
        return RuntimeError(repr(cause))
    return cause


_LINE_MAX = 160
"""Characters of the statement's line that an error shows."""


def _window(line: str, column: int, width: int) -> tuple[str, int]:
    """The part of a long line around a column, and where the column is in it."""
    line = line.replace("\t", " ")
    if len(line) <= _LINE_MAX:
        return line, column
    start = max(0, min(column - _LINE_MAX // 3, len(line) - _LINE_MAX))
    shown = line[start : start + _LINE_MAX]
    head = "…" if start else ""
    tail = "…" if start + _LINE_MAX < len(line) else ""
    return head + shown + tail, column - start + len(head)


class InterfaceError(Error):
    """The connector was used wrongly: closed cursor, calls out of order."""


class DatabaseError(Error):
    """Base of the errors that come from the database."""


class ProgrammingError(DatabaseError):
    """Syntax, unknown name, wrong parameters."""


class DataError(DatabaseError):
    """A value that cannot be: bad timestamp, empty period, out of range."""


class IntegrityError(DatabaseError):
    """A stated constraint would be broken: illegal move, guard not met."""


class OperationalError(DatabaseError):
    """The surroundings failed: locked, disk full, interrupted."""


class InternalError(DatabaseError):
    """Damage or our own broken invariant: checksum mismatch."""


class NotSupportedError(DatabaseError):
    """Understood, but not available."""
