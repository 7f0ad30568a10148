"""Other systems' ways to read the past, each answered with the line to write here."""

from __future__ import annotations

import math

from epql.engine.errors import Error
from epql.parse.lexer import NAME
from epql.parse.mistakes.mistake import Mistake, Recogniser, plain, quoted

DATE = "'2026-01-12'"
_NOW_WORDS = (
    "SYSTIMESTAMP", "SYSDATE", "CURRENT_TIMESTAMP", "CURRENT_DATE", "INTERVAL", "GETDATE",
)  # fmt: skip
WINDOW = "'2026-01-05' TO '2026-01-12'"


# ---------------------------------------------------------------- Snowflake


def at_parenthesis(m: Mistake) -> Error | None:
    """`AT (OFFSET => -60)`, `BEFORE (STATEMENT => 'x')`."""
    first = next((n for n in (0, -1) if m.up(n) in ("AT", "BEFORE", "CHANGES")), None)
    if (
        first is None
        or m.kind(first + 1) != "LPAR"
        or (m.up(first + 3), m.up(first + 4)) != ("=", ">")
    ):
        return None
    what, value = m.up(first + 2), first + 5
    if m.up(first) == "CHANGES":
        return m.foreign("what changed is read with DIFF SINCE '-24h'", first)
    word = "BEFORE " if m.up(first) == "BEFORE" else ""
    if what == "STATEMENT":
        return m.foreign("the state before a commit is read with AS OF BEFORE TX 42", first)
    told = DATE
    if what == "OFFSET":
        seconds = _seconds(m, value)
        told = "'-1h'" if seconds is None else f"'-{seconds}s'"
    elif m.kind(value) == "STRING":
        told = m.written(value)
    return m.foreign(f"a past state is read with AS OF {word}{told}", first)


def _seconds(m: Mistake, value: int) -> int | None:
    """The seconds of `-60` or `-60*5`, if that is all the parenthesis holds."""
    if m.kind(value) != "MINUS":
        return None
    factors: list[int] = []
    while m.kind(value) in ("MINUS", "STAR") and m.up(value + 1).isdecimal():
        factors.append(int(m.up(value + 1)))
        value += 2
    return math.prod(factors) if factors and m.kind(value) == "RPAR" else None


# ---------------------------------------------------------------- Delta Lake, Iceberg


def version_as_of(m: Mistake) -> Error | None:
    if (m.up(-2), m.up(-1)) != ("VERSION", "AS OF") or m.kind(0) != "NUMBER":
        return None
    return m.foreign(f"a transaction is read with AS OF TX {m.token.value}", -2)


def table_version(m: Mistake) -> Error | None:
    if m.token.value[:1] != "@" or not m.adjoins(0) or m.kind(-1) == "STRING":
        return None
    named = m.token.value[1:]
    number = named[1:] if named[:1] in "vV" else named
    target = f"TX {number}" if number.isdecimal() else f"EPOCH {quoted(named)}"
    return m.foreign(f"a past state is read with {m.written(-1)} AS OF {target}")


def for_something(m: Mistake) -> Error | None:
    if m.up(-1) != "FOR" or not m.takes("SYSTEM_TIME", "VALID_TIME"):
        return None
    word, value = m.up(0), m.at(2)
    if word == "VERSION":
        target = "TX 42"
        if value is not None and value.kind == "NUMBER":
            target = f"TX {value.value}"
        elif value is not None and value.kind == "STRING":
            target = f"EPOCH {quoted(plain(value))}"
        return m.foreign(f"a transaction is read with AS OF {target}")
    if word in ("TIMESTAMP", "SYSTEM", "TIME", "DATE"):
        last = next((n for n in (2, 3) if m.kind(n) == "STRING"), None)
        return m.foreign(
            f"a past state is read with AS OF {DATE if last is None else m.written(last)}"
        )
    if word == "ALL":
        if m.up(1) == "VALID_TIME":
            return m.foreign("all of the world's time is read with VALID ANYTIME", 0, 1)
        return m.foreign("all versions are read with assertions HISTORY", 0, 1)
    if word in ("BUSINESS_TIME", "APPLICATION_TIME"):
        return m.foreign(f"when a fact holds in the world is read with VALID AT {DATE}")
    if word == "PORTION":
        return m.foreign(f"a window of the world is read with VALID FROM {WINDOW}", 0, 1)
    if word in ("UPDATE", "SHARE"):
        return m.error(
            f"there is no FOR {word}",
            "a read locks nothing; a guarded write is ASSERT … IF CURRENT 'a:1f3c9e'",
        )
    return None


# ---------------------------------------------------------------- SQL:2011, Oracle


