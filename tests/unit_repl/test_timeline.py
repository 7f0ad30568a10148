"""The strip of who believed what when: what it draws at every width, and what it escapes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from epql.output.cells import width
from epql.output.timeline import Canvas, Span, draw
from epql.repl.session import Session
from tests.clock import TestClock

Said = Callable[[str], str]
DAY = 86_400_000_000
JANUARY = 1_767_225_600_000_000  # 2026-01-01

STORY = [
    Span("algorithm", "RS256", "architect", "approved", JANUARY, None),
    Span("algorithm", "ES256", "research-agent", "proposed", JANUARY + 7 * DAY, JANUARY + 9 * DAY),
    Span("algorithm", "ES256", "research-agent", "incorrect", JANUARY + 9 * DAY, None),
    Span("port", 8080, "sre", "review", JANUARY + 2 * DAY, JANUARY + 4 * DAY),
]


def _drawn(columns: int, **more: bool) -> list[str]:
    return list(draw("auth/jwt", STORY, JANUARY + 10 * DAY, Canvas(columns, **more)))


def test_a_story_at_60_columns() -> None:
    assert (
        "\n".join(_drawn(60))
        == """\
auth/jwt
2026-01-01 00:00:00 to 2026-01-11 00:00:00 UTC
algorithm
  RS256  architect     █████████████████████████████████████
  ES256  research-ag…                           ▒▒▒▒▒▒▒▒××××
port
  8080   sre                  ▓▓▓▓▓▓▓
                       ├───────────────────────────────────┤
                       01-01 00:00               01-11 00:00
█ approved  ▓ review  ▒ proposed  × incorrect"""
    )


def test_where_only_ascii_can_be_shown() -> None:
    shown = "\n".join(_drawn(100, is_ascii=True))
    assert shown.isascii()
    assert "#" * 30 in shown and "--xx" in shown and "|---" in shown
    assert shown.endswith("# approved  = review  - proposed  x incorrect")


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 137, 200])
def test_no_line_is_wider_than_the_screen(columns: int) -> None:
    long = [Span("p" * 300, "知" * 200, "a" * 90, "approved", JANUARY, None), *STORY]
    for line in draw("s" * 300, long, JANUARY + DAY, Canvas(columns)):
        assert width(line) <= columns


@pytest.mark.parametrize(
    "length", [0, 1, 500, 1_000_000, 3_600_000_000, DAY, 400 * DAY, 9999 * DAY]
)
def test_axes_of_every_length(length: int) -> None:
    """The labels do not run into one another."""
    span = Span("p", "o", "a", "approved", JANUARY, None)
    *_, axis, _ = draw("s", [span], JANUARY + length, Canvas(100))
    labels = axis.split()
    assert all(len(label) in (5, 7, 8, 10, 12) for label in labels)


def test_a_state_shorter_than_a_cell_is_seen() -> None:
    spans = [
        Span("p", "o", "a", "proposed", JANUARY, JANUARY + 1),
        Span("p", "o", "a", "approved", JANUARY + 1, None),
        Span("q", "o", "a", "rejected", JANUARY + 100 * DAY, None),
    ]
    lines = list(draw("s", spans, JANUARY + 100 * DAY, Canvas(80)))
    assert "·" in lines[5]


def test_colours_only_where_there_are_some() -> None:
    assert "\x1b[32m" in "".join(_drawn(80, color=True))
    assert "\x1b" not in "".join(_drawn(80))


def test_of_a_database(said: Said, session: Session, clock: TestClock) -> None:
    said("ASSERT ('s', 'p', 'A') LIFECYCLE APPROVED;")
    clock.move(days=10)
    said("ASSERT ('s', 'p', 'B') AGENT 'bob';")
    clock.move(days=10)
    said("CORRECT ('s', 'p', 'B') REASON 'wrong'; ASSERT ('s', 'q', 7);")
    said(".width 60")
    shown = said(".timeline s")
    assert "2026-01-05 10:00:00 to 2026-01-25 10:00:00 UTC" in shown
    assert "  B  bob" in shown and "q\n  7  ann" in shown
    assert "q" not in said(".timeline s p").split("p\n")[1].split("\n")[0]
    past = said(".asof -15d\n.timeline s")
    assert "B" not in past and "2026-01-10 10:00:00 UTC" in past


def test_hostile_text_is_shown_and_not_obeyed(said: Said) -> None:
    said("ASSERT ('s\x1b[2J', 'p\x1b]0;title\x07', 'o\x1b[31m') AGENT 'x\x9b1m';")
    shown = said(".timeline 's\x1b[2J'")
    assert "\\x1b[31m" in shown and "s\\x1b[2J" in shown
    assert not {c for c in shown if c != "\n" and (c < " " or "\x7f" <= c <= "\x9f")}
