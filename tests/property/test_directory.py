"""Laws of the directory's readers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from archives import directory as written
from reinstate_service.source.archives.directory import Directory, read_directory
from reinstate_service.source.archives.directory.ldif import read_entries
from reinstate_service.source.archives.directory.problems import Problems

_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() not in {"dn", "changetype", "control", "version"}
)
_ENTRIES = st.builds(
    written.Entry,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.dictionaries(
        _NAMES.map(str.lower), st.lists(st.binary(max_size=300), min_size=1, max_size=4), max_size=5
    ),
)
#: Lines that nearly are LDIF of Zimbra, so that noise gets past the first line.
_NOISE = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(written.slapcat(written.example()).splitlines()),
        st.sampled_from(
            [
                b"",
                b" ",
                b"dn: uid=a,dc=b",
                b"objectClass: zimbraAccount",
                b"-",
                b"a:: !",
                b"zimbraId: x",
            ]
        ),
    ),
    max_size=60,
)


def _read(data: bytes, name: str) -> Directory:
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(data)
        return read_directory([file])


@given(st.lists(_ENTRIES, max_size=4), st.integers(2, 90), st.sampled_from([b"\n", b"\r\n"]))
def test_ldif_in_any_folding_and_encoding_reads_back_equal(
    entries: list[written.Entry], width: int, end: bytes
) -> None:
    data = (
        b"version: 1"
        + end * 2
        + b"".join(written.lines(entry, width, end) + end for entry in entries)
    )
    problems = Problems()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "a.ldif"
        file.write_bytes(data)
        found = [(one.dn, one.attributes) for one in read_entries(file, problems)]
    assert problems.all() == ()
    assert found == [(entry.dn, entry.attributes) for entry in entries]


@given(_NOISE, st.sampled_from(["a.ldif", "a.csv"]))
@example([b"address,name", b"a@b,\0"], "a.csv")
def test_whatever_the_bytes_are_the_answer_is_a_directory(lines: list[bytes], name: str) -> None:
    found = _read(b"\n".join(lines), name)
    for address, account in found.by_address.items():
        assert address in {found.accounts[account].address, *found.accounts[account].aliases}
    for account in found.accounts.values():
        assert account.domain in {domain.name for domain in found.domains}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_to_their_end(data: bytes) -> None:
    assert isinstance(_read(data, "a.ldif"), Directory)


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(),
    st.binary(min_size=16, max_size=16),
)
def test_a_stored_password_is_undone_whatever_it_is(
    password: str, source: str, salt: bytes
) -> None:
    from reinstate_service.source.archives.directory.passwords import reveal  # noqa: PLC0415

    source = source.encode(errors="replace").decode()
    assert reveal(written.stored_password(password, source, salt), source) == password
