"""Characters that begin nothing, and texts that do not end."""

from __future__ import annotations

import re

from epql.engine.errors import Error, ProgrammingError, Span
from epql.parse.lexer import Token

_FOREIGN: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), message, hint)
    for pattern, message, hint in (
        (r"::\s*\w+", "there is no ::", "a type is converted with CAST(x AS integer)"),
        (r":=", "there is no :=", "write ="),
        (r":", "unexpected character ':'", "a parameter is :name, an id is a string: 'a:1f3c9e'"),
        (r"!=?~\*?", "there is no !~", "write NOT subject REGEXP '^s'"),
        (r"!\s+=", "there is no ! =", "write !=, without a space"),
        (r"!", "there is no !", "write NOT"),
        (r"\{\{?\s*(\w+)\s*\}?\}", "a value is missing", "give values as parameters: ? or :{0}"),
        (r"\$\{(\w+)\}", "a value is missing", "give values as parameters: ? or :{0}"),
        (r"\$\((\w+)\)", "a value is missing", "give values as parameters: ? or :{0}"),
        (r"\$\$", "there are no strings in $$", "strings have single quotes: 'text'"),
        (r"[@$]", "a parameter has a name", "write ? or :name"),
        (r"\{", "EPQL has no braces", "an object of JSON is a string: '{{\"key\": 1}}'"),
        (r"\}", "EPQL has no braces", "an object of JSON is a string: '{{\"key\": 1}}'"),
        (r"\]", "there is no [ for this ]", "a list stands in parentheses: ('a', 'b')"),
        (r"\\[a-zA-Z]", "there is no \\ before a word", "a statement ends with ;"),
        (r"#", "unexpected character '#'", "a comment is -- to the end of the line, or /* … */"),
        (r"\^", "unexpected character '^'", "SQL has no ^: a power is pow(x, y)"),
        (r"\\", "unexpected character '\\'", "a quote inside a string is doubled: 'it''s'"),
    )
)  # fmt: skip

_ODD = {
    **dict.fromkeys("‘’‚‛“”„«»", "strings are written in straight quotes: 'text'"),
    **dict.fromkeys(
        "\u00a0\u2007\u202f\u3000\u200b\ufeff\u2028", "it looks like a space; type one"
    ),
    **dict.fromkeys("–—−", "it looks like a minus; type -"),
    **dict.fromkeys("（）", "it looks like a parenthesis; type ( or )"),
    **dict.fromkeys("，、", "it looks like a comma; type ,"),
    "；": "it looks like a semicolon; type ;",
    "…": "put in what is left out",
    "\0": "a statement cannot contain the character NUL",
}


def about(text: str, token: Token) -> Error:
    """The error for a character that begins nothing, or a text that does not end."""
    value, span = token.value, Span(token.start, token.end)
    if value == "'":
        return _error(
            "the string that starts here does not end",
            span,
            "a quote inside a string is doubled: 'it''s'",
            "unterminated_string",
            expected="expected a closing '",
        )
    if value in ('"', "`", "["):
        closing = "]" if value == "[" else value
        return _error(
            "the quoted name that starts here does not end",
            span,
            "names have double quotes, strings single ones: \"column\", 'text'",
            "unterminated_name",
            expected=f"expected a closing {closing}",
        )
    if value[:1].isdigit() or value[:1] == ".":
        odd = _ODD.get(text[token.end : token.end + 1])
        if odd:
            return _error(
                f"unexpected character {_name(text[token.end])}",
                Span(token.end, token.end + 1),
                odd,
            )
        hint = "a date, a duration or an id is a string: '2026-01-12', '-24h', 'a:1f3c'"
        return _error(f"the number {value} runs into a name", span, hint)
    for pattern, message, hint in _FOREIGN:
        found = pattern.match(text, token.start)
        if found:
            return _error(message, Span(*found.span()), hint.format(*found.groups()))
    hint_ = _ODD.get(value, "put text in single quotes: 'text'")
    return _error(f"unexpected character {_name(value)}", span, hint_)


def _error(
    message: str,
    span: Span,
    hint: str,
    code: str = "unexpected_character",
    expected: str | None = None,
) -> Error:
    code = {
        "unexpected_character": "parse.unexpected_character",
        "unterminated_string": "parse.unterminated_string",
        "unterminated_name": "parse.unterminated_name",
    }[code]
    return ProgrammingError(message, code=code, span=span, hint=hint, expected=expected)


def _name(value: str) -> str:
    is_shown = value.isprintable() and not value.isspace()
    return repr(value) if is_shown else f"U+{ord(value):04X}"
