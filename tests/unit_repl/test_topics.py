"""Help about the language: every page of the manual is known to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from epql.repl import topics

LANGUAGE = Path(__file__).parents[2] / "docs" / "language"
NOT_TOPICS = {"index", "errors", "foreign", "grammar-card", "not-yet"}
"""Overviews and lists, which are read in the manual."""


def test_every_page_is_a_topic() -> None:
    assert {page.stem for page in LANGUAGE.glob("*.md")} - NOT_TOPICS == set(topics.PAGES)


def test_every_topic_has_a_text_and_can_be_found() -> None:
    for topic in topics.topics():
        assert topic.text and topic.text.startswith(topic.brief)
        for name in topic.names:
            assert topic in topics.find(name)


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("PROMOTE", "TRANSITION, PROMOTE, REJECT"), ("as  of", "AS OF"), ("beliefs", "beliefs"),
        ("resolve", "RESOLVE BY"), ("clauses", "Clauses"), ("policy", "DEFINE POLICY"),
    ],
)  # fmt: skip
def test_words_that_people_look_up(word: str, title: str) -> None:
    assert topics.find(word)[0].title == title


def test_a_brief_topic_has_the_syntax_and_an_example() -> None:
    (topic,) = topics.find("resolve by")
    assert "RESOLVE BY strategy" in topic.brief and "```sql" in topic.brief
    assert len(topic.brief) < len(topic.text)
