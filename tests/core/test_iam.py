"""Policies, roles and trust as values, and the documents they become."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core import iam_diff, iam_documents
from modelway.core.config import (
    AlarmMetric,
    Capacity,
    CreatedAlarm,
    ModelConfig,
    Prebuilt,
    Rollout,
    Signing,
)
from modelway.core.ecr_scan import EcrScan
from modelway.core.iam import (
    MANAGED_LIMIT,
    Statement,
    allow,
    allows,
    covers,
    document,
    equals,
    merged,
    size,
)
from modelway.core.image import Digest, Image
from modelway.core.roles import Kind, Role, roles
from modelway.core.scan_spec import ScanSpec
from modelway.core.trust import Repository, Trust
from modelway.targets.sagemaker.permissions import permissions
from tests.configs import SETTINGS, model_config, production, staging

GITHUB = Repository(name="acme/models", repository_id="12", owner_id="34")
SUB, AUD, REPO_ID = (
    f"token.actions.githubusercontent.com:{claim}" for claim in ("sub", "aud", "repository_id")
)

ACTIONS = st.sampled_from(["s3:A", "s3:B", "s3:C"])
RESOURCES = st.sampled_from(["*", "arn:a", "arn:b"])
CONDITIONS = st.sampled_from([(), (equals("k", "v"),)])
STATEMENTS = st.builds(
    lambda a, r, c: allow(*a, on=r, when=c),
    st.sets(ACTIONS, min_size=1),
    st.sets(RESOURCES, min_size=1),
    CONDITIONS,
)


@given(st.lists(STATEMENTS, max_size=6), ACTIONS, RESOURCES, CONDITIONS)
def test_merging_allows_exactly_what_was_allowed(statements, action, resource, when):
    def among(given: list[Statement]) -> bool:
        return allows([one for one in given if one.conditions == when], action, resource)

    assert among([*merged(statements)]) == among(statements)


@given(st.lists(STATEMENTS, max_size=6))
def test_merging_again_changes_nothing(statements):
    assert merged(merged(statements)) == merged(statements)


@pytest.mark.parametrize(
    ("pattern", "resource", "covered"),
    [
        ("arn:x/iris-????", "arn:x/iris-abcd", True),
        ("arn:x/iris-????", "arn:x/iris-abcde", False),
        ("arn:x/*/y", "arn:x/a/b/y", True),
        ("arn:x/[ab]", "arn:x/a", False),
    ],
)
def test_wildcards_are_iams(pattern, resource, covered):
    assert covers(allow("s3:A", on=[pattern]), "s3:A", resource) is covered


# --- roles ---


def found(config: ModelConfig, *more: ModelConfig) -> dict[tuple[str, str], Role]:
    """The roles of configs by account and name."""
    return {(role.account, role.name): role for role in roles([config, *more], permissions)}


def actions(role: Role, prefix: str = "") -> set[str]:
    """What a role may do."""
    return {one for statement in role.statements for one in statement.actions if one.startswith(prefix)}


def test_each_role_stands_in_its_account():
    assert {key: role.kinds for key, role in found(model_config()).items()} == {
        ("333333333333", "modelway-read"): {Kind.BUILD},
        ("333333333333", "modelway-push"): {Kind.PUSH},
        ("333333333333", "modelway-evidence"): {Kind.EVIDENCE},
        ("333333333333", "modelway-prune"): {Kind.REGISTRY},
        ("111111111111", "modelway-prune"): {Kind.REGISTRY},
        ("222222222222", "modelway-prune"): {Kind.REGISTRY},
        ("111111111111", "modelway-plan"): {Kind.PLAN},
        ("222222222222", "modelway-plan"): {Kind.PLAN},
        ("111111111111", "modelway-deploy"): {Kind.DEPLOY},
        ("222222222222", "modelway-deploy"): {Kind.DEPLOY},
        ("111111111111", "modelway-retire"): {Kind.RETIRE},
        ("222222222222", "modelway-retire"): {Kind.RETIRE},
    }


def test_the_retire_role_deletes_and_makes_nothing_and_trusts_its_environments_jobs_only():
    role = found(model_config())["222222222222", "modelway-retire"]
    assert "sagemaker:DeleteEndpoint" in actions(role)
    verbs = {one.partition(":")[2] for one in actions(role)}
    assert all(verb.startswith(("Delete", "Deregister", "Describe", "List", "Get")) for verb in verbs)
    assert iam_documents.trust_of(role, Repository(name="org/repo")) == Trust(
        claims=("environment:production",)
    )


def test_only_the_push_and_evidence_roles_write_to_the_registry_and_only_the_prune_role_deletes():
    all_ = found(model_config()).values()
    assert {r.name for r in all_ if actions(r, "ecr:Put")} == {"modelway-push", "modelway-evidence"}
    assert {r.name for r in all_ if actions(r, "ecr:SetRepositoryPolicy")} == {"modelway-push"}
    assert {r.name for r in all_ if actions(r, "ecr:BatchDelete")} == {"modelway-prune"}
    pruners = {role.account: role for role in all_ if role.kinds == {Kind.REGISTRY}}
    pruner = pruners["333333333333"]
    assert pruners["111111111111"].assumed_by == {pruner.arn}
    assert "token.actions" not in json.dumps(iam_documents.documents(pruners["111111111111"], GITHUB).trust)
    assert not actions(pruner, "ecr:Put")
    assert pruner.arn in all_by(Kind.PLAN)["111111111111"].assumed_by


def test_the_push_role_sees_what_its_lifecycle_policy_would_take_and_who_needs_it():
    role = found(model_config())["333333333333", "modelway-push"]
    assert {"ecr:StartLifecyclePolicyPreview", "ecr:GetLifecyclePolicyPreview"} <= actions(role)
    assumed = {one for s in role.statements if s.actions == ("sts:AssumeRole",) for one in s.resources}
    assert assumed == {f"arn:aws:iam::{each}:role/modelway-plan" for each in ("111111111111", "222222222222")}
    assert all(role.arn in plan.assumed_by for plan in all_by(Kind.PLAN).values())
    here = found(model_config(environments={"staging": staging(account="333333333333")}))
    assert "sagemaker:DescribeEndpoint" in actions(here["333333333333", "modelway-push"])


def all_by(kind: Kind) -> dict[str, Role]:
    """The roles of a kind by their accounts."""
    return {role.account: role for role in found(model_config()).values() if role.kinds == {kind}}


def test_the_evidence_role_trusts_the_deploy_roles_of_other_accounts_and_no_job():
    role = found(model_config())["333333333333", "modelway-evidence"]
    trust = json.dumps(iam_documents.documents(role, GITHUB).trust)
    assert "token.actions" not in trust
    for account in ("111111111111", "222222222222"):
        assert f"arn:aws:iam::{account}:role/modelway-deploy" in trust


def test_the_emergency_s_role_may_what_deploying_may_and_only_jobs_of_its_own_environment_assume_it():
    key = "awskms:///alias/production"
    place = production(break_glass_role="firefighter", evidence=Signing(sign_with=key, verify_with=(key,)))
    all_ = found(model_config(environments={"staging": staging(), "production": place}))
    role = all_["222222222222", "firefighter"]
    assert role.kinds == {Kind.BREAK_GLASS}
    assert actions(role) == actions(all_["222222222222", "modelway-deploy"])
    trust = json.dumps(iam_documents.documents(role, GITHUB).trust)
    assert "environment:production-break-glass" in trust
    assert 'environment:production"' not in trust
    assert "ref:" not in trust
    arn = "arn:aws:iam::222222222222:role/firefighter"
    for other in (("333333333333", "modelway-evidence"), ("333333333333", "modelway-read")):
        assert arn in all_[other].assumed_by
    assert arn in all_["111111111111", "modelway-plan"].assumed_by


def test_without_a_role_for_emergencies_there_is_none():
    assert not any(Kind.BREAK_GLASS in role.kinds for role in found(model_config()).values())


def test_only_an_environment_s_own_deploy_role_signs_with_its_key():
    key = "awskms:///alias/staging"
    place = staging(evidence=Signing(sign_with=key, verify_with=(key,)))
    all_ = found(model_config(environments={"staging": place, "production": production()}))
    signing = {name for name, role in all_.items() if actions(role, "kms:Sign")}
    assert signing == {("111111111111", "modelway-deploy")}
    statement = next(s for s in all_[signing.pop()].statements if "kms:Sign" in s.actions)
    assert statement.resources == ("arn:aws:kms:eu-west-1:111111111111:key/*",)
    assert statement.conditions[0].values == ("alias/staging",)


def test_whoever_reads_the_registry_or_looks_at_an_environment_reads_its_kms_keys_and_signs_with_none():
    keys = Signing(sign_with="awskms:///alias/k", verify_with=("awskms:///alias/k",))
    place = replace(staging(), evidence=keys)
    config = replace(model_config(environments={"staging": place, "production": production()}), evidence=keys)
    all_ = found(config)
    able = {key for key, role in all_.items() if actions(role, "kms:GetPublicKey")}
    assert able == {
        ("333333333333", "modelway-read"),
        ("333333333333", "modelway-push"),
        ("333333333333", "modelway-prune"),
        ("111111111111", "modelway-plan"),
        ("111111111111", "modelway-deploy"),
    }
    signing = {key for key, role in all_.items() if actions(role, "kms:Sign")}
    assert signing == {("333333333333", "modelway-push"), ("111111111111", "modelway-deploy")}


def test_a_deploy_role_reads_elsewhere_by_roles_that_change_nothing():
    role = found(model_config())["222222222222", "modelway-deploy"]
    assumed = {one for s in role.statements if s.actions == ("sts:AssumeRole",) for one in s.resources}
    assert assumed == {
        "arn:aws:iam::333333333333:role/modelway-read",
        "arn:aws:iam::333333333333:role/modelway-evidence",
        "arn:aws:iam::111111111111:role/modelway-plan",
    }


def test_the_last_plan_role_looks_at_every_environment_and_a_deploy_role_at_the_one_before():
    test = staging(name="test", account="555555555555")
    places = {"test": test, "staging": staging(promote_from="test"), "production": production()}
    all_ = found(model_config(environments=places))

    def looked_at(name: str) -> set[str]:
        role = all_["222222222222", name]
        arns = {one for s in role.statements if s.actions == ("sts:AssumeRole",) for one in s.resources}
        return {arn.split(":")[4] for arn in arns}

    assert looked_at("modelway-plan") == {"111111111111", "333333333333", "555555555555"}
    assert looked_at("modelway-deploy") == {"111111111111", "333333333333"}
    assert all_["555555555555", "modelway-plan"].assumed_by == {
        f"arn:aws:iam::{account}:role/modelway-{name}"
        for account, name in (
            ("111111111111", "plan"),
            ("111111111111", "deploy"),
            ("222222222222", "plan"),
            ("333333333333", "prune"),
            ("333333333333", "push"),
        )
    }


def test_in_one_account_no_role_is_assumed_and_its_rights_are_its_own():
    account = "333333333333"
    places = {"staging": staging(account=account), "production": production(account=account)}
    role = found(model_config(environments=places))[account, "modelway-plan"]
    assert not actions(role, "sts:")
    assert "ecr:BatchGetImage" in actions(role)
    assert role.environments == {"staging", "production"}


def test_the_execution_role_is_passed_to_sagemaker_only():
    role = found(model_config())["222222222222", "modelway-deploy"]
    passing = [one for one in role.statements if "iam:PassRole" in one.actions]
    assert passing == [
        Statement(
            actions=("iam:PassRole",),
            resources=("arn:aws:iam::222222222222:role/iris-endpoint",),
            conditions=(equals("iam:PassedToService", "sagemaker.amazonaws.com"),),
        )
    ]


ALARMED = Rollout(alarms=(CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5),))
SERVERLESS = {"mode": "serverless", "execution_role": "x"}
KEYED = {**SETTINGS, "kms_key": "arn:aws:kms:eu-west-1:222222222222:key/k"}


@pytest.mark.parametrize(
    ("changes", "action", "there"),
    [
        ({}, "cloudwatch:DescribeAlarms", False),
        ({"rollout": ALARMED}, "cloudwatch:DescribeAlarms", True),
        ({"rollout": ALARMED}, "cloudwatch:PutMetricAlarm", True),
        ({}, "application-autoscaling:RegisterScalableTarget", True),
        ({"capacity": Capacity(instances=1)}, "application-autoscaling:RegisterScalableTarget", False),
        ({"capacity": Capacity(instances=1)}, "application-autoscaling:DeregisterScalableTarget", True),
        ({"settings": SERVERLESS}, "application-autoscaling:DescribeScalableTargets", False),
        ({"settings": SERVERLESS}, "sagemaker:UpdateEndpointWeightsAndCapacities", False),
        ({}, "kms:CreateGrant", False),
        ({"settings": KEYED}, "kms:CreateGrant", True),
        ({}, "s3:CreateBucket", True),
        ({"artifact_bucket": "mine"}, "s3:CreateBucket", False),
    ],
)
def test_a_right_is_given_where_the_config_needs_it(changes, action, there):
    config = model_config(environments={"staging": staging(), "production": production(**changes)})
    assert (action in actions(found(config)["222222222222", "modelway-deploy"])) is there


def test_without_weights_nobody_reads_s3():
    assert not any(actions(role, "s3:") for role in found(model_config(artifact=None)).values())


def test_a_prebuilt_image_in_ecr_is_pulled_from_where_it_lies():
    image = Image("444444444444.dkr.ecr.us-east-1.amazonaws.com/base/x", Digest.parse("sha256:" + "a" * 64))
    role = found(model_config(image=Prebuilt(source=image)))["333333333333", "modelway-read"]
    assert allows(
        role.statements, "ecr:BatchGetImage", "arn:aws:ecr:us-east-1:444444444444:repository/base/x"
    )


def test_another_model_of_a_similar_name_stays_out():
    role = found(model_config(name="iris"))["222222222222", "modelway-deploy"]
    mine, other = "iris-production-0123456789ab", "iris-production-eu-production-0123456789ab"
    arn = "arn:aws:sagemaker:eu-west-1:222222222222:endpoint-config/"
    assert allows(role.statements, "sagemaker:DeleteEndpointConfig", arn + mine)
    assert not allows(role.statements, "sagemaker:DeleteEndpointConfig", arn + other)


def test_china_has_its_own_partition_and_audience():
    place = production(region="cn-north-1", promote_from=None)
    role = found(model_config(environments={"production": place}))["222222222222", "modelway-deploy"]
    assert role.arn.startswith("arn:aws-cn:iam")
    told: Any = iam_documents.documents(role, GITHUB).trust
    assert told["Statement"][0]["Condition"]["StringEquals"][AUD] == "sts.amazonaws.com.cn"


# --- trust ---


def condition(kind: str, account: str, repository: Repository = GITHUB) -> Mapping[str, Any]:
    """The condition under which a role trusts GitHub."""
    name = {"build": "read"}.get(kind, kind)
    role = found(model_config())[account, f"modelway-{name}"]
    told: Any = iam_documents.documents(role, repository).trust
    conditions: Mapping[str, Any] = told["Statement"][0]["Condition"]
    return conditions


def test_deploying_trusts_the_environment_and_nothing_else_in_both_forms():
    assert condition("deploy", "222222222222") == {
        "StringEquals": {
            AUD: "sts.amazonaws.com",
            SUB: ["repo:acme/models:environment:production", "repo:acme@34/models@12:environment:production"],
            REPO_ID: "12",
        }
    }


@pytest.mark.parametrize("kind", ["build", "push"])
def test_building_and_pushing_trust_release_tags_and_the_default_branch(kind):
    assert condition(kind, "333333333333", Repository(name="acme/models", default_branch="trunk")) == {
        "StringEquals": {AUD: "sts.amazonaws.com"},
        "StringLike": {
            SUB: [
                "repo:acme/models:ref:refs/heads/trunk",
                "repo:acme/models:ref:refs/tags/iris-classifier/v*",
            ]
        },
    }


def test_planning_trusts_pull_requests_too():
    subjects = condition("plan", "111111111111")["StringLike"][SUB]
    assert "repo:acme/models:pull_request" in subjects
    assert "repo:acme@34/models@12:environment:staging" in subjects
    assert not any("environment:production" in one for one in subjects)


def test_a_role_that_also_deploys_trusts_the_environment_only():
    both = {"plan_role": "one", "deploy_role": "one", "promote_from": None}
    config = model_config(environments={"production": production(**both)})
    told = json.dumps(iam_documents.documents(found(config)["222222222222", "one"], GITHUB).trust)
    assert "pull_request" not in told
    assert "refs/" not in told
    assert "environment:production" in told


def test_roles_of_other_accounts_are_named_by_condition():
    told: Any = iam_documents.documents(found(model_config())["333333333333", "modelway-read"], GITHUB).trust
    statement = told["Statement"][1]
    assert statement["Principal"] == {
        "AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"]
    }
    assert len(statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]) == 4


def test_no_condition_is_for_all_values():
    """ForAllValues is true where the claim is missing."""
    for role in found(model_config()).values():
        assert "ForAllValues" not in json.dumps(
            iam_documents.as_json([iam_documents.documents(role, GITHUB)])
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "models"},
        {"name": "acme/*"},
        {"name": "acme/models:environment:x"},
        {"name": "acme/models", "repository_id": "1*"},
        {"name": "acme/models", "default_branch": "*"},
    ],
)
def test_what_would_widen_a_subject_is_refused(wrong):
    with pytest.raises(ValueError, match="not"):
        Repository(**wrong)


# --- documents ---


def many(count: int) -> Role:
    """The deploy role of many models."""
    configs = [model_config(name=f"model-{n}") for n in range(count)]
    return found(*configs)["222222222222", "modelway-deploy"]


@pytest.mark.parametrize("count", [1, 5, 60])
def test_a_policy_too_large_is_several_that_allow_the_same(count):
    role = many(count)
    made: Any = iam_documents.documents(role, GITHUB).policies
    assert all(size(policy) <= MANAGED_LIMIT for policy in made)
    assert (len(made) > 1) == (count > 1)
    told = {
        (action, resource)
        for policy in made
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    assert told == {(a, r) for s in role.statements for a in s.actions for r in s.resources}


def made(form: str) -> Any:  # noqa: ANN401 - a document to look into
    """A template of everything."""
    all_ = [iam_documents.documents(role, GITHUB) for role in found(model_config()).values()]
    return getattr(iam_documents, form)(all_)


def test_cloudformation_makes_each_role_in_its_account_only():
    template = made("cloudformation")
    resources = template["Resources"]
    kinds = [one["Type"] for one in resources.values()]
    assert (kinds.count("AWS::IAM::Role"), kinds.count("AWS::IAM::ManagedPolicy")) == (12, 12)
    assert {one["Condition"] for one in resources.values()} <= template["Conditions"].keys()
    policy = resources["ModelwayDeploy222222222222Policy1"]
    assert policy["Condition"] == "In222222222222"
    assert policy["Properties"]["Roles"] == [{"Ref": "ModelwayDeploy222222222222"}]


def test_terraform_makes_each_role_in_its_account_only():
    resources = made("terraform")["resource"]
    role = resources["aws_iam_role"]["ModelwayDeploy222222222222"]
    assert role["count"] == '${data.aws_caller_identity.here.account_id == "222222222222" ? 1 : 0}'
    assert json.loads(role["assume_role_policy"])["Version"] == "2012-10-17"
    assert resources["aws_iam_policy"].keys() == resources["aws_iam_role_policy_attachment"].keys()


def test_terraform_takes_no_text_of_a_policy_for_a_template():
    role = replace(many(1), statements=(allow("s3:A", on=["arn:${aws:x}%{y}"]),))
    told: Any = iam_documents.terraform([iam_documents.documents(role, GITHUB)])
    (policy,) = told["resource"]["aws_iam_policy"].values()
    assert "arn:$${aws:x}%%{y}" in policy["policy"]


# --- differences ---


def test_only_what_changes_is_told():
    before = roles([model_config()], permissions)
    place = production(rollout=ALARMED)
    after = roles([model_config(environments={"staging": staging(), "production": place})], permissions)
    told = {one.role.arn: one for one in iam_diff.changes(before, after)}
    assert told.keys() == {f"arn:aws:iam::222222222222:role/modelway-{name}" for name in ("plan", "deploy")}
    plan = told["arn:aws:iam::222222222222:role/modelway-plan"]
    assert plan.added == (allow("cloudwatch:DescribeAlarms"),)
    assert (plan.removed, plan.new, plan.gone) == ((), False, False)
    (back, *_) = iam_diff.changes(after, before)
    assert back.removed == plan.added


def test_new_and_gone_roles_are_told():
    before = roles([model_config(environments={"staging": staging()})], permissions)
    after = roles([model_config()], permissions)
    new = {one.role.name for one in iam_diff.changes(before, after) if one.new}
    gone = {one.role.name for one in iam_diff.changes(after, before) if one.gone}
    assert new == gone == {"modelway-plan", "modelway-deploy", "modelway-retire", "modelway-prune"}


def test_documents_count_as_aws_counts():
    assert size(document([allow("s3:A")])) == len(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:A"],"Resource":["*"]}]}'
    )


def test_ecrs_own_scan_is_read_by_who_pushes_and_only_where_it_is_asked_for():
    def actions(config: ModelConfig) -> set[str]:
        found = {role for role in roles([config], permissions) if Kind.PUSH in role.kinds}
        return {action for role in found for one in role.statements for action in one.actions}

    wanted = {"ecr:DescribeImageScanFindings", "ecr:StartImageScan", "ecr:GetRegistryScanningConfiguration"}
    assert not wanted & actions(model_config())
    enhanced = actions(model_config(scan=ScanSpec(ecr=EcrScan())))
    assert enhanced >= {*wanted, "inspector2:ListFindings"}
    assert "inspector2:ListFindings" not in actions(model_config(scan=ScanSpec(ecr=EcrScan(mode="basic"))))


def test_inspectors_scansbom_is_allowed_where_it_scans():
    (read,) = [
        one
        for one in roles([model_config(scan=ScanSpec(scanners=("inspector",)))], permissions)
        if Kind.BUILD in one.kinds
    ]
    assert allows(read.statements, "inspector-scan:ScanSbom", "anything")
