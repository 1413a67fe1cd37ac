"""A directory that a stock Dovecot serves as it is.

::

    DIR/
      directory.sqlite              domains, accounts, hashes, lists: Dovecot's passdb and userdb
      acl/shared-mailboxes.db       who is to be shown whose folders (Dovecot's dictionary)
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
        collections/Contacts/       contacts, calendars, tasks, documents
          .collection.json          path, view, display name and colour
          <delivery>.vcf            ... .ics, .task.ics
          <delivery>,<file name>    a document
          .<delivery>.json          flags, keywords and name of an item that has them

Every effect is recognised by name. Messages are written to Maildir/tmp, flushed
by one call for the whole batch, renamed into cur/, and the folders flushed.

Not guaranteed: that a message which its user moved to another folder between a
crash and the resume is found there (it is delivered once more); that two
restores into one account at the same time work (the second is refused); and,
below Linux 5.8, where syncfs does not tell of errors, one flush for many files
(each file is flushed by itself there).
"""

from reinstate_service.destination.maildir.destination import MaildirDestination, Mountpoints

__all__ = ["MaildirDestination", "Mountpoints"]
