"""Which statements ask, and by which question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from epql import nodes
from epql.questions import bisect, blame, check, history_of, impact, replay, trace, why, why_not
from epql.questions.inquiry import Inquiry, Reply

QUESTIONS: dict[type, Callable[[Inquiry, Any], Reply]] = {
    nodes.Bisect: bisect.run,
    nodes.Blame: blame.run,
    nodes.Check: check.run,
    nodes.HistoryOf: history_of.run,
    nodes.Why: why.run,
    nodes.WhyNot: why_not.run,
    nodes.Impact: impact.run,
    nodes.Replay: replay.run,
    nodes.Trace: trace.run,
}
"""The question of each statement that asks."""
