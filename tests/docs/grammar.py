"""The syntax of grammar/*.lark in the reader's terms, read with lark's own reader of grammars.

A rule is shown as it is written by a person: keywords in capitals, terminals as what stands
there, helper rules put in where they are used. Rules that a page of the manual explains are
kept as terms (`TERMS`), with the place of the explanation.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from lark import Tree
from lark.load_grammar import GrammarBuilder

from epql.parse.tables import grammar_text
from tests.docs.ebnf import Many, Maybe, Node, Seq, Term, Word, choice, many, seq

SYNTAX = "index.md#how-to-read-the-syntax"
TERMS = {
    "text": ("text", SYNTAX),
    "value": ("value", SYNTAX),
    "parameter": ("parameter", "parameters.md"),
    "name": ("name", SYNTAX),
    "any_name": ("name", SYNTAX),
    "expr": ("expression", "select.md#expressions"),
    "query": ("query", "select.md#select"),
    "clauses": ("clauses", "clauses.md"),
    "window_definition": ("window-definition", "select.md#expressions"),
    "instant": ("instant", "instants.md"),
    "state": ("state", "clauses.md#lifecycle"),
    "target": ("target", "lifecycle.md#targets"),
}
"""Rules that are not put in but named: what the page calls them, where they are explained."""

SHORT = {"valid": Word("VALID …"), "returning": Word("RETURNING …")}
"""Rules that are cut short where every statement has one line only."""

OUTLINE = {
    "from": Word("FROM …"),
    "with": Word("WITH …"),
    "ordered": Term("column"),
    "returned": Word("RETURNING …"),
    "column_constraint": Term("column-constraint"),
    "table_constraint": Term("table-constraint"),
    "on_conflict": Word("ON CONFLICT …"),
}
"""Rules of SQLite's own statements, of which a page shows the outline."""

TERMINALS: dict[str, Node] = {
    "STRING": Term("'text'"),
    "NUMBER": Term("number"),
    "BLOB": Term("x'hex'"),
    "PARAMETER": Term("parameter"),
    "NAME": Term("name"),
    "QUOTED_NAME": Term('"name"'),
    "AS_OF": seq([Word("AS"), Word("OF")]),
    "ON_CONFLICT": seq([Word("ON"), Word("CONFLICT")]),
}
"""Terminals that are no plain words."""

PLACES = {
    ("triple", "value"): ("subject", "predicate", "object"),
    ("target", "value"): ("subject", "predicate", "object"),
    ("option_type", "NAME"): ("type",),
    ("resolve", "NAME"): ("strategy",),
    ("option_format", "NAME"): ("format",),
    ("renamed", "name"): ("column",),
    ("renamed", "NAME"): ("part",),
    ("renamed", "STRING"): ("'predicate'",),
    ("option_wide", "name"): ("column",),
    ("returning", "names"): ("column {, column}",),
    ("diff", "names"): ("column {, column}",),
    ("supersede", "value"): ("object",),
}
"""(rule, what it takes): what the reader calls it there, from left to right."""

FORMS = ("_open", "_end", "_post")
"""Ends of the names of rules that the reader takes for the rule without it (expressions.lark)."""

FOREIGN = {"SYSTEM", "SYSTEM_TIME", "TIMESTAMP", "VALID_TIME"}
"""Terminals of spellings that other systems have; foreign.md shows them."""


@cache
def rules() -> dict[str, Tree[Any]]:
    """The rules of the grammar by name, as lark reads them."""
    return {name: tree for name, _, tree, _ in _grammar().rule_defs}


@cache
def _grammar() -> Any:
    builder = GrammarBuilder()
    builder.load_grammar(grammar_text(), "epql")
    return builder.build()


@cache
def words() -> dict[str, str]:
    """The terminals that are one fixed text, with that text in capitals."""
    found = {}
    for name, (tree, _) in _grammar().term_defs:
        literals = list(tree.find_data("literal"))
        text = str(literals[0].children[0])
        if len(literals) == 1 and text.startswith('"'):
            found[name] = text[1 : text.rindex('"')].upper()
    return found


def statements() -> list[str]:
    """The rules of the statements: the alternatives of the grammar's start."""
    return [name for part in _alternatives(rules()["start"]) for name in _names(part)]


