"""What a database is told about its own words: predicates, agents, topics, queries, epochs."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from epql.engine.errors import Span
from epql.nodes.expressions import Expression
from epql.nodes.questions import Query


class DefinePredicate(Struct, frozen=True):
    """DEFINE PREDICATE p [CARDINALITY ONE | MANY] [TYPE t] [HALF LIFE '180d']."""

    name: Expression
    span: Span
    cardinality: Literal["one", "many"] | None = None
    type: str | None = None
    half_life: Expression | None = None


class DefineAgent(Struct, frozen=True):
    """DEFINE AGENT name [(property = value, …)]."""

    name: Expression
    span: Span
    properties: tuple[tuple[str, Expression], ...] = ()


class DefineTopic(Struct, frozen=True):
    """DEFINE TOPIC name [(property = value, …)]."""

    name: Expression
    span: Span
    properties: tuple[tuple[str, Expression], ...] = ()


class DefinePolicy(Struct, frozen=True):
    """DEFINE POLICY name = value; a bare word comes as the string literal, in lower case."""

    name: str
    value: Expression
    span: Span
    name_span: Span | None = None


class DefineQuery(Struct, frozen=True):
    """DEFINE QUERY name [(columns)] AS query: a view. `text` is the query's own."""

    name: Expression
    query: Query
    text: str
    span: Span
    columns: tuple[str, ...] = ()


class DropQuery(Struct, frozen=True):
    """DROP QUERY [IF EXISTS] name."""

    name: Expression
    span: Span
    if_exists: bool = False


class MarkEpoch(Struct, frozen=True):
    """MARK EPOCH 'name'."""

    name: Expression
    span: Span
