"""Any text has an answer or a documented error, and in good time: a short run of the fuzzer.

The long run: python -m tests.fuzz.texts --minutes 60 --seed 1
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epql.parse import lexer
from tests.fuzz import shapes, sources, texts
from tests.fuzz.checks import Checker, percentile
from tests.fuzz.mutations import ODD


@pytest.mark.parametrize("seed", [1, 2])
def test_texts_of_every_source(seed: int) -> None:
    fuzzer = texts.Fuzzer(seed)
    for _ in range(400):
        fuzzer.step()
    assert not fuzzer.report.findings
    assert len(fuzzer.report.outcomes) > 60
    assert percentile(fuzzer.checker.times, 0.999) < 0.5  # 0.01 on an idle machine


def test_what_was_found_before() -> None:
    checker = Checker(Random(0))
    for text in sources.kept():
        _, parsed = checker.read(text)
        checker.look(text, parsed)
        if parsed is not None:
            checker.plan(text, parsed)
            checker.execute(text, parsed)


@given(st.lists(st.sampled_from([*ODD, *sorted(lexer.keywords())]) | st.text(max_size=5)))
def test_any_words(words: list[str]) -> None:
    text = " ".join(words)
    checker = Checker(Random(0))
    _, parsed = checker.read(text)
    checker.look(text, parsed)


@pytest.mark.parametrize("name", shapes.PIECES)
def test_one_piece_over_and_over(name: str) -> None:
    checker = Checker(Random(0))
    checker.read(shapes.shape(name, 10_000))
    assert checker.times[-1] < 2


@pytest.mark.slow
def test_the_longest_texts_take_time_in_proportion() -> None:
    for name, spent in texts.long_texts((250_000, 1_000_000)):
        assert spent[1] < 1 or spent[1] < 12 * spent[0], name


@pytest.mark.slow
def test_many_texts() -> None:
    fuzzer = texts.Fuzzer(3)
    for _ in range(100_000):
        fuzzer.step()
    assert not fuzzer.report.findings
    assert len(fuzzer.deriver.untaken()) < 60  # of some 900 alternatives in the grammar
