"""A folder of jobs that a long-running service works through, unattended.

::

    SPOOL/
      NAME.toml              a job: which restore, when, and whom to tell (job.py)
      NAME.outcome.json      what became of it so far (outcome.py); the service writes it
      NAME.suspend           somebody wants it to pause; gone again when it may go on
      NAME.resume            somebody wants it tried again; the service takes it away
      NAME.complete          somebody wants the last pass of a job that follows its backup
      service.toml           how to notify, for all jobs (settings.py)
      journals/NAME.db       the job's journal
      journals/NAME.told     which notifications have gone out (notifier.py)
      .lock                  held by the service that works here

Everything that has to survive lies in these files: a service that was killed goes on from them.
"""
