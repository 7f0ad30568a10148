"""Dot commands: what a person can say to the shell itself, in scripts too.

    register    every command by name, with its arguments and what it does; finds and runs one
    arguments   on|off, numbers, quoted words
    display     how answers look: .mode .null .width .pager .timing .notices .numbers .vi
    files       where answers go and statements come from: .output .once .read .edit
    standing    where the session stands: .asof .lifecycle .agent
    rows        about a row of the last answer: .why .history .blame
    looking     what is there: .relations .schema .explain
    timeline    .timeline: who believed what when
    queue       the review queue: .queue .promote .reject
    helping     .help by topic
    tutorial    .tutorial: the five stories

A command is a function of the session and the rest of its line.
"""

from epql.repl.commands.register import COMMANDS, run

__all__ = ["COMMANDS", "run"]
