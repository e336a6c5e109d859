"""Why a task fails, and whether its roles can be assumed."""

from __future__ import annotations

from moto.iam.models import iam_backends


class TaskError(Exception):
    """A task that cannot start or does not live; its text is ECS's ``stoppedReason``."""

    def __init__(self, reason: str, code: str = "TaskFailedToStart") -> None:
        super().__init__(reason)
        self.code = code


def check_role(arn: str, service: str = "ecs-tasks.amazonaws.com") -> None:
    """Raises ``TaskError`` for a role that is not there, or does not trust the service."""
    if arn and not may_assume(arn, service):
        msg = (
            f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that "
            "the role being passed has the proper trust relationship and permissions and that your IAM user "
            "has permissions to pass this role."
        )
        raise TaskError(msg)


def may_assume(arn: str, service: str) -> bool:
    """Whether there is such a role, and its trust policy names the service."""
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    for role in iam_backends[account]["aws"].roles.values():
        if role.name == name:
            return service in str(role.assume_role_policy_document)
    return False
