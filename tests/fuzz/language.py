"""What reads text: the parser, the splitter, the completion, the highlighter, instants (row C4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from functools import cache, lru_cache
from random import Random
from zoneinfo import ZoneInfo

from epql import instants as times
from epql.connection import Connection
from epql.engine.errors import Error
from epql.output.lexer import EpqlLexer
from epql.parse import is_complete, split
from epql.repl.complete import complete
from epql.repl.source import ConnectionSource
from tests.fuzz import sources
from tests.fuzz.checks import Checker, Finding
from tests.fuzz.derivations import Deriver
from tests.fuzz.mutations import mutated

checker = Checker(Random(0))
_ZONES = (UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Apia"))
_NOW_US = 1_780_000_000_000_000
_LEXER = EpqlLexer()


def text_of(data: bytes) -> str:
    """The text that the bytes are; halves of characters come of what is no UTF-8."""
    return data.decode("utf-8", "surrogateescape")


def parser(data: bytes) -> None:
    """A tree or the documented error; laid out and parsed again, the same tree; a query is
    planned. Raises: Finding."""
    text = text_of(data)
    _, parsed = checker.read(text)
    checker.look(text, parsed)
    if parsed is not None:
        checker.plan(text, parsed)


def splitter(data: bytes) -> None:
    """The statements of a text stand in it in their order. Raises: Finding."""
    text = text_of(data)
    with checker.guard(text):
        is_complete(text)
        at = 0
        for one in split(text):
            at = text.find(one, at)
            if at < 0:
                raise Finding(f"{one!r} is no part of the text")
            at += len(one)


def completion(data: bytes) -> None:
    """Something may stand at any cursor, or nothing; never an error. Raises: Finding.

    Shape: the first byte is where the cursor stands, in 255ths of the text.
    """
    text = text_of(data[1:])
    cursor = len(text) * (data[0] if data else 0) // 255
    with checker.guard(text):
        for one in complete(text, cursor, _source()):
            if not 0 <= one.start <= cursor:
                raise Finding(f"{one} at cursor {cursor} of {len(text)} characters")


def _source() -> ConnectionSource:
    """What the checker's connection has; asked each time, for the time it may take is set anew."""
    return _source_of(checker.connection())


@lru_cache(1)
def _source_of(connection: Connection) -> ConnectionSource:
    return ConnectionSource(connection)


def highlighter(data: bytes) -> None:
    """Every character comes back, in its order. Raises: Finding."""
    text = text_of(data)
    with checker.guard(text):
        made = ""
        for at, _, value in _LEXER.get_tokens_unprocessed(text):
            if at != len(made) or not value:
                raise Finding(f"{value!r} at {at} behind {len(made)} characters")
            made += value
        if made != text:
            raise Finding(f"{len(text)} characters became {len(made)}")


def instant(data: bytes) -> None:
    """An instant within the years, or the documented error; written, it reads as the same.

    Shape: the first byte chooses the zone. Raises: Finding.
    """
    zone = _ZONES[(data[0] if data else 0) % len(_ZONES)]
    text = text_of(data[1:])
    with checker.guard(text):
        for read in (
            lambda: times.parse_instant(text, now_us=_NOW_US, zone=zone),
            lambda: times.shift(_NOW_US, times.parse_duration(text), -1, zone),
            lambda: times.parse_period(text, zone)[1],
        ):
            try:
                us = read()
            except Error as error:
                checker.check_error(error, text)
                continue
            again = times.parse_instant(times.format_instant(us), now_us=0, zone=zone)
            if again != us or not times.MIN_US <= us <= times.MAX_US:
                raise Finding(f"{us} µs, written and read {again}")


# ---------------------------------------------------------------- inputs


def seeds() -> Iterator[bytes]:
    """Every statement written down, and drawn ones."""
    deriver = Deriver(Random(0))
    texts = [*sources.statements(), *sources.kept()]
    texts += [deriver.statement(fuel) for fuel in (5, 15, 40) for _ in range(100)]
    for text in texts:
        yield text.encode("utf-8", "surrogatepass")


def instants() -> Iterator[bytes]:
    """Times as people write them."""
    forms = (
        "2026-01-12", "2026-01-12T21:00:00Z", "-24h", "+1y2mo", "yesterday 21:00", "9pm",
        "3 days ago", "monday at 9:30 am", "now", "2026", "2026-03", "1.5h", "0001-01-01",
        "9999-12-31T23:59:59.999999Z", "2026-03-29 02:30", "-999999999999999999y", "12.30",
        "2026-01-12 10:00:00,5 +14:00", "tomorrow", "1d12h", "3 weeks", "5µs",
    )  # fmt: skip
    for number, form in enumerate(forms):
        yield bytes([number % 3]) + form.encode()


def mutator(data: bytes, size: int, seed: int) -> bytes:
    """Half of the changes are to tokens and pieces of other statements, a few texts are drawn."""
    import atheris

    random = Random(seed)
    chance = random.random()
    if chance < 0.4:
        made: bytes = atheris.Mutate(data, size)
        return made[:size]
    written = sources.statements()
    if chance < 0.5:
        text = _deriver().statement(random.choice((5, 15, 40)))
    else:
        text = mutated(random, text_of(data), random.choice(written))
    return text.encode("utf-8", "surrogatepass")[:size]


@cache
def _deriver() -> Deriver:
    return Deriver(Random(0))
