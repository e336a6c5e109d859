"""An emergency acts by its own role, also where the caller is another of the same account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from botocore.credentials import Credentials
from botocore.session import Session as Core

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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Region and key of each client of STS that is opened; it assumes every role."""
    opened: list[tuple[str, str]] = []
    until = datetime.now(UTC) + timedelta(hours=1)
    given = {"AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": until}

    class Sts:
        def assume_role(self, **_: str) -> Mapping[str, object]:
            return {"Credentials": given, "AssumedRoleUser": {"Arn": ROLE}}

        def get_caller_identity(self) -> Mapping[str, str]:
            return {"Account": "444444444444", "Arn": "arn:aws:iam::444444444444:user/ann"}

    def open_(_: object, service: str, **how: str) -> Sts:
        assert service == "sts"
        opened.append((how.get("region_name") or "its own", how["aws_access_key_id"]))
        return Sts()

    monkeypatch.setattr(Core, "create_client", open_)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return opened


def test_one_client_of_sts_asks_who_is_calling_and_assumes_all_roles_of_a_region(
    asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAONE")
    accounts = Accounts()
    for role in ("modelway-plan", "modelway-deploy"):
        session = accounts.session(PRODUCTION, REGION, role)
        assert session.core.get_credentials().access_key == "a"  # type: ignore[attr-defined] # ours
    assert asked == [("its own", "AKIAONE")]
    accounts.session(PRODUCTION, "us-east-1", "modelway-plan")
    assert asked == [("its own", "AKIAONE")] * 2


def test_credentials_that_were_renewed_get_a_client_of_their_own(asked: list[tuple[str, str]]) -> None:
    """As those a workflow has for an hour."""
    accounts, mine = Accounts(), Credentials("AKIAONE", "not-a-secret")
    accounts.own = mine
    accounts.session(PRODUCTION, REGION, "modelway-plan")
    mine.access_key = "AKIATWO"
    accounts.session(PRODUCTION, REGION, "modelway-deploy")
    assert [key for _, key in asked] == ["AKIAONE", "AKIATWO"]
