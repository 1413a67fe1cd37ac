"""Views over a journal for people who ask it in SQL; they are put into copies of it.

Times are ISO 8601 in UTC, paths as people write them, outcomes as words.
"""

from __future__ import annotations

_AT = "strftime('%Y-%m-%dT%H:%M:%fZ', {} / 1000.0, 'unixepoch')"
_PATH = "(SELECT group_concat(value, '/') FROM json_each({}))"
_OUTCOME = "CASE {} WHEN 0 THEN 'done' WHEN 1 THEN 'skipped' WHEN 2 THEN 'failed' ELSE 'doubt' END"
_ACCOUNT = (
    "JOIN accounts ON streams.name = 'restore/' || accounts.restore || '/' || accounts.account"
)

VIEWS: dict[str, str] = {
    "item_outcomes": f"""CREATE VIEW item_outcomes AS
SELECT accounts.restore, accounts.account, accounts.address,
       json_extract(events.data, '$.item') AS item,
       json_extract(events.data, '$.folder') AS folder,
       {_PATH.format("folders.path")} AS path,
       {_OUTCOME.format("steps.outcome")} AS outcome,
       coalesce(json_extract(events.data, '$.failure'), steps.reason, '') AS reason,
       coalesce(json_extract(events.data, '$.size'), 0) AS size,
       coalesce(json_extract(events.data, '$.digest'), '') AS digest,
       {_AT.format("events.recorded_at")} AS recorded_at,
       events.position
FROM steps
JOIN events ON events.position = steps.position
JOIN shapes ON shapes.id = events.shape
JOIN streams ON streams.id = steps.stream
{_ACCOUNT}
LEFT JOIN folders ON folders.stream = steps.stream
    AND folders.folder = json_extract(events.data, '$.folder')
WHERE shapes.type IN ('ItemRestored', 'ItemSkipped', 'ItemFailed')""",  # noqa: S608 - our names
    "account_totals": f"""CREATE VIEW account_totals AS
SELECT accounts.restore, accounts.account, accounts.address, accounts.state,
       coalesce(sum(tallies.count) FILTER (WHERE tallies.outcome = 0), 0) AS restored,
       coalesce(sum(tallies.count) FILTER (WHERE tallies.outcome = 1), 0) AS skipped,
       coalesce(sum(tallies.count) FILTER (WHERE tallies.outcome = 2), 0) AS failed,
       coalesce(sum(tallies.bytes) FILTER (WHERE tallies.outcome = 0), 0) AS bytes
FROM streams {_ACCOUNT}
LEFT JOIN tallies ON tallies.stream = streams.id
GROUP BY accounts.restore, accounts.account""",  # noqa: S608 - our names
    "folder_map": f"""CREATE VIEW folder_map AS
SELECT accounts.restore, accounts.account, accounts.address, folders.folder,
       {_PATH.format("folders.source")} AS source, {_PATH.format("folders.path")} AS path,
       folders.reason
FROM folders JOIN streams ON streams.id = folders.stream {_ACCOUNT}""",  # noqa: S608 - our names
    "failed_steps": f"""CREATE VIEW failed_steps AS
SELECT streams.name AS stream, steps.step, {_OUTCOME.format("steps.outcome")} AS outcome,
       steps.reason AS failure,
       coalesce(json_extract(events.data, '$.reason'), '') AS reason,
       {_AT.format("events.recorded_at")} AS recorded_at, events.position
FROM steps JOIN events ON events.position = steps.position
JOIN streams ON streams.id = steps.stream
WHERE steps.outcome >= 2""",  # noqa: S608 - our names
    "throughput": """CREATE VIEW throughput AS
SELECT strftime('%Y-%m-%dT%H:%MZ', events.recorded_at / 1000, 'unixepoch') AS minute,
       count(*) AS items, sum(json_extract(events.data, '$.size')) AS bytes
FROM events JOIN shapes ON shapes.id = events.shape
WHERE shapes.type = 'ItemRestored'
GROUP BY minute""",
    "verification_findings": f"""CREATE VIEW verification_findings AS
SELECT substr(streams.name, 14) AS restore,
       json_extract(events.data, '$.verification') AS verification,
       json_extract(events.data, '$.account') AS account,
       json_extract(events.data, '$.kind') AS kind,
       json_extract(events.data, '$.what') AS what,
       json_extract(events.data, '$.name') AS name,
       {_PATH.format("json_extract(events.data, '$.path')")} AS path,
       json_extract(events.data, '$.detail') AS detail,
       events.position
FROM events JOIN shapes ON shapes.id = events.shape
JOIN streams ON streams.id = events.stream
WHERE shapes.type = 'VerificationFinding'""",  # noqa: S608 - our names
}
