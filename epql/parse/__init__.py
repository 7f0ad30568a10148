"""Text to statements. In order of control flow:

    statements    the public functions: parse, parse_script, split, is_complete
    splitter      one text into statements; strings and comments respected
    leading       statements known by their first words: not available yet, or refused
    tables        grammar/ to parsing tables, by lark, kept in the user's cache
    lexer         text to tokens
    driver        tokens through the tables; calls the builder at each reduction
    builder       rule names to their meaning, gathered from
      expressions   expressions.lark: sqlglot expressions
      clauses       temporal.lark: the clauses of time and belief
      queries       select.lark: queries, and which level a clause governs
      verbs         epql.lark and verbs.lark: the statement nodes
    places        spans
    depth         a limit on nesting, for those who walk the result
    complain      what went wrong, in the user's words
    mistakes      frequent mistakes, each with its own words and remedy

Hands `epql.nodes.Parsed` to the planner; knows no catalog and opens nothing.
"""

from epql.parse.statements import is_complete, parse, parse_script, split

__all__ = ["is_complete", "parse", "parse_script", "split"]
