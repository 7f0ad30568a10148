"""What people and programs are shown, in order of control flow:

    screen      standard output and standard error, with manners; finds out what they are
    pager       long answers through less
    render      rows to text, one writer for each format
    table       the format for people: aligned columns, or a block for each row
    html        the same for notebooks
    cells       one value: escaped, shortened, measured
    complaint   an error with its caret, as wide as the screen
    lexer       EPQL for Pygments
    highlight   a statement with colours
    progress    bars for long work

Used by the command line and by the shell; knows no database and no statement.
"""
