"""Reading one ECS service: itself, its deployments, their revisions, its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.errors import Unavailable
from modelway.targets.ecs.deployments import Deployment, read

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.literals import DesiredStatusType
    from mypy_boto3_ecs.type_defs import (
        ListServiceDeploymentsRequestTypeDef,
        ServiceRevisionTypeDef,
        ServiceTypeDef,
        TaskTypeDef,
    )

_PAGE = 100
"""What list calls and DescribeTasks take at once."""


@dataclass(slots=True)
class Services:
    """One service of one cluster; what cannot change is read once."""

    client: ECSClient
    cluster: str
    name: str
    region: str
    _revisions: dict[str, ServiceRevisionTypeDef] = field(default_factory=dict)

    def describe(self, *, tags: bool = False) -> ServiceTypeDef | None:
        """The service; ``None`` while there is none, and of one that was deleted."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"read the service {self.name}", service="ecs"):
            try:
                answer = self.client.describe_services(
                    cluster=self.cluster, services=[self.name], include=["TAGS"] if tags else []
                )
            except ClientError as error:
                raise self.missing_cluster(error) from error
        return next((one for one in answer["services"] if one["status"] != "INACTIVE"), None)

    def missing_cluster(self, error: ClientError) -> Exception:
        """The failure where there is no cluster; other errors stay what they are."""
        if code(error) != "ClusterNotFoundException":
            return error
        name = self.cluster.rpartition("/")[2]
        return Unavailable(
            f"the cluster {self.cluster} does not exist in {self.region}",
            seen=str(error),
            cure=f"aws ecs create-cluster --cluster-name {name} --region {self.region}, "
            "or correct settings.cluster",
        )

    def latest(self) -> Deployment | None:
        """The deployment under way, else the last one; ECS keeps them for 90 days."""
        briefs = []
        request: ListServiceDeploymentsRequestTypeDef = {
            "service": self.name,
            "cluster": self.cluster,
            "maxResults": _PAGE,
        }
        with translated(f"list the deployments of {self.name}", service="ecs"):
            while True:
                page = self.client.list_service_deployments(**request)
                briefs += page["serviceDeployments"]
                if not page.get("nextToken"):
                    break
                request["nextToken"] = page["nextToken"]
        newest = max(briefs, key=lambda brief: brief["createdAt"], default=None)
        return self.deployment(newest["serviceDeploymentArn"]) if newest else None

    def deployment(self, arn: str) -> Deployment | None:
        """One deployment, as it is now."""
        with translated(f"read the deployment {arn}", service="ecs"):
            found = self.client.describe_service_deployments(serviceDeploymentArns=[arn])[
                "serviceDeployments"
            ]
        return read(found[0]) if found else None

    def revision(self, arn: str) -> ServiceRevisionTypeDef | None:
        """A service revision, whose image digests are filled in while its tasks start."""
        if arn not in self._revisions:
            with translated(f"read the service revision {arn}", service="ecs"):
                found = self.client.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"]
            if not found:
                return None
            images = found[0].get("containerImages", [])
            if not images or not all(image.get("imageDigest") for image in images):
                return found[0]
            self._revisions[arn] = found[0]
        return self._revisions[arn]

    def task_definition(self, revision: str | None) -> str | None:
        """The task definition a revision runs."""
        found = self.revision(revision) if revision else None
        return found.get("taskDefinition") if found else None

    def target_group(self, revision: str | None) -> str | None:
        """The target group a revision's tasks are in: blue and green change places with every release."""
        found = self.revision(revision) if revision else None
        if found is None:
            return None
        resolved = (found.get("resolvedConfiguration") or {}).get("loadBalancers", [])
        named = resolved or found.get("loadBalancers", [])
        return named[0].get("targetGroupArn") if named else None

    def tasks(self, status: DesiredStatusType) -> Sequence[TaskTypeDef]:
        """The service's tasks; stopped ones are told for about an hour."""
        with translated(f"look at the tasks of {self.name}", service="ecs"):
            pages = self.client.get_paginator("list_tasks").paginate(
                cluster=self.cluster, serviceName=self.name, desiredStatus=status
            )
            arns = [arn for page in pages for arn in page["taskArns"]]
            tasks: list[TaskTypeDef] = []
            for at in range(0, len(arns), _PAGE):
                answer = self.client.describe_tasks(cluster=self.cluster, tasks=arns[at : at + _PAGE])
                tasks += answer["tasks"]
        return tasks
