"""Topics: the first path segment, or the most specific DEFINE TOPIC as of the snapshot."""

from __future__ import annotations

import json

import pytest

import epql
from epql.engine.index import topics
from tests.clock import TestClock

SUBJECTS = ("http/client", "http/server/tls", "https", "team", "Http/other")


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    opened = epql.connect(":memory:", agent="me", clock=clock, autocommit=True)
    for subject in SUBJECTS:
        opened.execute("ASSERT (?, 'p', 1)", (subject,))
    return opened


def define(connection: epql.Connection, name: str, *patterns: str) -> None:
    transaction = connection.runner.database.begin("me")
    transaction.define("topic", name, {"subjects": json.dumps(patterns)}, "me")
    transaction.commit()


def told(connection: epql.Connection, more: str = "") -> dict[str, str]:
    return dict(connection.execute(f"SELECT subject, topic FROM beliefs {more}").fetchall())


def test_without_a_declaration_a_topic_is_the_first_segment(connection: epql.Connection) -> None:
    assert told(connection) == {
        "http/client": "http", "http/server/tls": "http", "https": "https", "team": "team",
        "Http/other": "Http",
    }  # fmt: skip


def test_the_longest_pattern_that_matches_names_the_topic(connection: epql.Connection) -> None:
    define(connection, "web", "http/*", "https")
    define(connection, "security", "*/tls")
    define(connection, "crypto", "http/server/*")
    assert told(connection) == {
        "http/client": "web", "http/server/tls": "crypto", "https": "web", "team": "team",
        "Http/other": "Http",
    }  # fmt: skip


def test_topics_are_as_of_the_snapshot(connection: epql.Connection) -> None:
    define(connection, "web", "http/*")
    define(connection, "web", "https")
    assert told(connection, "AS OF TX 5")["http/client"] == "http"
    assert told(connection, "AS OF TX 6")["http/client"] == "web"
    assert told(connection)["http/client"] == "http"
    assert told(connection)["https"] == "web"


@pytest.mark.parametrize("relation", ["beliefs", "assertions", "history"])
@pytest.mark.parametrize("condition", ["topic = 'web'", "topic GLOB 'w*'", "topic > 'v'"])
def test_conditions_see_declared_topics(
    connection: epql.Connection, relation: str, condition: str
) -> None:
    define(connection, "web", "http/*")
    found = connection.execute(f"SELECT subject FROM {relation} WHERE {condition} ORDER BY 1")
    assert [row[0] for row in found] == ["http/client", "http/server/tls"]


def test_one_subject_is_told_as_a_read_tells_it(connection: epql.Connection) -> None:
    define(connection, "web", "http/*", "[!a-m]*")
    database = connection.runner.database
    declared = database.declarations.at(database.last()[0]).topics
    for subject, topic in told(connection).items():
        assert topics.of(database.db, subject, declared) == topic
    assert topics.of(database.db, "http/new", declared) == "web"
    assert topics.of(database.db, "auth/jwt", ()) == "auth"
