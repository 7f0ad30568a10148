"""What a read tells besides its rows, looked at only when somebody reads the notices.

late.py     which there are, in which order
times.py    what the times of a query became
hidden.py   how many rows a default hid

What the text or the answer alone can tell stands in epql/plan/notices.py.
"""

from epql.notices.late import Read, notices_of

__all__ = ["Read", "notices_of"]
