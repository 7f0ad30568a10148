"""The manual's pages on the language, installed as `epql.manual` for the shell's `.help`."""
