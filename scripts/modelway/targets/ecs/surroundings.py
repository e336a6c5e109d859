"""What a task finds when it starts: its log group, and its secrets at the versions the config names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.core.plan import Need, Obstacle
from modelway.targets.ecs.settings import Secret, Settings

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import LogGroupTypeDef
    from mypy_boto3_ssm import SSMClient

LOG_GROUP = "log-group"
_AT_ONCE = 10
"""Names GetParameters takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is around the tasks of one service."""

    logs: CloudWatchLogsClient
    parameters: SSMClient
    log_group: str

    def needs(self) -> tuple[Need, ...]:
        """The log group, without which no task starts."""
        if self._group():
            return ()
        return (Need(id=LOG_GROUP, words=f"create the log group {self.log_group}"),)

    def _group(self) -> LogGroupTypeDef | None:
        """The log group, if it is there."""
        with translated(f"look for the log group {self.log_group}", service="logs"):
            groups = self.logs.describe_log_groups(logGroupNamePrefix=self.log_group)["logGroups"]
        return next((group for group in groups if group.get("logGroupName") == self.log_group), None)

    def log_group_tags(self) -> Mapping[str, str]:
        """The log group's tags; none where there is no group."""
        group = self._group()
        if group is None:
            return {}
        arn = group.get("arn", "").removesuffix(":*")  # tags are asked for without the streams' part
        with translated(f"read the tags of the log group {self.log_group}", service="logs"):
            return self.logs.list_tags_for_resource(resourceArn=arn)["tags"]

    def delete_log_group(self) -> None:
        """Delete it with what is in it; gone already is no error."""
        with translated(f"delete the log group {self.log_group}", service="logs"):
            try:
                self.logs.delete_log_group(logGroupName=self.log_group)
            except self.logs.exceptions.ResourceNotFoundException:
                return

    def make_log_group(self, tags: Mapping[str, str]) -> None:
        """Create it; making it twice changes nothing."""
        with translated(f"create the log group {self.log_group}", service="logs"):
            try:
                self.logs.create_log_group(logGroupName=self.log_group, tags=dict(tags))
            except self.logs.exceptions.ResourceAlreadyExistsException:
                return

    def obstacles(self, settings: Settings) -> tuple[Obstacle, ...]:
        """Parameters that are at another version than the config's.

        ECS takes the newest version and cannot be told another (aws/containers-roadmap#859). So the
        config names the version, and here it is compared: a rotated parameter is a new version of the model.
        """
        wanted = [secret for secret in settings.secrets if secret.parameter]
        current = self._versions(sorted({secret.arn for secret in wanted}))
        return tuple(_rotated(one, current) for one in wanted if current.get(one.arn) != one.version)

    def _versions(self, arns: list[str]) -> dict[str, str]:
        """The newest version of each parameter there is; values stay encrypted."""
        found: dict[str, str] = {}
        with translated("read the versions of parameters", service="ssm"):
            for at in range(0, len(arns), _AT_ONCE):
                answer = self.parameters.get_parameters(Names=arns[at : at + _AT_ONCE], WithDecryption=False)
                found |= {one["ARN"]: str(one["Version"]) for one in answer["Parameters"]}
        return found


def _rotated(secret: Secret, current: Mapping[str, str]) -> Obstacle:
    """A parameter that is at another version than the config's, or nowhere."""
    seen, now = "ECS takes the newest version of a parameter whenever a task starts.", current.get(secret.arn)
    if now is None:
        cure = f"Create it, or correct settings.secrets.{secret.name}."
        return Obstacle(what=f"the parameter {secret.arn} does not exist", seen=seen, cure=cure)
    return Obstacle(
        what=f"the parameter {secret.arn} is at version {now}, the config says {secret.version}",
        seen=seen,
        cure=f"Write version: {now} in settings.secrets.{secret.name}, a new version of the model; or keep "
        "it in Secrets Manager, whose versions ECS can be told.",
    )
