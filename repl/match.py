"""How well a name fits what is typed of it: its beginning, a part's beginning, within, scattered.

As pgcli and litecli match: what begins so stands before what only contains it.
"""

from __future__ import annotations

import re

BEGINS, PART, WITHIN, SCATTERED = range(4)
_PART = re.compile(r"[\W_]+")


def fit(typed: str, name: str) -> int | None:
    """How a name fits, the least the best; None if it does not.

    >>> [fit("by", name) for name in ("bytes", "order_by", "abyss", "binary", "max")]
    [0, 1, 2, 3, None]
    """
    wanted, found = typed.casefold(), name.casefold()
    if found.startswith(wanted):
        return BEGINS
    place = found.find(wanted)
    if place > 0:
        return PART if any(part.startswith(wanted) for part in _PART.split(found)) else WITHIN
    return SCATTERED if len(wanted) > 1 and _is_scattered(wanted, found) else None


def _is_scattered(wanted: str, found: str) -> bool:
    """Whether the letters stand in that order in a name, the first at its beginning."""
    if wanted[:1] != found[:1]:
        return False
    letters = iter(found)
    return all(letter in letters for letter in wanted)
