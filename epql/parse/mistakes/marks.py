"""Commas, parentheses, and single words: misspelt, missing, or one too many."""

from __future__ import annotations

from epql.engine.errors import Error, Span
from epql.engine.spelling import nearest
from epql.parse import lexer, repair
from epql.parse.lexer import BAD, END, NAME
from epql.parse.mistakes.mistake import Mistake, Recogniser

_AFTER_LIST = (
    END, "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "RPAR", "UNION", "WINDOW",
)  # fmt: skip


def misspelt(m: Mistake) -> Error | None:
    """A keyword with a letter too few, too many, wrong or swapped; perhaps taken for a name."""
    if m.wrong == 0:
        return None
    mended = repair.misspelt(m.tokens, m.wrong)
    if mended is None:
        return None
    offset = mended.place - m.wrong
    return m.error(
        f"unexpected {m.shown(offset)}", f"did you mean {mended.words}?", span=m.span(offset)
    )


def comma_before(m: Mistake) -> Error | None:
    if m.up(-1) != "," or m.kind(0) not in _AFTER_LIST:
        return None
    what = "the end" if m.kind(0) == END else m.up(0)
    return m.error(
        f"a comma stands before {what}",
        "take the comma away, or add what should follow it",
        span=m.span(-1),
        code="parse.unexpected_end" if m.kind(0) == END else "parse.unexpected_token",
    )


def missing_from(m: Mistake) -> Error | None:
    if m.kind(0) not in (NAME, "QUOTED_NAME") or not m.takes("FROM", END) or m.up(-1) != "*":
        return None
    close = nearest(m.token.value, ["from"])
    return m.error(
        f"unexpected {m.shown()}",
        close or f"write FROM {m.token.value}",
        expected="expected FROM",
    )


def open_parenthesis(m: Mistake) -> Error | None:
    """A ( that is not closed: says where it stands."""
    if not m.takes("RPAR") or m.kind(0) in (BAD, "COMMA"):
        return None
    place = _opened(m)
    if place is None or (m.kind(0) != END and not repair.inserted(m.tokens, m.wrong, ")")):
        return None
    line = m.text.count("\n", 0, place) + 1
    column = place - (m.text.rfind("\n", 0, place) + 1) + 1
    is_end = m.kind(0) == END
    end = m.before[-1].end
    return m.error(
        "a ( is not closed",
        f"the ( at line {line} column {column} has no )",
        code="parse.unexpected_end" if is_end else "parse.unexpected_token",
        span=Span(end, end + 1) if is_end else m.span(),
        expected="expected )",
    )


def closing_parenthesis(m: Mistake) -> Error | None:
    if m.kind(0) != "RPAR" or _opened(m) is not None:
        return None
    return m.error("there is no ( for this )", "take the ) away, or open it with ( where it begins")


def missing_comma(m: Mistake) -> Error | None:
    if not m.takes("COMMA") or not _is_item(m, 0) or not _is_item(m, -1) or m.adjoins(0):
        return None
    if not repair.inserted(m.tokens, m.wrong, ","):
        return None
    if m.kind(-1) == "RPAR" and m.kind(0) == "LPAR":
        hint = "several stand with commas between them: ('s', 'p', 'o'), ('s', 'q', 'o')"
    else:
        hint = f"is a comma missing? {m.written(-1)}, {m.written(0)}"
    return m.error(f"unexpected {m.shown()}", hint, expected="expected a comma")


def missing_by(m: Mistake) -> Error | None:
    """One small word left out: GROUP object, TRANSITION x approved, REPLAY 'q:12'."""
    if m.kind(0) in (BAD, END) or len(m.expected) != 1:
        return None
    for kind in sorted(m.expected):
        if (
            kind.isalpha()
            and kind not in (NAME, "STRING", "NUMBER")
            and repair.inserted(m.tokens, m.wrong, kind)
        ):
            return m.error(
                f"{kind} is missing",
                f"write {m.written(-1)} {kind} {m.written(0)}",
                expected=f"expected {kind}",
            )
    return None


def twice(m: Mistake) -> Error | None:
    """The same word twice, where once is understood."""
    if m.kind(0) in (END, BAD) or not m.wrong or not repair.dropped(m.tokens, m.wrong):
        return None
    if m.up(0) == m.up(-1):
        return m.error(f"{m.written(0)} stands twice", "keep one of them")
    return None


def _is_item(m: Mistake, offset: int) -> bool:
    """Whether a token may begin or end an item of a list."""
    if m.kind(offset) == NAME:
        return m.up(offset) not in lexer.keywords()
    edge = "RPAR" if offset < 0 else "LPAR"
    return m.kind(offset) in ("STRING", "NUMBER", "QUOTED_NAME", "PARAMETER", edge)


def _opened(m: Mistake) -> int | None:
    """Where the innermost ( stands that is open before the wrong token."""
    open_: list[int] = []
    for token in m.before:
        if token.kind == "LPAR":
            open_.append(token.start)
        elif token.kind == "RPAR" and open_:
            open_.pop()
    return open_[-1] if open_ else None


RECOGNISERS: tuple[Recogniser, ...] = (
    missing_from,
    missing_by,
    closing_parenthesis,
    open_parenthesis,
    missing_comma,
    twice,
)
