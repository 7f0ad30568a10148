"""Which known word a misspelt one is nearest to."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """`did you mean X?` for the nearest known word, in capitals; None when none is near.

    >>> nearest("form", ["from", "for"])
    'did you mean FROM?'
    """
    close = closest(word, known)
    return f"did you mean {close[0].upper()}?" if close else None


def closest(word: str, known: Iterable[str]) -> list[str]:
    """The known words that are near, the nearest first; never the word itself.

    One letter may differ, in longer words two or three; two neighbours that changed places
    count as one letter. A word cut short, or with more at its end, is near, too.

    >>> closest("CONFIDENSE", ["CONFIDENCE", "CONFIRM"])
    ['CONFIDENCE']
    """
    wanted = word.lower()
    limit = 1 if len(wanted) < 5 else 2 if len(wanted) < 9 else 3
    found: list[tuple[int, str]] = []
    for item in known:
        other = item.lower()
        least = abs(len(other) - len(wanted))
        if other == wanted or least > 6:
            continue
        far = distance(wanted, other) if least <= limit else least
        if far <= limit and far < len(other):
            found.append((far, item))
        elif min(len(wanted), len(other)) > 2 and (
            other.startswith(wanted) or wanted.startswith(other)
        ):
            found.append((limit + 1, item))
    return [item for _, item in sorted(found, key=lambda pair: pair[0])]


def distance(one: str, other: str) -> int:
    """Letters to add, drop, change or swap with their neighbour, to make one of the other.

    >>> distance("form", "from"), distance("selekt", "select")
    (1, 1)
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, found in enumerate(other, 1):
            best = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != found))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == found:
                best = min(best, last[j - 2] + 1)
            row.append(best)
    return row[-1]
