"""Who may break the glass: what a trust policy says of the role of an emergency."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modelway.core import glass, iam_documents, roles
from modelway.core.iam import Permissions
from modelway.core.json import Json, JsonObject
from modelway.core.trust import ISSUER, Repository
from tests.configs import model_config, production, staging

PLACE = production(break_glass_role="firefighter")
CONFIG = model_config(environments={"staging": staging(), "production": PLACE})
ACCOUNT = PLACE.account
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/modelway-deploy"


def trust(principal: Json, *, condition: Json = None, action: Json = "sts:AssumeRole") -> JsonObject:
    """A policy of one statement."""
    said: dict[str, Json] = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        said["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [said]}


def jobs(*subjects: str, operator: str = "StringEquals") -> JsonObject:
    """A policy that lets jobs of GitHub's in."""
    condition = (
        {operator: {f"{ISSUER}:sub": subjects}} if subjects else {"StringEquals": {f"{ISSUER}:aud": "sts"}}
    )
    principal = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"}
    return trust(principal, condition=condition, action="sts:AssumeRoleWithWebIdentity")


def test_what_modelway_itself_prints_is_closed_and_lets_an_emergency_in():
    found = roles.roles([CONFIG], lambda *_: Permissions(plan=(), deploy=(), retire=()))
    role = next(one for one in found if one.name == "firefighter")
    for repository in (Repository(name="o/r"), Repository(name="o/r", repository_id="1", owner_id="2")):
        policy = iam_documents.documents(role, repository).trust
        assert policy
        assert glass.open_to(policy, CONFIG, PLACE) == ()
        assert glass.lets_in(policy)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (jobs("repo:o/r:environment:production"), "jobs whose subject is repo:o/r:environment:production"),
        (jobs("repo:o/r:ref:refs/heads/main"), "ref:refs/heads/main"),
        (jobs("repo:o/*:environment:production-break-glass", operator="StringLike"), "repo:o/*"),
        (jobs("repo:o/r:*", operator="ForAnyValue:StringLike"), "repo:o/r:*"),
        (jobs(), "any job of GitHub's"),
        (trust({"AWS": DEPLOYER}), f"{DEPLOYER}, which is environments.production.deploy_role"),
        (trust({"AWS": [DEPLOYER.replace("deploy", "plan")]}, action=["sts:*"]), "production.plan_role"),
        (
            trust({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/modelway-deploy/job"}),
            "production.deploy_role",
        ),
        (trust({"AWS": "*"}), "anybody at all"),
        (trust("*"), "anybody at all"),
        (
            trust({"AWS": "*"}, condition={"ArnEquals": {"aws:PrincipalArn": DEPLOYER}}),
            "which is environments.production.deploy_role",
        ),
    ],
)
def test_who_should_not_be_let_in_is_named(policy: JsonObject, words: str):
    told = glass.open_to(policy, CONFIG, PLACE)
    assert len(told) == 1
    assert words in told[0]


@pytest.mark.parametrize(
    "policy",
    [
        jobs("repo:o/r:environment:production-break-glass"),
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/on-call"}),
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        {"Version": "2012-10-17", "Statement": []},
    ],
)
def test_people_and_the_emergency_s_own_jobs_may(policy: JsonObject):
    assert glass.open_to(policy, CONFIG, PLACE) == ()
    assert glass.lets_in(policy) is bool(policy["Statement"])


def test_a_statement_that_denies_lets_nobody_in():
    denied = json.loads(json.dumps(trust({"AWS": "*"})).replace("Allow", "Deny"))
    assert glass.open_to(denied, CONFIG, PLACE) == ()
    assert not glass.lets_in(denied)


@pytest.mark.parametrize("role", ["modelway-deploy", "modelway-plan", "modelway-retire"])
def test_a_role_that_something_else_names_is_said(role: str):
    place = replace(PLACE, break_glass_role=role)
    assert glass.shared(CONFIG, place).startswith("environments.production.")
    assert glass.shared(CONFIG, PLACE) == ""
    assert glass.shared(CONFIG, replace(PLACE, break_glass_role=None)) == ""


def test_a_role_of_that_name_in_another_account_is_another():
    assert glass.shared(CONFIG, replace(PLACE, break_glass_role="modelway-push")) == ""
    here = replace(CONFIG, registry=replace(CONFIG.registry, account=ACCOUNT))
    assert glass.shared(here, replace(PLACE, break_glass_role="modelway-push")) == "registry.push_role"
