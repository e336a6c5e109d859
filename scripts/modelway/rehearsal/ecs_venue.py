"""ECS as a rehearsal's play sees it: a service, asked through its load balancer."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from modelway.core import naming
from modelway.core.config import Environment, ModelConfig
from modelway.core.json import Json, JsonObject
from modelway.errors import Malformed
from modelway.ports import HttpRequest
from modelway.rehearsal import look
from modelway.rehearsal.grounds import account
from modelway.rehearsal.venue import Control, Serving, Shortage

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecs.type_defs import ServiceDeploymentTypeDef, ServiceRevisionTypeDef

    from modelway.rehearsal.journal import Entry

_VERSION_TAG = "modelway:version"
_PATH = "/invocations"
_LONGEST = 70.0
"""Seconds users wait for an answer."""


def open_venue(config: ModelConfig, environment: Environment) -> EcsVenue:
    """The model's service; raises ``Malformed`` where nobody could ask it."""
    if not environment.settings.get("load_balancer"):
        raise Malformed(
            f"{environment.name} has no load_balancer",
            seen="A rehearsal asks the service as its users do.",
            cure="rehearse a config whose services are behind a load balancer.",
        )
    return EcsVenue(config=config, environment=environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsVenue:
    """A ``venue.Venue``."""

    config: ModelConfig
    environment: Environment

    @property
    def _name(self) -> str:
        return naming.pointer_name(self.config, self.environment)

    @property
    def _session(self) -> boto3.Session:
        return account(self.environment.account, self.environment.region)

    @property
    def _cluster(self) -> str:
        return str(self.environment.settings["cluster"]).rpartition("/")[2]

    @property
    def _balancer(self) -> JsonObject:
        given = self.environment.settings["load_balancer"]
        return given if isinstance(given, Mapping) else {}

    @property
    def services(self) -> tuple[str, ...]:
        """Beside ECR, S3 and STS."""
        return "ecs", "elasticloadbalancing", "cloudwatch", "logs", "application-autoscaling"

    @property
    def unhealthy(self) -> tuple[tuple[str, JsonObject], ...]:
        """ECS waits for the grace period, and tries again until its circuit breaker trips."""
        return (("services", {"startup_seconds": 10}),)

    def roles(self) -> Iterator[tuple[str, str]]:
        """Execution, task and infrastructure role."""
        settings = self.environment.settings
        yield str(settings["execution_role"]), "ecs-tasks.amazonaws.com"
        if role := settings.get("task_role"):
            yield str(role), "ecs-tasks.amazonaws.com"
        if role := self._balancer.get("infrastructure_role"):
            yield str(role), "ecs.amazonaws.com"

    def build(self, control: Control, /) -> None:
        """The cluster, and the network the settings name."""
        self._session.client("ecs").create_cluster(clusterName=self._cluster)
        network = self.environment.settings.get("network")
        given = network if isinstance(network, Mapping) else {}
        rules = (self._balancer.get(name) for name in ("listener_rule", "test_listener_rule"))
        named: dict[str, Json] = {
            "account": self.environment.account,
            "region": self.environment.region,
            "subnets": given.get("subnets", []),
            "security_groups": given.get("security_groups", []),
            "target_groups": self._balancer.get("target_groups", []),
            "rules": [rule for rule in rules if rule],
        }
        control("network", named)

    def users(self) -> Callable[[HttpRequest], str]:
        """POST to the load balancer."""
        import urllib3  # noqa: PLC0415 - keeps --help fast

        pool, url = urllib3.PoolManager(maxsize=20, retries=False), self._url()

        def ask(request: HttpRequest) -> str:
            try:
                answer = pool.request(
                    "POST", url, body=request.body, headers=_headers(request), timeout=_LONGEST
                )
            except urllib3.exceptions.HTTPError as error:
                return type(error).__name__
            return str(answer.status)

        return ask

    def _url(self) -> str:
        """Where the production rule listens."""
        elb, rule = self._session.client("elbv2"), str(self._balancer["listener_rule"])
        arn = rule.replace(":listener-rule/", ":listener/").rpartition("/")[0]
        listener = elb.describe_listeners(ListenerArns=[arn])["Listeners"][0]
        balancer = elb.describe_load_balancers(LoadBalancerArns=[listener["LoadBalancerArn"]])
        path = str(self.environment.settings.get("path") or _PATH)
        return f"http://{balancer['LoadBalancers'][0]['DNSName']}:{listener['Port']}{path}"

    def moves(self, entry: Entry, /) -> bool:
        """The service was told to change."""
        return entry.operation == "UpdateService" and entry.account == self.environment.account

    def serving(self, request: HttpRequest, /) -> Serving:
        """What has the traffic, and one answer."""
        ecs, place = self._session.client("ecs"), self.environment.name
        found = ecs.describe_services(cluster=self._cluster, services=[self._name])["services"]
        if not found or found[0]["status"] != "ACTIVE":
            return Serving(environment=place, version="", digest="", status="no service", answer="")
        current = found[0].get("currentServiceRevisions", [])
        if not current:
            return Serving(environment=place, version="", digest="", status="nothing runs", answer="")
        revision = self._revision(current[0]["arn"])
        images = [each.get("imageDigest", "") for each in revision.get("containerImages", [])]
        return Serving(
            environment=place,
            version=self._version(revision["taskDefinition"]),
            digest=images[-1] if images else "",
            status=f"{found[0]['runningCount']} of {found[0]['desiredCount']} tasks run",
            answer=self._answer(request),
        )

    def _answer(self, request: HttpRequest) -> str:
        import urllib3  # noqa: PLC0415 - as above

        try:
            answer = urllib3.request(
                "POST", self._url(), body=request.body, headers=_headers(request), timeout=_LONGEST
            )
        except urllib3.exceptions.HTTPError as error:
            return type(error).__name__
        return look.exchange(request.body, answer.data)

    def _version(self, definition: str) -> str:
        """The version's id in the tags of its task definition."""
        tags = self._session.client("ecs").list_tags_for_resource(resourceArn=definition)["tags"]
        return next((tag["value"] for tag in tags if tag["key"] == _VERSION_TAG), "")

    def requests_by_version(self) -> dict[str, tuple[int, int]]:
        """What each target group was asked while a version had it.

        CloudWatch counts by target group; one version after the other has it. While tasks are replaced in
        place, both versions have the same one for a moment: that moment counts for the new one.
        """
        watch, now = self._session.client("cloudwatch"), datetime.now(UTC)
        until = dict.fromkeys(self._groups(), now + timedelta(minutes=1))
        found: dict[str, tuple[int, int]] = {}
        for deployment in self._deployments():
            revision = self._revision(deployment["targetServiceRevision"]["arn"])
            version = self._version(revision["taskDefinition"])
            for entry in revision.get("resolvedConfiguration", {}).get("loadBalancers", []):
                group, began = entry["targetGroupArn"], deployment["createdAt"]
                counts = self._count(watch, group, began, until[group])
                before = found.get(version, (0, 0))
                found[version] = before[0] + counts[0], before[1] + counts[1]
                until[group] = began
        return {version: counts for version, counts in found.items() if counts[0]}

    def _revision(self, arn: str) -> ServiceRevisionTypeDef:
        ecs = self._session.client("ecs")
        return ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"][0]

    def _groups(self) -> list[str]:
        given = self._balancer.get("target_groups")
        return [str(group) for group in given] if isinstance(given, list) else []

    def _deployments(self) -> list[ServiceDeploymentTypeDef]:
        """The service's deployments, newest first."""
        ecs = self._session.client("ecs")
        listed = ecs.list_service_deployments(cluster=self._cluster, service=self._name)["serviceDeployments"]
        arns = [each["serviceDeploymentArn"] for each in listed]
        if not arns:
            return []
        told = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        return sorted(told, key=lambda each: each["createdAt"], reverse=True)

    def _count(self, watch: CloudWatchClient, group: str, start: datetime, end: datetime) -> tuple[int, int]:
        """Requests and answers of 5xx of one target group in a time, to the second."""
        rule = str(self._balancer["listener_rule"]).partition(":listener-rule/")[2]
        dimensions = {"LoadBalancer": "/".join(rule.split("/")[:3]), "TargetGroup": group.rpartition(":")[2]}
        totals = []
        for metric in ("RequestCount", "HTTPCode_Target_5XX_Count"):
            points = watch.get_metric_statistics(
                Namespace="AWS/ApplicationELB",
                MetricName=metric,
                Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
                StartTime=start,
                EndTime=end,
                Period=1,
                Statistics=["Sum"],
            )["Datapoints"]
            totals.append(int(sum(point.get("Sum", 0.0) for point in points)))
        return totals[0], totals[1]

    def shortage(self) -> Shortage | None:
        """One task too few."""
        match self.environment.settings.get("capacity_providers"):
            case [{"name": str(kind)}, *_]:
                pass
            case _:
                kind = str(self.environment.settings["mode"]).upper()
        left = self.environment.capacity.instances - 1
        return Shortage(control="services", payload={"capacity": {kind: left}})

    def commands(self, body: str, /) -> Iterator[str]:
        """Look at the service, ask it."""
        aws = f"aws --profile {self.environment.name} ecs"
        where = f"--cluster {self._cluster}"
        yield f"{aws} describe-services {where} --services {self._name}"
        yield f"{aws} list-service-deployments {where} --service {self._name}"
        yield f"curl --data {shlex.quote(body)} --header 'Content-Type: application/json' {self._url()}"


def _headers(request: HttpRequest) -> dict[str, str]:
    return {"Content-Type": request.content_type, "Accept": request.accept or "*/*"}
