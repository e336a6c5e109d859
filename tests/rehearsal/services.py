"""Services of one account of the rehearsal behind load balancers; answers are checked against botocore."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.launch import Cloud
from tests.rehearsal.clients import ONCE, STAGING, Clients
from tests.rehearsal.models import checked, unique

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import ServiceDeploymentTypeDef, ServiceTypeDef
    from mypy_boto3_elbv2.type_defs import ActionTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient

CLUSTER = "models"
PORT, TEST_PORT = 8080, 8081
_SECONDS = 60.0
_ROLES = {"execution": "ecs-tasks", "task": "ecs-tasks", "infrastructure": "ecs"}


def role(name: str) -> str:
    """The ARN of one of the account's roles."""
    return f"arn:aws:iam::{STAGING}:role/ecs-{name}"


@dataclass(frozen=True, kw_only=True)
class Balancer:
    """A load balancer with two target groups, a production and a test rule."""

    arn: str
    address: str
    blue: str
    green: str
    production: str
    test: str

    def ask(
        self, *, port: int = PORT, path: str = "/invocations", body: bytes = b"x"
    ) -> tuple[int, JsonObject]:
        """POST to it: status, and what the container said."""
        connection = http.client.HTTPConnection(self.address, port, timeout=20)
        try:
            connection.request("POST", path, body, {"Content-Type": "text/plain"})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        told: Json = json.loads(content) if answer.headers["Content-Type"] == "application/json" else {}
        assert isinstance(told, dict)
        return answer.status, told


