"""What ECS says of services, deployments and revisions: parts of AWS answers."""

from __future__ import annotations

from collections.abc import Iterator

from modelway.rehearsal import ecs_traffic
from modelway.rehearsal.ecs_model import Deployment, Service
from modelway.rehearsal.ecs_strategy import filled
from modelway.rehearsal.ecs_tasks import Revision
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.parameters import object_of

_PLATFORM, _FAMILY = "1.4.0", "Linux"
_STATES = {"SUCCESSFUL": "COMPLETED", "ROLLBACK_SUCCESSFUL": "COMPLETED"}
_ENDED = frozenset({"STOPPED", "ROLLBACK_FAILED"})
_KEPT = (
    *("loadBalancers", "capacityProviderStrategy", "networkConfiguration", "healthCheckGracePeriodSeconds"),
    *("enableECSManagedTags", "enableExecuteCommand", "placementConstraints", "placementStrategy"),
)
"""Parameters of CreateService that are described as they were given."""


def service(of: Service, *, tags: bool = False) -> Answer:
    """As in DescribeServices."""
    with of.lock:
        request, primary = of.request, of.primary
        revisions = [of.completed] if of.completed else []
        if of.current and not of.current.is_over:
            revisions.append(of.current.target)
        said: Answer = {
            "serviceArn": of.arn,
            "serviceName": of.name,
            "clusterArn": of.cluster_arn,
            "status": of.status,
            "desiredCount": of.desired if of.status == "ACTIVE" else 0,
            "runningCount": of.count("RUNNING"),
            "pendingCount": of.count("PENDING"),
            "taskDefinition": primary.task_definition if primary else "",
            "deploymentConfiguration": filled(object_of(request, "deploymentConfiguration")),  # type: ignore[arg-type]  # JSON
            "deployments": list(_deployments(of)),
            "events": list(of.events),
            "createdAt": of.created,
            "createdBy": of.created_by,
            "schedulingStrategy": "REPLICA",
            "deploymentController": {"type": "ECS"},
            "propagateTags": request.get("propagateTags") or "NONE",
            "enableECSManagedTags": False,
            "enableExecuteCommand": False,
            "placementConstraints": [],
            "placementStrategy": [],
            "loadBalancers": [],
            "serviceRegistries": [],
            "availabilityZoneRebalancing": request.get("availabilityZoneRebalancing") or "ENABLED",
            "currentServiceRevisions": [_running(of, each) for each in dict.fromkeys(revisions)],
            **_place(request),
        }
        if of.current and not of.current.is_over:
            said["currentServiceDeployment"] = of.current.arn
        kept = {name: request[name] for name in _KEPT if request.get(name) is not None}
        return said | kept | ({"tags": of.tags} if tags else {})


def deployment(of: Deployment, owner: Service) -> Answer:
    """As in DescribeServiceDeployments."""
    said: Answer = {
        "serviceDeploymentArn": of.arn,
        "serviceArn": owner.arn,
        "clusterArn": owner.cluster_arn,
        "createdAt": of.created,
        "updatedAt": of.updated,
        "sourceServiceRevisions": [_summary(owner, of, each) for each in of.sources],
        "targetServiceRevision": _summary(owner, of, of.target),
        "status": of.status,
        "lifecycleHookDetails": [hook.describe() for hook in of.hooks],
        "deploymentConfiguration": filled(of.config),
        "deploymentCircuitBreaker": {
            "status": of.breaker_status,
            "failureCount": of.failed_tasks,
            "threshold": of.threshold,
        },
        "alarms": {
            "status": of.alarm_status,
            "alarmNames": list(of.strategy.alarms.names if of.strategy.alarms else ()),
            "triggeredAlarmNames": list(of.triggered),
        },
    }
    optional = {
        "startedAt": of.started,
        "finishedAt": of.finished,
        "stoppedAt": of.finished if of.status == "STOPPED" else None,
        "statusReason": of.reason,
        "lifecycleStage": of.stage,
        "rollback": of.rollback,
    }
    return said | {name: value for name, value in optional.items() if value}


