"""Which statements ask, and by which question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from epql.questions.inquiry import Inquiry, Reply

QUESTIONS: dict[type, Callable[[Inquiry, Any], Reply]] = {}
"""The question of each statement that asks."""
