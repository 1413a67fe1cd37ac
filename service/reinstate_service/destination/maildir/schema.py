"""The tables and views of directory.sqlite.

Dovecot asks the two `dovecot_` views; everything else is for whoever serves or
migrates the rest: an MTA its aliases and forwardings, a webmail its identities.
JSON stands in the columns called `attributes`.
"""

from __future__ import annotations

FORMAT = 1

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE classes_of_service (
    name TEXT PRIMARY KEY, id TEXT NOT NULL, quota INTEGER NOT NULL, attributes TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE domains (
    name TEXT PRIMARY KEY, id TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'active',
    default_cos TEXT NOT NULL DEFAULT '', account_quota INTEGER NOT NULL DEFAULT 0,
    aggregate_quota INTEGER NOT NULL DEFAULT 0, max_accounts INTEGER NOT NULL DEFAULT 0,
    gal_mode TEXT NOT NULL DEFAULT '', attributes TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE TABLE domain_aliases (alias TEXT PRIMARY KEY, domain TEXT NOT NULL REFERENCES domains)
    WITHOUT ROWID;
CREATE TABLE accounts (
    address TEXT PRIMARY KEY, id TEXT NOT NULL, local TEXT NOT NULL,
    domain TEXT NOT NULL REFERENCES domains, password TEXT NOT NULL DEFAULT '',
    display_name TEXT NOT NULL DEFAULT '', quota INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'active', cos TEXT NOT NULL DEFAULT '',
    admin INTEGER NOT NULL DEFAULT 0, hide_in_gal INTEGER NOT NULL DEFAULT 0,
    keep_forwarded INTEGER NOT NULL DEFAULT 1, attributes TEXT NOT NULL DEFAULT '{}',
    UNIQUE (domain, local)
) WITHOUT ROWID;
CREATE TABLE lists (
    address TEXT PRIMARY KEY, id TEXT NOT NULL, domain TEXT NOT NULL REFERENCES domains,
    display_name TEXT NOT NULL DEFAULT '', hide_in_gal INTEGER NOT NULL DEFAULT 0,
    dynamic INTEGER NOT NULL DEFAULT 0, attributes TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE TABLE list_members (
    list TEXT NOT NULL REFERENCES lists, member TEXT NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (list, member)
) WITHOUT ROWID;
CREATE INDEX list_members_by_member ON list_members (member);
CREATE TABLE aliases (
    alias TEXT PRIMARY KEY, local TEXT NOT NULL, domain TEXT NOT NULL, target TEXT NOT NULL,
    UNIQUE (domain, local)
) WITHOUT ROWID;
CREATE INDEX aliases_by_target ON aliases (target);
CREATE TABLE forwardings (
    account TEXT NOT NULL REFERENCES accounts, address TEXT NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (account, address)
) WITHOUT ROWID;
CREATE TABLE out_of_office (
    account TEXT PRIMARY KEY REFERENCES accounts, enabled INTEGER NOT NULL, text TEXT NOT NULL,
    start INTEGER, until INTEGER
) WITHOUT ROWID;
CREATE TABLE identities (
    account TEXT NOT NULL REFERENCES accounts, id TEXT NOT NULL, name TEXT NOT NULL,
    attributes TEXT NOT NULL, PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE TABLE signatures (
    account TEXT NOT NULL REFERENCES accounts, id TEXT NOT NULL, name TEXT NOT NULL,
    text TEXT NOT NULL, html TEXT NOT NULL, PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE TABLE data_sources (
    account TEXT NOT NULL REFERENCES accounts, id TEXT NOT NULL, name TEXT NOT NULL,
    type TEXT NOT NULL, host TEXT NOT NULL, port INTEGER NOT NULL, user TEXT NOT NULL,
    password TEXT NOT NULL, connection TEXT NOT NULL, folder TEXT NOT NULL,
    enabled INTEGER NOT NULL, attributes TEXT NOT NULL, PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- Every way an account can be called: itself, its aliases, the aliases of its domain.
CREATE VIEW logins AS
    SELECT local, domain, address FROM accounts
    UNION ALL SELECT aliases.local, aliases.domain, accounts.address
        FROM aliases JOIN accounts ON accounts.address = aliases.target
    UNION ALL SELECT accounts.local, domain_aliases.alias, accounts.address
        FROM domain_aliases JOIN accounts ON accounts.domain = domain_aliases.domain;

-- Bytes, 0 for none: the account's own, else of its class of service (its domain's
-- default one if it has none), else of its domain.
CREATE VIEW effective_quotas AS
    SELECT accounts.address, coalesce(
        nullif(accounts.quota, 0),
        nullif(CASE WHEN accounts.cos <> ''
            THEN (SELECT c.quota FROM classes_of_service c WHERE c.name = accounts.cos)
            ELSE (SELECT c.quota FROM classes_of_service c
                  WHERE domains.default_cos <> '' AND c.id = domains.default_cos) END, 0),
        domains.account_quota) AS quota
    FROM accounts JOIN domains ON domains.name = accounts.domain;

-- The lists that an account is in, also by a list in a list, by comma; and its @domain.
CREATE VIEW acl_groups AS
    SELECT accounts.address, '@' || accounts.domain || coalesce((
        WITH RECURSIVE member(address) AS (
            SELECT accounts.address
            UNION SELECT alias FROM aliases WHERE target = accounts.address
            UNION SELECT list_members.list
                FROM member JOIN list_members ON list_members.member = member.address
            UNION SELECT aliases.alias
                FROM member JOIN aliases ON aliases.target = member.address
        )
        SELECT group_concat(',' || lists.address, '') FROM lists
            WHERE lists.address IN (SELECT address FROM member)), '') AS groups
    FROM accounts;

CREATE VIEW dovecot_passdb AS
    SELECT logins.local, logins.domain, accounts.address AS user, accounts.password
    FROM logins JOIN accounts ON accounts.address = logins.address
        JOIN domains ON domains.name = accounts.domain
    WHERE accounts.status = 'active' AND domains.status = 'active' AND accounts.password <> '';

CREATE VIEW dovecot_userdb AS
    SELECT logins.local, logins.domain, accounts.address AS user,
        (SELECT value FROM meta WHERE key = 'directory')
            || '/' || accounts.domain || '/' || accounts.local AS home,
        (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'uid') AS uid,
        (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'gid') AS gid,
        '*:storage=' || (SELECT quota FROM effective_quotas q WHERE q.address = accounts.address)
            || 'B' AS quota_rule,
        (SELECT groups FROM acl_groups g WHERE g.address = accounts.address) AS acl_groups
    FROM logins JOIN accounts ON accounts.address = logins.address
        JOIN domains ON domains.name = accounts.domain
    WHERE accounts.status NOT IN ('closed', 'maintenance')
        AND domains.status NOT IN ('closed', 'maintenance', 'shutdown');

-- The global address list.
CREATE VIEW gal AS
    SELECT address, display_name, 'account' AS kind, domain FROM accounts
        WHERE NOT hide_in_gal AND status = 'active'
    UNION ALL SELECT address, display_name, 'list', domain FROM lists WHERE NOT hide_in_gal;
"""
