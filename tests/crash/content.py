"""What the writers of tests/crash write: commit `number` of a writer can be computed from its name.

A writer is called after what it does and who it is, `batch-0`; its commits are numbered from 1.
So a checker can tell from the database alone whether a commit is there, and whole.
"""

from __future__ import annotations

SIZES = {
    "append": (1,), "batch": (1, 3, 40, 400), "bulk": (1, 2, 5), "rotation": (1, 3, 40),
    "correct": (1,), "backup": (1,), "group": (1,), "checker": (1,),
}  # fmt: skip
"""Kind of work → how many assertions its commits have, in turn."""

GROUP = 7
"""How many commits of `bulk` are acknowledged at once."""

Rows = list[tuple[str, str, str]]


def rows_of(writer: str, number: int) -> Rows:
    """The assertions of a commit."""
    sizes = SIZES[writer.partition("-")[0]]
    subject, filler = f"{writer}/{number}", "x" * (number * 37 % 200)
    count = sizes[number % len(sizes)]
    return [(subject, f"p{i}", f"{number}.{i} {filler}") for i in range(count)]


def number_of(subject: str) -> int:
    """The number of the commit that a subject belongs to.

    >>> number_of("batch-0/17")
    17
    """
    return int(subject.rpartition("/")[2])
