"""What a database is told about its own words: predicates, agents, topics, queries, epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from epql.engine.errors import Span
from epql.nodes.expressions import Expression
from epql.nodes.questions import Query


@dataclass(frozen=True, slots=True)
class DefinePredicate:
    """DEFINE PREDICATE p [CARDINALITY ONE | MANY] [TYPE t] [HALF LIFE '180d']."""

    name: Expression
    span: Span
    cardinality: Literal["one", "many"] | None = None
    type: str | None = None
    half_life: Expression | None = None


@dataclass(frozen=True, slots=True)
class DefineAgent:
    """DEFINE AGENT name [(property = value, …)]."""

    name: Expression
    span: Span
    properties: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class DefineTopic:
    """DEFINE TOPIC name [(property = value, …)]."""

    name: Expression
    span: Span
    properties: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class DefinePolicy:
    """DEFINE POLICY name = value; a bare word comes as the string literal, in lower case."""

    name: str
    value: Expression
    span: Span
    name_span: Span | None = None


@dataclass(frozen=True, slots=True)
class DefineQuery:
    """DEFINE QUERY name [(columns)] AS query: a view. `text` is the query's own."""

    name: Expression
    query: Query
    text: str
    span: Span
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DropQuery:
    """DROP QUERY [IF EXISTS] name."""

    name: Expression
    span: Span
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class MarkEpoch:
    """MARK EPOCH 'name'."""

    name: Expression
    span: Span
