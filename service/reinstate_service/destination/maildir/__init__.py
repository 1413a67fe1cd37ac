"""A directory that a stock Dovecot serves as it is, and a stock Radicale its collections.

::

    DIR/
      directory.sqlite              domains, accounts, hashes, lists: Dovecot's passdb and userdb
      acl/shared-mailboxes.db       who is to be shown whose folders (Dovecot's dictionary)
      radicale/collection-root/     Radicale's folder
        <address>                   -> ../../<domain>/<local>/collections
      <domain>/<local>/             an account's home
        Maildir/                    Maildir++; this folder is the INBOX
          cur/ new/ tmp/
          subscriptions
          dovecot-acl               grants on the INBOX
          dovecot-keywords          which letter in a file name is which keyword
          .Projects.2024\\2e1/       the folder Projects/2024.1
            cur/<seconds>.<delivery>,S=<size>:2,<flags and keyword letters>
            new/ tmp/ maildirfolder dovecot-acl dovecot-keywords
          reinstate.removed/          folders whose removal was cut off, until the next run
        sieve/{incoming,outgoing,before,after}.sieve
        .dovecot.sieve              -> sieve/incoming.sieve, what is active
        collections/Work.Team.ics/  the calendar Work/Team; .vcf for an address book
          .Radicale.props           display name, colour, components
          <delivery>.ics            ... .task.ics, .vcf
          .<delivery>.json          flags and keywords of an item that has them
        files/Work/Team/            the folder of documents Work/Team
          <delivery>,<file name>    a document, and .<delivery>.json beside it
          .folder.json              display name and colour

Every effect is recognised by name. Messages are written to Maildir/tmp, flushed
by one call for the whole batch, renamed into cur/, and the folders flushed. A message may be
the gzip file that the backup has of it, and equal ones may share a file (storing.py); a tree
of which the first holds says so in directory.sqlite, in `meta` under `packed`.

Not guaranteed: that a message which its user moved to another folder between a
crash and the resume is found there (it is delivered once more); that two
restores into one account at the same time work (the second is refused); and,
below Linux 5.8, where syncfs does not tell of errors, one flush for many files
(each file is flushed by itself there).
"""

from reinstate_service.destination.maildir.destination import MaildirDestination, Mountpoints

__all__ = ["MaildirDestination", "Mountpoints"]
