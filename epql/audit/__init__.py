"""The language's side of the query audit: what of a read is kept, and asking it again.

    asking    a question as it is kept: text, parameters, what it stands on
    seen      which assertions an answer showed
    rows      rows on their way to a person, counted and digested
    findings  what the audit has to say of an answer
    again     a kept question asked once more on what it stood on

Where it is kept is the engine's: engine/audit.
"""
