"""The directory beside account archives: LDIF, a CSV, or nothing but addresses.

    files -> ldif -> gathering -> zimbra (people, lists) -> Directory
    files -> addresses -------------------------------------^

docs/directory.md says which attribute becomes what, and what is left out.
"""

from reinstate_service.source.archives.directory.addresses import accounts_from_addresses
from reinstate_service.source.archives.directory.problems import Problem
from reinstate_service.source.archives.directory.reading import read_directory, with_accounts
from reinstate_service.source.archives.directory.result import Directory

__all__ = ["Directory", "Problem", "accounts_from_addresses", "read_directory", "with_accounts"]
