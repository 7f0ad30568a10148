"""EPQL with colours, for reading. Pure: text in, text with ANSI colours out.

What is what, the lexer says (lexer.py), which also works on broken text. Pygments is imported
only here and there, when colours are wanted.
"""

from __future__ import annotations


def highlight(text: str) -> str:
    r"""The statement with its words, texts, numbers and comments coloured.

    >>> highlight("COMMIT -- it")
    '\x1b[1;36mCOMMIT\x1b[0m \x1b[2m-- it\x1b[0m'
    """
    from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

    from epql.output.lexer import EpqlLexer

    colors: tuple[tuple[_TokenType, str], ...] = (
        (Comment, "2"), (Keyword, "1;36"), (Operator.Word, "1;36"), (String, "32"), (Number, "33"),
        (Name.Constant, "36"),
    )  # fmt: skip
    shown = []
    for _, kind, value in EpqlLexer().get_tokens_unprocessed(text):
        color = next((color for known, color in colors if known in kind.split()), None)
        shown.append(f"\x1b[{color}m{value}\x1b[0m" if color else value)
    return "".join(shown)
