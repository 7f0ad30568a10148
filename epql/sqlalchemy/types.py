"""Types of columns that SQLAlchemy has no type for: instants, and values of any type."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import types
from sqlalchemy.engine import Dialect


class Instant(types.TypeDecorator[datetime]):
    """A time column: aware datetimes in UTC here, ISO text of fixed width in the database.

    Compared with a datetime, or with a text as the columns have it. A naive datetime is of the
    session's zone, as it is wherever EPQL takes one.
    """

    impl = types.TEXT
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The connector writes datetimes as the columns have them; anything else stays."""
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The text as a datetime; an open end is None."""
        return None if value is None else datetime.fromisoformat(value)


class Object(types.UserDefinedType[Any]):
    """A value that is text or a number, as it was asserted: `object` and its like."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """In a scratch table: a column without a type, which keeps what it is given."""
        return ""
