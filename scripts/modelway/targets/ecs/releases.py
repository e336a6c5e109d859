"""Moving a service from one version to another, and back: deployments begun, let go on, stopped, watched."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.adapters.waits import waits
from modelway.core.config import Environment
from modelway.core.naming import labelled
from modelway.core.plan import FULL
from modelway.core.version import VersionId
from modelway.errors import Differs, NotAllowed, Unavailable
from modelway.ports import Clock
from modelway.targets.ecs.definition import settings_of
from modelway.targets.ecs.deployments import GOING_BACK, Deployment, progress
from modelway.targets.ecs.pointer import Pointer, Sight
from modelway.targets.ecs.refusals import refused
from modelway.targets.ecs.service_requests import created, updated
from modelway.targets.ecs.settings import Settings
from modelway.targets.ecs.strategy import deployment as configuration
from modelway.targets.ecs.strategy import urgently
from modelway.targets.ecs.versions import as_tags

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import ServiceTypeDef

_POLL = 15.0, 30.0
"""Seconds between two looks at a deployment under way."""
_APPEARING, _APPEARS_WITHIN = 2.0, 60.0
"""Seconds between looks for a deployment just begun, and in all: lists lag behind."""
_STARTING = 3600.0
"""Seconds a deployment may take until its tasks run, where the config says nothing; ECS would wait a day."""
_SCALING_UP = frozenset({"RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """The deployments of one service."""

    environment: Environment
    client: ECSClient
    pointer: Pointer
    settings: Settings
    labels: dict[str, str]
    clock: Clock
    walks: bool
    """Whether nobody is asked on the way."""
    _through: set[str] = field(default_factory=set)
    """Deployments that stop on their way although nobody is asked any more, as after --skip-bake."""

    @property
    def _name(self) -> str:
        return self.pointer.services.name

    def shift(self, version: VersionId, percent: int, alarms: Sequence[str], *, urgent: bool) -> None:
        """Begin the version's deployment, or let the one under way go on to its next share."""
        arn = self.pointer.inventory.arn(version)
        sight = self.pointer.look()
        under_way = sight.under_way
        if sight.service is None:
            self._create(arn, alarms)
        elif under_way and self.pointer.target(under_way) == version:
            self._go_on(under_way, percent)
        elif urgent and under_way and self.pointer.version(under_way.source) == version:
            self._stop(under_way)
        else:
            self._update(sight, arn, alarms, urgent=urgent)

    def _staged(self, arn: str) -> Settings:
        """What the version was staged with: the service goes back to it as a whole."""
        return settings_of(self.pointer.inventory.definition(arn)) or self.settings

    def _create(self, arn: str, alarms: Sequence[str]) -> None:
        """The first version's service; the token makes of two requests one service."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        settings = self._staged(arn)
        request = created(settings, self.environment)
        request["serviceName"], request["taskDefinition"] = self._name, arn
        request["clientToken"] = hashlib.sha256(f"{self._name}:{arn}".encode()).hexdigest()[:32]
        request["tags"] = as_tags({**settings.tags, **self.labels})
        # Nothing serves yet: there is no traffic to share, and nobody to ask before it goes on.
        first = configuration(self.environment.rollout, settings, alarms)
        first["lifecycleHooks"] = []
        request["deploymentConfiguration"] = first
        with translated(f"create the service {self._name}", service="ecs"):
            try:
                self.client.create_service(**request)
            except ClientError as error:
                if "not idempotent" in str(error) and self.pointer.services.describe():
                    return  # somebody else made it meanwhile; the next look says what it runs
                raise self._refused(error) from error
        self._await(None)

    def _update(self, sight: Sight, arn: str, alarms: Sequence[str], *, urgent: bool) -> None:
        """The whole rollout, in one request."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        settings, service = self._staged(arn), sight.service or {}
        request = updated(settings, self.environment, service)
        request["service"], request["taskDefinition"] = self._name, arn
        request["deploymentConfiguration"] = (
            urgently(settings) if urgent else configuration(self.environment.rollout, settings, alarms)
        )
        if service.get("taskDefinition") == arn:  # what ended badly before is tried again
            request["forceNewDeployment"] = True
        if not urgent:
            self._tag(service, {**settings.tags, **self.labels})
        with translated(f"update the service {self._name}", service="ecs"):
            try:
                self.client.update_service(**request)
            except ClientError as error:
                raise self._refused(error) from error
        self._await(sight.deployment)

    def _tag(self, service: ServiceTypeDef, wanted: Mapping[str, str]) -> None:
        """Tags that are other ones now, first: tasks take the service's. What was adopted stays as it was."""
        known = {tag["key"]: tag["value"] for tag in service.get("tags", [])}
        if labelled(known, self.labels) and wanted.items() - known.items():
            with translated(f"tag the service {self._name}", service="ecs"):
                self.client.tag_resource(resourceArn=service["serviceArn"], tags=as_tags(wanted))

    def _refused(self, error: ClientError) -> Exception:
        """The failure a refusal means."""
        if code(error) == "ClusterNotFoundException":
            return self.pointer.services.missing_cluster(error)
        return refused(error, self.environment.region)

    def _await(self, before: Deployment | None) -> None:
        """Until the new deployment is listed: before that the old one would look like the end of it."""
        for pause in waits(_APPEARING, _APPEARING, within=_APPEARS_WITHIN):
            found = self.pointer.services.latest()
            if found and (before is None or found.arn != before.arn):
                return
            self.clock.sleep(pause)

    def _go_on(self, deployment: Deployment, percent: int) -> None:
        """Let it take its next share; nothing where it has the share, or is on its way.

        Where the answer is lost, botocore asks again, and ECS finds no hook that waits. What it says then is
        not documented, so the deployment is asked.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        hook = deployment.waiting
        if self.walks and percent == FULL:
            self._through.add(deployment.arn)
        if hook is None or (percent <= deployment.share and self.pointer.stops(deployment)):
            return
        if deployment.following > percent:
            raise self._another_way(deployment, percent)
        with translated(f"let the deployment of {self._name} go on", service="ecs"):
            try:
                self.client.continue_service_deployment(
                    serviceDeploymentArn=deployment.arn, hookId=hook.id, action="CONTINUE"
                )
            except ClientError:
                now = self.pointer.services.deployment(deployment.arn)
                if now is None or (now.waiting and now.waiting.id == hook.id):
                    raise

    def _another_way(self, deployment: Deployment, percent: int) -> Differs:
        """The failure where the config's rollout was changed on the way: going on would overrun its share."""
        what = (
            f"the deployment of {self._name} goes on to {deployment.following} % of the traffic, and the "
            f"config asks for {percent} % now"
        )
        return Differs(
            what,
            seen=f"It has {deployment.share} %. ECS keeps to the rollout with which a release begins.",
            cure="Release with the rollout it began with, or take it back (deploy --abort REASON) and begin "
            "again (deploy --retry).",
        )

    def stop(self) -> None:
        """Take back the deployment under way, if there is one."""
        under_way = self.pointer.look().under_way
        if under_way:
            self._stop(under_way)

    def _stop(self, deployment: Deployment) -> None:
        """StopServiceDeployment; one that has ended meanwhile is what it is."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        if deployment.status in GOING_BACK:
            return
        if not deployment.sources:
            what = f"the first version of {self._name} cannot be taken back: there is none before it"
            scale = f"aws ecs update-service --cluster {self.settings.cluster} --service {self._name}"
            raise NotAllowed(what, cure=f"Scale it to zero: {scale} --desired-count 0")
        with translated(f"stop the deployment of {self._name}", service="ecs"):
            try:
                self.client.stop_service_deployment(serviceDeploymentArn=deployment.arn, stopType="ROLLBACK")
            except ClientError as error:
                now = self.pointer.services.deployment(deployment.arn)
                if now is None or (now.active and now.status not in GOING_BACK):
                    raise
                if not now.active:
                    what = f"the deployment of {self._name} ended before it could be stopped"
                    raise Differs(what, seen=f"It is {now.status}.", cure="Run this again.") from error

    def settle(self, say: Callable[[str], None], *, patience: float | None = None) -> None:
        """Look until nothing is under way, it waits to be told to go on, or patience ends."""
        began, told, pauses = self.clock.now(), "", waits(*_POLL)
        deployment = self.pointer.services.latest()
        while deployment and deployment.active:
            if (words := progress(self._name, deployment)) != told:
                say(words)
                told = words
            if deployment.waiting:
                if self.pointer.stops(deployment) and deployment.arn not in self._through:
                    return
                self._go_on(deployment, FULL)  # nobody is asked here
            self._give_up(deployment)
            pause = next(pauses)
            if patience is not None and self.clock.elapsed(began) + pause > patience:
                return
            self.clock.sleep(pause)
            deployment = self.pointer.services.deployment(deployment.arn)

    def _give_up(self, deployment: Deployment) -> None:
        """Stop what does not get to run: ECS itself would try for a day."""
        limit = self.environment.rollout.max_time
        longest = limit.total_seconds() if limit else _STARTING
        since = deployment.started or deployment.created
        starts = deployment.stage in _SCALING_UP or not (deployment.target and deployment.target.running)
        if not starts or deployment.status in GOING_BACK or self.clock.elapsed(since) < longest:
            return
        if deployment.sources:
            self._stop(deployment)
            return
        what = f"the first version of {self._name} does not get to run"
        raise Unavailable(
            what,
            seen=f"For {longest / 60:g} minutes: {progress(self._name, deployment)}",
            cure=f"Its events tell why: aws ecs describe-services --cluster {self.settings.cluster} "
            f"--services {self._name}. Correct the config and release again.",
        )
