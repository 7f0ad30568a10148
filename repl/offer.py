"""What can be offered as a completion, and what offers it: the values that pass between modules.

`complete` is a function of a text, a cursor and a Source; `source` is the Source of a connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from epql.parse.ahead import Slot

Form = Literal["", "open", "text", "plain", "hidden"]


class Item(NamedTuple):
    """Something that has a name, and a line about it. `form` says what is special about it.

    open: it is only how several begin ('auth/'), so typing goes on.
    text: it is written as a text, whatever its kind.
    plain: it is no text, and stands without quotes (a number).
    hidden: a column that SELECT * leaves out.
    """

    name: str
    about: str = ""
    form: Form = ""


class Table(NamedTuple):
    """Something that FROM takes. `kind`: relation, view or scratch."""

    name: str
    kind: str
    about: str = ""


class Command(NamedTuple):
    """A dot command. `takes` are its arguments as its help writes them: words to choose from
    ('on|off'), or what they are ('file', '[subject] [predicate]', 'query')."""

    name: str
    about: str = ""
    takes: str = ""


class Source(Protocol):
    """What there is to complete by. Look-ups are bounded and cost by their answer."""

    def tables(self) -> Sequence[Table]:
        """Relations, views and scratch tables."""

    def columns(self, table: str, form: str) -> Sequence[Item]:
        """The columns of a table; `form`: 'rows', 'history' or 'diff'. None known: empty."""

    def functions(self) -> Sequence[Item]:
        """SQL functions."""

    def find(self, kind: str, prefix: str, slot: Slot) -> Sequence[Item]:
        """What begins so, of a kind: subject, predicate, object, agent, epoch, topic, id, rule,
        query, index. `slot`: what is known of the slot."""

    def files(self, prefix: str) -> Sequence[Item]:
        """Files and folders whose paths begin so."""

    def commands(self) -> Sequence[Command]:
        """The dot commands."""


class Completion(NamedTuple):
    """A text that may stand instead of that from `start` to the cursor.

    `display` is what a menu shows, `kind` what it is ('keyword', 'column', 'subject', …), `meta` a
    line about it.
    """

    text: str
    start: int
    display: str
    kind: str
    meta: str = ""
