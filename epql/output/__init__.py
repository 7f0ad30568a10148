"""What people and programs are shown, in order of control flow:

    screen      standard output and standard error, with manners; finds out what they are
    pager       long answers through less
    render      rows to text, one writer for each format
    table       the format for people: aligned columns, or a block for each row
    html        the same for notebooks
    markdown    texts of the manual, for help
    timeline    who believed what when, drawn
    cells       one value: escaped, shortened, measured
    complaint   an error with its caret, as wide as the screen
    lexer       EPQL for Pygments
    highlight   a statement with colours
    progress    bars for long work
    sizes       bytes for people
    signals     what Ctrl-C means for a while

Used by the command line and by the shell; knows no database, and of statements their words only.
"""
