"""Clauses in places where they cannot stand, parts of a query in another order."""

from __future__ import annotations

from epql.engine.errors import Error
from epql.parse.lexer import END, NAME
from epql.parse.mistakes.mistake import Mistake, Recogniser

CLAUSE_STARTS = ("LIFECYCLE", "RESOLVE", "HISTORY", "DIFF", "PURPOSE")
_PARTS = ("WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT")
_VALID_FORMS = ("AT", "FROM", "TO", "DURING", "ANYTIME")
PLACES = "put it directly after the table, or at the end of the query"


def clause_before_from(m: Mistake) -> Error | None:
    if m.kind(0) != "FROM" or m.takes("FROM") or _in_parenthesis(m):
        return None
    for number in range(-1, -m.wrong - 1, -1):
        if m.up(number) == "SELECT":
            return None
        if _begins_clause(m, number):
            return m.error(
                "a clause cannot stand before FROM",
                PLACES,
                code="clause.misplaced",
                span=m.span(number),
            )
    return None


def clause_in_function(m: Mistake) -> Error | None:
    if not _begins_clause(m, 0) or m.takes("AS_OF"):
        return None
    if m.wrong == 0:
        return m.error(
            "a clause cannot stand before SELECT",
            f"write SELECT object FROM beliefs {_form(m)}",
            code="clause.misplaced",
        )
    if m.up(-1) in ("WHERE", "AND", "OR", "NOT", "ON", "HAVING", "WHEN"):
        return m.error(
            f"{_name(m)} is a clause, not a condition",
            f"put it after the condition: WHERE … {_form(m)}",
            code="clause.misplaced",
        )
    if m.up(-1) in ("FROM", "JOIN"):
        return m.error(
            f"{_name(m)} stands before its table",
            f"write FROM beliefs {_form(m)}",
            code="clause.misplaced",
        )
    if _in_parenthesis(m) and m.kind(0) == "AS_OF":
        return m.error(
            f"{_name(m)} cannot stand inside a parenthesis of values",
            PLACES,
            code="clause.misplaced",
        )
    if m.kind(0) == "AS_OF" and m.before[0].value.upper() in _WRITES:
        return m.error(
            "what is written is written now",
            "when it holds is said with VALID FROM '2026-01-12'",
            code="clause.misplaced",
        )
    if m.kind(0) == "AS_OF" and m.before[0].value.upper() in ("SELECT", "WITH"):
        return m.error(f"{_name(m)} cannot stand here", PLACES, code="clause.misplaced")
    return None


def condition_after_clause(m: Mistake) -> Error | None:
    if m.up(0) not in ("AND", "OR", "NOT") or not m.takes("AS_OF") or "AND" in m.expected:
        return None
    if m.up(-2) == "LIFECYCLE" or m.up(-3) == "LIFECYCLE":
        return m.error(
            "LIFECYCLE takes one state or a list",
            f"write LIFECYCLE IN ({m.written(-1)}, {m.written(1)})",
        )
    if any(m.up(number) == "DIFF" for number in (-3, -4)) and m.up(0) == "AND":
        return m.error(
            f"unexpected {m.up(0)}", f"write DIFF SINCE {m.written(-1)} UNTIL {m.written(1)}"
        )
    return m.error(
        f"a condition stands after a clause: {m.up(0)}",
        "the whole condition comes first: WHERE a = 1 AND b = 2 AS OF '-24h'",
        code="clause.misplaced",
    )


