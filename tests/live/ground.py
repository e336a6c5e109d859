"""What a sandbox account has before the first release; everything is called ``modelway-live``.

Deleting finds by name, not by what a run remembers: what a run left that was killed, the next one deletes.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from modelway.adapters.aws import Accounts
from tests.live.account import Account

NAME = "modelway-live"
PORT, TEST_PORT = 8080, 8081
_SERVICES = ("sagemaker", "ecs-tasks", "ecs", "lambda")
_POLICIES = (
    "AmazonEC2ContainerRegistryReadOnly",
    "CloudWatchLogsFullAccess",
    "service-role/AmazonECSTaskExecutionRolePolicy",
    "AmazonECSInfrastructureRolePolicyForLoadBalancers",
)
_PATIENCE = 600
_TRUST = 15
"""Seconds until a new role can be assumed: IAM is eventually consistent."""


@dataclass
class Ground:
    """One account's ground."""

    account: Account
    said: list[str] = field(default_factory=list)

    @cached_property
    def session(self) -> Any:  # noqa: ANN401 - clients of many services
        """A session in the account, as modelway opens it."""
        return Accounts().session(self.account.number, self.account.region, "modelway-deploy")

    def client(self, service: str) -> Any:  # noqa: ANN401 - of any service
        """A client."""
        return self.session.client(service)

    # --- making ---

    def make(self) -> None:
        """Roles for every target, and what ECS needs."""
        self._role()
        if "ecs" in self.account.targets:
            self.client("ecs").create_cluster(clusterName=NAME)
            self._balancer()
        time.sleep(_TRUST if self.real else 0)

    @property
    def real(self) -> bool:
        """Whether this is AWS, not the rehearsal."""
        return "amazonaws.com" in self.client("sts").meta.endpoint_url

    def _role(self) -> None:
        """One role for all the services of the sandbox."""
        iam, principals = self.client("iam"), [f"{name}.amazonaws.com" for name in _SERVICES]
        statement = {"Effect": "Allow", "Principal": {"Service": principals}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=trust)
        for name in _POLICIES if self.real else ():
            iam.attach_role_policy(RoleName=NAME, PolicyArn=f"arn:aws:iam::aws:policy/{name}")

    def _balancer(self) -> None:
        """A load balancer with two target groups, and a listener for each kind of traffic."""
        ec2, elb = self.client("ec2"), self.client("elbv2")
        vpc, subnets = self._network()
        group = ec2.create_security_group(GroupName=NAME, Description=NAME, VpcId=vpc)["GroupId"]
        open_ = [
            {
                "IpProtocol": "tcp",
                "FromPort": PORT,
                "ToPort": TEST_PORT,
                "IpRanges": [{"CidrIp": self.account.ingress}],
            },
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]},
        ]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=open_)
        made = elb.create_load_balancer(Name=NAME, Subnets=subnets, SecurityGroups=[group])
        balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
        groups = [
            elb.create_target_group(
                Name=f"{NAME}-{letter}",
                Protocol="HTTP",
                Port=8080,
                VpcId=vpc,
                TargetType="ip",
                HealthCheckPath="/ping",
                HealthCheckIntervalSeconds=10,
                HealthyThresholdCount=2,
            )["TargetGroups"][0]["TargetGroupArn"]
            for letter in "ab"
        ]
        weights = [
            {"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip(groups, (100, 0), strict=True)
        ]
        forward = {"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}
        for port in (PORT, TEST_PORT):
            nothing = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
            listener = elb.create_listener(
                LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[nothing]
            )["Listeners"][0]["ListenerArn"]
            elb.create_rule(
                ListenerArn=listener,
                Priority=1,
                Conditions=[{"Field": "path-pattern", "Values": ["/invocations"]}],
                Actions=[forward],
            )
        if self.real:
            elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[balancer])

    def _network(self) -> tuple[str, list[str]]:
        """The default VPC and two of its subnets."""
        found = self.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
        subnets = found["Subnets"]
        assert len(subnets) > 1, "the account has no default VPC with two subnets: aws ec2 create-default-vpc"
        vpc = subnets[0]["VpcId"]
        return vpc, [subnet["SubnetId"] for subnet in subnets if subnet["VpcId"] == vpc][:2]

    def ecs_settings(self) -> Mapping[str, object]:
        """The settings of a service on this ground."""
        ec2, elb = self.client("ec2"), self.client("elbv2")
        filters = [{"Name": "group-name", "Values": [NAME]}]
        group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
        balancer = elb.describe_load_balancers(Names=[NAME])["LoadBalancers"][0]["LoadBalancerArn"]
        listeners = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        rules = {
            one["Port"]: next(
                rule["RuleArn"]
                for rule in elb.describe_rules(ListenerArn=one["ListenerArn"])["Rules"]
                if not rule["IsDefault"]
            )
            for one in listeners
        }
        groups = elb.describe_target_groups(Names=[f"{NAME}-a", f"{NAME}-b"])["TargetGroups"]
        return {
            "mode": "fargate",
            "cluster": NAME,
            "cpu": 256,
            "memory_mb": 512,
            "execution_role": NAME,
            "network": {"subnets": self._network()[1], "security_groups": [group], "public_ip": True},
            "load_balancer": {
                "target_groups": [one["TargetGroupArn"] for one in groups],
                "listener_rule": rules[PORT],
                "test_listener_rule": rules[TEST_PORT],
                "infrastructure_role": NAME,
            },
        }

    # --- deleting ---

    def clean(self) -> None:
        """Delete all that is called ``modelway-live``; each part is tried whatever became of the others."""
        parts: tuple[Callable[[], None], ...] = (
            self._services,
            self._endpoints,
            self._functions,
            self._balancers,
            self._clusters,
            self._small_things,
            self._repository,
            self._roles,
        )
        for part in parts:
            try:
                part()
            except ClientError as error:
                self.said.append(f"{part.__name__}: {error}")

    def left(self) -> list[str]:
        """What is there that is called ``modelway-live`` and costs something."""
        return [
            *(f"service {arn}" for arn in self._service_arns()),
            *(f"load balancer {one['LoadBalancerName']}" for one in self._balancer_list()),
            *(f"endpoint {name}" for name in self._named("sagemaker", "list_endpoints", "Endpoints")),
            *(f"function {name}" for name in self._named("lambda", "list_functions", "Functions")),
        ]

    def _named(self, service: str, operation: str, key: str) -> list[str]:
        """The names of things that begin with ours; none where the cloud does not know the operation."""
        name = {"Endpoints": "EndpointName", "Functions": "FunctionName"}.get(key, f"{key[:-1]}Name")
        with contextlib.suppress(ClientError):
            pages = self.client(service).get_paginator(operation).paginate()
            return [one[name] for page in pages for one in page[key] if one[name].startswith(NAME)]
        return []

    def _service_arns(self) -> list[str]:
        ecs = self.client("ecs")
        try:
            return list(ecs.list_services(cluster=NAME)["serviceArns"])
        except ecs.exceptions.ClusterNotFoundException:
            return []

    def _services(self) -> None:
        """Services and their task definitions."""
        ecs, arns = self.client("ecs"), self._service_arns()
        for arn in arns:
            ecs.delete_service(cluster=NAME, service=arn, force=True)
        for arn in arns:
            _until(lambda arn=arn: self._status(arn) == "INACTIVE")  # type: ignore[misc]
        for family in ecs.list_task_definition_families(familyPrefix=NAME, status="ACTIVE")["families"]:
            for arn in ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"]:
                ecs.deregister_task_definition(taskDefinition=arn)

    def _status(self, arn: str) -> str:
        found = self.client("ecs").describe_services(cluster=NAME, services=[arn])["services"]
        return str(found[0]["status"]) if found else "INACTIVE"

    def _endpoints(self) -> None:
        """Endpoints, their configs and their models."""
        sagemaker = self.client("sagemaker")
        for name in self._named("sagemaker", "list_endpoints", "Endpoints"):
            _until(lambda name=name: self._settled(name))  # type: ignore[misc]
            sagemaker.delete_endpoint(EndpointName=name)
        for name in self._named("sagemaker", "list_endpoint_configs", "EndpointConfigs"):
            sagemaker.delete_endpoint_config(EndpointConfigName=name)
        for name in self._named("sagemaker", "list_models", "Models"):
            sagemaker.delete_model(ModelName=name)

    def _settled(self, endpoint: str) -> bool:
        """An endpoint that is being changed cannot be deleted."""
        status = self.client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointStatus"]
        return status not in {"Creating", "Updating", "SystemUpdating", "RollingBack"}

    def _functions(self) -> None:
        for name in self._named("lambda", "list_functions", "Functions"):
            self.client("lambda").delete_function(FunctionName=name)

    def _balancer_list(self) -> list[Any]:
        elb = self.client("elbv2")
        try:
            return list(elb.describe_load_balancers(Names=[NAME])["LoadBalancers"])
        except elb.exceptions.LoadBalancerNotFoundException:
            return []

    def _balancers(self) -> None:
        """The load balancer, its target groups, and the security group once nothing uses it."""
        elb, ec2 = self.client("elbv2"), self.client("ec2")
        for one in self._balancer_list():
            elb.delete_load_balancer(LoadBalancerArn=one["LoadBalancerArn"])
        for one in elb.describe_target_groups()["TargetGroups"]:
            if one["TargetGroupName"].startswith(NAME):
                arn = one["TargetGroupArn"]
                _until(lambda arn=arn: _done(lambda: elb.delete_target_group(TargetGroupArn=arn)))  # type: ignore[misc]
        filters = [{"Name": "group-name", "Values": [NAME]}]
        for one in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]:
            group = one["GroupId"]
            _until(lambda group=group: _done(lambda: ec2.delete_security_group(GroupId=group)))  # type: ignore[misc]

    def _clusters(self) -> None:
        ecs = self.client("ecs")
        if ecs.describe_clusters(clusters=[NAME])["clusters"]:
            ecs.delete_cluster(cluster=NAME)

    def _small_things(self) -> None:
        """Alarms and log groups."""
        watch, logs = self.client("cloudwatch"), self.client("logs")
        alarms = [
            one["AlarmName"] for one in watch.describe_alarms(AlarmNamePrefix=NAME).get("MetricAlarms", [])
        ]
        if alarms:
            watch.delete_alarms(AlarmNames=alarms)
        for prefix in (f"/ecs/{NAME}", f"/aws/sagemaker/Endpoints/{NAME}", f"/aws/lambda/{NAME}"):
            for group in logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
                logs.delete_log_group(logGroupName=group["logGroupName"])

    def _repository(self) -> None:
        ecr = self.client("ecr")
        with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
            ecr.delete_repository(repositoryName=NAME, force=True)

    def _roles(self) -> None:
        iam = self.client("iam")
        with contextlib.suppress(iam.exceptions.NoSuchEntityException):
            for policy in iam.list_attached_role_policies(RoleName=NAME)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=NAME, PolicyArn=policy["PolicyArn"])
            iam.delete_role(RoleName=NAME)


def _done(call: Callable[[], object]) -> bool:
    """Whether the call succeeded: what is in use a little longer cannot be deleted yet."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"DependencyViolation", "ResourceInUse"}:
            raise
        return False
    return True


def _until(good: Callable[[], bool]) -> None:
    """Ask again until it is so, or ten minutes have passed."""
    end = time.monotonic() + _PATIENCE
    while not good() and time.monotonic() < end:
        time.sleep(1)


@contextlib.contextmanager
def standing(account: Account) -> Iterator[Ground]:
    """The ground while it is needed; what an earlier run left is deleted first, and all of it in the end."""
    ground = Ground(account)
    ground.clean()
    try:
        ground.make()
        yield ground
    finally:
        ground.clean()
        remains = ground.left()
        assert not remains, f"clean up by hand, then look at the bill: {remains} {ground.said}"
