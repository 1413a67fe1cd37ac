"""What phase 1 provisions, and the folders, grants and mountpoints of an account."""

from __future__ import annotations

from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.model import (
    AccountRef,
    ClassOfService,
    Containers,
    DistributionList,
    Domain,
    Folder,
    Grant,
    GranteeType,
)
from reinstate_service.restore.options import Options
from reinstate_service.restore.plan import (
    Directory,
    Provisioning,
    filed_paths,
    plan_filter,
    plan_folders,
    plan_grants,
    plan_provisioning,
)
from reinstate_service.restore.selection import select_accounts

ANN = AccountRef("a", "ann@example.com", cos="c-staff")
BOB = AccountRef("b", "bob@example.org")
DIRECTORY = Directory(
    (
        Domain("d1", "example.com", aliases=("example.de",)),
        Domain("d2", "example.org", default_cos="c-default"),
        Domain("d3", "example.net", default_cos="c-unused"),
    ),
    (
        ClassOfService("c-default", "default"),
        ClassOfService("c-staff", "staff"),
        ClassOfService("c-unused", "unused"),
    ),
    (
        DistributionList("l1", "team@example.com", members=("ann@example.com",)),
        DistributionList("l2", "all@example.org"),
    ),
)


def plan(**chosen: object) -> Provisioning:
    options = Options("b", "memory:", **chosen)  # type: ignore[arg-type]
    domains = {domain.name for domain in DIRECTORY.domains}
    return plan_provisioning(DIRECTORY, select_accounts([ANN, BOB], domains, options), options)


def names(made: Provisioning) -> tuple[list[str], list[str], list[str]]:
    return (
        [domain.name for domain in made.domains],
        [cos.name for cos in made.classes_of_service],
        [lst.address for lst in made.lists],
    )


def test_everything_is_provisioned_but_only_the_classes_of_service_that_are_used() -> None:
    assert names(plan()) == (
        ["example.com", "example.org", "example.net"],
        ["default", "staff"],
        ["team@example.com", "all@example.org"],
    )


def test_a_domains_default_class_goes_by_name_and_an_unused_one_is_left_out() -> None:
    assert [domain.default_cos for domain in plan().domains] == ["", "default", ""]


def test_accounts_alone_bring_only_their_own_domains_lists_and_classes() -> None:
    assert names(plan(accounts=("ann@example.com",))) == (
        ["example.com"],
        ["staff"],
        ["team@example.com"],
    )


def test_domains_bring_themselves_also_without_accounts() -> None:
    assert names(plan(domains=("EXAMPLE.net",))) == (["example.net"], [], [])


def test_skip_coses_leaves_all_classes_out_and_domains_without_a_default() -> None:
    made = plan(skip_coses=True)
    assert made.classes_of_service == ()
    assert {domain.default_cos for domain in made.domains} == {""}


def test_skip_distribution_lists_and_skip_aliases() -> None:
    assert plan(skip_distribution_lists=True).lists == ()
    assert plan().domains[0].aliases == ("example.de",)
    assert plan(skip_aliases=True).domains[0].aliases == ()


def test_skip_domain_provisioning_leaves_only_the_accounts() -> None:
    assert plan(skip_domain_provisioning=True) == Provisioning((), (), (), make_accounts=True)


def test_skip_account_provisioning_makes_no_accounts() -> None:
    assert plan(skip_account_provisioning=True).make_accounts is False


def test_grants_may_name_accounts_lists_and_domains_of_the_backup() -> None:
    assert DIRECTORY.addresses([ANN]) == {
        "a": "ann@example.com",
        "l1": "team@example.com",
        "l2": "all@example.org",
        "d1": "example.com",
        "d2": "example.org",
        "d3": "example.net",
    }


def test_only_folders_with_grants_have_some() -> None:
    grant = Grant("a", GranteeType.USER, "r")
    containers = Containers((Folder("1", "", "A", grants=(grant,)), Folder("2", "", "B")))
    assert list(plan_grants(containers, {"a": "ann@example.com"})) == ["1"]


def test_the_folder_plan_knows_the_places_of_settled_and_new_folders() -> None:
    containers = Containers((Folder("1", "", "A"), Folder("2", "1", "B")))
    made = plan_folders(containers, [], {"1": ("Elsewhere",)}, NAMESPACE)
    assert [decision.folder for decision in made.decisions] == ["2"]
    assert made.places == {"1": ("Elsewhere",), "2": ("Elsewhere", "B")}


def test_grants_hold_below_a_folder_unless_it_does_not_inherit() -> None:
    above = Grant("a", GranteeType.USER, "r")
    own = Grant("l1", GranteeType.LIST, "rw")
    containers = Containers(
        (
            Folder("1", "", "Team", grants=(above,)),
            Folder("2", "1", "Below"),
            Folder("3", "2", "Own", grants=(own,)),
            Folder("4", "1", "Private", inherits=False),
            Folder("5", "4", "Below private"),
        )
    )
    planned = plan_grants(containers, {"a": "ann@example.com", "l1": "team@example.com"})
    assert {folder: one.granted for folder, one in planned.items()} == {
        "1": (("user:ann@example.com", "lrs"),),
        "2": (("user:ann@example.com", "lrs"),),
        "3": (("group:team@example.com", "lrsw"), ("user:ann@example.com", "lrs")),
    }


def test_a_filter_plan_names_what_it_changes_and_what_leads_nowhere() -> None:
    script = 'require "fileinto";\nfileinto "Team";\nfileinto "Gone";\n'
    shared = ("shared", "T")
    made = plan_filter(script, {("Team",): shared}, {shared}.__contains__, NAMESPACE)
    assert made.text == script.replace('"Team"', '"shared/T"')
    assert [(one.line, one.old, one.new) for one in made.changed] == [(2, "Team", "shared/T")]
    assert [(one.line, one.text) for one in made.left] == [(3, "Gone")]


def test_only_active_rules_with_literal_targets_count_as_filing() -> None:
    scripts = ['fileinto "Team";', 'disabled_if true { fileinto "Off"; }', 'fileinto "${x}";']
    assert ("Team",) in filed_paths(scripts, NAMESPACE)
    assert ("Off",) not in filed_paths(scripts, NAMESPACE)
