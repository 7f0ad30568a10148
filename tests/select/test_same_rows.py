"""Random SELECT statements give in EPQL what they give in SQLite: rows, types, order, names.

Both run over the same tables, so even an order that SQL leaves open comes out the same.
"""

from __future__ import annotations

from random import Random

import pytest

from epql.parse import parse
from tests.select.compare import Pair, TooLong, shape
from tests.select.generate import Generator
from tests.select.tables import NAMES, connect


def differences(
    seed: int, *, statements: int = 10**9, shapes: int = 10**9
) -> tuple[list[str], int]:
    """Run until so many statements, or trees of different shapes, are the same; and what is not."""
    random = Random(seed)
    generator, pair = Generator(random), Pair(connect(), NAMES)
    seen: set[bytes] = set()
    found: list[str] = []
    for _ in range(statements):
        text = generator.statement(random.randint(1, 16))
        try:
            different = pair.difference(text)
        except TooLong:
            continue
        if different is not None:
            found.append(f"{text}\n{different}")
        elif pair.is_accepted:
            seen.add(shape(parse(text)))
        if len(seen) >= shapes:
            break
    return found, len(seen)


def test_random_statements_give_the_same() -> None:
    found, shapes = differences(1, statements=500)
    assert not found, "\n\n".join(found[:3])
    assert shapes > 300


@pytest.mark.slow
def test_twenty_thousand_shapes_give_the_same() -> None:
    found, shapes = differences(20_000, shapes=20_000)
    assert not found, "\n\n".join(found[:3])
    assert shapes == 20_000