def brief(of: Deployment, owner: Service) -> Answer:
    """As in ListServiceDeployments."""
    whole = deployment(of, owner)
    names = ("serviceDeploymentArn", "serviceArn", "clusterArn", "startedAt", "createdAt", "finishedAt")
    kept = {name: whole[name] for name in (*names, "status", "statusReason") if name in whole}
    return kept | {"targetServiceRevisionArn": of.target.arn}


def revision(of: Revision, owner: Service) -> Answer:
    """As in DescribeServiceRevisions."""
    entries = ecs_traffic.balanced(of.settings)
    resolved = [
        {"targetGroupArn": group} | ({"productionListenerRule": entry.production} if entry.production else {})
        for group, entry in zip(of.target_groups, entries, strict=True)
    ]
    said: Answer = {
        "serviceRevisionArn": of.arn,
        "serviceArn": owner.arn,
        "clusterArn": owner.cluster_arn,
        "taskDefinition": of.task_definition,
        "containerImages": [
            {"containerName": each.container, "image": each.image}
            | ({"imageDigest": each.digest} if each.digest else {})
            for each in of.images
        ],
        "guardDutyEnabled": False,
        "createdAt": of.created,
        **_place(of.settings),
    }
    if resolved:
        said["resolvedConfiguration"] = {"loadBalancers": resolved}
    names = ("loadBalancers", "networkConfiguration", "capacityProviderStrategy")
    return said | {name: of.settings[name] for name in names if of.settings.get(name)}


def _place(settings: object) -> Answer:
    """Where tasks are placed: by capacity providers, or by a launch type."""
    asked = settings if isinstance(settings, dict) else {}
    if asked.get("capacityProviderStrategy"):
        return {"capacityProviderStrategy": asked["capacityProviderStrategy"]}
    kind = str(asked.get("launchType") or "EC2")
    if kind != "FARGATE":
        return {"launchType": kind}
    version = asked.get("platformVersion") or "LATEST"
    shown = _PLATFORM if version == "LATEST" else version
    return {"launchType": kind, "platformVersion": shown, "platformFamily": _FAMILY}


def _running(of: Service, each: Revision) -> Answer:
    return {
        "arn": each.arn,
        "requestedTaskCount": of.desired,
        "runningTaskCount": of.count("RUNNING", each.arn),
        "pendingTaskCount": of.count("PENDING", each.arn),
    }


def _summary(owner: Service, of: Deployment, each: Revision) -> Answer:
    weights: Answer = {}
    if each.arn in of.production:
        weights["requestedProductionTrafficWeight"] = of.production[each.arn]
    if each.arn in of.test:
        weights["requestedTestTrafficWeight"] = of.test[each.arn]
    return _running(owner, each) | weights


def _deployments(of: Service) -> Iterator[Answer]:
    """``deployments`` of a service: what it is to run, and before that is reached, what it runs."""
    current = of.current
    if current is None:
        return
    went_back = current.status in {"ROLLBACK_SUCCESSFUL", "ROLLBACK_IN_PROGRESS"}
    primary = of.completed if went_back and of.completed else current.target
    yield _rollout(of, current, primary, "PRIMARY")
    if not current.is_over or current.status in _ENDED:
        for each in current.sources:
            if of.unit(each):
                yield _rollout(of, current, each, "ACTIVE")


def _rollout(of: Service, current: Deployment, each: Revision, status: str) -> Answer:
    is_new = status == "PRIMARY"
    state = "FAILED" if current.status in _ENDED else _STATES.get(current.status, "IN_PROGRESS")
    reason = current.reason or f"ECS deployment {current.identity} {state.lower().replace('_', ' ')}."
    brought = current if is_new else next(d for d in reversed(of.deployments) if d.target is each)
    said: Answer = {
        "id": brought.identity,
        "status": status,
        "taskDefinition": each.task_definition,
        "desiredCount": of.desired,
        "pendingCount": of.count("PENDING", each.arn),
        "runningCount": of.count("RUNNING", each.arn),
        "failedTasks": current.failed_tasks if is_new else 0,
        "createdAt": brought.created,
        "updatedAt": brought.updated,
        "rolloutState": state if is_new else "COMPLETED",
        "rolloutStateReason": reason if is_new else f"ECS deployment {brought.identity} completed.",
        **_place(each.settings),
    }
    network = each.settings.get("networkConfiguration")
    return said | ({"networkConfiguration": network} if network else {})
