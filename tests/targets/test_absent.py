"""What a version needs and is not there, in each platform's own words: exit 8, name, region and cure."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.errors import Failure, Malformed, Unavailable
from modelway.targets.aws_lambda.reasons import not_ready
from modelway.targets.aws_lambda.reasons import refused as by_lambda
from modelway.targets.ecs.refusals import refused as by_ecs
from modelway.targets.sagemaker.versions import refused as by_sagemaker

BY = {"ecs": by_ecs, "lambda": by_lambda, "sagemaker": by_sagemaker}
LAMBDA, SAGEMAKER, ECS = "InvalidParameterValueException", "ValidationException", "InvalidParameterException"


def failure(target: str, code: str, text: str) -> Exception:
    error = ClientError({"Error": {"Code": code, "Message": text}}, "Create")
    return BY[target](error, "eu-west-1")


@pytest.mark.parametrize(
    ("target", "code", "text", "named", "cure"),
    [
        (
            "lambda",
            LAMBDA,
            "The role defined for the function cannot be assumed by Lambda.",
            "settings.execution_role",
            "let lambda.amazonaws.com assume it",
        ),
        (
            "lambda",
            LAMBDA,
            "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. "
            "EC2 Error Message: The subnet ID 'subnet-1' does not exist",
            "a subnet of settings.vpc",
            "describe-subnets",
        ),
        (
            "lambda",
            LAMBDA,
            "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error "
            "Message: The security group 'sg-1' does not exist",
            "a security group of settings.vpc",
            "describe-security-groups",
        ),
        (
            "lambda",
            LAMBDA,
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            "below its minimum value of [100].",
            "a quota of Lambda",
            "Raise the quota of concurrent executions",
        ),
        (
            "sagemaker",
            SAGEMAKER,
            "Could not assume role arn:aws:iam::222222222222:role/iris. Please ensure that the role exists "
            "and allows principal 'sagemaker.amazonaws.com' to assume the role.",
            "settings.execution_role",
            "let sagemaker.amazonaws.com assume it",
        ),
        ("sagemaker", SAGEMAKER, "Subnet 'subnet-1' does not exist", "settings.vpc", "describe-subnets"),
        (
            "sagemaker",
            SAGEMAKER,
            "Security group 'sg-1' does not exist",
            "settings.vpc",
            "describe-security-groups",
        ),
        (
            "sagemaker",
            "ResourceLimitExceeded",
            "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances",
            "a quota of SageMaker",
            "Service Quotas",
        ),
        ("ecs", ECS, "The subnet ID 'subnet-1' does not exist", "settings.network", "describe-subnets"),
        (
            "ecs",
            ECS,
            "The target group arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/1 does not exist.",
            "a target group",
            "describe-target-groups",
        ),
        (
            "ecs",
            ECS,
            "Unable to assume role and validate the listeners configured on your load balancer.",
            "a target group or a listener rule",
            "describe-rules",
        ),
        (
            "ecs",
            "ClientException",
            "Role is not valid",
            "a role of the settings",
            "trust ecs-tasks.amazonaws.com",
        ),
        (
            "ecs",
            ECS,
            "The specified capacity provider 'gpu' was not found.",
            "a capacity provider",
            "put-cluster-capacity-providers",
        ),
    ],
)
def test_what_is_missing_is_named_with_its_region_and_cure(
    target: str, code: str, text: str, named: str, cure: str
) -> None:
    found = failure(target, code, text)
    assert isinstance(found, Unavailable)
    assert found.exit_code == 8
    assert named in found.what
    assert "eu-west-1" in found.what
    assert found.seen == text
    assert cure in found.cure


@pytest.mark.parametrize(("target", "code"), [("ecs", ECS), ("lambda", LAMBDA), ("sagemaker", SAGEMAKER)])
def test_what_the_config_says_wrong_is_the_config_s_fault(target: str, code: str) -> None:
    found = failure(target, code, "The value 17 of Memory is too small")
    assert isinstance(found, Malformed)


@pytest.mark.parametrize("target", BY)
def test_other_errors_stay_what_they_are(target: str) -> None:
    found = failure(target, "InternalError", "Subnet 'subnet-1' does not exist")
    assert not isinstance(found, Failure)


ARN = "arn:aws:lambda:eu-west-1:222222222222:function:iris-production"


@pytest.mark.parametrize(
    ("reason", "code", "cure"),
    [
        ("InvalidSubnet", 8, "describe-subnets"),
        ("InvalidSecurityGroup", 8, "describe-security-groups"),
        ("SubnetOutOfIPAddresses", 8, "free addresses"),
        ("EniLimitExceeded", 8, "Raise the quota"),
        ("ServiceQuotaExceededException", 8, "Service Quotas"),
        ("ImageAccessDenied", 8, "scripts/run push"),
        ("InsufficientRolePermissions", 8, "AWSLambdaVPCAccessExecutionRole"),
        ("KMSKeyNotFound", 8, "describe-key"),
        ("InsufficientCapacity", 8, "run this again"),
        ("InvalidImage", 2, "settings, or the image"),
        ("FunctionError.InvalidEntryPoint", 2, "settings, or the image"),
        ("FunctionError", 6, "scripts/run try"),
        ("FunctionError.InitTimeout", 6, "scripts/run try"),
        ("FunctionError.InitResourceExhausted", 6, "settings.memory_mb"),
    ],
)
@pytest.mark.parametrize("made", [True, False])
def test_why_a_function_did_not_become_ready_is_told(
    reason: str, code: int, cure: str, *, made: bool
) -> None:
    """What is not there, or not enough, is no fault of the config: exit 8, with the region in the name."""
    when, why = ("State", "StateReason") if made else ("LastUpdateStatus", "LastUpdateStatusReason")
    told = not_ready({"FunctionArn": ARN, when: "Failed", f"{why}Code": reason, why: "because"})  # type: ignore[misc] # keys that are variables
    assert told
    assert (told.exit_code, told.seen) == (code, f"{reason}: because")
    assert ARN in told.what
    assert cure in told.cure


@pytest.mark.parametrize("state", ["Active", "Pending", "Inactive"])
def test_a_function_that_is_made_or_idle_did_not_fail(state: Any) -> None:  # noqa: ANN401 - one of Lambda's words
    assert not_ready({"FunctionArn": ARN, "State": state, "StateReasonCode": "Idle"}) is None
