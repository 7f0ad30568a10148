"""The parser's stack behind some tokens, and what can be read off it and them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from epql.parse.ahead.around import name_of, unquoted
from epql.parse.driver import Followed
from epql.parse.lexer import NAME, Token

DEPTH = 24
"""As much of the stack is looked at."""


class Slot(NamedTuple):
    """What is known of the slot that a value belongs to."""

    subject: str | None = None
    predicate: str | None = None


NO_SLOT = Slot()


class Stack:
    """What stands on the stack. `text`: its upper symbols, a blank behind each."""

    def __init__(self, way: Followed, tokens: Sequence[Token]) -> None:
        self.states = way.states
        self._symbols = way.symbols
        self._tokens = tokens
        self.text = "".join(f"{name} " for name, _ in way.symbols[-DEPTH:])

    def _first(self, behind: str) -> int:
        """The number of the first token of an end of `text`."""
        return self._symbols[-len(behind.split())][1]

    @cached_property
    def of(self) -> str | None:
        """The table before a dot, the policy before its value, the first word behind SHOW."""
        found = _OWNER.search(self.text)
        return None if found is None else name_of(self._tokens[self._first(found[0])])

    @cached_property
    def part(self) -> int | None:
        """Which part of a triple or slot begins, from 0."""
        found = _VALUES.search(self.text)
        return None if found is None else found[1].count("COMMA")

    @cached_property
    def compared(self) -> tuple[str, str] | None:
        """(table or '', column) of what is compared with what begins here, in lower case."""
        found = _COMPARING.search(self.text)
        if found is None:
            return None
        operator = found[0].partition(" ")[2]
        names = self._tokens[self._first(found[0]) : self._first(operator)]
        if len(names) not in (1, 3) or names[-1].kind not in (NAME, "QUOTED_NAME"):
            return None
        table = name_of(names[0]).lower() if len(names) == 3 else ""
        return table, name_of(names[-1]).lower()

    @property
    def clause(self) -> str:
        """The keyword of the clause of a query that it is in, or of CASE; '' in none."""
        found = _CLAUSE.match(self.text)
        return found[1] if found else ""

    @property
    def is_condition(self) -> bool:
        """Whether it is in the condition of a rule."""
        return _CONDITION.search(self.text) is not None

    @cached_property
    def written(self) -> str | None:
        """The table whose columns are listed here, to be written."""
        found = _WRITTEN.search(self.text)
        return None if found is None else name_of(self._tokens[self._first(found[0])])

    def slot(self, after: Sequence[Token]) -> Slot:
        """What is known of the slot of a value that begins here; `after` are the tokens behind."""
        values = _VALUES.search(self.text)
        if values is not None:
            return _slot_of(self._tokens[self._first(values[0]) :])
        target = _TARGET.search(self.text)
        if target is not None:
            return _slot_of(self._tokens[self._first(target[0]) :])
        if self.compared is None:
            return NO_SLOT
        return _slot_compared((*self._tokens, *after), self.compared[0])


_OWNER = re.compile(r"\b\w+ DOT \Z|(?<=POLICY )\w+ EQ \Z|(?<=SHOW )NAME \Z")
_VALUES = re.compile(r"\bLPAR ((?:(?:value|pattern_part) COMMA ){0,2})\Z")
_COMPARING = re.compile(
    r"\b\w+ (?:EQ|EQ_EQ|NE|NE_BANG|IS(?: NOT)?|(?:NOT )?(?:LIKE|GLOB)"
    r"|(?:NOT )?IN LPAR(?: expr| expr_list| __\w+| COMMA)*) \Z"
)
_WRITTEN = re.compile(r"\bwritten_table (?:SET|LPAR) .*\Z|(?<= ON )table_name LPAR .*\Z")
_CLAUSE = re.compile(r".*\b(SELECT|from|WHERE|ON|HAVING|WHEN|GROUP|ORDER)\b")
_CONDITION = re.compile(r"\bFORBID pattern (?:\w+ )*?WHEN ")
_TARGET = re.compile(r"\b(?:target|pattern) (?:WITH|TO|(?:\w+ )*PREFER) \Z")


def _slot_of(tokens: Sequence[Token]) -> Slot:
    """The slot of a triple, from its parenthesis on, as far as its parts are texts."""
    kinds = [token.kind for token in tokens[:5]]
    subject = predicate = None
    if kinds[:3] == ["LPAR", "STRING", "COMMA"]:
        subject = unquoted(tokens[1].value)
    if kinds[2:5] in (["COMMA", "STRING", "COMMA"], ["COMMA", "STRING", "RPAR"]):
        predicate = unquoted(tokens[3].value)
    return Slot(subject, predicate)


def _slot_compared(tokens: Sequence[Token], table: str) -> Slot:
    """The slot that a table's conditions name: subject = 'text' AND predicate = 'text'."""
    found: dict[str, str] = {}
    for number in range(2, len(tokens)):
        name, mark, text = tokens[number - 2 : number + 1]
        if mark.kind in ("EQ", "EQ_EQ") and text.kind == "STRING" and name.kind == NAME:
            is_owned = number > 3 and tokens[number - 3].kind == "DOT"
            if (tokens[number - 4].value.lower() if is_owned else "") == table:
                found[name.value.lower()] = unquoted(text.value)
    return Slot(found.get("subject"), found.get("predicate"))
