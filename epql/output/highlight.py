"""EPQL with colours, for reading. Pure: text in, text with ANSI colours out.

It knows words in capitals, not grammar: enough to read a statement by, and it never fails on a
broken one.
"""

from __future__ import annotations

import re

_WORDS = """\
ADD AGENT ALL AND ANY ANYTIME AS ASC ASSERT AT BECAUSE BEFORE BEGIN BETWEEN BY CASE CHECK COMMIT
CONFIDENCE CONFIRM CORRECT CROSS CURRENT DEFINE DESC DIFF DISTINCT DURING ELSE END EPOCH EXISTS
EXPLAIN FILTER FORBID FROM GLOB GROUP HAVING HISTORY IF IMPACT IMPORT IN INNER IS JOIN KEY LATEST
LEFT LIFECYCLE LIKE LIMIT LIVE MARK NONE NOT NOW NULL OF OFFSET ON ONLY OR ORDER OUTER OVER
PARTITION PREDICATE PREFER PROMOTE PURPOSE QUALIFIED READ REASON RECURSIVE REJECT REPLAY RESOLVE
RETRACT RETURNING REVIVE ROLLBACK RUN SELECT SET SINCE SOURCE SUPERSEDE THEN TO TRACE TRANSITION TX
UNION UNTIL USING VALID VALUES WHEN WHERE WHY WINDOW WITH ZONE
APPROVED PROPOSED REVIEW DEPRECATED REJECTED SUPERSEDED RETRACTED INCORRECT
"""

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<string>'(?:[^']|'')*(?:'|\Z))"
    r"|(?P<quoted>\"(?:[^\"]|\"\")*(?:\"|\Z))"
    r"|(?P<number>\b\d+(?:\.\d+)?\b)"
    rf"|(?P<word>\b(?:{'|'.join(_WORDS.split())})\b)",
    re.DOTALL,
)
_COLORS = {"comment": "2", "string": "32", "number": "33", "word": "1;36"}


def highlight(text: str) -> str:
    r"""The statement with its words, texts, numbers and comments coloured.

    >>> highlight("AS OF 'x'")
    "\x1b[1;36mAS\x1b[0m \x1b[1;36mOF\x1b[0m \x1b[32m'x'\x1b[0m"
    """
    return _TOKEN.sub(_colored, text)


def _colored(found: re.Match[str]) -> str:
    color = _COLORS.get(found.lastgroup or "")
    return f"\x1b[{color}m{found[0]}\x1b[0m" if color else found[0]
