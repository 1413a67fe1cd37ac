"""Account archives as Zimbra and Carbonio write them, after the format's facts.

A `Mailbox` gathers items; `entries` are what its export consists of, which `tar`, `tgz` and
`zipped` pack. System types come first, then items by folder; a folder's 501st item and what
follows go into `<folder>!1`, and so on.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from reinstate_service.source.archives.bencode import Value, encode

Entries = list[tuple[str, bytes]]
BATCH = 500
_KINDS = {1: "folder", 2: "searchfolder", 3: "tag", 5: "message", 6: "contact", 8: "document"}
_ENDINGS = {5: ".eml", 9: ".note", 11: ".appt", 14: ".wiki", 15: ".task", 16: ".chat"}
#: Id, parent, name and view of the folders that every mailbox of Zimbra's has.
SYSTEM = (
    (1, 11, "USER_ROOT", 0),
    (2, 1, "Inbox", 5),
    (3, 1, "Trash", 0),
    (4, 1, "Junk", 5),
    (5, 1, "Sent", 5),
    (6, 1, "Drafts", 5),
    (7, 1, "Contacts", 6),
    (10, 1, "Calendar", 11),
    (13, 1, "Emailed Contacts", 6),
    (14, 1, "Chats", 5),
    (15, 1, "Tasks", 15),
    (16, 1, "Briefcase", 8),
)
FIRST_DATE = 1_767_225_600  # 2026-01-01


@dataclass
class Stored:
    """One item or container, as the archive has it."""

    meta: dict[str, object]
    body: bytes | None = None
    padded: bool = False
    name: str = ""


@dataclass
class Mailbox:
    """What an account holds; ids are given as a server gives them."""

    stored: list[Stored] = field(default_factory=list)
    paths: dict[int, str] = field(default_factory=dict)
    _next: int = 257
    _sequence: int = 1

    @classmethod
    def with_folders(cls, folders: Iterable[tuple[int, int, str, int]] = SYSTEM) -> Mailbox:
        """A mailbox with the system folders."""
        mailbox = cls()
        for number, parent, name, view in folders:
            mailbox.container(1, name, parent, number=number, vt=view)
        return mailbox

    def container(
        self,
        type_: int,
        name: str,
        parent: int = 1,
        *,
        number: int = 0,
        flags: str = "",
        **more: Value,
    ) -> int:
        """A folder (1), search (2), tag (3) or mountpoint (13); `more` is its metadata."""
        number = number or self._number()
        above = self.paths.get(parent, "")
        path = "" if number == 1 else f"{above}/{name}"
        self.paths[number] = path
        self._add(
            number,
            type_,
            parent,
            {"FlagStr": flags, "Path": path or "/", "name": name, **_text(more)},
        )
        return number

    def message(
        self,
        folder: int,
        content: bytes,
        *,
        flags: str = "",
        tags: tuple[str, ...] = (),
        type_: int = 5,
        date: int | None = None,
        padded: bool = False,
        **meta: object,
    ) -> int:
        """A message, or with another type a chat; `meta` are further keys of its .meta."""
        number = self._number()
        subject = re.search(rb"^Subject: (.*?)\r?$", content, re.MULTILINE)
        self._add(
            number,
            type_,
            folder,
            {
                "Path": f"{self.paths[folder]}/",
                "FlagStr": flags,
                "TagNames": ":".join(tag.replace("\\", "\\\\").replace(":", "\\:") for tag in tags),
                "blob_digest": digest_of(content),
                "imap_id": number,
                "size": len(content),
                "subject": subject[1].decode(errors="replace") if subject else "",
                "date": FIRST_DATE + number if date is None else date,
                **_text({"s": "a@example.com", "f": "…", "v": 10}),
                **meta,
            },
            content,
            padded=padded,
        )
        return number

    def contact(
        self, folder: int, fields: Mapping[str, Value], body: bytes | None = None, **meta: object
    ) -> int:
        """A contact or group; its file name is the name it is filed under."""
        number = self._number()
        filed = ", ".join(str(fields[key]) for key in ("lastName", "firstName") if key in fields)
        more = {"sender": filed, "size": len(body or b""), **_text({"fld": dict(fields), "v": 10})}
        path = {"Path": f"{self.paths[folder]}/"}
        self._add(number, 6, folder, {**path, **more, **meta}, body, name=filed or str(number))
        return number

    def calendar_item(
        self, folder: int, metadata: Mapping[str, object], body: bytes | None, *, task: bool = False
    ) -> int:
        """An appointment or a task."""
        number = self._number()
        more = {"size": len(body or b""), "subject": "x", "Path": f"{self.paths[folder]}/"}
        self._add(number, 15 if task else 11, folder, {**more, **_text(dict(metadata))}, body)  # type: ignore[arg-type]
        return number

    def document(self, folder: int, name: str, *versions: bytes) -> int:
        """A file with its versions, oldest first; the last is the one it has now."""
        number = self._number()
        for version, content in enumerate(versions, 1):
            meta = {
                "Path": f"{self.paths[folder]}/{name}",
                "name": name,
                "size": len(content),
                "blob_digest": digest_of(content),
                **_text({"ct": "application/octet-stream", "ver": version, "v": 10}),
            }
            label = name if version == len(versions) else f"{name}-{version:05d}"
            self._add(number, 8, folder, meta, content, name=label)
        return number

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def _add(
        self,
        number: int,
        type_: int,
        folder: int,
        meta: Mapping[str, object],
        body: bytes | None = None,
        *,
        padded: bool = False,
        name: str = "",
    ) -> None:
        self._sequence += 1
        whole = {
            "id": number,
            "type": type_,
            "folder_id": folder,
            "parent_id": folder if type_ in {1, 2, 13} else -1,
            "index_id": 0,
            "volume_id": 0,
            "imap_id": -1,
            "date": FIRST_DATE + number,
            "change_date": FIRST_DATE + number,
            "size": 0,
            "unread": 0,
            "flags": 0,
            "tags": 0,
            "subject": "",
            "name": "",
            "mod_metadata": self._sequence,
            "mod_content": self._sequence,
            "sender": "",
            "FlagStr": "",
            "TagNames": "",
            "TagStr": "",
            "Ver": 10,
        }
        self.stored.append(Stored({**whole, **meta}, body, padded, name))

    def entries(self, choose: Callable[[Stored], bool] = lambda _: True) -> Entries:
        """The export of everything that is chosen, in order."""
        return list(self._entries([one for one in self.stored if choose(one)]))

    def _entries(self, chosen: list[Stored]) -> Iterator[tuple[str, bytes]]:
        counts: dict[int, int] = {}
        taken: set[str] = set()
        for stored in sorted(chosen, key=lambda one: one.meta["type"] not in {1, 2, 3, 13}):
            number, type_ = int(str(stored.meta["id"])), int(str(stored.meta["type"]))
            folder = int(str(stored.meta["folder_id"]))
            where = self.paths.get(folder, "").strip("/")
            if type_ not in {1, 2, 3, 13}:
                batch = counts.get(folder, 0) // BATCH
                counts[folder] = counts.get(folder, 0) + 1
                where += f"!{batch}" if batch else ""
            name = stored.name or _file_name(number, stored.meta) + _ENDINGS.get(type_, "")
            path, twin = f"{where}/{name}" if where else name, 0
            while path.lower() in taken:
                twin += 1
                path = f"{where}/{name}-{twin:02d}"
            taken.add(path.lower())
            yield f"{path}.meta", msgspec.json.encode(stored.meta)
            if stored.body is not None:
                yield path, stored.body
            if stored.padded:
                yield f"{path}.err", b""


def _file_name(number: int, meta: Mapping[str, object]) -> str:
    text = str(meta["name"] or meta["subject"])
    return f"{number:010d}-" + re.sub(r'[/:*?"<>|\x00]', "_", text)[:120]


def _text(metadata: Mapping[str, Value]) -> dict[str, object]:
    return {"metadata": encode(dict(metadata))}


def digest_of(content: bytes) -> str:
    """A blob's digest as Zimbra and the model have it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode().replace("/", ",")


