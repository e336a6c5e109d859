"""Load balancers that carry requests: addresses, rules and metrics; and what moto has instead."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.rehearsal.clients import ONCE, REGION, STAGING, Clients
from tests.rehearsal.models import unique

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.literals import LoadBalancerTypeEnumType
    from mypy_boto3_elbv2.type_defs import ActionTypeDef, LoadBalancerTypeDef

pytestmark = pytest.mark.rehearsal

NOTHING: ActionTypeDef = {
    "Type": "fixed-response",
    "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "nothing here"},
}


@pytest.fixture(scope="module")
def elb(clients: Clients) -> ElasticLoadBalancingv2Client:
    return clients.session(STAGING).client("elbv2", endpoint_url=clients.cloud.endpoint, config=ONCE)


@pytest.fixture(scope="module")
def network(clients: Clients) -> tuple[list[str], str]:
    """Two subnets, and their VPC."""
    ec2 = clients.session(STAGING).client("ec2", endpoint_url=clients.cloud.endpoint, config=ONCE)
    subnets = ec2.describe_subnets()["Subnets"]
    return [subnet["SubnetId"] for subnet in subnets[:2]], subnets[0]["VpcId"]


@contextmanager
def load_balancer(
    elb: ElasticLoadBalancingv2Client, network: tuple[list[str], str]
) -> Iterator[LoadBalancerTypeDef]:
    made = elb.create_load_balancer(Name=unique("lb"), Subnets=network[0])["LoadBalancers"][0]
    yield made
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])


@pytest.fixture
def balancer(
    elb: ElasticLoadBalancingv2Client, network: tuple[list[str], str]
) -> Iterator[LoadBalancerTypeDef]:
    with load_balancer(elb, network) as made:
        yield made


def group(elb: ElasticLoadBalancingv2Client, network: tuple[list[str], str]) -> str:
    made = elb.create_target_group(
        Name=unique("group"), Protocol="HTTP", Port=8080, VpcId=network[1], TargetType="ip"
    )
    return made["TargetGroups"][0]["TargetGroupArn"]


def ask(address: str, port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("POST", path, b"x")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_listener_answers_at_the_load_balancers_own_address(
    elb: ElasticLoadBalancingv2Client, network: tuple[list[str], str], balancer: LoadBalancerTypeDef
) -> None:
    """moto's load balancers have names nobody resolves."""
    with load_balancer(elb, network) as other:
        for each in (balancer, other):
            elb.create_listener(
                LoadBalancerArn=each["LoadBalancerArn"], Protocol="HTTP", Port=8080, DefaultActions=[NOTHING]
            )
        assert other["DNSName"] != balancer["DNSName"]
        assert ask(balancer["DNSName"], 8080, "/") == (404, b"nothing here")
        assert ask(other["DNSName"], 8080, "/") == (404, b"nothing here")


def test_a_deleted_load_balancer_listens_no_more(
    elb: ElasticLoadBalancingv2Client, network: tuple[list[str], str]
) -> None:
    with load_balancer(elb, network) as made:
        elb.create_listener(
            LoadBalancerArn=made["LoadBalancerArn"], Protocol="HTTP", Port=8080, DefaultActions=[NOTHING]
        )
    with pytest.raises(ConnectionRefusedError):
        ask(made["DNSName"], 8080, "/")


def test_rules_decide_and_a_group_without_targets_is_503(
    clients: Clients,
    elb: ElasticLoadBalancingv2Client,
    network: tuple[list[str], str],
    balancer: LoadBalancerTypeDef,
) -> None:
    arn, empty = balancer["LoadBalancerArn"], group(elb, network)
    listener = elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=8080, DefaultActions=[NOTHING])[
        "Listeners"
    ][0]["ListenerArn"]
    elb.create_rule(
        ListenerArn=listener,
        Priority=5,
        Conditions=[{"Field": "path-pattern", "Values": ["/invocations"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": empty}],
    )
    assert ask(balancer["DNSName"], 8080, "/invocations?a=b")[0] == 503
    assert ask(balancer["DNSName"], 8080, "/other")[0] == 404
    assert elb.describe_target_health(TargetGroupArn=empty)["TargetHealthDescriptions"] == []
    watch = clients.session(STAGING).client("cloudwatch", endpoint_url=clients.cloud.endpoint, config=ONCE)
    now = datetime.now(UTC)
    counted = watch.get_metric_statistics(
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_ELB_5XX_Count",
        Dimensions=[{"Name": "LoadBalancer", "Value": arn.partition("loadbalancer/")[2]}],
        StartTime=now - timedelta(minutes=2),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    assert sum(point["Sum"] for point in counted) == 1


def test_a_changed_rule_counts_at_once(
    elb: ElasticLoadBalancingv2Client, network: tuple[list[str], str], balancer: LoadBalancerTypeDef
) -> None:
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=8080, DefaultActions=[NOTHING]
    )["Listeners"][0]["ListenerArn"]
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group(elb, network)}],
    )["Rules"][0]["RuleArn"]
    assert ask(balancer["DNSName"], 8080, "/")[0] == 503
    elb.modify_rule(RuleArn=rule, Actions=[NOTHING])
    assert ask(balancer["DNSName"], 8080, "/") == (404, b"nothing here")


def test_a_port_is_taken_once(elb: ElasticLoadBalancingv2Client, balancer: LoadBalancerTypeDef) -> None:
    """moto looks for the port among ARNs, and takes it twice."""
    for _ in range(2):
        try:
            elb.create_listener(
                LoadBalancerArn=balancer["LoadBalancerArn"],
                Protocol="HTTP",
                Port=8080,
                DefaultActions=[NOTHING],
            )
        except ClientError as error:
            assert error.response["Error"]["Code"] == "DuplicateListener"
    listed = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert len(listed) == 1


def test_a_name_is_taken_once(
    elb: ElasticLoadBalancingv2Client, network: tuple[list[str], str], balancer: LoadBalancerTypeDef
) -> None:
    """moto makes a second one of the same name."""
    with pytest.raises(ClientError, match="DuplicateLoadBalancerName"):
        elb.create_load_balancer(Name=balancer["LoadBalancerName"], Subnets=network[0])


def test_what_carries_no_requests_here_is_not_rehearsed(
    elb: ElasticLoadBalancingv2Client, network: tuple[list[str], str], balancer: LoadBalancerTypeDef
) -> None:
    arn, kind = balancer["LoadBalancerArn"], "network"
    network_kind: LoadBalancerTypeEnumType = kind  # type: ignore[assignment]  # one of them
    target = group(elb, network)
    for call in (
        lambda: elb.create_load_balancer(Name=unique("nlb"), Subnets=network[0], Type=network_kind),
        lambda: elb.create_listener(
            LoadBalancerArn=arn, Protocol="HTTPS", Port=443, DefaultActions=[NOTHING]
        ),
        lambda: elb.register_targets(TargetGroupArn=target, Targets=[{"Id": "10.0.0.1"}]),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "NotRehearsed"


def test_moto_alone_resolves_no_name_and_calls_every_target_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        elb = boto3.client("elbv2", region_name=REGION)
        subnets = boto3.client("ec2", region_name=REGION).describe_subnets()["Subnets"]
        made = elb.create_load_balancer(Name="lb", Subnets=[subnets[0]["SubnetId"]])["LoadBalancers"][0]
        assert made["DNSName"].endswith(".elb.amazonaws.com")
        arn = elb.create_target_group(
            Name="group", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"], TargetType="ip"
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.0.0.1"}])
        [health] = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        assert health["TargetHealth"]["State"] == "healthy"