def lifecycle_forms(m: Mistake) -> Error | None:
    """`LIFECYCLE = approved`, `IS approved`, `NOT approved`, `IN approved`, `(approved)`, `all`."""
    word, state = m.up(0), 1
    if m.up(-1) == "LIFECYCLE" and not m.takes("EQ"):
        form = "LIFECYCLE {}"
        if word in ("=", "==", "IS", "("):
            if m.kind(1) not in (NAME, "STRING"):
                form, state = "LIFECYCLE approved", 0
            if word == "(" and m.up(2) == ",":
                form = "LIFECYCLE IN ({}, …)"
            said = "has no =" if word in ("=", "==") else f"is not followed by {word}"
        elif word == "ALL":
            form, said = "LIFECYCLE ANY", "calls all states ANY"
        else:
            return None
        return m.error(f"the clause LIFECYCLE {said}", "write " + form.format(m.written(state)))
    if m.up(-2) == "LIFECYCLE" and m.up(-1) in ("IN", "NOT") and m.kind(0) in (NAME, "STRING"):
        words = "NOT IN" if m.up(-1) == "NOT" else "IN"
        return m.error(
            f"LIFECYCLE {words} takes a list",
            f"write LIFECYCLE {words} ({m.written(0)})",
            expected="expected (" if words == "IN" else "expected IN",
        )
    if m.kind(0) in (NAME, "STRING") and m.up(-1) in ("STATE", "STATUS") and m.takes("LIFECYCLE"):
        return m.error(f"unexpected {m.up(-1)}", f"write LIFECYCLE {m.written(0)}", span=m.span(-1))
    if m.up(-1) == "LIFECYCLE" and m.up(-2) in ("WHERE", "AND", "OR") and m.kind(0) == NAME:
        return m.error(
            "LIFECYCLE is a clause, not a condition",
            f"put it after the condition: WHERE … LIFECYCLE {m.written(0)}",
            code="clause.misplaced",
            span=m.span(-1),
        )
    return None


def valid_forms(m: Mistake) -> Error | None:
    """`VALID 'x'`, `VALID AS OF 'x'`, `VALID BETWEEN a AND b`, `VALID FROM a UNTIL b`."""
    if m.up(-3) == "VALID" and m.up(-2) == "FROM" and m.up(0) in ("UNTIL", "AND"):
        return m.error(
            f"unexpected {m.up(0)}",
            f"write VALID FROM {m.written(-1)} TO {m.written(1)}",
            expected="expected TO",
        )
    if m.kind(0) == "STRING" and (m.up(-4), m.up(-3), m.up(-1)) == ("VALID", "FROM", "UNTIL"):
        form = f"write VALID FROM {m.written(-2)} TO {m.written(0)}"
        return m.error("unexpected UNTIL", form, span=m.span(-1), expected="expected TO")
    if m.up(-1) != "VALID" or not m.takes("DURING"):
        return None
    word = m.up(0)
    value = m.written(1) if m.kind(1) == "STRING" else "'2026-01-12'"
    forms = {
        "AS OF": f"VALID AT {value}", "ON": f"VALID AT {value}", "NOW": "VALID AT NOW",
        "IN": "VALID DURING '2026-01'", "ALL": "VALID ANYTIME", "ALWAYS": "VALID ANYTIME",
        "SINCE": f"VALID FROM {value}", "AFTER": f"VALID FROM {value}",
        "UNTIL": f"VALID TO {value}", "BEFORE": f"VALID TO {value}",
        "BETWEEN": f"VALID FROM {value} TO {m.written(3) if m.kind(3) == 'STRING' else value}",
    }  # fmt: skip
    said = f"VALID AT {m.written(0)}" if m.kind(0) == "STRING" else forms.get(word)
    if said is None:
        return None
    return m.error(
        f"unexpected {m.shown()}",
        f"write {said}",
        expected="expected " + ", ".join(_VALID_FORMS),
    )


def diff_forms(m: Mistake) -> Error | None:
    """DIFF with another system's words before its instants."""
    word, since = m.up(0), ""
    if m.up(-1) == "DIFF" and m.takes("SINCE"):
        if m.kind(0) == "STRING":
            since = m.written(0)
        elif word == "FROM" and m.kind(1) == "STRING":
            since = m.written(1) + (f" UNTIL {m.written(3)}" if m.kind(3) == "STRING" else "")
        elif word == "UNTIL" or m.kind(0) == END:
            since = "'-24h'"
    elif (m.up(-2), m.up(-1), m.kind(0)) == ("DIFF", "FROM", "STRING"):
        since = m.written(0)
    elif (m.up(-3), m.up(-1), m.kind(0)) == ("SINCE", "TO", "STRING"):
        since = f"{m.written(-2)} UNTIL {m.written(0)}"
    if since:
        return m.error(
            "DIFF says SINCE when, and UNTIL when",
            f"write DIFF SINCE {since}",
            code="parse.unexpected_end" if m.kind(0) == END else "parse.unexpected_token",
            span=m.span(-1) if m.kind(0) == END else None,
            expected="expected SINCE" if m.takes("SINCE") else None,
        )
    if m.up(-1) == "KEY" and m.kind(0) == NAME and m.kind(-2) == "STRING":
        form = f"write KEY ({m.written(0)})"
        return m.error("KEY takes a list of columns", form, expected="expected (")
    return None


