"""Lambda's own words for what went wrong, as modelway's failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code
from modelway.errors import Failure, Malformed, Unavailable, Unhealthy
from modelway.targets.shared.absent import absent, security_group, subnet, thing

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_lambda.type_defs import FunctionConfigurationTypeDef

_BY_CONFIG = {
    *("InvalidConfiguration", "InvalidImage", "InvalidRuntime"),
    *("FunctionError.InvalidEntryPoint", "FunctionError.InvalidWorkingDirectory"),
}
"""Reason codes that the config can be blamed for."""
_BY_VERSION = "FunctionError"
"""Reason codes that begin so tell that the container did not start; every other is the account's or Lambda's.

docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html lists them: ``.InitTimeout``,
``.RuntimeInitError``, ``.InitResourceExhausted`` and more. They were not seen on AWS.
"""
_KEY = "Look whether settings.kms_key is there, enabled, and the roles' to use: aws kms describe-key."
_CURES = {
    "ImageAccessDenied": "Let Lambda pull: scripts/run push sets the repository's policy.",
    "ImageDeleted": "The image is gone from ECR: release it again.",
    "ServiceQuotaExceededException": "Raise the quota Lambda names in Service Quotas, then run this again.",
    "EniLimitExceeded": "Raise the quota of network interfaces in this region, or leave the VPC.",
    "InvalidSubnet": "Name subnets of settings.vpc that are there: aws ec2 describe-subnets.",
    "InvalidSecurityGroup": "Name security groups that are there: aws ec2 describe-security-groups.",
    "KMSKeyNotFound": _KEY,
    "KMSKeyAccessDenied": _KEY,
    "DisabledKMSKey": _KEY,
    "InvalidStateKMSKey": _KEY,
    "SubnetOutOfIPAddresses": "Name subnets with free addresses in settings.vpc.",
    "InsufficientRolePermissions": "Give the execution role AWSLambdaVPCAccessExecutionRole.",
}
_NEEDED = (
    thing(
        r"cannot be assumed",
        "settings.execution_role",
        "Create it, and let lambda.amazonaws.com assume it.",
    ),
    subnet("settings.vpc"),
    security_group("settings.vpc"),
)
_ALIASED = "following aliases reference it"


def refused(error: ClientError, region: str) -> Exception:
    """What Lambda finds wrong with a request; other errors stay what they are."""
    text = error.response.get("Error", {}).get("Message", str(error))
    what = f"Lambda refuses {error.operation_name}"
    match code(error):
        case "InvalidParameterValueException" if missing := absent("Lambda", text, region, _NEEDED):
            return missing
        case "InvalidParameterValueException" if "not have permission" in text:
            return Unavailable(what, seen=text, cure="Let Lambda pull the image: scripts/run push.")
        case "InvalidParameterValueException" if "oncurren" in text or "quota" in text:
            what = f"a quota of Lambda in {region} is in the way of {error.operation_name}"
            cure = "Raise the quota of concurrent executions in that region, or lower capacity."
            return Unavailable(what, seen=text, cure=cure)
        case "ResourceConflictException" if _ALIASED not in text:
            return Unavailable(what, seen=text, cure="Another change is under way: run this again.")
        case "CodeStorageExceededException":
            return Unavailable(what, seen=text, cure="Delete functions nobody uses, or raise the quota.")
        case "InvalidParameterValueException" | "ValidationException":
            cure = "Correct the environment's settings in the config."
            return Malformed(what, seen=text, cure=cure)
        case _:
            return error


def not_ready(found: FunctionConfigurationTypeDef) -> Failure | None:
    """Why a change failed, if it did; a function that was idle (``Inactive``) has not."""
    if found.get("State") == "Failed":
        reason, why = found.get("StateReasonCode", ""), found.get("StateReason", "")
    elif found.get("LastUpdateStatus") == "Failed":
        reason, why = found.get("LastUpdateStatusReasonCode", ""), found.get("LastUpdateStatusReason", "")
    else:
        return None
    what, seen = f"Lambda could not make {found['FunctionArn']} ready", f"{reason}: {why}"
    if reason in _BY_CONFIG:
        return Malformed(what, seen=seen, cure="Correct the environment's settings, or the image.")
    if reason.partition(".")[0] == _BY_VERSION:
        what = f"the container of {found['FunctionArn']} did not start"
        cure = "See what it says on this machine, scripts/run try, and whether settings.memory_mb is enough."
        return Unhealthy(what, seen=seen, cure=cure)
    return Unavailable(what, seen=seen, cure=_CURES.get(str(reason), "See Lambda's console; run this again."))
