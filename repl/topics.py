"""What `.help` knows about the language: the sections of the manual's pages. Pure, but for reading.

The pages of docs/language/ are installed as epql.manual; nothing of them is written again here. A
topic is a section, or the beginning of a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from epql.engine.spelling import closest

PAGES = (
    "select", "clauses", "instants", "diff", "lifecycle", "asserting", "judging", "forbidding",
    "declaring", "asking-why", "auditing", "explaining", "transactions", "importing", "backups",
    "scratch", "resolving", "trust", "relations", "parameters",
)  # fmt: skip
"""In the order in which help lists them."""

_LINK = re.compile(r"\[([^\]]*)\]\([^)\s]+\)")
_EXAMPLE = re.compile(r"^```sql\n.*?^```\n(?:```text\n.*?^```\n)?", re.MULTILINE | re.DOTALL)
_USELESS = (
    re.compile(r"^```mermaid\n.*?^```\n", re.MULTILINE | re.DOTALL),
    re.compile(r"^See (?:\[[^\]]*\]\([^)]*\)(?:, )?)+\.\n", re.MULTILINE),
    re.compile(r"^<!-- .*? -->\n", re.MULTILINE),
)


class Topic(NamedTuple):
    """A section: its title, the page it stands on, its text in Markdown without links."""

    title: str
    page: str
    text: str

    @property
    def names(self) -> list[str]:
        """What it can be called, in lower case."""
        return [name.lower() for name in self.title.split(", ")]

    @property
    def brief(self) -> str:
        """Up to the first example after the syntax, with its answer; else the whole."""
        syntax = self.text.find("```text\n")
        found = _EXAMPLE.search(self.text, max(syntax, 0))
        return self.text[: found.end()].rstrip() if found else self.text


@cache
def topics() -> tuple[Topic, ...]:
    """All topics, page by page."""
    return tuple(topic for page in PAGES for topic in _of_page(page))


def _of_page(page: str) -> Iterator[Topic]:
    whole = (files("epql.manual") / f"{page}.md").read_text(encoding="utf-8")
    for section in re.split(r"^##? (?=\S)", whole, flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        if text := plain(text):
            yield Topic(title.replace("`", ""), page, text)


def plain(text: str) -> str:
    """A section's Markdown for a terminal: no links, drawings or comments.

    >>> plain("See [state](clauses.md#lifecycle).\\nA [target](x.md) is\\n\\n\\n\\nan id.")
    'A target is\\n\\nan id.'
    """
    for useless in _USELESS:
        text = useless.sub("", text)
    text = text.replace("```ebnf\n", "```text\n")
    return re.sub(r"\n{3,}", "\n\n", _LINK.sub(r"\1", text)).strip()


def find(word: str) -> list[Topic]:
    """The topics of that name; else those one of whose words begins so, if there are few."""
    wanted = " ".join(word.lower().split())
    exact = [topic for topic in topics() if wanted in topic.names]
    if exact:
        return exact
    return [
        topic
        for topic in topics()
        if any(f" {name}".find(f" {wanted}") >= 0 for name in topic.names)
    ]


def near(word: str) -> list[str]:
    """Names of topics that are written nearly so."""
    return closest(word, {name for topic in topics() for name in topic.names})
