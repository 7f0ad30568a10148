"""What `epql doctor` looks at: the installation, and a database.

    finding    one line: what was looked at, how it is, what to do
    machine    versions, platform, terminal, files of the user
    database   a folder: parts, commits, lock, index, audit
    volume     what it lies on: file system, free space, how quick a sync is

All of it only looks. Damage is a finding here and never an error; not here: a comparison of
every row with the journal (`epql verify`).
"""
