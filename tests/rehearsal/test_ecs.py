"""Services are real containers behind a real load balancer: what is deployed, how, and how it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.rehearsal.services import CLUSTER, TEST_PORT, Balancer, Services

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]


@pytest.fixture
def balancer(services: Services) -> Iterator[Balancer]:
    with services.balancer() as made:
        yield made


def test_a_service_is_deployed_and_serves(services: Services, balancer: Balancer) -> None:
    """moto starts no tasks, and its deployments never end."""
    with services.service(services.definition(VERSION="1"), balancer) as name:
        deployment = services.deployment(name)
        assert deployment["status"] == "SUCCESSFUL"
        assert balancer.ask() == (200, {"version": "1", "bytes": 1, "type": "text/plain", "model": None})
        described = services.described(name)
        assert (described["runningCount"], described["pendingCount"]) == (2, 0)
        digest = services.image.partition("@")[2]
        assert services.images(deployment["targetServiceRevision"]["arn"]) == [digest]
        arns = services.ecs.list_tasks(cluster=CLUSTER, serviceName=name)["taskArns"]
        tasks = services.ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
        assert [task["lastStatus"] for task in tasks] == ["RUNNING", "RUNNING"]
        assert {container["imageDigest"] for task in tasks for container in task["containers"]} == {digest}


def test_a_canary_gets_its_share_and_then_all(services: Services, balancer: Balancer) -> None:
    config = {
        "strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 25.0, "canaryBakeTimeInMinutes": 3},
    }
    with services.service(services.definition(VERSION="1"), balancer, deploymentConfiguration=config) as name:
        services.ecs.update_service(
            cluster=CLUSTER, service=name, taskDefinition=services.definition(VERSION="2")
        )
        services.seen(
            name, lambda d: d["targetServiceRevision"].get("requestedProductionTrafficWeight") == 25.0
        )
        # Few, as the three minutes it bakes are three seconds here.
        assert Counter(str(balancer.ask()[1]["version"]) for _ in range(8)) == {"1": 6, "2": 2}
        assert balancer.ask(port=TEST_PORT)[1]["version"] == "2"
        assert services.over(name)["status"] == "SUCCESSFUL"
        assert balancer.ask()[1]["version"] == "2"
