"""The tutorial's five stories: what happens, what is asked, what to see in the answer. Data only.

Each story has a database of its own, in which the `before` steps have happened. Clock and agent are
the step's. A test runs them all and holds the answers against tests/unit_repl/tutorial.txt.
"""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    """One statement: when it is said, by whom, what leads to it, what its answer shows.

    `{query}` in a statement is the first query id of the answer before it.
    """

    at: str
    agent: str
    tells: str
    statement: str
    shows: str = ""


class Story(NamedTuple):
    """A lesson; `before` has happened when it begins."""

    title: str
    intro: str
    before: tuple[Step, ...]
    steps: tuple[Step, ...]


_ASK = """\
SELECT object, confidence, lifecycle FROM beliefs
WHERE subject = 'auth/jwt' AND predicate = 'algorithm'"""

_DECIDED = Step(
    "2026-01-05T10:00:00Z",
    "architect",
    "The architect records a decision: tokens are signed with RS256. An assertion has a subject,"
    " a predicate and an object; LIFECYCLE APPROVED says that it is decided.",
    """\
ASSERT ('auth/jwt', 'algorithm', 'RS256')
CONFIDENCE 0.92 LIFECYCLE APPROVED SOURCE 'adr:12'""",
    "It is written; tx 1 is the first commit. Nothing you write is ever overwritten.",
)
_SUGGESTED = Step(
    "2026-01-12T14:30:00Z",
    "research-agent",
    "A week later a research agent reads a review and asserts what it found. It says nothing of"
    " the lifecycle, so the assertion is a proposal.",
    """\
ASSERT ('auth/jwt', 'algorithm', 'ES256')
CONFIDENCE 0.87 SOURCE 'rfc:7518-review'""",
    "Two assertions now compete for the slot ('auth/jwt', 'algorithm').",
)
_ASKED = Step(
    "2026-01-12T20:58:00Z",
    "lead-orchestrator",
    "In the evening another agent needs the algorithm. It asks what is believed, and does not say"
    " which states it would accept.",
    _ASK + " PURPOSE 'jwt config'",
    "ES256: the latest assertion wins, and a proposal counts. The note below the answer says that"
    " an approved belief exists, and the clause that asks for it. An agent that reads only rows"
    " misses it.",
)
_DERIVED = Step(
    "2026-01-12T21:05:00Z",
    "implementation-agent",
    "The implementation agent takes the answer and passes it on. BECAUSE says what it rests on.",
    """\
ASSERT ('deploy/auth-service', 'jwt_algorithm', 'ES256')
BECAUSE 'a:09b0dfc8ff58'""",
    "At ten, production answers 401: the auth service verifies RS256 only. What now? Story 2 shows"
    " how to ask, story 3 how to find out and mend it, story 5 how to look back.",
)
_CORRECTED = Step(
    "2026-01-12T22:10:00Z",
    "sre",
    "Now say that it was wrong, forbid it, and give the reason, from which others learn.",
    """\
CORRECT ('auth/jwt', 'algorithm', 'ES256')
FORBID PREFER 'RS256'
REASON 'auth service verifies RS256 only'""",
    "One commit: the assertion is incorrect, and a rule stands against it.",
)

