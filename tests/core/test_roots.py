"""A checkout may ask for more than the default branch, and believe nobody whom that does not."""

from __future__ import annotations

import pytest

from modelway.core.roots import Roots, replaced, unlocked, weaker

KEYS = {"build": frozenset("ab"), "staging": frozenset("s")}
BEFORE = {"staging": None, "production": "staging"}
MAIN = Roots(keys=KEYS, before=BEFORE)


@pytest.mark.parametrize(
    ("here", "wrong"),
    [
        (MAIN, ""),
        (Roots(keys={**KEYS, "build": frozenset("a")}, before=BEFORE), ""),
        (Roots(keys={"staging": frozenset("s")}, before=BEFORE), "names no key of build"),
        (Roots(keys={**KEYS, "build": frozenset("ax")}, before=BEFORE), "names another key of build"),
        (Roots(keys={**KEYS, "staging": frozenset("x")}, before=BEFORE), "names another key of staging"),
        (
            Roots(keys=KEYS, before={**BEFORE, "production": None}),
            "promotes to production from nowhere, not from staging",
        ),
        (Roots(keys=KEYS, before={**BEFORE, "production": "dev"}), "from dev, not from staging"),
        (Roots(keys=KEYS, before={"prod": "staging"}), "not from staging"),
    ],
)
def test_what_a_checkout_asks_less_is_told(here: Roots, wrong: str) -> None:
    said = weaker(MAIN, here, "production")
    assert wrong in said
    assert bool(said) == bool(wrong)


def test_what_the_branch_does_not_know_may_be_new() -> None:
    new = Roots(keys=KEYS, before={"eu": "staging", **BEFORE})
    assert not weaker(MAIN, new, "eu")
    assert not weaker(Roots(), new, "production")
    other = Roots(keys={**KEYS, "staging": frozenset("x")}, before=new.before)
    assert weaker(MAIN, other, "eu") == "names another key of staging"


@pytest.mark.parametrize(
    ("here", "wrong"),
    [
        ({}, ""),
        ({"production": "firefighter"}, ""),
        ({"production": "modelway-deploy"}, "by modelway-deploy, not by firefighter"),
        ({"eu": "firefighter"}, ""),
    ],
)
def test_a_checkout_gives_the_key_to_the_glass_to_nobody_else(here: dict[str, str], wrong: str) -> None:
    main = Roots(keys=KEYS, before=BEFORE, glass={"production": "firefighter"})
    said = unlocked(main, Roots(keys=KEYS, before=BEFORE, glass=here), "production")
    assert wrong in said
    assert bool(said) == bool(wrong)


def test_where_the_branch_has_no_glass_a_checkout_makes_none() -> None:
    here = Roots(before=BEFORE, glass={"production": "modelway-deploy"})
    assert "by modelway-deploy, not by nobody" in unlocked(MAIN, here, "production")


RENAMED = {"stage": None, "prod": "stage"}
"""Both environments of ``MAIN`` under other names."""


@pytest.mark.parametrize(
    ("here", "wrong"),
    [
        (Roots(keys={"build": frozenset("a"), "stage": frozenset("s")}, before=RENAMED), ""),
        (
            Roots(keys={"build": frozenset("a"), "stage": frozenset("x")}, before=RENAMED),
            "another key of stage",
        ),
        (Roots(keys={"build": frozenset("a")}, before=RENAMED), "names no key of stage"),
        (Roots(keys=KEYS, before={"staging": None, "prod": "staging"}), ""),
        (Roots(keys=KEYS, before={"staging": None, "prod": None}), "from nowhere, and has no production"),
        (Roots(keys=KEYS, before={"stage": None, "prod": None}), "from nowhere, and has no production"),
        (Roots(keys=KEYS, before={**BEFORE, "prod": None}), ""),
    ],
)
def test_a_renamed_environment_is_entered_by_no_easier_way(here: Roots, wrong: str) -> None:
    said = weaker(MAIN, here, "prod")
    assert wrong in said
    assert bool(said) == bool(wrong)


def test_the_first_environment_may_be_renamed() -> None:
    assert not weaker(MAIN, Roots(keys={"build": frozenset("a")}, before=RENAMED), "stage")


def test_only_a_new_name_stands_for_those_that_are_gone() -> None:
    here = Roots(before={"stage": None, "production": "stage"})
    assert replaced(MAIN, here, "stage") == {"staging"}
    assert replaced(MAIN, here, "production") == frozenset()
