"""What an environment looks like, in the planner's terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from modelway.core.altered import Altered
from modelway.core.config import Capacity, Environment
from modelway.core.naming import version_name
from modelway.core.plan import FULL, Blame, Need, Obstacle, Setback, State
from modelway.core.record import Record
from modelway.core.version import Version, VersionId
from modelway.ports import ArtifactStore, Clock
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.alarms import watches
from modelway.targets.ecs.definition import settings_of
from modelway.targets.ecs.deployments import SUCCESSFUL, Deployment
from modelway.targets.ecs.metrics import dimensions
from modelway.targets.ecs.pointer import Pointer, Sight
from modelway.targets.ecs.proof import refuse_another, refuse_other
from modelway.targets.ecs.reasons import of_trouble, setback
from modelway.targets.ecs.scaling import Scaling
from modelway.targets.ecs.service_requests import out_of_reach, unlike
from modelway.targets.ecs.strategy import Strategy, strategy
from modelway.targets.ecs.surroundings import Surroundings
from modelway.targets.shared.autoscaling import as_configured
from modelway.targets.shared.rollout_alarms import RolloutAlarms

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ServiceTypeDef

ARTIFACT = "artifact"
"""A need a version may have, beside alarms and its surroundings."""


@dataclass(slots=True, kw_only=True)
class Observer:
    """Looks at one service and all around it."""

    environment: Environment
    settings: settings_.Settings
    pointer: Pointer
    alarms: RolloutAlarms
    scaling: Scaling
    surroundings: Surroundings
    artifacts: ArtifactStore
    clock: Clock
    _stops: dict[tuple[str, int], datetime] = field(default_factory=dict)
    """When this process first saw a deployment wait at a share."""
    _setbacks: dict[str, Setback] = field(default_factory=dict)
    """What was found out about deployments that ended badly."""

    def observe(self, wanted: Version | None) -> State:
        """The state, and what the wanted version does not find yet."""
        records = self.pointer.inventory.records()
        sight = self.pointer.look()
        traffic, settled = self.pointer.traffic(sight), self.pointer.settled(sight)
        serving = next((v for v, percent in traffic.items() if percent == FULL), None)
        if serving and sight.under_way is None:
            definition = self.pointer.definition(serving, sight)
            refuse_other(self.pointer.services, definition, sight.revision, records[serving])
        if wanted and wanted.id in records:
            inventory = self.pointer.inventory
            refuse_another(inventory.definition(inventory.arn(wanted.id)), wanted)
        needs, obstacles, sick = self._around(wanted, traffic, sight)
        if wanted and sight.service is None:
            obstacles = (*self._left_behind(records), *obstacles)
        return State(
            records=records,
            traffic=traffic,
            settled=settled,
            modified=sight.modified,
            needs=needs,
            obstacles=obstacles,
            setback=self._setback(sight, records),
            sick=sick,
            capacity=self._capacity(sight.service, wanted, serving, adopted=self.pointer.borrowed(sight))
            if sight.service and traffic
            else None,
            foreign=self.pointer.foreign(sight) if settled else None,
            soaked=self._soaked(sight.deployment),
            altered=self._altered(wanted, sight) if wanted and wanted.id == serving and settled else (),
        )

    def _left_behind(self, records: Mapping[VersionId, Record]) -> Iterator[Obstacle]:
        """The service of another cluster, where the last release went: it would serve on beside a new one."""
        attempted = [record for record in records.values() if record.attempt]
        last = max(attempted, key=lambda one: one.attempt.at if one.attempt else "", default=None)
        inventory, own = self.pointer.inventory, self.settings.cluster
        staged = settings_of(inventory.definition(inventory.arn(last.id))) if last else None
        if last and staged and _short(staged.cluster) != _short(own):
            yield Obstacle(
                what=f"version {last.id} was released to the cluster {staged.cluster}, the config names "
                f"{own}",
                seen="No service moves between clusters: a second one would share the traffic with it.",
                cure=f"Write settings.cluster: {staged.cluster}, or take the model away there first: "
                "scripts/run retire, with the config as it was.",
            )

    def _altered(self, wanted: Version, sight: Sight) -> tuple[Altered, ...]:
        """What the service keeps itself, and has otherwise than the settings of the version that serves."""
        if sight.service is None:
            return ()
        settings, adopted = settings_.parse(wanted.settings), self.pointer.borrowed(sight)
        return unlike(settings, self.environment, sight.service, adopted=adopted)

    def _soaked(self, deployment: Deployment | None) -> float:
        """Seconds since the weights last changed; what ECS baked by itself counts.

        ECS may touch ``updatedAt`` while it waits, so what this process has seen of the wait counts, too.
        """
        if deployment is None:
            return 0.0
        if not deployment.active:
            return self.clock.elapsed(deployment.finished or deployment.created) + deployment.bake * 60
        if not deployment.waiting:
            return 0.0
        first = self._stops.setdefault((deployment.arn, deployment.share), self.clock.now())
        return max(self.clock.elapsed(first), self.clock.elapsed(deployment.updated or deployment.created))

    def _capacity(
        self, service: ServiceTypeDef, version: Version | None, serving: VersionId | None, *, adopted: bool
    ) -> Capacity:
        """Desired count and autoscaling of what serves, in the config's terms.

        Autoscaling has to follow the target groups of the version that is wanted; where none is, as on the
        way back, of the one that serves.
        """
        tasks, wanted = service.get("desiredCount", 0), self.environment.capacity
        inventory = self.pointer.inventory
        if version:
            settings = settings_.parse(version.settings)
        else:
            served = settings_of(inventory.definition(inventory.arn(serving))) if serving else None
            settings = served or self.settings
        scaling = self.scaling.of(settings).observe(wanted.autoscaling)
        # What was adopted is scaled as it was until a release of ours replaces it.
        return as_configured(tasks, scaling or (self.scaling.found() if adopted else None), wanted)

    def watched(self, version: VersionId, sight: Sight) -> Mapping[str, str] | None:
        """The dimensions of the target group the version has or will have; none without a load balancer."""
        balancer = self.settings.balancer
        if balancer is None:
            return None
        moves = strategy(self.environment.rollout, self.settings) is not Strategy.ROLLING
        group = self.pointer.group(version, sight, balancer.target_groups, moves=moves)
        return dimensions(group, balancer.listener_rule)

    def _around(
        self, wanted: Version | None, traffic: Mapping[VersionId, int], sight: Sight
    ) -> tuple[tuple[Need, ...], tuple[Obstacle, ...], str | None]:
        """What the wanted version lacks before it can serve, what is in its way, what is wrong with it."""
        if wanted is None:
            return (), (), None
        name = version_name(self.pointer.services.name, wanted.id)
        watched = self.watched(wanted.id, sight)
        needs, obstacles, ringing = self.alarms.look(name, watches=lambda alarm: watches(alarm, watched))
        if wanted.id in traffic:
            return (), (), ringing
        # Whether or not the version is staged: somebody may have written there since.
        needs = (*self._artifact(wanted), *self.surroundings.needs(), *needs)
        settings = settings_.parse(wanted.settings)
        launched = out_of_reach(settings, sight.service) if sight.service else None
        found = (
            *_unfit(sight.service),
            *((launched,) if launched else ()),
            *self.surroundings.obstacles(settings),
            *obstacles,
        )
        return needs, found, None

    def _artifact(self, wanted: Version) -> tuple[Need, ...]:
        """The copy of the weights the version is to load."""
        if wanted.artifact is None or self.artifacts.find(wanted.artifact):
            return ()
        words = f"copy {wanted.artifact.uri} to {self.artifacts.target_uri(wanted.artifact)} and verify it"
        return (Need(id=ARTIFACT, words=words),)

    def _setback(self, sight: Sight, records: Mapping[VersionId, Record]) -> Setback | None:
        """Why the last release did not stay, unless what is remembered of the version says it better."""
        deployment, service = sight.deployment, sight.service
        if service and not service.get("desiredCount") and not sight.under_way:
            # Nothing serves, whoever was the last to: that says nothing against any version.
            reason, cure = _scaled_to_zero(service)
            return Setback(blame=Blame.PLATFORM, reason=reason, cure=cure)
        if service is None or deployment is None or deployment.active or deployment.status == SUCCESSFUL:
            return None
        version = self.pointer.target(deployment)
        record = records.get(version) if version else None
        if record and (record.ended_badly or record.undecided or record.withdrawn) and not deployment.judged:
            return None
        if deployment.arn not in self._setbacks:
            services = self.pointer.services
            definition = services.task_definition(deployment.target.revision if deployment.target else None)
            stopped = [t for t in services.tasks("STOPPED") if t.get("taskDefinitionArn") == definition]
            events = of_trouble(service.get("events", []), deployment)
            self._setbacks[deployment.arn] = setback(deployment, stopped, events)
        return self._setbacks[deployment.arn]


def _short(cluster: str) -> str:
    """A cluster's name, of its ARN, too."""
    return cluster.rpartition("/")[2]


def _unfit(service: ServiceTypeDef | None) -> tuple[Obstacle, ...]:
    """A service that cannot be released to as it is."""
    if service is None:
        return ()
    name, controller = service["serviceName"], service.get("deploymentController", {}).get("type", "ECS")
    if service["status"] == "DRAINING":
        what, cure = f"the service {name} is being deleted", "Wait until it is gone, then run this again."
    elif controller != "ECS":
        what = f"the service {name} is deployed by {controller}"
        cure = "aws ecs update-service --deployment-controller type=ECS, or delete the service."
    elif not service.get("desiredCount"):
        what, cure = _scaled_to_zero(service)
    else:
        return ()
    return (Obstacle(what=what, cure=cure, by_config=False),)


def _scaled_to_zero(service: ServiceTypeDef) -> tuple[str, str]:
    """What is wrong with a service that wants no task, and the cure."""
    name, cluster = service["serviceName"], service["clusterArn"].rpartition("/")[2]
    what = f"the service {name} is scaled to zero: nothing would run, and nothing could be asked"
    return what, f"aws ecs update-service --cluster {cluster} --service {name} --desired-count 1"
