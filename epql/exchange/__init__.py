"""Files in and out: rows of other people's files, answers, whole databases, their copies.

    files       opening and writing files: gzip, '-', all or nothing
    formats     which format a file has
    delimited, jsonlines, nquads, parquet    one format each: its reader and its writer
    mapping     which column of a file says what of an assertion
    importing   IMPORT FROM: rows through the verbs' path, in batches
    exporting   EXPORT (query) TO
    history     IMPORT HISTORY: commits that happened elsewhere
    dump        EXPORT TO, and its way back: every commit with its records
    statements  EXPORT, IMPORT, BACKUP, RESTORE, VERIFY as statements
    doors       the same as methods of a connection

What an assertion may hold is engine/content.py's, and rules are the verbs' (epql/verbs).
"""
