"""Text to statements. In order of control flow:

    statements    the public functions: parse, parse_script, split, is_complete
    splitter      one text into statements; strings and comments respected
    leading       statements of other systems, known by their first words
    tables        grammar/ to parsing tables, by lark, kept in the user's cache
    lexer         text to tokens
    driver        tokens through the tables; calls the builder at each reduction
    builder       rule names to their meaning, gathered from
      expressions   expressions.lark: sqlglot expressions
      clauses       temporal.lark: the clauses of time and belief
      queries       select.lark: queries, and which level a clause governs
      options       targets and options, which many statements share
      verbs         verbs.lark: the statement nodes, here and in the next four
      questions     questions.lark
      declarations  declarations.lark
      settings      session.lark, data.lark
      scratch       scratch.lark
    places        spans
    depth         a limit on nesting, for those who walk the result
    complain      what went wrong, in the user's words
    mistakes      frequent mistakes, each with its own words and remedy
    ahead         what may come next in a statement that is being written
    repair        which small change would mend a statement

Hands `epql.nodes.Parsed` to the planner; knows no catalog and opens nothing.
"""

from epql.parse.statements import is_complete, parse, parse_script, split

__all__ = ["is_complete", "parse", "parse_script", "split"]
