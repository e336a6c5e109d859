"""What ECS finds wrong with a request: something that is not there, or a config that cannot be.

``ClientException`` and ``InvalidParameterException`` are all ECS says in a field; the rest is its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code
from modelway.errors import Malformed
from modelway.targets.shared.absent import absent, security_group, subnet, thing

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_REQUEST = {"ClientException", "InvalidParameterException", "PlatformTaskDefinitionIncompatibilityException"}
_NEEDED = (
    subnet("settings.network"),
    security_group("settings.network"),
    thing(
        r"target ?group|listener|load ?balancer",
        "a target group or a listener rule of settings.load_balancer",
        "aws elbv2 describe-target-groups and describe-rules show those there are; a target group needs "
        "target type ip and a listener's rule that names it.",
    ),
    thing(
        r"\brole\b|assume",
        "a role of the settings",
        "Create it, and let it trust ecs-tasks.amazonaws.com (the infrastructure role: ecs.amazonaws.com).",
    ),
    thing(
        r"capacity ?provider",
        "a capacity provider of the settings",
        "aws ecs put-cluster-capacity-providers gives the cluster one.",
    ),
)


def refused(error: ClientError, region: str) -> Exception:
    """The failure a refusal means; other errors stay what they are."""
    if code(error) not in _REQUEST:
        return error
    text = error.response.get("Error", {}).get("Message", str(error))
    if missing := absent("ECS", text, region, _NEEDED):
        return missing
    what = f"ECS refuses {error.operation_name}"
    return Malformed(what, seen=text, cure="Correct the environment's settings in the config.")
