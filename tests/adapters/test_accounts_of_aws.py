"""An emergency acts by its own role, also where the caller is another of the same account."""

from __future__ import annotations

from typing import cast

import pytest

from modelway.adapters.aws import Accounts, Session
from modelway.errors import Unavailable

PRODUCTION, REGION = "222222222222", "eu-west-1"
ROLE = f"arn:aws:iam::{PRODUCTION}:role/firefighter"


class Called(Accounts):
    """Somebody who asks, and the roles that were assumed."""

    def __init__(self, arn: str, *, trusted: bool = True) -> None:
        super().__init__()
        self.caller = (arn.split(":")[4], arn)
        self.assumed: list[str] = []
        self.trusted = trusted

    def _assumed(self, account: str, region: str, role: str) -> Session:
        del region
        if not self.trusted:
            raise Unavailable(f"cannot assume the role {role}")
        self.assumed.append(f"{account}/{role}")
        return cast("Session", object())


def test_whoever_is_the_role_already_goes_on_as_it() -> None:
    accounts = Called(f"arn:aws:sts::{PRODUCTION}:assumed-role/firefighter/run-7")
    assert accounts.become(PRODUCTION, REGION, "firefighter") == ROLE
    assert accounts.assumed == []


@pytest.mark.parametrize(
    "caller",
    [
        f"arn:aws:sts::{PRODUCTION}:assumed-role/modelway-deploy/run-7",
        f"arn:aws:sts::{PRODUCTION}:assumed-role/firefighter-not/run-7",
        "arn:aws:iam::444444444444:user/ann",
    ],
)
def test_anybody_else_has_to_assume_it_and_everything_after_goes_by_it(caller: str) -> None:
    accounts = Called(caller)
    assert accounts.become(PRODUCTION, REGION, "firefighter") == ROLE
    assert accounts.assumed == [f"{PRODUCTION}/firefighter"]
    session = accounts.session(PRODUCTION, REGION, "firefighter")
    assert accounts.session(PRODUCTION, REGION, "firefighter") is session
    assert accounts.assumed == [f"{PRODUCTION}/firefighter"]


def test_whom_the_role_does_not_trust_acts_by_nothing() -> None:
    accounts = Called(f"arn:aws:sts::{PRODUCTION}:assumed-role/modelway-deploy/run-7", trusted=False)
    with pytest.raises(Unavailable, match="cannot assume"):
        accounts.become(PRODUCTION, REGION, "firefighter")
