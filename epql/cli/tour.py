"""The demo's questions: title, statements, and what the answers show in plain words. Data only.

The statements are real and can be typed as they stand; tests/unit_epql/test_demo.py holds every
sentence against the rows. Lines stay under 60 characters, for narrow terminals.
"""

from __future__ import annotations

from typing import NamedTuple


class Stop(NamedTuple):
    """One question of the tour."""

    title: str
    statements: tuple[str, ...]
    meaning: str


_STATUS = """\
SELECT object AS status FROM beliefs
WHERE subject = 'pep/484' AND predicate = 'status'
AS OF '{}'"""

TOUR = (
    Stop(
        "What was PEP 484, type hints, at three dates?",
        tuple(_STATUS.format(date) for date in ("2015-01-20", "2015-06-01", "2024-01-01")),
        "One question, three answers: AS OF replies as it would have on that day.",
    ),
    Stop(
        "What had Python decided by 2010?",
        (
            """\
SELECT kind.object AS type, count(*) AS approved
FROM beliefs AS plan
JOIN beliefs AS kind ON kind.subject = plan.subject
                    AND kind.predicate = 'type'
WHERE plan.predicate = 'proposes'
GROUP BY kind.object ORDER BY approved DESC
LIFECYCLE APPROVED AS OF '2010-01-01'""",
            """\
SELECT subject, object AS decided FROM beliefs
WHERE predicate = 'proposes' AND subject IN ('pep/8',
  'pep/20', 'pep/255', 'pep/318', 'pep/343', 'pep/484',
  'pep/492', 'pep/572', 'pep/3107')
LIFECYCLE APPROVED AS OF '2010-01-01'""",
        ),
        "Only what was approved by then. Type hints (484), async (492) and := (572) were asked"
        " for, too: nobody had proposed them yet.",
    ),
    Stop(
        "What changed in May 2015?",
        (
            """\
SELECT subject, before_lifecycle AS before,
       after_lifecycle AS after, after_object AS proposal,
       substr(at, 1, 10) AS day
FROM beliefs DIFF SINCE '2015-05-01' UNTIL '2015-06-01'
WHERE predicate = 'proposes' ORDER BY at
LIFECYCLE ANY""",
        ),
        "A good month: async/await was accepted on the 6th and type hints on the 23rd.",
    ),
    Stop(
        "What is the history of PEP 563, postponed annotations?",
        (
            """\
SELECT lifecycle, believed_from, believed_to
FROM assertions HISTORY
WHERE subject = 'pep/563' AND predicate = 'proposes'
ORDER BY believed_from
LIFECYCLE ANY VALID ANYTIME""",
        ),
        "Proposed, withdrawn for an hour, proposed again, approved for seven years, superseded"
        " in 2025. Nothing was overwritten on the way.",
    ),
    Stop(
        "What became of the ideas of 2016, ten years on?",
        (
            """\
SELECT later.lifecycle AS became, count(*) AS ideas
FROM beliefs AS OF '2016-01-01' LIFECYCLE PROPOSED AS idea
JOIN beliefs AS OF '2026-01-01' LIFECYCLE ANY AS later
  ON later.subject = idea.subject
 AND later.predicate = 'proposes'
WHERE idea.predicate = 'proposes'
GROUP BY later.lifecycle ORDER BY ideas DESC""",
        ),
        "Two instants in one query: of the 32 ideas that were open then, 12 came to be approved.",
    ),
    Stop(
        "Who moved the most proposals to approved?",
        (
            """\
SELECT agent, count(*) AS approved,
       substr(min(recorded_at), 1, 10) AS first,
       substr(max(recorded_at), 1, 10) AS last
FROM transitions
WHERE predicate = 'proposes' AND to_state = 'approved'
GROUP BY agent ORDER BY approved DESC LIMIT 5""",
        ),
        "Every move has its agent and its instant; editors are numbers here, not names.",
    ),
)
