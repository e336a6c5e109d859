"""Why ECS took a release back, or never started it: whose fault it is, and what to do.

What ECS says in fields (a tripped circuit breaker, an alarm, a stop nobody answered) is taken from them. The
texts of stopped tasks and of service events are its own and not modelled, so what is not recognised is held
against the version, which is the safe side (docs.aws.amazon.com/AmazonECS/latest/developerguide/
stopped-task-error-codes.html, service-event-messages-list.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from modelway.core.plan import Blame, Setback
from modelway.targets.ecs.deployments import Deployment
from modelway.targets.ecs.fetch_model import DENIED, NO_ARCHIVE, OTHER_BYTES, UNREACHABLE
from modelway.targets.ecs.settings import LOADER
from modelway.targets.shared.reasons import Rule, judged, without_names

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ServiceEventTypeDef, TaskTypeDef

_RULES: tuple[Rule, ...] = (
    (
        r"Capacity is unavailable|unable to place a task|no container instance met|RESOURCE:|"
        r"insufficient (cpu|memory)|out of capacity|no capacity",
        Blame.PLATFORM,
        "Run it again later, in more subnets, or with another capacity provider; the version is not "
        "marked as failed.",
    ),
    (
        r"reached the limit|limit exceeded|quota|LimitExceeded|ThrottlingException",
        Blame.PLATFORM,
        "Raise the quota in Service Quotas (for Fargate: On-Demand vCPU resource count), then run it again.",
    ),
    (
        r"assume the role|AccessDenied|not authorized|access denied|unauthorized|"
        r"pull access denied|no basic auth credentials",
        Blame.PLATFORM,
        "Give the execution role what it lacks: pulling from ECR (and the repository's policy naming this "
        "account: scripts/run push), reading secrets, writing logs. It must trust ecs-tasks.amazonaws.com.",
    ),
    (
        r"\bsecrets?\b",
        Blame.PLATFORM,
        "Look whether each secret exists at its version, and whether the execution role may read it.",
    ),
    (
        r"CannotPull|pull image|manifest unknown|i/o timeout|dial tcp",
        Blame.PLATFORM,
        "Tasks cannot reach the registry: they need a NAT gateway, VPC endpoints for ecr.api, ecr.dkr, s3 "
        "and logs, or public_ip: true in public subnets.",
    ),
    (
        r"ResourceInitializationError|\bENIs?\b|network interface|Timeout waiting for",
        Blame.PLATFORM,
        "Look at the tasks' network and at the log group, then run it again.",
    ),
    (
        r"OutOfMemory|out of memory|exit code:? 137",
        Blame.VERSION,
        "The container needs more memory than memory_mb: raise it.",
    ),
    (
        r"health checks?",
        Blame.VERSION,
        "The container must answer the target group's health check (GET /ping on its port) within "
        "startup_timeout: see its log lines above, and try it here with scripts/run rehearse.",
    ),
    (
        r"python3.*executable file not found",
        Blame.VERSION,
        "The image has no python3, which fetches the model artifact: put it in, or name an image that has "
        "it in settings.loader_image.",
    ),
    (
        r"exec format",
        Blame.VERSION,
        "The image is built for another architecture than image.platform says.",
    ),
    (
        r"CannotStartContainer|exec: |executable file not found",
        Blame.VERSION,
        "settings.command must be an executable in the image.",
    ),
)
_FETCHING: dict[int, tuple[Blame, str, str]] = {
    DENIED: (
        Blame.PLATFORM,
        "the task role may not read the model artifact",
        "Let the task role s3:GetObject on the artifact's bucket.",
    ),
    UNREACHABLE: (
        Blame.PLATFORM,
        "the model artifact could not be fetched from S3",
        "The tasks need a way to S3: a gateway endpoint, or a NAT gateway.",
    ),
    OTHER_BYTES: (
        Blame.VERSION,
        "the model artifact's bytes are not the ones the version names",
        "Somebody changed our copy: delete it from the bucket and release again.",
    ),
    NO_ARCHIVE: (
        Blame.VERSION,
        "the model artifact cannot be unpacked",
        "It must be a tar archive of plain files and folders, and fit on the task's disk twice.",
    ),
}


def setback(deployment: Deployment, stopped: Iterable[TaskTypeDef], events: Iterable[str]) -> Setback:
    """Judge a deployment that was taken back or stopped, by what its tasks and ECS itself say of it."""
    tasks = list(stopped)
    if deployment.alarms:
        return Setback(
            blame=Blame.VERSION,
            reason=f"{deployment.reason or 'alarm'} ({', '.join(deployment.alarms)})",
            cure="Look at the metric behind the alarm for the minutes of the release, and at the log.",
        )
    if any(hook.status == "TIMED_OUT" for hook in deployment.hooks):
        return Setback(
            blame=Blame.PLATFORM,
            reason=f"nobody let the paused release go on in time. {deployment.reason}".strip(),
            cure="Run it again, and go on with it before rollout.max_time is over.",
        )
    return _by_tasks(deployment, tasks, tuple(events))


def _by_tasks(deployment: Deployment, tasks: Sequence[TaskTypeDef], events: Sequence[str]) -> Setback:
    """The most telling of: how the weights' container ended, why tasks stopped, what ECS could not place."""
    for task in tasks:
        for container in task.get("containers", []):
            ended = _FETCHING.get(container.get("exitCode") or 0)
            if ended and container.get("name") == LOADER:
                blame, reason, cure = ended
                return Setback(blame=blame, reason=_told(deployment.reason, reason), cure=cure)
    said = [*dict.fromkeys(text for task in tasks for text in _texts(task))]
    for text in [*said, *events, deployment.reason]:
        if found := judged(text, _RULES):
            return replace(found, reason=_told(deployment.reason, text))
    return Setback(blame=Blame.VERSION, reason=_told(deployment.reason, *said[:1]))


def _texts(task: TaskTypeDef) -> Iterable[str]:
    """What a stopped task says of itself and of its containers."""
    if reason := task.get("stoppedReason"):
        yield reason
    for container in task.get("containers", []):
        if reason := container.get("reason"):
            yield f"{container.get('name', 'container')}: {reason}"
        elif container.get("exitCode"):
            yield f"{container.get('name', 'container')} ended with exit code {container['exitCode']}"


def _told(*texts: str) -> str:
    """Texts one after another, each once; never nothing."""
    return "; ".join(dict.fromkeys(text for text in texts if text)) or "ECS took the release back"


def of_trouble(events: Iterable[ServiceEventTypeDef], deployment: Deployment) -> tuple[str, ...]:
    """What ECS said since the deployment began, newest first, apart from its ordinary news."""
    return tuple(
        event["message"]
        for event in events
        if event["createdAt"] >= deployment.created and _TROUBLE.search(without_names(event["message"]))
    )


_TROUBLE = re.compile(r"unable|failed|unavailable|limit|unhealthy|not authorized|denied", re.IGNORECASE)
