"""Time texts to microseconds UTC, and back.

Pure functions: the clock (`now_us`) and the zone come in as arguments. Errors carry no span;
the caller, who knows where the text stood, adds it. Record ids, epochs, transactions and
queries are times only to a database and are not read here.

Wall clock and daylight saving: a naive time is read in the zone given. One that the clocks
skip (spring forward) means the instant at which it would have been had the clocks not moved,
that is one hour later on the new clock; one that occurs twice (fall back) means the first.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from epql.engine.clock import EPOCH, FIRST, LAST
from epql.engine.errors import DataError

MICROSECOND = timedelta(microseconds=1)
MIN_US, MAX_US = FIRST, LAST

SECOND_US = 1_000_000
UNIT_US = {
    "us": 1,
    "µs": 1,
    "ms": 1000,
    "s": SECOND_US,
    "m": 60 * SECOND_US,
    "h": 3600 * SECOND_US,
    "d": 86400 * SECOND_US,
    "w": 7 * 86400 * SECOND_US,
}
UNIT_MONTHS = {"mo": 1, "y": 12}
WORD_UNITS = {
    "microsecond": "us", "millisecond": "ms", "sec": "s", "second": "s", "min": "m",
    "minute": "m", "hr": "h", "hour": "h", "day": "d", "week": "w", "month": "mo", "year": "y",
    "mon": "mo", "yr": "y",
}  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

FORMS = "'2026-01-12', '2026-01-12T21:00:00Z', '-24h', 'yesterday 21:00', '9pm', '3 days ago'"

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[Tt ]\s*(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)"
    r"\s*(?P<zone>[Zz]|UTC|[+-]\d{2}(?::?\d{2})?)?)?\Z",
    re.ASCII,
)
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"\s*(?P<half>[ap]\.?m\.?)?\Z",
    re.ASCII | re.IGNORECASE,
)
_PART = re.compile(r"\s*(\d{1,18}(?:\.\d{1,18})?)\s*([a-zµ]+)\s*", re.ASCII | re.IGNORECASE)
_AGO = re.compile(r"(?P<amount>.+?)\s+ago\Z", re.IGNORECASE)
_RECORD = re.compile(r"[a-z]:[0-9a-f]{4,64}\Z")
_PERIOD = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: calendar months, and microseconds beside them. Neither is negative."""

    months: int = 0
    micros: int = 0


def parse_instant(text: str, *, now_us: int, zone: tzinfo) -> int:
    """The instant a text means, in microseconds UTC.

    Raises: DataError instant.unreadable, instant.bare_integer, instant.out_of_range.

    >>> noon = parse_instant("2026-01-12T12:00Z", now_us=0, zone=UTC)
    >>> format_instant(parse_instant("-24h", now_us=noon, zone=UTC))
    '2026-01-11T12:00:00.000000Z'
    """
    stripped = text.strip()
    found = _ISO.match(stripped)
    if found:
        return _iso(found, text, zone)
    if stripped[:1] in ("-", "+"):
        sign = -1 if stripped[0] == "-" else 1
        return shift(now_us, _duration(stripped[1:], text, _unreadable), sign, zone)
    if re.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{4}", stripped):
        raise _unreadable(text)
    if re.fullmatch(r"[0-9_,.]+", stripped):
        raise DataError(
            f"{text!r} is a bare number, not a time",
            code="instant.bare_integer",
            hint="a transaction is TX n; a time is written '2026-01-12T21:00:00Z'",
        )
    ago = _AGO.match(stripped)
    if ago:
        return shift(now_us, _duration(ago["amount"], text, _unreadable), -1, zone)
    return _words(stripped, text, now_us, zone)


def parse_duration(text: str) -> Duration:
    """A length such as '24h', '1d12h', '1.5h', '3 days', '1mo'.

    Raises: DataError duration.unreadable.

    >>> parse_duration('1mo2d')
    Duration(months=1, micros=172800000000)
    """
    return _duration(text.strip(), text, _no_duration)