def clauses() -> list[str]:
    """The rules of the clauses of time and belief."""
    return [name for part in _alternatives(rules()["clause"]) for name in _names(part)]


def syntax(
    name: str,
    *,
    kept: frozenset[str] = frozenset(),
    foreign: bool = False,
    short: bool = False,
    outline: bool = False,
) -> Node:
    """What a rule takes. Rules in `kept` and TERMS stay names; `foreign`: only such spellings.

    Raises: KeyError if there is no such rule.
    """
    terms: dict[str, Node] = {rule: Term(shown(rule)) for rule in kept | set(TERMS)}
    terms |= SHORT if short else {}
    terms |= {rule: node for rule, node in OUTLINE.items() if rule != name} if outline else {}
    return _Reader(terms, foreign).rule(name)


def shown(rule: str) -> str:
    """The reader's name of a rule that has a production of its own.

    >>> shown("result_column"), shown("expr")
    ('result-column', 'expression')
    """
    return TERMS[rule][0] if rule in TERMS else rule.replace("_", "-")


def form_of(name: str) -> str:
    """The rule that a rule is a form of, itself if it is none.

    >>> form_of("sum_post_open"), form_of("sum")
    ('sum', 'sum')
    """
    short = name
    for end in FORMS:
        short = short.removesuffix(end)
    return "test" if name == "inequality_post" else short if short in rules() else name


class _Reader:
    """Makes nodes of lark's trees; `terms` are the rules that stay names."""

    def __init__(self, terms: dict[str, Node], foreign: bool) -> None:
        self.terms = terms
        self.foreign = foreign
        self.inside: list[str] = []
        self.places: dict[str, Iterator[str]] = {}

    def rule(self, name: str) -> Node:
        if name in self.inside:
            return Term(shown(name))
        self.inside.append(name)
        first: list[Node] = []
        further: list[Node] = []
        for part in _alternatives(rules()[name]):
            if _is_foreign(part) != (self.foreign and len(self.inside) == 1):
                continue
            made = self._alternative(name, part)
            if isinstance(made, Seq) and made.parts[0] == Term(shown(name)):
                further.append(seq(list(made.parts[1:])))  # x: a | x b   is   a {b}
            else:
                first.append(made)
        self.inside.pop()
        return seq([choice(first), Many(choice(further))]) if further else choice(first)

    def _alternative(self, rule: str, tree: Tree[Any]) -> Node:
        outer = self.places
        names = (rule, str(tree.children[1].name) if _has_alias(tree) else rule)
        self.places = {
            what: iter(called) for (where, what), called in PLACES.items() if where in names
        }
        made = self._node(tree)
        self.places = outer
        return made

    def _node(self, tree: Tree[Any]) -> Node:
        children = tree.children
        if tree.data == "expansions":
            return choice([self._node(child) for child in children])
        if tree.data == "alias":
            return self._node(children[0])
        if tree.data == "expansion":
            return seq([self._node(child) for child in children])
        if tree.data == "maybe":
            return Maybe(self._node(children[0]))
        if tree.data == "expr":
            inner = self._node(children[0])
            return {"?": Maybe(inner), "*": many(inner), "+": seq([inner, many(inner)])}[
                str(children[1])
            ]
        assert tree.data == "value", tree.data
        return self._symbol(children[0].name)

    def _symbol(self, symbol: str) -> Node:
        name = form_of(symbol)
        place = next(self.places.get(name, iter(())), None)
        if place:
            return Term(place)
        if name in self.terms:
            return self.terms[name]
        if name in rules():
            return self.rule(name)
        return TERMINALS.get(name) or Word(words()[name])


def _alternatives(tree: Tree[Any]) -> list[Tree[Any]]:
    return list(tree.children) if tree.data == "expansions" else [tree]


def _has_alias(tree: Tree[Any]) -> bool:
    return tree.data == "alias" and tree.children[1] is not None


def _names(tree: Tree[Any]) -> list[str]:
    """The symbols that a tree uses, in order."""
    return [str(value.children[0].name) for value in _values(tree)]


def _values(tree: Tree[Any]) -> Iterator[Tree[Any]]:
    if tree.data == "value":
        yield tree
        return
    for child in tree.children:
        if isinstance(child, Tree):
            yield from _values(child)


def _is_foreign(tree: Tree[Any]) -> bool:
    return not FOREIGN.isdisjoint(_names(tree))
