"""Tasks: what ECS says runs, though one set of containers stands for all tasks of a revision."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from moto.core.utils import utcnow

from modelway.core.json import JsonObject
from modelway.rehearsal.ecs_containers import Group, Running
from modelway.rehearsal.ecs_images import Named
from modelway.rehearsal.ecs_roles import TaskError
from modelway.rehearsal.endpoints import Answer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Revision:
    """A service revision: the workload a deployment brings out."""

    arn: str
    task_definition: str
    definition: JsonObject
    """The task definition as RegisterTaskDefinition has it."""
    settings: JsonObject
    """What of the service's parameters belongs to a revision."""
    images: Sequence[Named]
    target_groups: Sequence[str]
    """The target groups its tasks are registered in."""
    created: datetime = field(default_factory=utcnow)


@dataclass(slots=True, kw_only=True)
class Task:
    """One task."""

    arn: str
    cluster: str
    group: str
    """``service:<name>``."""
    revision: Revision
    launch_type: str
    deployment: str
    """``ecs-svc/...``: who started it."""
    containers: Group
    address: str = field(
        default_factory=lambda: f"10.0.{secrets.randbelow(256)}.{secrets.randbelow(250) + 4}"
    )
    created: datetime = field(default_factory=utcnow)
    started: datetime | None = None
    stopped: datetime | None = None
    status: str = "PENDING"
    stop_code: str = ""
    stopped_reason: str = ""

    @property
    def identity(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def desired_status(self) -> str:
        """What ECS wants it to be."""
        return "STOPPED" if self.stopped else "RUNNING"

    def run(self) -> None:
        """Its containers run."""
        self.status, self.started = "RUNNING", utcnow()

    def stop(self, code: str, reason: str) -> None:
        """It has ended, and why."""
        if not self.stopped:
            self.status, self.stopped, self.stop_code, self.stopped_reason = "STOPPED", utcnow(), code, reason

    def fail(self, error: TaskError) -> None:
        """It did not start, or did not live."""
        self.stop(error.code, str(error))

    def describe(self) -> Answer:
        """As in DescribeTasks."""
        definition = self.revision.definition
        health = {each.health for each in self.containers.running.values()}
        verdict = "UNHEALTHY" if "UNHEALTHY" in health else "HEALTHY" if "HEALTHY" in health else "UNKNOWN"
        said: Answer = {
            "taskArn": self.arn,
            "clusterArn": self.cluster,
            "taskDefinitionArn": self.revision.task_definition,
            "containers": list(self._containers()),
            "group": self.group,
            "startedBy": self.deployment,
            "launchType": self.launch_type,
            "desiredStatus": self.desired_status,
            "lastStatus": self.status,
            "healthStatus": verdict,
            "createdAt": self.created,
            "attachments": [],
            "overrides": {"containerOverrides": []},
            "version": 1,
        }
        optional = {
            "cpu": definition.get("cpu"),
            "memory": definition.get("memory"),
            "startedAt": self.started,
            "stoppingAt": self.stopped,
            "stoppedAt": self.stopped,
            "executionStoppedAt": self.stopped,
            "stopCode": self.stop_code,
            "stoppedReason": self.stopped_reason,
        }
        return said | {name: value for name, value in optional.items() if value}

    def _containers(self) -> Iterator[Answer]:
        for image in self.revision.images:
            running = self.containers.running.get(image.container)
            said: Answer = {
                "containerArn": f"{self.arn.replace(':task/', ':container/')}/{image.container}",
                "taskArn": self.arn,
                "name": image.container,
                "image": image.image,
                "lastStatus": "STOPPED" if self.stopped else running.status if running else "PENDING",
                "healthStatus": running.health if running else "UNKNOWN",
            }
            # ECS tells the digest of what was pulled.
            if running and image.digest:
                said |= {"imageDigest": image.digest, "runtimeId": f"{self.identity}-{image.container}"}
            yield said | _ended(running)


def _ended(running: Running | None) -> Answer:
    told: Answer = {}
    if running and running.exit_code is not None:
        told["exitCode"] = running.exit_code
    if running and running.reason:
        told["reason"] = running.reason
    return told
