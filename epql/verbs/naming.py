"""DEFINE AGENT and DEFINE TOPIC: who there is, and what belongs to which topic."""

from __future__ import annotations

import json
from typing import Any

from epql.engine.content import check_name, check_object
from epql.engine.errors import DataError, ProgrammingError
from epql.engine.index.rules import check_pattern
from epql.nodes import DefineAgent, DefineTopic
from epql.plan.catalog import nearest
from epql.verbs.work import Answer, Work


def define_agent(work: Work, statement: DefineAgent) -> Answer:
    """DEFINE AGENT name [(property = value, …)]; said again, it replaces the properties."""
    name = work.name("agent", statement.name)
    body: dict[str, Any] = {}
    for key, expression in statement.properties:
        check_name("property", key)
        _check_once(statement, key, body)
        body[key] = work.checked(
            expression, lambda found: None if found is None else check_object(found, "property")
        )
    known = {key: value for key, value in body.items() if value is not None}
    work.transaction.define("agent", name, known, work.agent)
    return Answer(0)


def define_topic(work: Work, statement: DefineTopic) -> Answer:
    """DEFINE TOPIC name (subjects = 'auth/*, login/*'); NULL ends it.

    Raises: ProgrammingError `topic.property`, `topic.subjects`, `topic.unknown`.
    """
    name = work.name("topic", statement.name)
    body: dict[str, Any] = {}
    for key, expression in statement.properties:
        if key.lower() != "subjects":
            raise ProgrammingError(
                f"a topic has no property {key!r}",
                code="topic.property",
                span=statement.span,
                hint=_EXAMPLE,
            )
        _check_once(statement, "subjects", body)
        body["subjects"] = work.checked(expression, _patterns)
    if not body:
        raise ProgrammingError(
            "a topic is defined by the subjects that belong to it",
            code="topic.subjects",
            span=statement.span,
            hint=_EXAMPLE,
        )
    patterns: list[str] = body["subjects"]
    _tell_of_others(work, name, statement, patterns)
    subjects = {"subjects": json.dumps(patterns, ensure_ascii=False)}
    work.transaction.define("topic", name, subjects, work.agent)
    return Answer(0)


_EXAMPLE = "DEFINE TOPIC auth (subjects = 'auth/*, login/*')"


def _check_once(statement: DefineAgent | DefineTopic, key: str, body: dict[str, Any]) -> None:
    if key in body:
        raise ProgrammingError(
            f"{key} stands twice",
            code="option.duplicate",
            span=statement.span,
            hint="keep one of them",
        )


def _patterns(value: Any) -> list[str]:
    """GLOB patterns, separated by commas, or as a JSON list where they hold commas; NULL: none."""
    if value is None:
        return []
    if not isinstance(value, str):
        raise DataError(f"{value!r} is no pattern of subjects", code="value.type", hint=_EXAMPLE)
    try:
        listed = json.loads(value)
    except ValueError:
        listed = value.split(",")
    if not isinstance(listed, list):
        listed = [value]
    return list(dict.fromkeys(check_pattern("pattern", _trimmed(one)) for one in listed))


def _trimmed(pattern: Any) -> Any:
    return pattern.strip() if isinstance(pattern, str) else pattern


def _tell_of_others(work: Work, name: str, statement: DefineTopic, patterns: list[str]) -> None:
    """A pattern belongs to one topic: the last that names it. An unknown topic cannot end."""
    topics = work.database.declarations.at(work.transaction.tx).topics
    names = sorted({topic for _, topic in topics})
    if not patterns and name not in names:
        raise ProgrammingError(
            f"there is no topic called {name!r}",
            code="topic.unknown",
            span=statement.name.meta.get("span"),
            hint=nearest(name, names, "the topics are ") if names else "no topic is defined",
        )
    for pattern, topic in topics:
        if pattern in patterns and topic != name:
            work.notice(f"{pattern!r} belonged to {topic!r} until now")
