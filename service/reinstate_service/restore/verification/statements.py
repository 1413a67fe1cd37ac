"""The tables of a `Sheet`, and what is asked of them."""

from __future__ import annotations

TABLES = (
    "CREATE TABLE restored (number INTEGER PRIMARY KEY, name TEXT, moment INTEGER, item TEXT,"
    " path INTEGER, digest TEXT, size INTEGER, lost TEXT, asked INTEGER DEFAULT 1)",
    "CREATE TABLE told (number INTEGER PRIMARY KEY, name TEXT, moment INTEGER,"
    " date INTEGER, second INTEGER, flags INTEGER, keywords TEXT)",
    "CREATE TABLE found (number INTEGER PRIMARY KEY, name TEXT, type TEXT, path INTEGER,"
    " digest TEXT, size INTEGER, date INTEGER, second INTEGER, flags INTEGER, keywords TEXT)",
    "CREATE TABLE strangers (number INTEGER PRIMARY KEY, path INTEGER, digest TEXT, size INTEGER,"
    " second INTEGER, flags INTEGER, keywords TEXT)",
    "CREATE TABLE paired (restored INTEGER PRIMARY KEY, found INTEGER)",
    "CREATE TABLE sample (name TEXT PRIMARY KEY) WITHOUT ROWID",
)
#: With all that `PAIRS` asks for, which reads these from their beginnings to their ends.
BY_NAME = (
    "CREATE INDEX restored_name ON restored (name, moment, path, digest, size, lost, asked)",
    "CREATE INDEX told_name ON told (name, moment, second, flags, keywords)",
    "CREATE INDEX found_name ON found (name, path, digest, size, second, flags, keywords)",
)
STRANGERS_BY_CONTENT = (
    "CREATE INDEX stranger_digest ON strangers (digest, path, second)",
    "CREATE INDEX stranger_date ON strangers (digest, second)",
    "CREATE INDEX stranger_size ON strangers (size, second, path)",
)
RESTORED_BY_CONTENT = (
    "CREATE INDEX restored_digest ON restored (digest)",
    "CREATE INDEX restored_size ON restored (size)",
)
RESTORED = "INSERT INTO restored VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, 1)"
TOLD = "INSERT INTO told VALUES (NULL, ?, ?, ?, ?, ?, ?)"
FOUND = "INSERT INTO found VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#: Whether anything was added twice under a name, and what then leaves the last of these.
LAST = (
    (
        "SELECT 1 FROM restored GROUP BY name HAVING count(*) > 1 LIMIT 1",
        "DELETE FROM restored WHERE number NOT IN (SELECT max(number) FROM restored GROUP BY name)",
    ),
    (
        "SELECT 1 FROM told GROUP BY name, moment HAVING count(*) > 1 LIMIT 1",
        "DELETE FROM told WHERE number NOT IN (SELECT max(number) FROM told GROUP BY name, moment)",
    ),
)
PAIRS = """
    SELECT r.number, f.number,
        f.path = r.path AND r.lost IS NULL
        AND CASE WHEN f.digest = '' OR length(r.digest) <> :whole
            THEN f.size = r.size ELSE f.digest = r.digest END
        AND (t.name IS NULL
            OR f.second = t.second AND f.flags = t.flags AND f.keywords = t.keywords)
    FROM restored r INDEXED BY restored_name
        LEFT JOIN told t ON t.name = r.name AND t.moment IS r.moment
        JOIN found f ON f.name = r.name
    WHERE r.asked ORDER BY r.name
"""
WANTED = """
    SELECT r.item, r.path, r.digest, r.size, r.lost, t.date, t.flags, t.keywords
    FROM restored r LEFT JOIN told t ON t.name = r.name AND t.moment IS r.moment
    WHERE r.number = ?
"""
STORED = "SELECT path, name, type, digest, size, date, flags, keywords FROM found WHERE number = ?"
STRANGERS = """
    INSERT INTO strangers
    SELECT number, path, digest, size, second, flags, keywords FROM found f
    WHERE NOT EXISTS (SELECT 1 FROM restored r WHERE r.name = f.name)
"""
#: Restored items that were not found by name, and strangers that are as these should be: of each
#: sort the first with the first. Bytes are the same by their digest where `same` says so.
PAIRED = """
    INSERT INTO paired SELECT r.number, s.number FROM
        (SELECT *, row_number() OVER (PARTITION BY bytes, path, second, flags, keywords
            ORDER BY number) AS nth
        FROM (SELECT r.number, iif(:same, digest, size) AS bytes, path, second, flags, keywords
            FROM restored r JOIN told t ON t.name = r.name AND t.moment IS r.moment
            WHERE asked AND lost IS NULL AND (NOT :read OR (length(digest) = :whole) = :same)
                AND NOT EXISTS (SELECT 1 FROM found f WHERE f.name = r.name)
                AND NOT EXISTS (SELECT 1 FROM paired WHERE restored = r.number))) r
    JOIN
        (SELECT *, row_number() OVER (PARTITION BY bytes, path, second, flags, keywords
            ORDER BY number) AS nth
        FROM (SELECT number, iif(:same, digest, size) AS bytes, path, second, flags, keywords
            FROM strangers WHERE (digest <> '') = :read)) s
    USING (bytes, path, second, flags, keywords, nth)
"""
NO_STRANGERS = "DELETE FROM strangers WHERE number IN (SELECT found FROM paired)"
LIKE_STRANGERS = """
    SELECT s.number, coalesce(
        (SELECT r.number FROM restored r WHERE s.digest <> '' AND r.digest = s.digest LIMIT 1),
        (SELECT r.number FROM restored r INDEXED BY restored_size
            JOIN told t ON t.name = r.name AND t.moment IS r.moment
            WHERE s.digest = '' AND r.size = s.size AND t.second = s.second LIMIT 1))
    FROM strangers s ORDER BY s.number
"""
