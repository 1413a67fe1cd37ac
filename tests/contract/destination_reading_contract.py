"""What every destination promises to verification: what was set reads back as it was set."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contract.destination_contract import (
    ALICE,
    BOB,
    DATE,
    TEAM,
    Reopen,
    Suite,
    delivery,
    folder,
)
from reinstate_service.destination.contract import AccessGrant, Destination, Missing
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    Domain,
    Filters,
    Identity,
    OutOfOffice,
    Signature,
)

WHOLE = Account(
    id="a1",
    address=ALICE.address,
    password="{SSHA}x",
    display_name="Älice",
    status="locked",
    admin=True,
    hide_in_gal=True,
    aliases=("al@example.test",),
    forwarding=("g@elsewhere.test", "f@elsewhere.test"),
    keep_forwarded=False,
    out_of_office=OutOfOffice(enabled=True, text="away", start=DATE),
    identities=(Identity("i1", "work", {"zimbraPrefFromDisplay": ("Älice",)}),),
    signatures=(Signature(id="s1", name="work", text="--", html="<b>"),),
    filters=Filters(incoming="keep;"),
    attributes={"zimbraPrefLocale": ("de",), "zimbraPrefTwo": ("1", "2")},
)


class ReadingContract(Suite):
    """What verification relies on."""

    def test_a_domain_reads_back_as_it_was_set(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        domain = Domain(
            id="d1",
            name="example.test",
            status="locked",
            default_cos="gold",
            account_quota=1,
            aggregate_quota=2,
            max_accounts=3,
            gal_mode="both",
            aliases=("alias.test",),
            attributes={"zimbraX": ("1", "2")},
        )
        destination.configure_domain(domain)
        assert reopen().domain("Example.TEST") == domain

    def test_a_class_of_service_reads_back_as_it_was_set(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        cos = ClassOfService(id="c1", name="gold", quota=5, attributes={"zimbraX": ("1",)})
        destination.put_class_of_service(cos)
        assert reopen().class_of_service("gold") == cos

    def test_a_list_reads_back_with_its_members(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        lst = replace(
            TEAM,
            members=(BOB.address, ALICE.address),
            aliases=("crew@example.test",),
            display_name="The team",
            hide_in_gal=True,
            dynamic=True,
            attributes={"zimbraX": ("1",)},
        )
        destination.put_list(TEAM)
        destination.configure_list(lst, True)
        assert reopen().distribution_list(TEAM.address) == lst

    def test_an_account_reads_back_with_everything_but_its_filters(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        source = DataSource("s1", "old", "imap", host="h", port=993, password="p", enabled=False)
        destination.configure_account(WHOLE, "gold", True)
        destination.put_data_source(ALICE.address, source)
        destination.set_quota(ALICE.address, 1000)
        expected = replace(WHOLE, cos="gold", quota=1000, data_sources=(source,), filters=Filters())
        assert reopen().account("ALICE@example.test") == expected

    def test_what_is_missing_does_not_read_back(self, destination: Destination) -> None:
        for read in (
            destination.domain,
            destination.class_of_service,
            destination.distribution_list,
            destination.account,
        ):
            with pytest.raises(Missing):
                read("nobody@other.test")
        with destination.mailbox(ALICE.address) as mailbox, pytest.raises(Missing):
            mailbox.grants(("Nowhere",))

    def test_grants_read_back_as_they_were_given(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        given = [
            AccessGrant("anyone", "l"),
            AccessGrant("authenticated", "lr"),
            AccessGrant("group:@example.test", "l"),
            AccessGrant("group:team@example.test", "lrs"),
            AccessGrant(f"user:{BOB.address}", "lrwstipekxa"),
        ]
        with destination.mailbox(ALICE.address) as mailbox:
            mailbox.create_folder(("Team",), folder())
            assert mailbox.grants(("Team",)) == []
            mailbox.grant(("Team",), given)
        with reopen().mailbox(ALICE.address) as mailbox:
            assert sorted(mailbox.grants(("Team",)), key=lambda one: one.grantee) == given

    def test_items_are_read_whole_only_where_that_is_asked_for(
        self, destination: Destination
    ) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            mailbox.deliver([delivery("r1-1", content=b"12345"), delivery("r1-2")])
            whole = {item.name: item for item in mailbox.contents()}
            some = {item.name: item for item in mailbox.contents(lambda name: name == "r1-2")}
        assert some["r1-2"] == whole["r1-2"]
        assert some["r1-1"] == replace(whole["r1-1"], digest="")
        assert whole["r1-1"].digest
