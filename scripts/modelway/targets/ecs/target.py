"""Amazon ECS: a version is a task definition revision tagged with its id, the pointer is the service.

ECS keeps the clock of a release, pauses where it is told to, and can take a release back at any moment. It
also takes one back by itself, after which the stock waiter is content. So what counts is never that the
service is stable, but which revision its last deployment left serving, and which digest that resolved to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.adapters.http import Address
from modelway.core.analysis import Sample
from modelway.core.config import Capacity, Environment
from modelway.core.image import DOCKER_MANIFEST, OCI_MANIFEST
from modelway.core.naming import version_name
from modelway.core.plan import FULL, State
from modelway.core.record import Mark
from modelway.core.record_tags import changed_tags
from modelway.core.version import Version, VersionId
from modelway.errors import Differs, Malformed
from modelway.ports import ArtifactStore, Clock, HttpAnswer, HttpRequest
from modelway.targets.ecs.balancer import Listeners, under
from modelway.targets.ecs.definition import log_group, settings_of
from modelway.targets.ecs.estate import Estate
from modelway.targets.ecs.metrics import dimensions
from modelway.targets.ecs.observation import ARTIFACT, Observer
from modelway.targets.ecs.refusals import refused
from modelway.targets.ecs.releases import Releases
from modelway.targets.ecs.runtime import Runtime
from modelway.targets.ecs.settings import Settings
from modelway.targets.ecs.strategy import paused
from modelway.targets.ecs.surroundings import LOG_GROUP
from modelway.targets.ecs.versions import Versions, as_tags
from modelway.targets.shared.metrics import Measurement

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Ecs:
    """One model's service in one cluster."""

    environment: Environment
    client: ECSClient
    observer: Observer
    versions: Versions
    releases: Releases
    runtime: Runtime
    listeners: Listeners
    measurement: Measurement
    artifacts: ArtifactStore
    clock: Clock

    @property
    def estate(self) -> Estate:
        """What modelway made for the model here."""
        return Estate(
            client=self.client,
            observer=self.observer,
            labels=self.versions.labels,
            clock=self.clock,
        )

    @property
    def early(self) -> bool:
        """A task definition that runs nowhere cannot be asked."""
        return False

    @property
    def media_types(self) -> frozenset[str]:
        """Docker's and OCI's manifests of one platform."""
        return frozenset({DOCKER_MANIFEST, OCI_MANIFEST})

    @property
    def most(self) -> int | None:
        """As large as the task's disk, which Fargate or whoever keeps the instances knows."""
        return None

    @property
    def walks(self) -> bool:
        """ECS walks alone, unless it stops for a person, an analysis, or to be asked before any traffic."""
        return not paused(self.environment.rollout, self._settings)

    @property
    def beside(self) -> bool:
        """Through the test listener a version can be asked before it has traffic."""
        return not self.walks and self._settings.shows

    @property
    def capacity(self) -> Capacity | None:
        """Tasks."""
        return self.environment.capacity

    @property
    def returning(self) -> str:
        """Old tasks run until a release is over; after that they are started again."""
        if not self._settings.shifts:
            return "ECS replaces all tasks again in one batch, which takes as long as they take to start."
        return (
            "until a release and its bake time are over the old tasks run on, and ECS stops it and moves the "
            "traffic back at once; after that they are started again, and all the traffic moves at once."
        )

    @property
    def _settings(self) -> Settings:
        return self.observer.settings

    def words(self, version: VersionId, /) -> str:
        """The service's name and the version."""
        return version_name(self.observer.pointer.services.name, version)

    def images(self) -> frozenset[str]:
        """What the service's tasks run, and what its revisions were resolved to."""
        return self.observer.pointer.images()

    def observe(self, wanted: Version | None, /) -> State:
        """The service, its versions, and what the wanted one still needs."""
        return self.observer.observe(wanted)

    def prepare(self, need: str, version: Version, /) -> None:
        """Make one of the needs ``observe`` named."""
        if need == ARTIFACT and version.artifact:
            self.artifacts.bring(version.artifact)
        elif need == LOG_GROUP:
            self.observer.surroundings.make_log_group(self.versions.labels)
        else:
            watched = self.observer.watched(version.id, self.observer.pointer.look())
            if watched is None:
                what = f"the alarms of {self.words(version.id)} have no target group to watch"
                raise Malformed(what, cure="Give the settings a load_balancer.")
            name = self.words(version.id)
            self.observer.alarms.make(need, name, watched, self.versions.labels)

    def recognise(self, version: VersionId, name: str, /) -> bool:
        """What is adopted gets a twin, which holds its record."""
        del version, name
        return False

    def stage(self, version: Version, /, *, release: str) -> None:
        """Register the version's task definition."""
        self.versions.make(version, release)

    def shift(self, version: VersionId, percent: int, /, *, urgent: bool) -> None:
        """Deploy the version, or let its deployment go on to its next share."""
        alarms = () if urgent else self.observer.alarms.names(self.words(version))
        self.releases.shift(version, percent, alarms, urgent=urgent)

    def interrupt(self) -> None:
        """StopServiceDeployment: ECS moves the traffic back and stops the new tasks."""
        self.releases.stop()

    def settle(self, say: Callable[[str], None], /, *, patience: float | None = None) -> None:
        """Look until no deployment is under way, or it waits to be told to go on."""
        self.releases.settle(say, patience=patience)

    # --- asking ---

    def invoke(self, request: HttpRequest, version: VersionId | None, /) -> HttpAnswer:
        """Ask through the load balancer; a version that does not have all traffic by the test listener."""
        return self.runtime.invoke(self._address(version), request)

    def _address(self, version: VersionId | None) -> Address:
        """The production address, or the test listener's; a version's as its own settings have it."""
        settings = self._staged(version)
        balancer = settings.balancer
        if version and settings.shows and balancer and balancer.test_listener_rule and self._partial(version):
            return self.listeners.address(balancer.test_listener_rule, settings.path)
        if settings.url:
            return under(settings.url, settings.path)
        if balancer is None:
            what = f"nobody knows where to ask the service {self.observer.pointer.services.name}"
            raise Malformed(what, cure="Write settings.load_balancer, or the address in settings.url.")
        return self.listeners.address(balancer.listener_rule, settings.path)

    def _staged(self, version: VersionId | None) -> Settings:
        """What a version was staged with: an old one is gone back to, and asked, as it was."""
        inventory = self.observer.pointer.inventory
        try:
            staged = settings_of(inventory.definition(inventory.arn(version))) if version else None
        except Differs:  # somebody deregistered it
            staged = None
        return staged or self._settings

    def _partial(self, version: VersionId) -> bool:
        """Whether the version is on its way and does not have all traffic yet."""
        pointer = self.observer.pointer
        under_way = pointer.look().under_way
        return under_way is not None and under_way.share < FULL and pointer.target(under_way) == version

    def measure(self, candidate: VersionId, baseline: VersionId, seconds: float, /) -> tuple[Sample, Sample]:
        """What the load balancer counted of each one's target group, as ECS resolved which is whose."""
        pointer, balancer = self.observer.pointer, self._settings.balancer
        groups = pointer.groups(pointer.look().deployment)
        if balancer is None or not {candidate, baseline} <= set(groups):
            what = f"versions {candidate} and {baseline} are not behind target groups of their own"
            raise Differs(what, seen=f"There are: {dict(groups)}.", cure="Look who else changes the service.")
        rule = balancer.listener_rule
        return self.measurement.compare(
            dimensions(groups[candidate], rule), dimensions(groups[baseline], rule), seconds
        )

    def logs(self, version: VersionId, /, lines: int = 20) -> tuple[str, ...]:
        """Last log lines of the version's containers."""
        group = log_group(self._staged(version), self.versions.inventory.family)
        return self.runtime.last_lines(group, version, lines)

    # --- around it ---

    def record(self, version: VersionId, mark: Mark, /) -> None:
        """Remember something about a version, in the tags of its task definition."""
        changed, removed = changed_tags(mark)
        arn = self.observer.pointer.inventory.arn(version)
        with translated(f"tag {arn}", service="ecs"):
            self.client.tag_resource(resourceArn=arn, tags=as_tags(changed))
            if removed:
                self.client.untag_resource(resourceArn=arn, tagKeys=list(removed))

    def configure(self, version: VersionId, capacity: Capacity, /) -> None:
        """Set the task count and autoscaling; under autoscaling the count is not ours to set."""
        scaling = self.observer.scaling.of(self._staged(version))
        bounds, wanted = capacity.autoscaling, capacity.instances
        if bounds:
            scaling.set(bounds)
        elif scaling.observe(None):
            scaling.remove()
        service = self.observer.pointer.services.describe()
        current = service.get("desiredCount", 0) if service else 0
        if bounds and current:
            wanted = min(max(current, bounds.min), bounds.max)
        if service is None or current == wanted:
            return
        self._count(service["serviceName"], wanted)

    def _count(self, service: str, tasks: int) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"set the task count of {service}", service="ecs"):
            try:
                self.client.update_service(
                    cluster=self._settings.cluster, service=service, desiredCount=tasks
                )
            except ClientError as error:
                raise refused(error, self.environment.region) from error

    def retire(self, version: VersionId, /) -> None:
        """Delete what was made for the version: alarms, then the task definition that says it exists."""
        self.observer.alarms.delete(self.words(version))
        self.versions.retire(version)
