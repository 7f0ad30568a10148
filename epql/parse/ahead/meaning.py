"""What a name or a text would mean: a relation, a subject, an agent, …

It follows from what stands on the parser's stack: PLACES is a table of such stacks, LEADS of rules
that may begin there. So all that is here follows the grammar; only what a place means to a person
is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from epql.parse.ahead.stack import Stack
from epql.parse.driver import Driver
from epql.parse.lexer import NAME

_LIST = r"(?:(?!RPAR )\w+ )*?"
PLACES: tuple[tuple[str, tuple[str, ...]], ...] = (
    # sessions, declarations
    (r"AGENT ", ("agent",)),
    (r"TIME ZONE ", ("zone",)),
    (r"FUSE ", ("switch",)),
    (r"SHOW ", ("setting",)),
    (r"SHOW NAME ", ("setting_rest",)),
    (r"DEFINE POLICY ", ("policy",)),
    (r"DEFINE POLICY \w+ EQ ", ("policy_value",)),
    (r"DEFINE PREDICATE ", ("predicate",)),
    (r"DEFINE AGENT ", ("agent",)),
    (r"DEFINE TOPIC ", ("topic",)),
    (r"(?:DEFINE|DROP) QUERY (?:if_exists )?", ("view",)),
    (r"TYPE ", ("predicate_type",)),
    (r"HALF LIFE |instant (?:PLUS|MINUS) |base (?:PLUS|MINUS) ", ("duration",)),
    # files
    (r"FORMAT ", ("format",)),
    (r"(?:IMPORT|IMPORT HISTORY|RESTORE) FROM ", ("file",)),
    (r"(?:EXPORT HISTORY|BACKUP|EXPORT LPAR query RPAR) TO ", ("file",)),
    # times and clauses
    (r"MARK EPOCH ", ()),
    (r"EPOCH ", ("epoch",)),
    (r"QUERY ", ("query",)),
    (r"DURING ", ("period",)),
    (r"RESOLVE BY ", ("strategy",)),
    (r"COLLATE ", ("collation",)),
    (r"DIFF SINCE .*KEY LPAR " + _LIST, ("column",)),
    (r"(?:LIMIT|OFFSET|LIMIT \w+ COMMA) ", ()),
    # tables and their columns
    (r"DESCRIBE |SHOW .*FROM ", ("relation",)),
    (r"INSERT (?:or_resolution )?INTO ", ("written",)),
    (r"UPDATE (?:or_resolution )?|DELETE FROM |DROP TABLE (?:if_exists )?", ("scratch",)),
    (r"INDEX (?:if_not_exists )?name ON ", ("scratch",)),
    (r"DROP INDEX (?:if_exists )?", ("index",)),
    (r"written_table (?:SET|LPAR) " + _LIST, ("column",)),
    (r"RETURNING " + _LIST, ("column",)),
    (r"USING LPAR " + _LIST, ("shared",)),
    (r"(?:FROM|JOIN|COMMA) any_name LPAR ", ("instant",)),
    (r"TRANSITION target TO ", ("move",)),
    (r"ASSERT (?!.*\b(?:SELECT|FROM|WHERE|VALUES) ).*LIFECYCLE ", ("landing",)),
    (r"source ON ", ("join", "column", "function")),
    # what is written
    (r"BECAUSE (?:\w+ )*?|IF CURRENT ", ("id",)),
    (r"SUPERSEDE target WITH |CORRECT target TO |PREFER ", ("object",)),
    (r"(?:REASON|PURPOSE|WEIGHT|CONFIDENCE|KEY|SOURCE) ", ()),
)
"""What may stand behind a stack that ends so; the first that fits says it."""
_PLACES = [(re.compile(rf"(?:.* )?(?:{ending})\Z"), kinds) for ending, kinds in PLACES]

LEADS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("state", ("state",)),
    ("instant", ("instant",)),
    ("target", ("id",)),
    ("rule_target", ("rule",)),
    ("source_item", ("relation",)),
    ("type_name", ("type",)),
    ("column", ("column", "function")),
)
"""The same where the tables say it: by the rule that may begin here."""

COMPARED = {
    "subject": "subject", "predicate": "predicate", "object": "object", "agent": "agent",
    "lifecycle": "state", "lifecycle_in": "state", "state": "state", "was": "state",
    "id": "id", "assertion": "id", "superseded_by": "id", "topic": "topic", "epoch": "epoch",
    "query": "query", "as_of": "instant", "since": "instant", "until": "instant",
    "valid_at": "instant", "resolve_by": "strategy", "change": "change", "cause": "cause",
    "target": "id", "of_subject": "subject", "of_predicate": "predicate", "of_object": "object",
}  # fmt: skip
"""What a column of that name is compared with."""

PARTS = ("subject", "predicate", "object")


def kinds(made: Driver, stack: Stack) -> tuple[str, ...]:
    """What may stand behind the stack besides keywords, the likeliest first."""
    leads = _leads(made, stack.states)
    found = _named(stack, leads) if leads else ()
    is_group = not leads or leads & {"target", "rule_target"} or _GROUP.search(stack.text)
    if is_group and _KEYWORD.search(stack.text) and made.takes(stack.states, "LPAR"):
        return (*found, "opening")
    return found


_KEYWORD = re.compile(r"\b(?!NAME|STRING|NUMBER|PARAMETER|BLOB|RPAR|LPAR|COMMA)[A-Z_]+ \Z")
_GROUP = re.compile(r"\b(?:IN|OVER) \Z")
"""Words behind which parentheses are likelier than a name."""


def _named(stack: Stack, leads: set[str]) -> tuple[str, ...]:
    """What a name or a text may mean; `leads` are the rules that may begin with one."""
    if leads & {"value", "pattern_part"} and stack.part is not None:
        return (PARTS[stack.part],)
    if stack.text.endswith("DOT "):
        return ("column",)
    for ending, found in _PLACES:
        if ending.match(stack.text):
            return found
    found = next((said for lead, said in LEADS if lead in leads), ())
    if stack.compared is None or "column" not in found:
        return found
    meant = COMPARED.get(stack.compared[1])
    return found if meant is None else (meant, *found)


def _leads(made: Driver, states: Sequence[int]) -> set[str]:
    """The rules that may begin with a name or a value here."""
    found: set[str] = set()
    for kind in (NAME, "STRING", "NUMBER"):
        place = made.place(list(states), kind)
        if place is not None:
            found |= made.rows[place].keys()
    return found
