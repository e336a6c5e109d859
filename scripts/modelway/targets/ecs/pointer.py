"""The service as traffic follows it: which version has how much, and which target group is whose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.core.plan import FULL
from modelway.core.version import VersionId
from modelway.targets.ecs.deployments import GOING_BACK, SUCCESSFUL, Deployment
from modelway.targets.ecs.inventory import Inventory
from modelway.targets.ecs.services import Services

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ServiceTypeDef, TaskDefinitionTypeDef


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look at the service saw."""

    service: ServiceTypeDef | None
    deployment: Deployment | None
    """The one under way, else the last."""

    @property
    def under_way(self) -> Deployment | None:
        """The deployment under way."""
        return self.deployment if self.deployment and self.deployment.active else None

    @property
    def modified(self) -> str | None:
        """When the pointer last changed."""
        if self.service is None:
            return None
        return self.deployment.modified if self.deployment else self.service["createdAt"].isoformat()

    @property
    def revision(self) -> str | None:
        """The revision that has all traffic and has tasks, once nothing is under way."""
        if self.service is None:
            return None
        current = {
            one["arn"]: one.get("runningTaskCount", 0)
            for one in self.service.get("currentServiceRevisions", [])
        }
        if self.deployment is None:  # ECS forgets deployments after 90 days, not what they left running
            return next(iter(current)) if len(current) == 1 else None
        serving = self.deployment.serving
        return serving if serving and current.get(serving) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """One service, and the versions its revisions run."""

    services: Services
    inventory: Inventory
    shows: bool
    """Whether a version can be asked before it has traffic."""

    def look(self) -> Sight:
        """The service and its deployment now.

        They are two calls, and the deployment may end between them: then the service, read before, still
        tells no task of what serves, which would look as if ECS had taken it back. It is read once more.
        """
        service = self.services.describe(tags=True)
        sight = Sight(service, self.services.latest() if service else None)
        if service is None or sight.under_way or sight.revision:
            return sight
        return Sight(self.services.describe(tags=True), sight.deployment)

    def images(self) -> frozenset[str]:
        """Digests of what runs and of what a deployment brings or leaves."""
        sight = self.look()
        if sight.service is None:
            return frozenset()
        sides = [one["arn"] for one in sight.service.get("currentServiceRevisions", [])]
        if sight.deployment:
            sides += [side.revision for side in (*sight.deployment.sources, sight.deployment.target) if side]
        found = [revision for side in sides if (revision := self.services.revision(side))]
        resolved = [image.get("imageDigest") for one in found for image in one.get("containerImages", [])]
        tasks = self.services.tasks("RUNNING")
        resolved += [each.get("imageDigest") for task in tasks for each in task.get("containers", [])]
        return frozenset(digest for digest in resolved if digest)

    def stops(self, deployment: Deployment) -> bool:
        """Whether it waits for modelway: before any traffic only where it can be asked there."""
        return deployment.waiting is not None and (deployment.share > 0 or self.shows)

    def settled(self, sight: Sight) -> bool:
        """Whether nothing moves: no deployment is under way, or it waits to be told to go on."""
        return sight.under_way is None or self.stops(sight.under_way)

    def version(self, revision: str | None) -> VersionId | None:
        """The version of ours a service revision runs."""
        definition = self.services.task_definition(revision)
        return self.inventory.version_of(definition) if definition else None

    def definition(self, version: VersionId, sight: Sight) -> TaskDefinitionTypeDef:
        """What the version that serves runs: ours, or what it was adopted from."""
        served = self.services.task_definition(sight.revision)
        adopted = served and self.inventory.version_of(served) == version
        return self.inventory.definition(served if served and adopted else self.inventory.arn(version))

    def target(self, deployment: Deployment) -> VersionId | None:
        """The version a deployment brings."""
        return self.version(deployment.target.revision) if deployment.target else None

    def traffic(self, sight: Sight) -> dict[VersionId, int]:
        """Percent by version of ours; nothing of a service that runs no task.

        Both sides may run the same version, started anew by ``update-service --force-new-deployment`` say.
        """
        service = sight.service
        if service is None or not service.get("desiredCount") or not service.get("runningCount"):
            return {}
        shares = _moving(sight.under_way) if sight.under_way else iter([(sight.revision, FULL)])
        found: dict[VersionId, int] = {}
        for revision, percent in shares:
            if (version := self.version(revision)) is not None:
                found[version] = found.get(version, 0) + percent
        return found

    def foreign(self, sight: Sight) -> str | None:
        """What serves, where modelway did not make it."""
        if sight.service is None:
            return None
        definition = self.services.task_definition(sight.revision) or sight.service.get("taskDefinition")
        if definition is None or self.inventory.version_of(definition):
            return None
        return f"the service {self.services.name} with the task definition {definition}"

    def borrowed(self, sight: Sight) -> bool:
        """Whether what serves was adopted, and runs somebody else's task definition still."""
        served = self.services.task_definition(sight.revision)
        return served is not None and self.inventory.adopted(served)

    def groups(self, deployment: Deployment | None) -> dict[VersionId, str]:
        """The target group of each version that is in a deployment, as ECS resolved it."""
        if deployment is None:
            return {}
        sides = [side.revision for side in deployment.sources]
        if deployment.target and (deployment.active or deployment.status == SUCCESSFUL):
            sides.append(deployment.target.revision)
        found = {self.version(revision): self.services.target_group(revision) for revision in sides}
        return {version: group for version, group in found.items() if version and group}

    def group(self, version: VersionId, sight: Sight, groups: tuple[str, ...], *, moves: bool) -> str:
        """The target group a version has, or will have if it is released now.

        That is the one that is free where the traffic ``moves`` between two; else the one in use.
        """
        if own := self.groups(sight.deployment).get(version):
            return own
        taken = self.services.target_group(sight.revision)
        return next((group for group in groups if (group == taken) is not moves), groups[0])


def _moving(deployment: Deployment) -> Iterator[tuple[str | None, int]]:
    """Who has how much while it is under way: the new one beside the old one, or on its way back."""
    target = deployment.target if deployment.status not in GOING_BACK else None
    yield deployment.source, FULL - deployment.share
    if target and (deployment.waiting or deployment.share):
        yield target.revision, deployment.share