def only(*folders: int) -> Callable[[Stored], bool]:
    """Chooses the items of these folders, and no container: what an export with a query has."""
    return lambda one: one.meta["folder_id"] in folders and one.meta["type"] not in {1, 2, 3, 13}


def without(*folders: int) -> Callable[[Stored], bool]:
    """Chooses all but the items of these folders: Junk and Trash, by default."""
    return lambda one: one.meta["folder_id"] not in folders or one.meta["type"] in {1, 2, 3, 13}


def tar(entries: Entries) -> bytes:
    """The entries as a tar file with GNU's long names, as the servers write it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.gname = len(content), FIRST_DATE, "message"
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def tgz(entries: Entries) -> bytes:
    """The same, packed."""
    return gzip.compress(tar(entries), 6, mtime=0)


class _Pipe(io.RawIOBase):
    """What a server writes an answer to: it cannot go back."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.data += piece
        return len(piece)


def zipped(entries: Entries, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The entries as a zip file, with sizes behind the contents as the servers write it."""
    if packing == zipfile.ZIP_STORED:
        whole = io.BytesIO()
        _zip(whole, entries, packing)
        return whole.getvalue()
    pipe = _Pipe()
    _zip(pipe, entries, packing)
    return bytes(pipe.data)


def _zip(file: io.IOBase, entries: Entries, packing: int) -> None:
    with zipfile.ZipFile(file, "w", packing) as archive:  # type: ignore[call-overload]
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, packing)


PACKINGS: Mapping[str, Callable[[Entries], bytes]] = {"tgz": tgz, "tar": tar, "zip": zipped}


def write(folder: Path, name: str, entries: Entries) -> Path:
    """Packs the entries as the ending of `name` says."""
    ending = name.rpartition(".")[2]
    path = folder / name
    path.write_bytes(PACKINGS["tgz" if ending == "gz" else ending](entries))
    return path


def message(number: int, extra: bytes = b"") -> bytes:
    """A small message that no other number has."""
    head = f"From: a@example.com\r\nMessage-ID: <{number}@x>\r\nSubject: Note {number}\r\n\r\n"
    return head.encode() + f"body {number} ✉\r\n".encode() + extra
