"""Laws of the comparison of items: every restored item is accounted for once, and an untouched
destination has no findings."""

from __future__ import annotations

from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reinstate_service.destination.contract import StoredItem
from reinstate_service.model import Flag, Item, ItemType, Path
from reinstate_service.restore.verification.expected import Expected
from reinstate_service.restore.verification.findings import Kind
from reinstate_service.restore.verification.items import Items, compare_items
from reinstate_service.restore.verification.sheet import Sheet
from reinstate_service.testing import law

BEGAN = 1_000_000
TOUCHES = st.sampled_from(["keep", "drop", "rename", "move", "flip", "copy", "flag"])
PATHS: list[Path] = [("INBOX",), ("A",), ("A", "B"), ("C",)]


def digest(number: int) -> str:
    return f"{number:044}"


@st.composite
def mailboxes(draw: st.DrawFn) -> tuple[dict[str, Expected], list[StoredItem]]:
    """Restored items, some of which have the same content, and what lies there untouched."""
    expected, found = {}, []
    for number in range(draw(st.integers(0, 8))):
        content = draw(st.integers(0, 4))
        path = draw(st.sampled_from(PATHS))
        date, flags = draw(st.integers(0, 3)) * 1000, Flag(draw(st.integers(0, 127)))
        name, size = f"R{number}", 10 + content
        expected[name] = Expected(
            str(number), path, digest(content), size, date=date, flags=flags, keywords=("x",)
        )
        found.append(
            StoredItem(path, name, ItemType.MESSAGE, digest(content), size, date, flags, ("x",))
        )
    return expected, found


def compared(expected: dict[str, Expected], found: list[StoredItem]) -> Items:
    with closing(Sheet()) as sheet:
        for name, wanted in expected.items():
            sheet.add_restored(name, None, wanted, ())
        sheet.add_told(None, [(name, told(wanted)) for name, wanted in expected.items()])
        sheet.add_found(found)
        result = compare_items(sheet, whole=True, began=BEGAN, existed=False)
    result.settle_moves({})
    return result


def told(wanted: Expected) -> Item:
    """What the backup tells of it."""
    assert wanted.date is not None
    assert wanted.flags is not None
    return Item(
        wanted.item,
        ItemType.MESSAGE,
        "2",
        wanted.date,
        wanted.size,
        wanted.digest,
        flags=wanted.flags,
        tags=wanted.keywords or (),
    )


def counted(result: Items) -> int:
    return result.there + result.changed + result.missing + result.different


@law()
@given(mailboxes(), st.randoms(use_true_random=False), st.booleans())
def test_an_untouched_destination_has_no_findings_in_any_order_and_depth(
    mailbox: tuple[dict[str, Expected], list[StoredItem]], random: object, deep: bool
) -> None:
    expected, found = mailbox
    random.shuffle(found)  # type: ignore[attr-defined]
    shown = found if deep else [replace(one, digest="") for one in found]
    result = compared(expected, shown)
    assert result.findings == []
    assert result.there == len(expected)


@law()
@given(mailboxes(), st.data())
def test_each_restored_item_and_each_message_is_accounted_for_once(
    mailbox: tuple[dict[str, Expected], list[StoredItem]], data: st.DataObject
) -> None:
    expected, found = mailbox
    touched: list[StoredItem] = []
    for one in found:
        match data.draw(
            st.sampled_from(["keep", "drop", "rename", "move", "flip", "copy", "flag"])
        ):
            case "keep":
                touched.append(one)
            case "rename":
                touched.append(replace(one, name=f"X{one.name}"))
            case "move":
                touched.append(replace(one, path=("Elsewhere",), name=f"X{one.name}"))
            case "flip":
                touched.append(replace(one, digest=digest(99)))
            case "copy":
                touched += [one, replace(one, name=f"X{one.name}", path=("C",))]
            case "flag":
                touched.append(replace(one, flags=one.flags ^ Flag.SEEN))
    strange = StoredItem(("C",), "S", ItemType.MESSAGE, digest(77), 3, 5000, Flag(0), ())
    arrived = replace(strange, name="N", date=BEGAN)
    result = compared(expected, [*touched, strange, arrived])
    assert counted(result) == len(expected)
    matched = len(expected) - result.missing
    assert matched + result.extra + result.arrived == len(touched) + 2
    assert result.arrived == 1
    assert {one.kind for one in result.findings} <= {*Kind} - {Kind.UNCHECKED}


@law()
@given(mailboxes())
def test_what_only_has_other_names_is_all_there(
    mailbox: tuple[dict[str, Expected], list[StoredItem]],
) -> None:
    expected, found = mailbox
    result = compared(expected, [replace(one, name=f"uid{n}") for n, one in enumerate(found)])
    assert result.findings == []
    assert result.there == len(expected)
