"""The first word of a statement, and what follows the verbs of EPQL."""

from __future__ import annotations

from epql.engine.errors import Error
from epql.engine.spelling import nearest
from epql.parse import repair
from epql.parse.driver import statement_words
from epql.parse.lexer import BAD, END, NAME
from epql.parse.mistakes.instead import MEANT, OPTIONS, TARGET_FORM
from epql.parse.mistakes.mistake import Mistake, Recogniser, plain

ASSERT_FORM = "write ASSERT ('subject', 'predicate', 'object')"


def unknown_statement(m: Mistake) -> Error | None:
    if m.before or m.kind(0) in (END, BAD, "AS_OF"):
        return None
    word = m.up(0)
    if m.up(0) == "/" and m.up(1) == "/":
        return m.error(
            "there is no //",
            "a comment is -- to the end of the line, or /* … */",
            span=m.span(0, 1),
        )
    mended = repair.misspelt(m.tokens, 0)
    hint = nearest(m.token.value, statement_words())
    if word in MEANT:
        hint = f"write {MEANT[word]}"
    elif mended is not None and mended.words in statement_words():
        hint = f"did you mean {mended.words}?"
    if m.text[m.token.start :].startswith("(d/"):
        hint = "write SELECT object FROM beliefs AS OF TX 42"
    if word == "EPQL" and m.up(1) == ">":
        hint = "this is the prompt: leave epql> out"
    elif m.token.value.startswith("```"):
        hint = "leave the ``` around the statement out"
    return m.error(
        f"no statement begins with {m.shown()}",
        hint or "statements are SELECT, ASSERT, SUPERSEDE, CORRECT, RETRACT, WHY, …",
        expected="expected SELECT, WITH, ASSERT, …",
    )


def explained_write(m: Mistake) -> Error | None:
    if m.up(-1) != "EXPLAIN" or m.wrong != 1 or m.kind(0) not in statement_words():
        return None
    return m.error(
        "EXPLAIN takes a query",
        "what a statement that writes would do, it tells itself with DRY RUN at its end",
        expected="expected SELECT, WITH or VALUES",
    )


def assert_forms(m: Mistake) -> Error | None:
    """What is no triple after ASSERT, CHECK, FORBID and WHY NOT."""
    verb = _first(m)
    if verb == "WHY" and m.up(1 - m.wrong) == "NOT":
        verb = "WHY NOT"
    if verb not in ("ASSERT", "CHECK", "FORBID", "WHY NOT"):
        return None
    form = ASSERT_FORM.replace("ASSERT", verb)
    if m.wrong == len(verb.split()) and m.kind(0) in (END, "STRING", NAME, "INTO"):
        return m.error(
            f"{verb} takes triples in parentheses",
            form,
            expected="expected (",
            code="parse.unexpected_end" if m.kind(0) == END else "parse.unexpected_token",
            span=m.span(-1) if m.kind(0) == END else None,
        )
    if verb == "ASSERT" and m.up(0) == "VALUES" and m.kind(-1) == "RPAR":
        return m.error("ASSERT takes the values themselves", form + ", and no VALUES")
    if (m.kind(-1), m.kind(0)) == ("LPAR", "RPAR") and m.wrong < 4:
        return m.error("a triple has three parts", form)
    return _triple_parts(m, form) if m.takes("CONCAT") else None


def _triple_parts(m: Mistake, form: str) -> Error | None:
    count = _values(m)
    if m.kind(0) == "RPAR" and m.takes("COMMA") and count in (1, 2):
        said = "one part" if count == 1 else "two parts"
        return m.error(f"this has {said}, a triple has three", form, expected="expected a comma")
    if m.kind(0) == "COMMA" and m.takes("RPAR") and count == 3:
        if m.kind(1) == "RPAR":
            return m.error("a comma stands before )", "take the comma away")
        return m.error("a triple has three parts, this has more", form, expected="expected )")
    if m.kind(0) in ("STRING", "NUMBER") and m.takes("COMMA") and 0 < count < 3:
        hint = f"a comma is missing: {m.written(-1)}, {m.written(0)}"
        return m.error(f"unexpected {m.shown()}", hint, expected="expected a comma")
    return None


def _first(m: Mistake) -> str:
    """The statement's first word."""
    return m.before[0].value.upper() if m.before else ""


def _values(m: Mistake) -> int:
    """How many values stand in the parenthesis that is open; 0 where none is, or a query."""
    depth, count = 0, 1
    for number in range(-1, -m.wrong - 1, -1):
        kind = m.kind(number)
        depth += (kind == "RPAR") - (kind == "LPAR")
        if depth < 0:
            return 0 if m.up(number + 1) in ("SELECT", "WITH", "VALUES") else count
        count += kind == "COMMA" and depth == 0
    return 0


def slot_forms(m: Mistake) -> Error | None:
    """A target with one part, or without its parentheses."""
    verb = _first(m)
    if verb not in _TARGETS:
        return None
    if m.kind(0) == "RPAR" and m.kind(-2) == "LPAR" and m.takes("COMMA") and m.wrong <= 4:
        return m.error(
            "a target has a subject and a predicate", TARGET_FORM, expected="expected a comma"
        )
    if m.kind(0) == "COMMA" and m.kind(-1) == "STRING" and m.kind(1) == "STRING" and m.wrong <= 3:
        return m.error(
            "a slot stands in parentheses",
            f"write ({m.written(-1)}, {m.written(1)})",
            span=m.span(-1, 1),
        )
    if m.kind(0) == END and m.takes("LPAR", "STRING", "PARAMETER") and m.wrong <= 2:
        return m.error(
            f"{verb} of what?",
            TARGET_FORM,
            code="parse.unexpected_end",
            span=m.span(-1),
            expected="expected a target",
        )
    if verb == "SUPERSEDE" and m.kind(0) == END and m.takes("WITH"):
        return m.error(
            "SUPERSEDE says by what",
            OPTIONS[verb, "TO"],
            code="parse.unexpected_end",
            span=m.span(-1),
            expected="expected WITH",
        )
    return None


