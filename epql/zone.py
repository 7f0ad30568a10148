"""Time zones by name: 'Europe/Berlin', 'UTC', '+02:00'."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from epql.engine.errors import DataError

_OFFSET = re.compile(r"(?:UTC)?([+-])(\d{2}):?(\d{2})\Z")


def zone_of(name: str) -> tzinfo:
    """The zone of that name. Raises DataError `zone.unknown`.

    >>> str(zone_of("+02:00"))
    'UTC+02:00'
    """
    if name.upper() in ("UTC", "Z"):
        return UTC
    offset = _OFFSET.match(name)
    if offset is not None and int(offset[2]) < 24 and int(offset[3]) < 60:
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(span if offset[1] == "+" else -span)
    for known in available_timezones():
        if known.lower() == name.lower():
            return ZoneInfo(known)
    raise DataError(
        f"no time zone is called {name!r}",
        code="zone.unknown",
        hint="such as 'Europe/Berlin', 'UTC' or '+02:00'",
    )