@dataclass(frozen=True, kw_only=True)
class Services:
    """What tests of services need."""

    cloud: Cloud
    image: str
    """By digest, in the registry account, which lets this one pull."""
    ecs: ECSClient
    cloudwatch: CloudWatchClient
    logs: CloudWatchLogsClient
    clients: Clients
    subnets: list[str] = field(default_factory=list)
    vpc: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, cloud: Cloud, clients: Clients, image: str) -> Services:
        """Open clients; make the roles and the cluster."""
        session, url = clients.session(STAGING), cloud.endpoint
        iam = session.client("iam", endpoint_url=url, config=ONCE)
        for name, service in _ROLES.items():
            statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}}
            document = json.dumps({"Statement": [statement | {"Action": "sts:AssumeRole"}]})
            iam.create_role(RoleName=f"ecs-{name}", AssumeRolePolicyDocument=document)
        made = cls(
            cloud=cloud,
            image=image,
            ecs=checked(session.client("ecs", endpoint_url=url, config=ONCE)),
            cloudwatch=checked(session.client("cloudwatch", endpoint_url=url, config=ONCE)),
            logs=checked(session.client("logs", endpoint_url=url, config=ONCE)),
            clients=clients,
        )
        made.ecs.create_cluster(clusterName=CLUSTER)
        found = session.client("ec2", endpoint_url=url, config=ONCE).describe_subnets()["Subnets"]
        made.subnets.extend(subnet["SubnetId"] for subnet in found[:2])
        made.vpc.append(found[0]["VpcId"])
        return made

    def definition(
        self, *, family: str = "", container: Mapping[str, object] | None = None, **environment: str
    ) -> str:
        """Register a task definition of the real image; its ARN."""
        given = {
            "name": "model",
            "image": self.image,
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": name, "value": value} for name, value in environment.items()],
            **(container or {}),
        }
        return self.register(family or unique("family"), [given])

    def register(self, family: str, containers: list[dict[str, object]], **more: object) -> str:
        """Register a Fargate task definition; its ARN."""
        made = self.ecs.register_task_definition(
            family=family,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=role("execution"),
            containerDefinitions=containers,  # type: ignore[arg-type]  # as JSON
            **more,  # type: ignore[arg-type]  # as JSON
        )
        return made["taskDefinition"]["taskDefinitionArn"]

    @contextmanager
    def balancer(self, *, path: str = "/ping") -> Iterator[Balancer]:
        """A load balancer whose target groups check this path, deleted at the end."""
        elb = self.clients.session(STAGING).client("elbv2", endpoint_url=self.cloud.endpoint, config=ONCE)
        name = unique("lb")
        made = elb.create_load_balancer(Name=name, Subnets=self.subnets)["LoadBalancers"][0]
        groups = [
            elb.create_target_group(
                Name=f"{name}-{colour}",
                Protocol="HTTP",
                Port=8080,
                VpcId=self.vpc[0],
                TargetType="ip",
                HealthCheckPath=path,
            )["TargetGroups"][0]["TargetGroupArn"]
            for colour in ("blue", "green")
        ]
        rules = []
        for port in (PORT, TEST_PORT):
            nothing: ActionTypeDef = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
            listener = elb.create_listener(
                LoadBalancerArn=made["LoadBalancerArn"], Protocol="HTTP", Port=port, DefaultActions=[nothing]
            )["Listeners"][0]
            forward: ActionTypeDef = {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": groups[0], "Weight": 100},
                        {"TargetGroupArn": groups[1], "Weight": 0},
                    ]
                },
            }
            rule = elb.create_rule(
                ListenerArn=listener["ListenerArn"],
                Priority=1,
                Conditions=[{"Field": "path-pattern", "Values": ["/invocations*"]}],
                Actions=[forward],
            )
            rules.append(rule["Rules"][0]["RuleArn"])
        yield Balancer(
            arn=made["LoadBalancerArn"],
            address=made["DNSName"],
            blue=groups[0],
            green=groups[1],
            production=rules[0],
            test=rules[1],
        )
        elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])

    def request(self, definition: str, balancer: Balancer | None, **more: object) -> dict[str, object]:
        """CreateService's parameters."""
        network = {"awsvpcConfiguration": {"subnets": self.subnets}}
        asked: dict[str, object] = {
            "cluster": CLUSTER,
            "serviceName": unique("service"),
            "taskDefinition": definition,
            "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": network,
        }
        if balancer:
            advanced = {
                "alternateTargetGroupArn": balancer.green,
                "productionListenerRule": balancer.production,
                "testListenerRule": balancer.test,
                "roleArn": role("infrastructure"),
            }
            entry = {"targetGroupArn": balancer.blue, "containerName": "model", "containerPort": 8080}
            asked["loadBalancers"] = [entry | {"advancedConfiguration": advanced}]
        return asked | more

    @contextmanager
    def service(self, definition: str, balancer: Balancer | None, **more: object) -> Iterator[str]:
        """A service whose first deployment is over, deleted at the end; its name."""
        asked = self.request(definition, balancer, **more)
        name = str(asked["serviceName"])
        self.ecs.create_service(**asked)  # type: ignore[arg-type]  # as JSON
        self.over(name)
        yield name
        self.ecs.delete_service(cluster=CLUSTER, service=name, force=True)
        self.await_status(name, "INACTIVE")

    def described(self, name: str) -> ServiceTypeDef:
        """DescribeServices of one."""
        return self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"][0]

    def await_status(self, name: str, status: str) -> None:
        """Wait until a service has this status."""
        end = time.monotonic() + _SECONDS
        while self.described(name)["status"] != status:
            assert time.monotonic() < end, f"{name} is {self.described(name)}"
            time.sleep(0.05)

    def deployment(self, name: str) -> ServiceDeploymentTypeDef:
        """The newest service deployment."""
        listed = self.ecs.list_service_deployments(cluster=CLUSTER, service=name)["serviceDeployments"]
        arn = listed[0]["serviceDeploymentArn"]
        return self.ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]

    def over(self, name: str) -> ServiceDeploymentTypeDef:
        """Wait until the newest deployment is in a final state."""
        return self.seen(
            name, lambda d: d["status"] in {"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}
        )

    def seen(self, name: str, wanted: Wanted) -> ServiceDeploymentTypeDef:
        """Wait until the newest deployment is as wanted."""
        end = time.monotonic() + _SECONDS
        while True:
            deployment = self.deployment(name)
            if wanted(deployment):
                return deployment
            assert time.monotonic() < end, f"{name}: {deployment}\n{self.described(name)['events']}"
            time.sleep(0.05)

    def images(self, revision: str) -> list[str]:
        """The digests of a service revision."""
        found = self.ecs.describe_service_revisions(serviceRevisionArns=[revision])["serviceRevisions"][0]
        return [each["imageDigest"] for each in found["containerImages"]]


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Wanted: TypeAlias = Callable[[ServiceDeploymentTypeDef], bool]
