"""The grammar card stays one page, and its examples answer what they ask."""

from __future__ import annotations

from epql.parse import split
from tests.docs.pages import DOCS, Story, blocks_of

PAGE = (DOCS / "language" / "grammar-card.md").read_text()
LINES_MAX = 150
BYTES_MAX = 9 * 1024


def test_it_fits_in_a_prompt() -> None:
    assert len(PAGE.splitlines()) <= LINES_MAX
    assert len(PAGE.encode()) <= BYTES_MAX


def test_its_questions_are_answered() -> None:
    (block,) = [block for block in blocks_of(PAGE) if block.language == "sql"]
    assert len(list(split(block.text))) == 10
    story = Story()
    answers = story.run(block.text)
    story.close()
    assert story.error is None
    assert "(no rows)" not in answers
    assert answers.count("ES256") == 1  # what holds in March