def for_window(m: Mistake) -> Error | None:
    """`FOR SYSTEM_TIME BETWEEN a AND b` and its like."""
    if m.up(-2) != "FOR" or m.up(-1) not in ("SYSTEM_TIME", "VALID_TIME"):
        return None
    is_world = m.up(-1) == "VALID_TIME"
    if m.kind(0) == "STRING":
        clause = f"VALID AT {m.written(0)}" if is_world else f"AS OF {m.written(0)}"
        return m.foreign(f"one instant is read with {clause}", -2, -1)
    if m.up(0) == "IN" and is_world:
        return m.foreign("a period of the world is read with VALID DURING '2026-01'", -2, 0)
    if m.up(0) not in ("BETWEEN", "CONTAINED", "OVERLAPS", "DURING"):
        return None
    window = WINDOW
    if (m.kind(1), m.up(2), m.kind(3)) == ("STRING", "AND", "STRING"):
        window = f"{m.written(1)} TO {m.written(3)}"
    if is_world:
        return m.foreign(f"a window of the world is read with VALID FROM {window}")
    return m.foreign(f"the versions of a window are read with HISTORY FROM {window}")


def versions_between(m: Mistake) -> Error | None:
    if m.up(0) != "BETWEEN" or m.up(-1) not in ("VERSIONS", "HISTORY", "DIFF"):
        return None
    first = 2 if m.kind(2) == "STRING" else 1
    window = ("'2026-01-05'", "'2026-01-12'")
    if (m.kind(first), m.up(first + 1), m.kind(first + 2)) == ("STRING", "AND", "STRING"):
        window = (m.written(first), m.written(first + 2))
    elif m.up(1) == "SCN":
        window = (f"TX {m.written(2)}", f"TX {m.written(4)}")
    if m.up(-1) == "DIFF":
        return m.foreign(f"what changed is read with DIFF SINCE {window[0]} UNTIL {window[1]}", 0)
    return m.foreign(
        f"the versions of a window are read with HISTORY FROM {window[0]} TO {window[1]}", -1, 0
    )


def as_of_something(m: Mistake) -> Error | None:
    """`AS OF SCN 1`, `AS OF DATE 'x'`, `AS OF PERIOD FOR …`, `AS OF VERSION 12`."""
    if not m.wants_instant or m.up(-1) not in ("AS OF", "TIMESTAMP", "BEFORE", "TIME"):
        return None
    word = m.up(0)
    if word in ("SCN", "COMMIT", "VERSION", "TRANSACTION", "SNAPSHOT", "TXN", "REVISION"):
        number = m.written(1) if m.kind(1) in ("NUMBER", "PARAMETER") else "42"
        return m.foreign(f"a transaction is read with AS OF TX {number}", 0)
    if word in ("DATE", "TIME", "TIMESTAMP", "DATETIME") and m.kind(1) == "STRING":
        return m.foreign(f"an instant is a string alone: AS OF {m.written(1)}", 0)
    if word == "PERIOD":
        return m.foreign(f"when a fact holds in the world is read with VALID AT {DATE}", 0)
    if word in ("HEAD", "MAIN"):
        return m.foreign("the state before a commit is read with AS OF BEFORE TX 42", 0)
    if word in _NOW_WORDS:
        return m.foreign("a time counted from now is a string: AS OF '-1h'", 0)
    if m.kind(0) == NAME and m.kind(1) == "LPAR" and word != "NOW":
        return m.foreign(
            f"a time is a string: AS OF {DATE}, AS OF '-1h'; or a parameter: AS OF ?", 0
        )
    return None


def before_transaction(m: Mistake) -> Error | None:
    if (
        m.up(-1) != "BEFORE"
        or m.up(-2) == "AS OF"
        or m.up(0) not in ("TX", "TIMESTAMP", "STATEMENT", "VERSION")
    ):
        return None
    number = m.written(1) if m.kind(1) in ("NUMBER", "PARAMETER") else "42"
    return m.foreign(f"the state before a transaction is read with AS OF BEFORE TX {number}", -1)


# ---------------------------------------------------------------- AS OF, a little different


def almost_as_of(m: Mistake) -> Error | None:
    """`AS AT 'x'`, `AT 'x'`, `OF 'x'`, `ASOF 'x'`, `AS ON 'x'`, `BEFORE 'x'`, `SINCE 'x'`."""
    for offset in (-1, 0, 1):
        word, is_time = m.up(offset), m.kind(offset + 1) == "STRING"
        after_as = m.up(offset - 1) == "AS"
        if not is_time and not (after_as and word == "AT"):
            continue
        told = m.written(offset + 1) if is_time else "<instant>"
        if word == "SINCE" and offset < 1 and m.up(offset - 1) != "HISTORY":
            return m.error(
                "unexpected SINCE",
                f"what changed is read with DIFF SINCE {told}",
                span=m.span(offset),
            )
        if not (after_as and word in ("AT", "ON", "OF", "BEFORE")) and (
            offset == 1 or word not in ("AT", "OF", "ASOF", "AS_OF", "BEFORE", "SYSTEM_TIME")
        ):
            continue
        before = "BEFORE " if word == "BEFORE" else ""
        return m.error(
            f"unexpected {word}",
            f"a past state is read with AS OF {before}{told}",
            span=m.span(offset),
            expected="expected OF" if after_as else "expected AS OF",
        )
    return None


RECOGNISERS: tuple[Recogniser, ...] = (
    at_parenthesis,
    version_as_of,
    table_version,
    for_something,
    for_window,
    versions_between,
    as_of_something,
    before_transaction,
)
