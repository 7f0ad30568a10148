# ruff: noqa: PT017
"""Time texts: every form, calendars and zones, what cannot be read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epql import instants
from epql.engine.errors import DataError
from epql.instants import Duration, format_instant, parse_duration, parse_instant, parse_period

NOW = instants.from_datetime(datetime(2026, 1, 14, 15, 30, tzinfo=UTC), UTC)  # a Wednesday
BERLIN = ZoneInfo("Europe/Berlin")


def read(text: str, zone: tzinfo = UTC) -> str:
    return format_instant(parse_instant(text, now_us=NOW, zone=zone)).removesuffix(".000000Z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-12", "2026-01-12T00:00:00"),
        ("2026-01-12T21:00:00Z", "2026-01-12T21:00:00"),
        ("2026-01-12 21:00+02:00", "2026-01-12T19:00:00"),
        ("2026-01-12 21:00 +0200", "2026-01-12T19:00:00"),
        ("2026-01-12t21:00-05", "2026-01-13T02:00:00"),
        ("2026-01-12 21:00:01.5", "2026-01-12T21:00:01.500000Z"),
        ("2026-01-12 21:00:01,123456789", "2026-01-12T21:00:01.123456Z"),
        (" 2026-01-12 ", "2026-01-12T00:00:00"),
        ("now", "2026-01-14T15:30:00"),
        ("-24h", "2026-01-13T15:30:00"),
        ("-7d", "2026-01-07T15:30:00"),
        ("-1d12h", "2026-01-13T03:30:00"),
        ("-1d 12h", "2026-01-13T03:30:00"),
        ("-1mo", "2025-12-14T15:30:00"),
        ("-1y", "2025-01-14T15:30:00"),
        ("-2w", "2025-12-31T15:30:00"),
        ("-5min", "2026-01-14T15:25:00"),
        ("-5m", "2026-01-14T15:25:00"),
        ("-1.5h", "2026-01-14T14:00:00"),
        ("-250ms", "2026-01-14T15:29:59.750000Z"),
        ("-1us", "2026-01-14T15:29:59.999999Z"),
        ("+1h", "2026-01-14T16:30:00"),
        ("24 hours ago", "2026-01-13T15:30:00"),
        ("3 days ago", "2026-01-11T15:30:00"),
        ("1 month 2 days ago", "2025-12-12T15:30:00"),
        ("today", "2026-01-14T00:00:00"),
        ("Today 09:00", "2026-01-14T09:00:00"),
        ("yesterday", "2026-01-13T00:00:00"),
        ("yesterday 21:00", "2026-01-13T21:00:00"),
        ("yesterday at 9pm", "2026-01-13T21:00:00"),
        ("tomorrow", "2026-01-15T00:00:00"),
        ("monday 09:00", "2026-01-12T09:00:00"),
        ("wednesday 09:00", "2026-01-14T09:00:00"),
        ("wednesday 16:00", "2026-01-07T16:00:00"),
        ("thursday", "2026-01-08T00:00:00"),
        ("9am", "2026-01-14T09:00:00"),
        ("9pm", "2026-01-13T21:00:00"),
        ("9:30 pm", "2026-01-13T21:30:00"),
        ("12am", "2026-01-14T00:00:00"),
        ("12pm", "2026-01-14T12:00:00"),
        ("15:30", "2026-01-14T15:30:00"),
        ("15:31", "2026-01-13T15:31:00"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    assert read(text) == expected


def test_a_naive_time_is_read_in_the_zone() -> None:
    assert read("2026-07-01 12:00", BERLIN) == "2026-07-01T10:00:00"
    assert read("2026-07-01", BERLIN) == "2026-06-30T22:00:00"
    assert read("9am", BERLIN) == "2026-01-14T08:00:00"
    assert read("2026-07-01T12:00Z", BERLIN) == "2026-07-01T12:00:00"


def test_a_skipped_time_is_an_hour_later_and_a_doubled_one_the_first() -> None:
    assert read("2026-03-29 02:30", BERLIN) == read("2026-03-29 03:30", BERLIN)
    assert read("2026-10-25 02:30", BERLIN) == "2026-10-25T00:30:00"


def test_months_go_by_the_calendar_of_the_zone() -> None:
    march = instants.from_datetime(datetime(2026, 4, 1), BERLIN)
    back = instants.shift(march, Duration(months=1), -1, BERLIN)
    assert back == instants.from_datetime(datetime(2026, 3, 1), BERLIN)
    day = instants.shift(march, Duration(micros=24 * 3600 * 10**6), -1, BERLIN)
    assert march - day == 24 * 3600 * 10**6


@pytest.mark.parametrize(
    ("start", "months", "sign", "expected"),
    [
        (date(2026, 3, 31), 1, -1, "2026-02-28"),
        (date(2024, 3, 31), 1, -1, "2024-02-29"),
        (date(2024, 2, 29), 12, 1, "2025-02-28"),
        (date(2026, 1, 31), 13, 1, "2027-02-28"),
        (date(2026, 12, 15), 1, 1, "2027-01-15"),
    ],
)
def test_days_are_clamped(start: date, months: int, sign: int, expected: str) -> None:
    us = instants.shift(instants.from_datetime(start, UTC), Duration(months=months), sign, UTC)
    assert format_instant(us)[:10] == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1700000000", "instant.bare_integer"),
        ("9", "instant.bare_integer"),
        ("1700000000.5", "instant.bare_integer"),
        ("", "instant.unreadable"),
        ("soon", "instant.unreadable"),
        ("-24", "instant.unreadable"),
        ("-", "instant.unreadable"),
        ("24h", "instant.unreadable"),
        ("-24x", "instant.unreadable"),
        ("-1.5mo", "instant.unreadable"),
        ("-1M", "instant.unreadable"),
        ("--1h", "instant.unreadable"),
        ("ago", "instant.unreadable"),
        ("2026-13-01", "instant.unreadable"),
        ("2026-02-29", "instant.unreadable"),
        ("2026-01-12T25:00", "instant.unreadable"),
        ("2026-01-12T10:00+25:00", "instant.unreadable"),
        ("2026-01-12T10:00+01:99", "instant.unreadable"),
        ("2026-1-2", "instant.unreadable"),
        ("12/01/2026", "instant.unreadable"),
        ("13pm", "instant.unreadable"),
        ("0pm", "instant.unreadable"),
        ("monday 99:00", "instant.unreadable"),
        ("someday 09:00", "instant.unreadable"),
        ("٢٠٢٦-01-12", "instant.unreadable"),
        ("a:1f3c9e", "instant.unreadable"),
        ("0000-01-01", "instant.out_of_range"),
        ("9999-12-31T23:59:59-01:00", "instant.out_of_range"),
        ("0001-01-01T00:00+01:00", "instant.out_of_range"),
        ("-9999y", "instant.out_of_range"),
        ("+9999y", "instant.out_of_range"),
        ("-999999999999999999d", "instant.out_of_range"),
    ],
)
def test_what_cannot_be_read(text: str, code: str) -> None:
    with pytest.raises(DataError) as caught:
        read(text)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", Duration(0, 24 * 3600 * 10**6)),
        ("1mo", Duration(1, 0)),
        ("1y2mo3d", Duration(14, 3 * 86400 * 10**6)),
        ("90 minutes", Duration(0, 90 * 60 * 10**6)),
        ("0.5s", Duration(0, 500_000)),
        ("2 weeks", Duration(0, 14 * 86400 * 10**6)),
    ],
)
def test_durations(text: str, expected: Duration) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "h", "24", "-24h", "1x", "1h,", "1..5h", "half a day"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_duration(text)
    assert caught.value.code == "duration.unreadable"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-03", "2026-03-01", "2026-04-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2026-12-31", "2026-12-31", "2027-01-01"),
    ],
)
def test_periods(text: str, start: str, end: str) -> None:
    first, last = parse_period(text)
    assert (format_instant(first)[:10], format_instant(last)[:10]) == (start, end)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-13", "period.unreadable"),
        ("2026-02-30", "period.unreadable"),
        ("2026-3", "period.unreadable"),
        ("q1", "period.unreadable"),
        ("0000", "period.unreadable"),
        ("9999", "instant.out_of_range"),
        ("9999-12", "instant.out_of_range"),
        ("9999-12-31", "instant.out_of_range"),
    ],
)
def test_what_is_no_period(text: str, code: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_period(text)
    assert caught.value.code == code


def test_a_period_is_in_the_zone_and_a_day_may_have_23_hours() -> None:
    start, end = parse_period("2026-03-29", BERLIN)
    assert end - start == 23 * 3600 * 10**6


def test_records_are_told_from_times() -> None:
    assert instants.looks_like_record("a:1f3c")
    for text in ("a:1", "a:xyz12", "9:30", "a:1F3C", "2026-01-12", "ab:1f3c"):
        assert not instants.looks_like_record(text)


AWARE = st.datetimes(
    min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31), timezones=st.just(UTC)
)


@given(AWARE)
def test_what_is_written_is_read_back(moment: datetime) -> None:
    us = instants.from_datetime(moment, UTC)
    assert parse_instant(format_instant(us), now_us=0, zone=BERLIN) == us
    assert instants.to_datetime(us) == moment


@given(AWARE, st.integers(-14 * 60, 14 * 60))
def test_offsets_name_the_same_instant(moment: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    text = moment.astimezone(zone).isoformat()
    us = instants.from_datetime(moment, UTC)
    assert parse_instant(text, now_us=0, zone=UTC) == us


@given(AWARE, AWARE)
def test_texts_sort_like_times(one: datetime, other: datetime) -> None:
    texts = [format_instant(instants.from_datetime(moment, UTC)) for moment in (one, other)]
    assert (texts[0] < texts[1]) == (one < other)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read_it in (lambda: read(text), lambda: parse_period(text), lambda: parse_duration(text)):
        try:
            read_it()
        except DataError as error:
            assert error.code.split(".")[0] in ("instant", "period", "duration")
