"""What a service is described as, and what keeps one from being adopted; AWS's answers are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from modelway.core.adoption import Found, Site
from modelway.errors import Differs, Malformed, NotAllowed
from modelway.targets.ecs.adoption import find

AT = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "c" * 64
ELB = "arn:aws:elasticloadbalancing:eu-west-1:222222222222"
A, B = f"{ELB}:targetgroup/a/00000000000000aa", f"{ELB}:targetgroup/b/00000000000000bb"
APP, NLB = f"{ELB}:loadbalancer/app/models/cc", f"{ELB}:loadbalancer/net/models/cc"
SECRET = "arn:aws:secretsmanager:eu-west-1:222222222222:secret:token-AbCdEf"
REPOSITORY = "333333333333.dkr.ecr.eu-west-1.amazonaws.com:443/ml/iris"
DEFINITION = "arn:aws:ecs:eu-west-1:222222222222:task-definition/theirs:7"
ENTRY = {"targetGroupArn": A, "containerName": "app", "containerPort": 9000}
BALANCED = {"loadBalancers": [ENTRY]}
SITE = Site(
    target="ecs",
    account="222222222222",
    region="eu-west-1",
    name="iris-production",
    role="look",
    cluster="models",
)


def forward(*groups: str) -> list[dict[str, Any]]:
    targets = [{"TargetGroupArn": group, "Weight": 1} for group in groups]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": targets}}]


def rule(name: str, *groups: str, priority: str = "1", default: bool = False) -> dict[str, Any]:
    return {"RuleArn": name, "Priority": priority, "IsDefault": default, "Actions": forward(*groups)}


@dataclass
class Pages:
    """A paginator of one page."""

    page: dict[str, Any]

    def paginate(self, **_: object) -> Iterator[dict[str, Any]]:
        yield self.page


@dataclass
class Answers:
    """A session whose one client answers what it was given."""

    service: dict[str, Any] = field(default_factory=dict)
    status: str = "SUCCESSFUL"
    revision: dict[str, Any] = field(default_factory=dict)
    task: dict[str, Any] = field(default_factory=dict)
    container: dict[str, Any] = field(default_factory=dict)
    running: tuple[str, ...] = (DIGEST, DIGEST)
    balancer: str = APP
    rules: tuple[dict[str, Any], ...] = (rule("rule", A),)
    policies: tuple[dict[str, Any], ...] = ()
    missing: bool = False

    def find(self) -> Found:
        return find(self, SITE)[0]  # type: ignore[arg-type]  # as much of a session as it asks

    def client(self, service: str, **_: object) -> Answers:
        del service
        return self

    def describe_services(self, **_: object) -> dict[str, Any]:
        network = {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
        bare = {
            "serviceName": SITE.name,
            "status": "ACTIVE",
            "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": network},
            "currentServiceRevisions": [{"arn": "revision", "runningTaskCount": 2}],
            "taskDefinition": DEFINITION,
        }
        return {"services": [] if self.missing else [{**bare, **self.service}]}

    def list_service_deployments(self, **_: object) -> dict[str, Any]:
        return {"serviceDeployments": [{"serviceDeploymentArn": "deployment", "createdAt": AT}]}

    def describe_service_deployments(self, **_: object) -> dict[str, Any]:
        told = {"serviceDeploymentArn": "deployment", "status": self.status, "createdAt": AT}
        return {"serviceDeployments": [{**told, "targetServiceRevision": {"arn": "revision"}}]}

    def describe_service_revisions(self, **_: object) -> dict[str, Any]:
        return {"serviceRevisions": [{"taskDefinition": DEFINITION, **self.revision}]}

    def describe_task_definition(self, **_: object) -> dict[str, Any]:
        container = {"name": "app", "image": f"{REPOSITORY}:v1", **self.container}
        bare = {
            "taskDefinitionArn": DEFINITION,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "executionRoleArn": "arn:aws:iam::222222222222:role/run",
            "cpu": "1024",
            "memory": "2048",
            "containerDefinitions": [container],
        }
        return {"taskDefinition": {**bare, **self.task}}

    def get_paginator(self, name: str) -> Pages:
        listeners = [{"ListenerArn": "listener", "Port": 80}]
        pages: dict[str, Any] = {
            "list_tasks": {"taskArns": ["task"]},
            "describe_listeners": {"Listeners": listeners},
            "describe_rules": {"Rules": [*self.rules]},
        }
        return Pages(pages[name])

    def describe_tasks(self, **_: object) -> dict[str, Any]:
        tasks = [
            {"taskDefinitionArn": DEFINITION, "containers": [{"name": "app", "imageDigest": digest}]}
            for digest in self.running
        ]
        return {"tasks": tasks}

    def describe_target_groups(self, **_: object) -> dict[str, Any]:
        return {"TargetGroups": [{"TargetGroupArn": A, "LoadBalancerArns": [self.balancer]}]}

    def describe_scalable_targets(self, **_: object) -> dict[str, Any]:
        return {"ScalableTargets": [{"MinCapacity": 1, "MaxCapacity": 4}] if self.policies else []}

    def describe_scaling_policies(self, **_: object) -> dict[str, Any]:
        return {"ScalingPolicies": [*self.policies]}

    def describe_secret(self, **_: object) -> dict[str, Any]:
        return {"VersionIdsToStages": {"old": ["AWSPREVIOUS"], "new": ["AWSCURRENT"]}}

    def get_parameters(self, *, Names: list[str], **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"Parameters": [{"ARN": f"arn:{Names[0]}", "Version": 3}]}


def test_everything_a_config_has_words_for_is_described() -> None:
    check = {"command": ["CMD", "true"], "interval": 10, "timeout": 5, "retries": 2, "startPeriod": 60}
    logs = {"logDriver": "awslogs", "options": {"awslogs-group": "/theirs", "awslogs-region": "eu-west-1"}}
    secrets = [
        {"name": "PINNED", "valueFrom": f"{SECRET}:key::v1"},
        {"name": "TOKEN", "valueFrom": SECRET},
        {"name": "PARAMETER", "valueFrom": "/theirs/p"},
    ]
    answers = Answers(
        service={
            **BALANCED,
            "healthCheckGracePeriodSeconds": 60,
            "deploymentConfiguration": {"alarms": {"alarmNames": ["too-slow"], "enable": True}},
        },
        task={
            "taskRoleArn": "arn:aws:iam::222222222222:role/team/act",
            "ephemeralStorage": {"sizeInGiB": 30},
            "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        },
        container={
            "command": ["run", "me"],
            "healthCheck": check,
            "logConfiguration": logs,
            "secrets": secrets,
            "stopTimeout": 20,
            "ulimits": [{"name": "nofile", "softLimit": 9, "hardLimit": 9}],
            "environment": [{"name": "A", "value": "b"}],
            "portMappings": [{"containerPort": 9000}],
        },
    )
    found = answers.find()
    assert found.settings == {
        "mode": "fargate",
        "cluster": "models",
        "network": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
        "memory_mb": 2048,
        "cpu": 1024,
        "execution_role": "run",
        "task_role": "arn:aws:iam::222222222222:role/team/act",
        "ephemeral_storage_gb": 30,
        "command": ["run", "me"],
        "port": 9000,
        "environment": {"A": "b"},
        "health_check": {
            "command": ["CMD", "true"],
            "interval": "10s",
            "timeout": "5s",
            "start_period": "60s",
            "retries": 2,
        },
        "stop_timeout": "20s",
        "open_files": 9,
        "log_group": "/theirs",
        "secrets": {
            "PINNED": {"arn": SECRET, "version": "v1", "key": "key"},
            "TOKEN": {"arn": SECRET, "version": "new"},
            "PARAMETER": {"arn": "arn:/theirs/p", "version": "3"},
        },
        "load_balancer": {"target_groups": [A], "listener_rule": "rule"},
        "startup_timeout": "60s",
    }
    assert (found.name, str(found.image)) == ("theirs:7", f"{REPOSITORY}@{DIGEST}")
    assert (found.capacity, found.alarms, found.bakes) == ({"instances": 2}, ("too-slow",), False)
    assert found.platform == "linux/arm64"
    assert any("TOKEN is kept at the version AWSCURRENT is at now, new" in note for note in found.notes)


def test_two_target_groups_are_described_as_the_service_names_them() -> None:
    advanced = {
        "alternateTargetGroupArn": B,
        "productionListenerRule": "production",
        "testListenerRule": "test",
        "roleArn": "arn:aws:iam::222222222222:role/traffic",
    }
    found = Answers(service={"loadBalancers": [{**ENTRY, "advancedConfiguration": advanced}]}).find()
    assert found.bakes
    assert found.settings["load_balancer"] == {
        "target_groups": [A, B],
        "listener_rule": "production",
        "infrastructure_role": "traffic",
        "test_listener_rule": "test",
    }


def test_of_several_rules_the_first_that_is_asked_counts_and_a_listeners_own_last() -> None:
    rules = (rule("own", A, priority="default", default=True), rule("b", A, priority="20"), rule("a", A))
    found = Answers(service=BALANCED, rules=rules).find()
    assert found.settings["load_balancer"] == {"target_groups": [A], "listener_rule": "a"}
    assert any("3 listener rules" in note for note in found.notes)


def test_capacity_providers_say_what_it_runs_on() -> None:
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 1}]
    found = Answers(service={"launchType": "EC2", "capacityProviderStrategy": spot}).find()
    assert found.settings["mode"] == "fargate"
    assert found.settings["capacity_providers"] == [{"name": "FARGATE_SPOT", "weight": 3, "base": 1}]
    own = [{"capacityProvider": "gpus", "weight": 1}]
    assert Answers(service={"capacityProviderStrategy": own}).find().settings["mode"] == "ec2"


def tracking(metric: str) -> dict[str, Any]:
    predefined = {"PredefinedMetricType": metric}
    told = {"TargetValue": 70.0, "PredefinedMetricSpecification": predefined, "ScaleInCooldown": 60}
    return {"PolicyName": "theirs", "TargetTrackingScalingPolicyConfiguration": told}


def test_autoscaling_by_requests_is_described() -> None:
    found = Answers(policies=(tracking("ALBRequestCountPerTarget"),)).find()
    assert found.capacity["autoscaling"] == {
        "min": 1,
        "max": 4,
        "invocations_per_instance_per_minute": 70.0,
        "scale_in_cooldown": "60s",
        "scale_out_cooldown": "300s",
    }
    assert any("delete the old policy then" in note for note in found.notes)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (Answers(service={"deploymentController": {"type": "CODE_DEPLOY"}}), "deployed by CODE_DEPLOY"),
        (Answers(service={"schedulingStrategy": "DAEMON"}), "schedulingStrategy DAEMON"),
        (Answers(service={"launchType": "EXTERNAL"}), "launchType EXTERNAL"),
        (Answers(service={"serviceRegistries": [{"registryArn": "r"}]}), "serviceRegistries"),
        (
            Answers(service={"deployments": [{"status": "PRIMARY", "volumeConfigurations": [{}]}]}),
            "volumeConfigurations",
        ),
        (Answers(service={"loadBalancers": [ENTRY, ENTRY]}), "2 load balancers"),
        (Answers(service={"loadBalancers": [{"loadBalancerName": "old"}]}), "a Classic Load Balancer"),
        (Answers(service=BALANCED, balancer=NLB), "behind no Application Load Balancer's rule"),
        (Answers(service=BALANCED, rules=(rule("r", B),)), "behind no Application Load Balancer's rule"),
        (Answers(service=BALANCED, rules=(rule("r", A, B),)), "traffic of a that is shared with b"),
        (Answers(task={"containerDefinitions": [{"name": "app"}, {"name": "proxy"}]}), r"2 containers \(app"),
        (Answers(task={"networkMode": "bridge"}), "networkMode bridge"),
        (Answers(task={"volumes": [{"name": "v"}]}), "volumes"),
        (Answers(task={"executionRoleArn": ""}), "a task without an execution role"),
        (Answers(container={"entryPoint": ["sh"]}), "the container's entryPoint"),
        (Answers(container={"memory": 512}), "memory 512 in a task of 2048"),
        (Answers(container={"cpu": 10}), "the container's cpu 10"),
        (Answers(container={"ulimits": [{"name": "core", "softLimit": 0, "hardLimit": 0}]}), "ulimit core"),
        (Answers(container={"logConfiguration": {"logDriver": "splunk"}}), "the log driver splunk"),
        (Answers(policies=(tracking("ECSServiceAverageCPUUtilization"),)), "the autoscaling policy theirs"),
        (Answers(running=()), "nobody knows which digest"),
    ],
)
def test_what_would_be_lost_keeps_it_from_being_adopted(answers: Answers, words: str) -> None:
    with pytest.raises(NotAllowed, match=words):
        answers.find()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (Answers(status="IN_PROGRESS"), "is IN_PROGRESS"),
        (Answers(status="ROLLBACK_FAILED"), "nobody knows which task definition"),
        (Answers(service={"status": "DRAINING"}), "is DRAINING"),
        (Answers(service={"desiredCount": 0}), "scaled to zero"),
        (Answers(running=(DIGEST, OTHER)), "run different images"),
    ],
)
def test_a_service_that_changes_or_runs_two_images_is_not_adopted(answers: Answers, words: str) -> None:
    with pytest.raises(Differs, match=words):
        answers.find()


def test_the_digest_ecs_resolved_counts_where_no_task_tells_one() -> None:
    images = [{"containerName": "app", "imageDigest": DIGEST}]
    assert str(Answers(running=(), revision={"containerImages": images}).find().image.digest) == DIGEST
    named = Answers(running=(), container={"image": f"repo:v1@{DIGEST}"}).find().image
    assert str(named) == f"repo@{DIGEST}"


def test_a_service_that_is_not_there_and_one_without_its_cluster_are_told() -> None:
    with pytest.raises(Malformed, match="no service iris-production in the cluster models"):
        Answers(missing=True).find()
    site = Site(target="ecs", account="2" * 12, region="eu-west-1", name="iris-production", role="look")
    with pytest.raises(Malformed, match="in which cluster") as caught:
        find(Answers(), site)  # type: ignore[arg-type]  # as above
    assert "--cluster" in caught.value.cure
