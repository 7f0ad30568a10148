"""What may be asserted: the checks every assertion passes before it becomes a record.

Pure: values in, an error or nothing out. The rules of language.md §6 on states and repetition
need the index and stand in transaction.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import cast

from epql.engine.clock import EVER, FOREVER
from epql.engine.errors import DataError, IntegrityError
from epql.engine.index.declarations import Predicate
from epql.engine.records import Assertion, Object

NAME_MAX = 4096
"""Characters of a subject, predicate, agent, source, key or epoch."""
OBJECT_MAX = 1_000_000
"""Characters of a text object, a reason or a qualifier."""
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1


def check_name(what: str, value: object) -> str:
    """A subject, predicate, agent …: text that is not empty, fits, and can be written.

    Raises: DataError `value.type`, `value.empty`, `value.too_long`, `value.text`.
    """
    if type(value) is str and value.isascii() and "\x00" not in value:  # noqa: SIM102
        if len(value) <= NAME_MAX and value.strip():  # what nearly every name is
            return value
    if not isinstance(value, str):
        raise DataError(
            f"the {what} must be text, not {_type_name(value)}",
            code="value.type",
            hint=f"write it in quotes: '{value}'" if isinstance(value, (int, float)) else None,
        )
    if not value or value.isspace():
        raise DataError(f"the {what} is empty", code="value.empty", hint=f"name the {what}")
    _check_text(what, value, NAME_MAX)
    if "\x00" in value:
        raise DataError(f"the {what} holds a NUL character", code="value.text")
    return value


def are_names(values: Sequence[object]) -> bool:
    """Whether `check_name` takes each of many values; quicker than asking it of each."""
    texts = set(values) if set(map(type, values)) <= {str} else None
    return texts is not None and _are_names(cast("set[str]", texts))


def are_names_or_null(values: Sequence[object]) -> bool:
    """Whether `check_optional` takes each of many values."""
    return are_names([value for value in values if value is not None])


def _are_names(texts: set[str]) -> bool:
    return (
        max(map(len, texts), default=0) <= NAME_MAX
        and all(map(str.strip, texts))
        and _is_text(whole := "".join(texts))
        and "\x00" not in whole
    )


def are_text_objects(values: Sequence[object]) -> bool:
    """Whether all of many values are texts that `check_object` takes."""
    if set(map(type, values)) != {str}:
        return False
    texts = cast("Sequence[str]", values)
    return max(map(len, texts)) <= OBJECT_MAX and all(map(_is_text, texts))


def are_confidences(values: Sequence[object]) -> bool:
    """Whether all of many values are real numbers that `check_confidence` takes."""
    if set(map(type, values)) != {float}:
        return False
    return all(0 <= value <= 1 for value in set(cast("Sequence[float]", values)))


def _is_text(text: str) -> bool:
    """Whether it can be written: half of a surrogate pair cannot."""
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_object(value: object, what: str = "object") -> Object:
    """An object: text, a 64-bit integer or a finite number. True and False count as 1 and 0."""
    if type(value) is str and len(value) <= OBJECT_MAX and value.isascii():
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        if not _INT_MIN <= value <= _INT_MAX:
            raise DataError(
                f"the {what} {value} does not fit in 64 bits",
                code="value.range",
                hint="write it as text",
            )
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DataError(f"the {what} is {value}, which is not a number", code="value.range")
        return value
    if isinstance(value, str):
        return _check_text(what, value, OBJECT_MAX)
    if value is None:
        raise DataError(
            f"the {what} is NULL",
            code="value.null",
            hint="to say that something is no longer believed, RETRACT it",
        )
    raise DataError(
        f"the {what} must be text or a number, not {_type_name(value)}",
        code="value.type",
        hint="store a reference to binary data, such as its path or digest",
    )


def check_optional(what: str, value: object) -> str | None:
    """A name, or None."""
    return None if value is None else check_name(what, value)


def check_reason(value: object) -> str | None:
    """A reason: free text, or None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise DataError(f"the reason must be text, not {_type_name(value)}", code="value.type")
    return _check_text("reason", value, OBJECT_MAX)


def check_confidence(value: object) -> float:
    """A confidence between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DataError(
            f"the confidence must be a number, not {_type_name(value)}", code="value.type"
        )
    if not 0 <= value <= 1:
        raise DataError(
            f"the confidence {value} is not between 0 and 1",
            code="value.range",
            hint="0.9 stands for 90 %",
        )
    return float(value)


def check_interval(valid_from: int | None, valid_to: int | None) -> None:
    """A valid interval must hold at least one instant."""
    start = EVER if valid_from is None else valid_from
    end = FOREVER if valid_to is None else valid_to
    if start >= end:
        raise DataError(
            "the valid interval is empty: it ends before it begins",
            code="valid.empty",
            hint="intervals are half-open, [from, to)",
        )


def check_type(declared: Predicate | None, content: Assertion) -> None:
    """The object must be of the type its predicate was declared to have."""
    if declared is None or declared.type is None:
        return
    if not TYPES[declared.type](content.object):
        raise IntegrityError(
            f"{content.predicate} takes {declared.type}, not {content.object!r}",
            code="predicate.type",
            hint=f"DEFINE PREDICATE {content.predicate!r} TYPE … changes what it takes",
        )


def _is_integer(value: Object) -> bool:
    return isinstance(value, int)


def _is_json(value: Object) -> bool:
    try:
        json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return isinstance(value, str)


TYPES: dict[str, Callable[[Object], bool]] = {
    "text": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "real": lambda value: isinstance(value, (int, float)),
    "number": lambda value: isinstance(value, (int, float)),
    "boolean": lambda value: value in (0, 1) and _is_integer(value),
    "json": _is_json,
}
"""The types that DEFINE PREDICATE … TYPE knows, and what they accept."""


def _check_text(what: str, value: str, limit: int) -> str:
    if len(value) > limit:
        raise DataError(
            f"the {what} has {len(value)} characters; {limit} is the limit", code="value.too_long"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"the {what} holds half a character (a lone surrogate at {error.start})",
            code="value.text",
            hint="decode the text with the right encoding before it is asserted",
        ) from error
    return value


def _type_name(value: object) -> str:
    return "NULL" if value is None else type(value).__name__