STORIES = (
    Story(
        "The catastrophe: a proposal looks like a decision",
        "Three things happen to a team's knowledge: people propose, people decide, and the world"
        " moves on. This story shows what happens when a reader cannot tell the first two apart.",
        (),
        (_DECIDED, _SUGGESTED, _ASKED, _DERIVED),
    ),
    Story(
        "The correct path: ask for what is approved",
        "The same database, and a reader who says what it accepts. RS256 is approved, ES256 is"
        " proposed.",
        (_DECIDED, _SUGGESTED),
        (
            Step(
                "2026-01-12T20:58:00Z",
                "lead-orchestrator",
                "LIFECYCLE chooses which assertions may compete.",
                _ASK + " LIFECYCLE APPROVED",
                "RS256, the decision.",
            ),
            Step(
                "2026-01-12T20:58:30Z",
                "lead-orchestrator",
                "That is not the same as a condition on the winner. Look what WHERE does:",
                "SELECT object FROM beliefs\nWHERE subject = 'auth/jwt' AND lifecycle = 'approved'",
                "Nothing: ES256 won first and was then filtered away. The note gives the clause.",
            ),
            Step(
                "2026-01-12T20:59:00Z",
                "lead-orchestrator",
                "Whoever always wants decisions says so once, for the session.",
                "SET LIFECYCLE APPROVED",
                "In the shell, .lifecycle approved is the same, and the toolbar shows it.",
            ),
            Step(
                "2026-01-12T20:59:30Z",
                "lead-orchestrator",
                "CHECK asks before writing whether a rule forbids a triple.",
                "CHECK ('auth/jwt', 'algorithm', 'RS256')",
                "No row: nothing forbids it.",
            ),
        ),
    ),
    Story(
        "The correction loop: trace, fix, learn",
        "It is ten in the evening, ES256 is in production, and every token gets a 401. Who asked,"
        " what did they see, what follows from it?",
        (_DECIDED, _SUGGESTED, _ASKED, _DERIVED),
        (
            Step(
                "2026-01-12T22:10:00Z",
                "sre",
                "Every read is audited. What did the orchestrator ask in the last day?",
                """\
SELECT recorded_at, purpose, kind, findings FROM queries
WHERE agent = 'lead-orchestrator'""",
                "One query, at 20:58, and the finding: no lifecycle filter, and a proposal was"
                " returned. TRACE QUERIES BY AGENT 'lead-orchestrator' says it in words.",
            ),
            Step(
                "2026-01-12T22:10:00Z",
                "sre",
                "What rests on that assertion?",
                "IMPACT OF ('auth/jwt', 'algorithm', 'ES256')",
                "The agent that read it, its query, and what the implementation agent derived.",
            ),
            _CORRECTED,
            Step(
                "2026-01-12T22:10:00Z",
                "sre",
                "Trust follows from what became of one's assertions. Who is trusted less now?",
                "SELECT agent, topic, round(score, 3) AS score FROM trust ORDER BY score",
                "The author most, the careless reader less, whoever derived from it least; nobody"
                " loses on another topic.",
            ),
            Step(
                "2026-01-12T22:11:00Z",
                "lead-orchestrator",
                "And the careless question again?",
                _ASK,
                "RS256. The wrong assertion is still there to be looked at, and wins nothing.",
            ),
        ),
    ),
    Story(
        "Persistent learning: corrected once, remembered",
        "An agent is corrected today. A month later, in another process, somebody wants to make the"
        " same mistake.",
        (
            Step(
                "2026-01-20T09:00:00Z",
                "implementation-agent",
                "",
                "ASSERT ('http/client', 'library', 'requests')",
            ),
        ),
        (
            Step(
                "2026-02-01T10:00:00Z",
                "supervisor",
                "The implementation agent asserted that the http client uses requests. The"
                " supervisor corrects it, with what is right and a rule.",
                """\
CORRECT ('http/client', 'library', 'requests') TO 'axios'
FORBID REASON 'house standard'""",
                "The rule prefers what TO says.",
            ),
            Step(
                "2026-03-03T10:00:00Z",
                "implementation-agent",
                "Thirty days later: is this allowed?",
                """\
SELECT verdict, prefer, reason, agent, round(freshness, 3) AS freshness
FROM checked('http/client', 'library', 'requests')""",
                "DENY, with what to use, why, and who says so. The rule has grown old (freshness"
                " halves in a month), and it stands.",
            ),
            Step(
                "2026-03-03T10:01:00Z",
                "implementation-agent",
                "And if it does not ask first?",
                "ASSERT ('http/client', 'library', 'requests')",
                "Refused, with the rule, the reason and the remedy. Nothing was written.",
            ),
            Step(
                "2026-03-03T10:02:00Z",
                "supervisor",
                "Rules may be patterns.",
                "FORBID ('http/*', 'library', 'urllib*') REASON 'no retries'",
            ),
            Step(
                "2026-03-03T10:03:00Z",
                "implementation-agent",
                "",
                "ASSERT ('http/server', 'library', 'urllib3')",
                "Refused as well.",
            ),
        ),
    ),
    Story(
        "Time-travel debugging",
        "The incident is over. What was believed at nine, what had changed it, and would the same"
        " question answer otherwise today?",
        (_DECIDED, _SUGGESTED, _ASKED, _CORRECTED),
        (
            Step(
                "2026-01-12T22:30:00Z",
                "sre",
                "What would the database have answered at nine in the evening? AS OF goes at the"
                " end of a query.",
                _ASK + "\nAS OF '2026-01-12 21:00'",
                "ES256, as the orchestrator got it. In the shell, .asof '2026-01-12 21:00' stands"
                " there for all that follows, and the prompt shows it.",
            ),
            Step(
                "2026-01-12T22:30:00Z",
                "sre",
                "What had changed in the day before ten o'clock?",
                """\
SELECT change, cause, before_object, after_object, at, agent
FROM beliefs DIFF SINCE '-24h' AS OF '2026-01-12T22:00Z'""",
                "One row: the assertion of half past two, by the research agent.",
            ),
            Step(
                "2026-01-12T22:30:00Z",
                "sre",
                "The query log has the question of 20:58 …",
                "SELECT id, agent, purpose FROM queries WHERE purpose = 'jwt config'",
                "",
            ),
            Step(
                "2026-01-12T22:30:00Z",
                "sre",
                "… and REPLAY asks it again, on what it stood on then.",
                "REPLAY QUERY '{query}'",
                "The note says that the answer is identical.",
            ),
            Step(
                "2026-01-12T22:30:00Z",
                "sre",
                "And today?",
                "REPLAY QUERY '{query}' AS OF NOW DIFF",
                "From ES256 to RS256.",
            ),
            Step(
                "2026-01-12T22:30:00Z",
                "sre",
                "Last: why is ES256 not the answer any more?",
                "SELECT reason, sentence FROM why_not('auth/jwt', 'algorithm', 'ES256')",
                "That is all of it. .timeline auth/jwt draws this story; .help lists what else"
                " there is.",
            ),
        ),
    ),
)
