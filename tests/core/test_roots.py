"""A checkout may ask for more than the default branch, and believe nobody whom that does not."""

from __future__ import annotations

import pytest

from modelway.core.roots import Roots, weaker

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
