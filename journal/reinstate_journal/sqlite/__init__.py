"""The journal in one SQLite file. All SQL of the project stands in this package.

    journal.db        the journal; `-wal` and `-shm` beside it while it is open
    journal.db.lock   locked by the process that writes: "pid host"

    schema        tables, format number, migrations
    connections   opening, leasing to threads, SQLite's errors as ours
    lock          one writing process
    commit        the write transaction, shared by the threads that wait for it
    writer        Journal over these
    reader        Reader: events and copies
    projection    what a projection is; folding, rebuilding, comparing
    progress      the projection `progress`; progress_queries answers from it
    containers    the projection `container_map` and its answers
    audit         whether all of it is sound

Not promised: safety on a network file system whose locks or shared memory do
not work, and safety of a copy made with `cp` while a writer runs.
"""
