"""What ECS finds wrong with a request: something that is not there, or a config that cannot be.

``ClientException`` and ``InvalidParameterException`` are all ECS says in a field; the rest is its words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code
from modelway.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_REQUEST = {"ClientException", "InvalidParameterException", "PlatformTaskDefinitionIncompatibilityException"}
_MISSING: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"subnet", re.IGNORECASE),
        "a subnet of settings.network",
        "aws ec2 describe-subnets shows those there are.",
    ),
    (
        re.compile(r"security ?group", re.IGNORECASE),
        "a security group of settings.network",
        "aws ec2 describe-security-groups shows those there are.",
    ),
    (
        re.compile(r"target ?group|listener|load ?balancer", re.IGNORECASE),
        "a target group or a listener rule of settings.load_balancer",
        "aws elbv2 describe-target-groups and describe-rules show those there are; a target group needs "
        "target type ip and a listener's rule that names it.",
    ),
    (
        re.compile(r"\brole\b|assume", re.IGNORECASE),
        "a role of the settings",
        "Create it, and let it trust ecs-tasks.amazonaws.com (the infrastructure role: ecs.amazonaws.com).",
    ),
    (
        re.compile(r"capacity ?provider", re.IGNORECASE),
        "a capacity provider of the settings",
        "aws ecs put-cluster-capacity-providers gives the cluster one.",
    ),
)
_ABSENT = re.compile(
    r"not (be )?(found|valid|exist)|does ?n[o']t exist|invalid|unable|missing|no longer|could not|"
    r"not associated|not authorized|is not",
    re.IGNORECASE,
)


def refused(error: ClientError, region: str) -> Exception:
    """The failure a refusal means; other errors stay what they are."""
    if code(error) not in _REQUEST:
        return error
    text = error.response.get("Error", {}).get("Message", str(error))
    for pattern, thing, cure in _MISSING:
        if pattern.search(text) and _ABSENT.search(text):
            what = f"ECS does not find, or may not use, {thing} in {region}"
            return Unavailable(what, seen=text, cure=cure)
    what = f"ECS refuses {error.operation_name}"
    return Malformed(what, seen=text, cure="Correct the environment's settings in the config.")
