"""Which topic a subject belongs to: its first path segment, or as DEFINE TOPIC says.

The first segment stands in slot.topic, with an index. Declared patterns are GLOBs in the sense of
SQLite, whose own GLOB decides in a read as for one subject, so both always agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from epql.engine.index.ask import only

Topics = Sequence[tuple[str, str]]
"""(GLOB pattern of subjects, topic), the most specific first: `Declared.topics`."""


def expression(topics: Topics) -> str:
    """SQL for the topic of slot s; it names the parameters of `bindings`.

    >>> expression(())
    's.topic'
    >>> expression([("http/*", "web")])
    'CASE WHEN s.subject GLOB :topic_of0 THEN :topic0 ELSE s.topic END'
    """
    return _case(topics, "s.subject", "s.topic")


def bindings(topics: Topics) -> dict[str, str]:
    """What the parameters of `expression` stand for."""
    patterns = {f"topic_of{number}": pattern for number, (pattern, _) in enumerate(topics)}
    return patterns | {f"topic{number}": topic for number, (_, topic) in enumerate(topics)}


def of(db: apsw.Connection, subject: str, topics: Topics) -> str:
    """The topic of one subject, also one that no slot has yet."""
    if not topics:
        return first_segment(subject)
    params: dict[str, Any] = {"subject": subject, "otherwise": first_segment(subject)}
    sql = f"SELECT {_case(topics, ':subject', ':otherwise')}"
    return str(only(db, sql, params | bindings(topics))[0])


def first_segment(subject: str) -> str:
    """The topic of a subject that no pattern is about.

    >>> first_segment("auth/jwt")
    'auth'
    """
    return subject.partition("/")[0]


def _case(topics: Topics, subject: str, otherwise: str) -> str:
    if not topics:
        return otherwise
    cases = [f"WHEN {subject} GLOB :topic_of{n} THEN :topic{n}" for n in range(len(topics))]
    return f"CASE {' '.join(cases)} ELSE {otherwise} END"
