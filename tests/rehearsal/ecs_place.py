"""The target ``ecs`` in the rehearsal: a new model's service behind a load balancer of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from modelway.adapters.aws import Accounts
from modelway.adapters.clock import from_environment
from modelway.core.config import Capacity, Environment, ModelConfig, Rollout
from modelway.core.image import Image
from modelway.core.json import Json, JsonObject
from modelway.core.record import Attempt
from modelway.core.version import Artifact, Version
from modelway.ports import ArtifactStore
from modelway.targets.ecs import open_target
from modelway.targets.ecs.target import Ecs
from tests.configs import model_config
from tests.rehearsal.clients import STAGING
from tests.rehearsal.models import unique
from tests.rehearsal.services import CLUSTER, Balancer, Services, role


class NoWeights:
    """An artifact store for versions without weights."""

    def find(self, artifact: Artifact, /) -> str | None:
        raise AssertionError

    def target_uri(self, artifact: Artifact, /) -> str:
        raise AssertionError

    def bring(self, artifact: Artifact, /) -> str:
        raise AssertionError

    def fetch(self, artifact: Artifact, folder: Path, /) -> Path:
        raise AssertionError

    def stream(self, artifact: Artifact, /) -> Iterator[bytes]:
        raise AssertionError


@dataclass(frozen=True, kw_only=True)
class EcsPlace:
    """One environment of one model."""

    services: Services
    balancer: Balancer
    config: ModelConfig
    environment: Environment
    artifacts: ArtifactStore

    @property
    def target(self) -> Ecs:
        """As a new process opens it."""
        return open_target(self.config, self.environment, Accounts(), self.artifacts, from_environment())

    @property
    def name(self) -> str:
        """The service's."""
        return f"{self.config.name}-{self.environment.name}"

    def version(self, number: str, artifact: Artifact | None = None, **variables: str) -> Version:
        """A version that tells its number."""
        settings = {**self.environment.settings, "environment": {"VERSION": number, **variables}}
        return Version(image=Image.parse(self.services.image), settings=settings, artifact=artifact)

    def rolled_out(self, rollout: Rollout) -> EcsPlace:
        """The same place with another rollout."""
        return replace(self, environment=replace(self.environment, rollout=rollout))

    def begin(self, version: Version, percent: int = 100, number: int = 1) -> None:
        """Stage, attempt and shift, as the engine does."""
        target = self.target
        for need in target.observe(version).needs:
            target.prepare(need.id, version)
        target.stage(version, release="r1")
        before = target.observe(None).modified
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        target.record(version.id, Attempt(number=number, at=now, pointer=before))
        target.shift(version.id, percent, urgent=False)

    def serve(self, version: Version, number: int = 1) -> None:
        """And wait for its end."""
        self.begin(version, 100, number)
        self.target.settle(lambda _: None)


@contextmanager
def ecs_place(
    services: Services, *, showing: bool = False, artifacts: ArtifactStore | None = None, **changes: Json
) -> Iterator[EcsPlace]:
    """A place with two target groups; the service is deleted at the end."""
    security = services.clients.session(STAGING).client("ec2", endpoint_url=services.cloud.endpoint)
    group = security.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    with services.balancer() as balancer:
        shown: dict[str, Json] = {"test_listener_rule": balancer.test} if showing else {}
        settings: JsonObject = {
            "mode": "fargate",
            "cluster": CLUSTER,
            "cpu": 256,
            "memory_mb": 512,
            "execution_role": role("execution"),
            "task_role": role("task"),
            "network": {"subnets": services.subnets, "security_groups": [group]},
            "load_balancer": {
                "target_groups": [balancer.blue, balancer.green],
                "listener_rule": balancer.production,
                "infrastructure_role": role("infrastructure"),
                **shown,
            },
            **changes,
        }
        place = Environment(
            name="staging",
            target="ecs",
            account=STAGING,
            region="eu-west-1",
            settings=settings,
            capacity=Capacity(instances=1),
        )
        config = model_config(name=unique("ecs"), environments={"staging": place}, artifact=None)
        made = EcsPlace(
            services=services,
            balancer=balancer,
            config=config,
            environment=place,
            artifacts=artifacts or NoWeights(),
        )
        yield made
        found = services.ecs.describe_services(cluster=CLUSTER, services=[made.name])["services"]
        if any(one["status"] == "ACTIVE" for one in found):
            services.ecs.delete_service(cluster=CLUSTER, service=made.name, force=True)
