"""One line of what the doctor says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

OK, WARN, FAIL = "ok", "warn", "fail"
_WORSE = (OK, WARN, FAIL)


@dataclass(frozen=True)
class Finding:
    """`data`: what programs read instead of `text`, if that is something else."""

    name: str
    text: str
    status: str = OK
    remedy: str | None = None
    data: Any = None

    def as_json(self) -> dict[str, Any]:
        """Without what there is nothing to say of."""
        told = {"name": self.name, "status": self.status, "value": self.text}
        if self.data is not None:
            told["value"] = self.data
        return {**told, **({"remedy": self.remedy} if self.remedy else {})}


Findings = Iterator[Finding]


def worst(findings: list[Finding]) -> str:
    """The worst status of all.

    >>> worst([Finding("a", ""), Finding("b", "", WARN)])
    'warn'
    """
    return max((finding.status for finding in findings), key=_WORSE.index, default=OK)


def looked_at(name: str, look: Callable[[], Findings]) -> Findings:
    """What a look finds; whatever it raises is a finding, too."""
    from epql.engine.errors import Error

    try:
        yield from look()
    except Error as error:
        yield Finding(name, f"{error.code}: {error.message}", FAIL, error.hint)
    except OSError as error:  # before SQLite's, which are none
        where = f": {error.filename}" if error.filename else ""
        yield Finding(name, f"{error.strerror or error}{where}", FAIL, "see to its permissions")
    except Exception as error:
        if type(error).__module__ != "apsw":  # the doctor has to work where that is missing
            raise
        yield Finding(
            name, f"SQLite: {error}", FAIL, "epql verify tells more; epql rebuild mends it"
        )
