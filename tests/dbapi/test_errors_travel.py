"""Errors cross processes and copies whole: code, place, text, hint, and what caused them."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import epql


def fail(text: str) -> None:
    con = epql.connect(":memory:")
    try:
        con.execute(text)
    finally:
        con.close()


TEXTS = [
    "SELECT * FROM beliefs AS AT '2024-01-01'",
    "SELECT objekt FROM beliefs",
    "SELECT * FROM nowhere",
    "ASSERT ('a', 'b', NULL)",
    "CORRECT ('a', 'b') REASON 'r'",
]


def seen(error: epql.Error) -> tuple[object, ...]:
    return (
        type(error), str(error), error.code, error.message, error.span, error.text, error.hint,
        error.expected, error.position, error.retryable, error.args,
    )  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_copies_are_equal(text: str) -> None:
    with pytest.raises(epql.Error) as raised:
        fail(text)
    error = raised.value
    for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert seen(other) == seen(error)
        assert repr(other.__cause__) == repr(error.__cause__)
        assert other.__suppress_context__ == error.__suppress_context__


def test_a_cause_that_cannot_be_pickled_leaves_what_it_says() -> None:
    class Local(Exception):
        pass

    error = epql.DataError("message", code="a.b", hint="h")
    error.__cause__ = Local("deep")
    error.add_note("noted")
    other = pickle.loads(pickle.dumps(error))
    assert "deep" in str(other.__cause__)
    assert other.__notes__ == ["noted"]


def test_across_processes() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        error = pool.submit(fail, TEXTS[0]).exception()
    assert isinstance(error, epql.ProgrammingError)
    assert (error.code, error.position) == ("parse.unexpected_token", (1, 26))
