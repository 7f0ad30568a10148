"""Parts of the manual's pages that are made, not written: syntax and columns.

    <!-- grammar: begin, commit -->     the syntax of rules of the grammar; a rule that stands in
    <!-- /grammar -->                   the list is named, not put in, where another one uses it
    <!-- grammar: as_of; foreign -->    only the spellings of other systems
    <!-- grammar: assert; lines -->     one line for each alternative, nothing about its terms
    <!-- grammar: insert; outline -->  without what SQLite's manual tells better
    <!-- grammar: correct; coming -->   nothing as long as the grammar has no such rule
    <!-- columns -->                    the relations with their columns, a line for each
    <!-- /columns -->

EPQL_DOCS_REWRITE=1 brings them up to date (tests/docs/pages.py); a test fails where they are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from epql.engine.vtab.register import RELATIONS
from tests.docs import ebnf, grammar

_PART = re.compile(
    r"^<!-- (grammar|columns)(?:: ([\w, ]+?))?(?:; (\w+))? -->\n(.*?)^<!-- /\1 -->$",
    re.MULTILINE | re.DOTALL,
)
SAME_MIN = 8
"""Columns two relations must share at the start for the later one to refer to the earlier."""


def refreshed(text: str, page: str) -> str:
    """The page's text with its made parts as they should be; `page` is its file name.

    Raises: KeyError if a part names a rule that the grammar has not.
    """

    def made(found: re.Match[str]) -> str:
        kind, names, how, _ = found.groups()
        if how == "coming" and names not in grammar.rules():
            new = ""
        elif kind == "columns":
            new = columns() + "\n"
        else:
            new = syntax(names.split(", "), how or "", page) + "\n"
        return f"{found[0].partition('-->')[0]}-->\n{new}<!-- /{kind} -->"

    return _PART.sub(made, text)


def rules_of(text: str) -> Iterator[str]:
    """The rules whose syntax a page shows."""
    for found in _PART.finditer(text):
        if found[1] == "grammar":
            yield from found[2].split(", ")


# ---------------------------------------------------------------- syntax


def syntax(names: list[str], how: str, page: str) -> str:
    """The block of these rules, with links to what explains its terms."""
    short = how == "lines"
    kept = frozenset(names)
    nodes = {
        name: grammar.syntax(
            name,
            kept=kept - {name},
            foreign=how == "foreign",
            short=short,
            outline=how == "outline",
        )
        for name in names
    }
    used = {term for node in nodes.values() for term in _terms(node)}
    lines: list[str] = []
    for name, node in nodes.items():
        head = f"{grammar.shown(name)} = " if grammar.shown(name) in used or _is_bare(node) else ""
        lines += map(ebnf.show, ebnf.written_out(node)) if short else ebnf.lines(node, head)
    block = "\n".join(["```ebnf", *lines, "```"])
    links = [] if short else list(_links(nodes, page))
    return block + (f"\nSee {', '.join(links)}." if links else "")


def _links(nodes: dict[str, ebnf.Node], page: str) -> Iterator[str]:
    used = {term for node in nodes.values() for term in _terms(node)}
    for rule, (text, place) in grammar.TERMS.items():
        if text in used and rule not in nodes and place != grammar.SYNTAX:
            yield f"[{text}]({place.removeprefix(page)})"


def _is_bare(node: ebnf.Node) -> bool:
    """Whether it needs its name before it, since not every alternative begins with a keyword."""
    return not all(ebnf.is_option(one) for one in ebnf.written_out(node))


def _terms(node: ebnf.Node) -> Iterator[str]:
    if isinstance(node, ebnf.Term):
        yield node.text
    elif isinstance(node, ebnf.Maybe | ebnf.Many):
        yield from _terms(node.part)
    elif isinstance(node, ebnf.Seq | ebnf.Choice):
        for part in node.parts:
            yield from _terms(part)


# ---------------------------------------------------------------- relations


def columns() -> str:
    """Each relation with its columns in a line; what repeats an earlier one refers to it."""
    before: dict[str, list[str]] = {}
    lines = []
    for name, relation in RELATIONS.items():
        own = [column.name for column in relation.columns]
        lines.append(f"- `{name}`: {_line(own, before)}")
        before[name] = own
    return "\n".join(lines)


def _line(own: list[str], before: dict[str, list[str]]) -> str:
    best = max(before, key=lambda name: _same(own, before[name]), default="")
    same = _same(own, before[best]) if best else 0
    if same < SAME_MIN:
        return _paired(own)
    if same == len(own) == len(before[best]):
        return f"as `{best}`"
    upto = "" if same == len(before[best]) else f" up to {own[same - 1]}"
    return f"as `{best}`{upto}, then {', '.join(own[same:])}"


def _same(own: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(own, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(own), len(other)))


def _paired(own: list[str]) -> str:
    """Names with commas; before_x, after_x as one."""
    names = [name for name in own if not name.startswith("after_")]
    return ", ".join(re.sub(r"^before_(\w+)$", r"before_/after_\1", name) for name in names)