def parse_period(text: str, zone: tzinfo = UTC) -> tuple[int, int]:
    """The half-open year, month or day a text names: its first instant and the next one's.

    Raises: DataError period.unreadable, instant.out_of_range.

    >>> [format_instant(us)[:10] for us in parse_period('2026-12')]
    ['2026-12-01', '2027-01-01']
    """
    found = _PERIOD.match(text.strip())
    if not found:
        raise _no_period(text)
    year, month, day = (int(found[key] or 0) for key in ("year", "month", "day"))
    try:
        first = date(year, month or 1, day or 1)
    except ValueError as error:
        raise _no_period(text) from error
    if day:
        following = _day_after(first, text)
    else:
        months = first.year * 12 + first.month - 1 + (1 if month else 12)
        if months >= 10000 * 12:
            raise _out_of_range(text)
        following = date(months // 12, months % 12 + 1, 1)
    return from_datetime(first, zone), from_datetime(following, zone)


def shift(us: int, duration: Duration, sign: int, zone: tzinfo) -> int:
    """The instant that far later (sign 1) or earlier (-1).

    Months go by the calendar of the zone, the day clamped to the month's last; then the rest.

    >>> march = from_datetime(date(2026, 3, 31), UTC)
    >>> format_instant(shift(march, Duration(months=1), -1, UTC))[:10]
    '2026-02-28'
    """
    if duration.months:
        local = to_datetime(us, zone)
        months = local.year * 12 + local.month - 1 + sign * duration.months
        year, month = divmod(months, 12)
        if not 1 <= year <= 9999:
            raise _out_of_range(f"{duration.months} months away")
        day = min(local.day, calendar.monthrange(year, month + 1)[1])
        us = from_datetime(local.replace(year=year, month=month + 1, day=day), zone)
    return _in_range(us + sign * duration.micros)


def from_datetime(value: datetime | date, zone: tzinfo) -> int:
    """Microseconds UTC of a datetime (naive: in the zone) or of a date's first instant."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    try:
        return _in_range((value - EPOCH) // MICROSECOND)
    except OverflowError as error:
        raise _out_of_range(str(value)) from error


def to_datetime(us: int, zone: tzinfo = UTC) -> datetime:
    """The aware datetime of an instant, in the zone."""
    try:
        return (EPOCH + timedelta(microseconds=us)).astimezone(zone)
    except OverflowError as error:
        raise _out_of_range(f"{us} µs") from error


def format_instant(us: int) -> str:
    """ISO 8601 in UTC, always with six digits, so that texts sort like times.

    >>> format_instant(0)
    '1970-01-01T00:00:00.000000Z'
    """
    moment = EPOCH + timedelta(microseconds=_in_range(us))
    return (
        f"{moment.year:04}-{moment.month:02}-{moment.day:02}T{moment.hour:02}:"
        f"{moment.minute:02}:{moment.second:02}.{moment.microsecond:06}Z"
    )


def looks_like_record(text: str) -> bool:
    """Whether a text is the id of a record ('a:1f3c…'), to be asked of the database.

    >>> looks_like_record("a:1f3c9e"), looks_like_record("9pm")
    (True, False)
    """
    return _RECORD.match(text.strip()) is not None


# ---------------------------------------------------------------- the forms


def _iso(found: re.Match[str], text: str, zone: tzinfo) -> int:
    try:
        day = date.fromisoformat(found["date"])
        moment = datetime.combine(day, _clock(found["time"] or "0:00", text))
        if found["zone"]:
            moment = moment.replace(tzinfo=_offset(found["zone"]))
    except ValueError as error:
        if found["date"].startswith("0000"):
            raise _out_of_range(text) from error
        raise DataError(
            f"{text!r} is no date of the calendar",
            code="instant.unreadable",
            hint=f"a time is written like {FORMS}",
        ) from error
    return from_datetime(moment, zone)


def _offset(text: str) -> tzinfo:
    if text.upper() in ("Z", "UTC"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _clock(text: str, whole: str) -> time:
    """A time of day: 21:00, 9pm, 9:30 pm. Digits past the sixth are cut."""
    found = _CLOCK.match(text)
    if not found:
        raise _unreadable(whole)
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            raise _unreadable(whole)
        hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
    fraction = (found["fraction"] or "")[:6].ljust(6, "0")
    return time(hour, int(found["minute"] or 0), int(found["second"] or 0), int(fraction))


def _words(stripped: str, text: str, now_us: int, zone: tzinfo) -> int:
    """now, today, yesterday [21:00], monday [09:00], 9pm: the latest one not after now."""
    lowered = stripped.lower()
    if lowered == "now":
        return now_us
    first, _, rest = lowered.partition(" ")
    today = to_datetime(now_us, zone).date()
    if first in ("today", "yesterday", "tomorrow"):
        days = {"today": 0, "yesterday": -1, "tomorrow": 1}[first]
        return _at_clock(today, days, rest, text, zone)
    if first in WEEKDAYS:
        back = (today.weekday() - WEEKDAYS.index(first)) % 7
        moment = _at_clock(today, -back, rest, text, zone)
        return moment if moment <= now_us else _at_clock(today, -back - 7, rest, text, zone)
    if not _CLOCK.match(lowered):
        raise _signless(text) if _is_duration(stripped) else _unreadable(text)
    moment = _at_clock(today, 0, lowered, text, zone)
    return moment if moment <= now_us else _at_clock(today, -1, lowered, text, zone)


def _at_clock(today: date, days: int, clock: str, text: str, zone: tzinfo) -> int:
    clock = clock.strip().removeprefix("at ").strip()
    try:
        day = today + timedelta(days=days)
        return from_datetime(datetime.combine(day, _clock(clock or "0:00", text)), zone)
    except OverflowError as error:
        raise _out_of_range(text) from error
    except ValueError as error:
        raise _unreadable(text) from error


def _duration(amount: str, text: str, complaint: Callable[[str], DataError]) -> Duration:
    months, micros, position = 0, 0, 0
    while position < len(amount) or position == 0:
        found = _PART.match(amount, position)
        if not found:
            raise complaint(text)
        if found[2] == "M":  # minutes here, months elsewhere
            raise complaint(text)
        unit = found[2].lower()
        unit = WORD_UNITS.get(unit.removesuffix("s") if len(unit) > 2 else unit, unit)
        whole, _, part = found[1].partition(".")
        if unit in UNIT_MONTHS and not part:
            months += int(whole) * UNIT_MONTHS[unit]
        elif unit in UNIT_US:
            micros += int(whole) * UNIT_US[unit]
            if part:
                micros += int(part) * UNIT_US[unit] // 10 ** len(part)
        else:
            raise complaint(text)
        position = found.end()
    return Duration(months, micros)


def _is_duration(text: str) -> bool:
    try:
        return bool(_duration(text, text, _no_duration))
    except DataError:
        return False


def _day_after(day: date, text: str) -> date:
    try:
        return day + timedelta(days=1)
    except OverflowError as error:
        raise _out_of_range(text) from error


# ---------------------------------------------------------------- complaints


class _Complaint:
    """A DataError made from the text that could not be read."""

    def __init__(self, what: str, code: str, hint: str) -> None:
        self.what, self.code, self.hint = what, code, hint

    def __call__(self, text: str) -> DataError:
        return DataError(f"{text!r} {self.what}", code=self.code, hint=self.hint)


_OTHERWISE = (
    (
        r"HEAD.*|main|master",
        "one commit back is AS OF BEFORE TX 42; a state with a name is EPOCH 'x'",
    ),
    (r"\d{1,2}[./]\d{1,2}[./]\d{4}", "the year comes first, then month and day: '2026-01-12'"),
    (r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}", "month and day have two digits: '2026-01-12'"),
)
"""Times as others write them, and what is written here."""


def _unreadable(text: str) -> DataError:
    stripped = text.strip()
    hints = [hint for pattern, hint in _OTHERWISE if re.fullmatch(pattern, stripped, re.IGNORECASE)]
    hint = hints[0] if hints else f"a time is written like {FORMS}"
    return _Complaint("cannot be read as a time", "instant.unreadable", hint)(text)


_signless = _Complaint(
    "is a length, not a time", "instant.unreadable", "say which way: '-24h' is 24 hours ago"
)
_no_duration = _Complaint(
    "cannot be read as a length of time",
    "duration.unreadable",
    "a length is written like '24h', '7d', '1d12h', '1mo', '1y'",
)
_no_period = _Complaint(
    "cannot be read as a period",
    "period.unreadable",
    "a period is a year '2026', a month '2026-03' or a day '2026-03-09'",
)
_out_of_range = _Complaint(
    "lies outside the years 1 to 9999",
    "instant.out_of_range",
    "instants lie in the years 1 to 9999",
)


def _in_range(us: int) -> int:
    if not MIN_US <= us <= MAX_US:
        raise _out_of_range(f"{us} µs")
    return us
