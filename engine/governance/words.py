"""What sentences say of texts that may be long: a refusal, a notice, what stands in a flag."""

from __future__ import annotations

_REASON_SHOWN = 300


def shown_reason(reason: str) -> str:
    """A reason as a sentence tells it; what is longer is read where the event is kept.

    Shape: 300 characters at most. A correction writes one such sentence for each dependent.

    >>> len(shown_reason("because " * 1000)), shown_reason("house standard")
    (300, 'house standard')
    """
    return reason if len(reason) <= _REASON_SHOWN else reason[: _REASON_SHOWN - 1] + "…"