def option_equals(m: Mistake) -> Error | None:
    """`CONFIDENCE = 0.9`, `SET AGENT = 'ann'`, `CARDINALITY = MANY`."""
    word = m.up(-1)
    if m.up(0) != "=" or word not in _OPTION_WORDS or m.takes("EQ"):
        return None
    name = "TIME ZONE" if word == "ZONE" else word
    return m.error(f"{name} has no =", f"write {name} {m.written(1)}")


def policy_equals(m: Mistake) -> Error | None:
    if m.up(-3) != "DEFINE" or m.up(-2) != "POLICY" or m.up(0) == "=":
        return None
    value = m.written(1 if m.up(0) == "TO" else 0)
    return (
        m.error(
            f"unexpected {m.shown()}",
            f"write DEFINE POLICY {m.written(-1)} = {value}",
            expected="expected =",
        )
        if m.kind(0) != END
        else None
    )


def properties_in_parentheses(m: Mistake) -> Error | None:
    """DEFINE AGENT bob kind = 'x', DEFINE TOPIC auth AS 'auth/*'."""
    if m.up(-3) != "DEFINE" or m.kind(0) == END:
        return None
    form = {"AGENT": "(kind = 'model')", "TOPIC": "(subjects = 'auth/*')"}.get(m.up(-2))
    if form is None:
        return None
    hint = f"write DEFINE {m.up(-2)} {m.written(-1)} {form}"
    return m.error(f"unexpected {m.shown()}", hint, expected="expected (")


def option_words(m: Mistake) -> Error | None:
    """What stands after a verb in other languages, answered with EPQL's word for it."""
    verb = _first(m)
    word = m.up(0)
    if verb == "ASSERT" and m.up(-1) == "," and word in _OPTION_WORDS:
        return m.error(
            "options have no commas between them",
            f"write {word} directly after the )",
            span=m.span(-1),
        )
    if verb == "ASSERT" and word == "," and m.up(1) in _OPTION_WORDS:
        return m.error("options have no commas between them", "take the comma away")
    if word == "BECAUSE" and verb in _TARGETS:
        return m.error("unexpected BECAUSE", f"write REASON {m.written(1)}")
    if word.lower() in _STATES and verb in ("ASSERT", "PROMOTE", "TRANSITION"):
        form = {"ASSERT": "LIFECYCLE {}", "TRANSITION": "TO {}"}.get(
            verb, "TRANSITION ('s', 'p') TO {}"
        )
        return m.error(f"unexpected {m.shown()}", "write " + form.format(m.written(0)))
    if (m.up(-1), word) == ("IF", "NOT"):
        return m.error(
            "there is no IF NOT EXISTS here",
            "write IF NONE",
            span=m.span(-1, 1),
            expected="expected NONE",
        )
    if m.up(-1) == "SEVERITY":
        strength = plain(m.token).upper() if plain(m.token).upper() in ("HARD", "SOFT") else "HARD"
        return m.error(
            f"unexpected {m.shown()}",
            f"write SEVERITY {strength}",
            expected="expected HARD or SOFT",
        )
    if (
        m.up(-1) in ("BY", "FORMAT")
        and m.kind(0) == "STRING"
        and m.takes(NAME)
        and not m.takes("STRING")
    ):
        return m.error(
            f"unexpected {m.shown()}", f"write it without quotes: {m.up(-1)} {plain(m.token)}"
        )
    if m.up(-1) == "QUALIFIED":
        return m.error("QUALIFIED takes pairs in parentheses", "write QUALIFIED (key = 'value')")
    hint = OPTIONS.get((verb, word))
    if hint is None and m.wrong == 1:
        hint = OPTIONS.get((verb, m.kind(0)))
    if hint is None and (verb, m.kind(0)) == ("DESCRIBE", NAME):
        hint = OPTIONS[verb, NAME]
    return None if hint is None else m.error(f"unexpected {m.shown()}", hint)


_TARGETS = (
    "PROMOTE", "REJECT", "TRANSITION", "RETRACT", "SUPERSEDE", "CORRECT", "REVIVE", "CONFIRM",
    "VOTE", "ERASE", "WHY", "IMPACT", "HISTORY", "BLAME", "REPEAL",
)  # fmt: skip
_OPTION_WORDS = (
    "AGENT", "CONFIDENCE", "LIFECYCLE", "SOURCE", "VALID", "BECAUSE", "QUALIFIED", "KEY", "REASON",
    "RETURNING", "WEIGHT", "SEVERITY", "PREFER", "PURPOSE", "ZONE", "NOTICES", "CARDINALITY",
    "TYPE",
)  # fmt: skip
_STATES = (
    "proposed", "review", "approved", "deprecated", "rejected", "superseded", "retracted",
    "incorrect",
)  # fmt: skip

EXACT: tuple[Recogniser, ...] = (
    unknown_statement,
    explained_write,
    assert_forms,
    slot_forms,
    option_equals,
    policy_equals,
    properties_in_parentheses,
)
RECOGNISERS: tuple[Recogniser, ...] = (option_words,)
