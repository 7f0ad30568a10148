"""The shell's colours, and what a config changes of them."""

from __future__ import annotations

from prompt_toolkit.styles import Style

from epql.engine.errors import ProgrammingError
from epql.repl.config import Config

_CLASSES = {
    "keyword": ("pygments.keyword", "bold ansicyan"),
    "string": ("pygments.literal.string", "ansigreen"),
    "number": ("pygments.literal.number", "ansiyellow"),
    "comment": ("pygments.comment", "ansibrightblack"),
    "name": ("pygments.name", ""),
    "operator": ("pygments.operator", ""),
    "prompt": ("prompt", "bold"),
    "toolbar": ("bottom-toolbar", "reverse"),
    "suggestion": ("auto-suggestion", "ansibrightblack"),
    "menu": ("completion-menu", "bg:ansibrightblack ansiwhite"),
    "selected": ("completion-menu.completion.current", "bg:ansicyan ansiblack"),
}
"""For each part that a config can colour: its class, and how it looks without that."""

_FIXED = {
    "pygments.operator.word": "bold ansicyan",
    "pygments.name.constant": "ansicyan",
    "pygments.name.builtin": "bold",
    "mistake": "underline ansired",
    "toolbar.label": "",
    "toolbar.value": "bold",
    "prompt.more": "ansibrightblack",
}


def style_of(config: Config) -> Style:
    """The style that the config says. Raises: ProgrammingError `shell.config`."""
    rules = dict(_FIXED)
    for part, (name, usual) in _CLASSES.items():
        rules[name] = config.colors.get(part, usual)
    for part, look in config.colors.items():
        try:
            Style.from_dict({"x": look})
        except ValueError as error:
            raise ProgrammingError(
                f"colors.{part}: {look!r} is no colour or style",
                code="shell.config",
                hint="such as 'bold #5f87ff', 'ansired' or 'bg:ansiblue'",
            ) from error
    return Style.from_dict(rules)