def history_forms(m: Mistake) -> Error | None:
    if m.up(-1) == "HISTORY" and m.up(0) == "SINCE":
        form = f"write HISTORY FROM {m.written(1)} TO 'now'"
        return m.error("unexpected SINCE", form, expected="expected FROM")
    if m.kind(0) == END and (m.up(-3), m.up(-2)) == ("HISTORY", "FROM"):
        return m.error(
            "HISTORY FROM says until when, too",
            f"write HISTORY FROM {m.written(-1)} TO 'now'",
            code="parse.unexpected_end",
            span=m.span(-1),
            expected="expected TO",
        )
    return None


def order_of_parts(m: Mistake) -> Error | None:
    if m.kind(0) not in _PARTS or m.up(-1) == "," or not m.takes(END):
        return None
    if m.before[0].value.upper() not in ("SELECT", "WITH", "VALUES", "EXPLAIN", "DEFINE"):
        return None
    return m.error(
        f"{m.up(0)} stands too late",
        "the order is FROM, WHERE, GROUP BY, HAVING, WINDOW, ORDER BY, LIMIT",
    )


def offset_after_clause(m: Mistake) -> Error | None:
    if m.up(0) != "OFFSET" or not m.takes("AS_OF", END):
        return None
    return m.error("OFFSET belongs to LIMIT", "write LIMIT 5 OFFSET 1, and clauses after it")


_WRITES = (
    "ASSERT", "PROMOTE", "REJECT", "TRANSITION", "RETRACT", "SUPERSEDE", "CORRECT", "REVIVE",
    "CONFIRM", "VOTE", "FORBID", "REPEAL",
)  # fmt: skip


def _begins_clause(m: Mistake, number: int) -> bool:
    """Whether a clause begins at a token; of VALID only when a form of it follows."""
    if m.kind(number) == "AS_OF":
        return True
    word, following = m.up(number), m.up(number + 1)
    if word == "VALID":
        return following in _VALID_FORMS
    if word == "DIFF":
        return following == "SINCE"
    if word == "RESOLVE":
        return following == "BY"
    return word in ("LIFECYCLE", "PURPOSE") and m.kind(number + 1) in (NAME, "STRING", "IN", "NOT")


def _name(m: Mistake) -> str:
    return "RESOLVE BY" if m.up(0) == "RESOLVE" else m.up(0)


def _form(m: Mistake) -> str:
    return {
        "AS OF": "AS OF '-24h'", "VALID": "VALID AT '2026-01-12'",
        "LIFECYCLE": "LIFECYCLE approved", "RESOLVE": "RESOLVE BY LATEST",
        "DIFF": "DIFF SINCE '-24h'", "PURPOSE": "PURPOSE 'why'",
    }[m.up(0)]  # fmt: skip


def _in_parenthesis(m: Mistake) -> bool:
    """Whether a parenthesis is open that holds no query."""
    depth = 0
    for number in range(-1, -m.wrong - 1, -1):
        kind = m.kind(number)
        depth += (kind == "RPAR") - (kind == "LPAR")
        if depth < 0:
            return m.up(number + 1) not in ("SELECT", "WITH", "VALUES")
    return False


EXACT: tuple[Recogniser, ...] = (
    diff_forms,
    history_forms,
    lifecycle_forms,
    valid_forms,
    clause_in_function,
)
RECOGNISERS: tuple[Recogniser, ...] = (
    clause_before_from,
    condition_after_clause,
    offset_after_clause,
    order_of_parts,
)
