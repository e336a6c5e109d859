"""What an environment looks like, in the planner's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelway.core.config import Autoscaling, Capacity, Environment
from modelway.core.naming import version_name
from modelway.core.plan import FULL, Need, Obstacle, State
from modelway.core.record import Record
from modelway.core.version import Version, VersionId
from modelway.errors import Differs
from modelway.ports import ArtifactStore
from modelway.targets.sagemaker import settings as settings_
from modelway.targets.sagemaker.inventory import SETTLED, Inventory
from modelway.targets.sagemaker.reasons import setback
from modelway.targets.sagemaker.scaling import Scaling
from modelway.targets.sagemaker.settings import VARIANT, Mode
from modelway.targets.shared.autoscaling import as_configured
from modelway.targets.shared.rollout_alarms import RolloutAlarms

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import (
        DescribeEndpointOutputTypeDef,
        ProductionVariantOutputTypeDef,
    )

ARTIFACT, FAILED_ENDPOINT, SUSPEND = "artifact", "endpoint:failed", "autoscaling:suspend"
"""Needs a version may have, beside alarms."""
_NOT_SERVING = frozenset({"Creating", "Failed", "OutOfService", "UpdateRollbackFailed"})
"""``UpdateRollbackFailed`` is a mixed fleet: nobody knows what answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Looks at one endpoint and all around it."""

    environment: Environment
    inventory: Inventory
    alarms: RolloutAlarms
    scaling: Scaling
    artifacts: ArtifactStore

    def observe(self, wanted: Version | None) -> State:
        """The state, and what the wanted version does not find yet."""
        records = self.inventory.records()
        if wanted and wanted.id in records:
            self._refuse_other_model(wanted)
        endpoint = self.inventory.describe()
        serving = self._serving(endpoint, records)
        live = self._variant(endpoint) if serving else None
        scaling = self.scaling.observe() if live and "InstanceType" in live else None
        others = self.others_scaling(endpoint) if live and "InstanceType" in live else None
        needs: tuple[Need, ...] = ()
        obstacles: tuple[Obstacle, ...] = ()
        if wanted and serving != wanted.id:
            needs, obstacles = self._before(wanted, endpoint)
            if live:
                settings = settings_.parse(wanted.settings)
                obstacles = (*obstacles, *_mode_change(settings, live))
                needs = (*needs, *_suspension(settings, live, scaling), *_takeover(others))
        sick = self._alarms(wanted)[2] if wanted and serving == wanted.id else None
        reason = endpoint.get("FailureReason") if endpoint else None
        return State(
            records=records,
            traffic={serving: FULL} if serving else {},
            settled=endpoint is None or endpoint["EndpointStatus"] in SETTLED,
            modified=endpoint["LastModifiedTime"].isoformat() if endpoint else None,
            needs=needs,
            obstacles=obstacles,
            setback=setback(reason) if reason else None,
            sick=sick,
            capacity=self._capacity(endpoint, self._kept(scaling, others))
            if live and "InstanceType" in live
            else None,
            foreign=self._foreign(endpoint, records),
        )

    def _serving(
        self, endpoint: DescribeEndpointOutputTypeDef | None, records: Mapping[VersionId, Record]
    ) -> VersionId | None:
        """The version with the traffic, if it is one of ours; its image is what its record says."""
        if endpoint is None or endpoint["EndpointStatus"] in _NOT_SERVING:
            return None
        id_ = self.inventory.version_of(endpoint["EndpointConfigName"])
        record = records.get(id_) if id_ else None
        if record is None or id_ is None:
            return None
        if endpoint["EndpointStatus"] == "InService":
            _refuse_other_image(endpoint, record)
        return id_

    def _foreign(
        self, endpoint: DescribeEndpointOutputTypeDef | None, records: Mapping[VersionId, Record]
    ) -> str | None:
        """What serves, where modelway did not make it."""
        if endpoint is None:
            return None
        name = endpoint["EndpointConfigName"]
        id_ = self.inventory.version_of(name)
        ours = id_ in records if id_ else False
        return None if ours else f"the endpoint {endpoint['EndpointName']} with the endpoint config {name}"

    def _variant(
        self, endpoint: DescribeEndpointOutputTypeDef | None
    ) -> ProductionVariantOutputTypeDef | None:
        """The production variant of what serves, as its endpoint config says it."""
        if endpoint is None:
            return None
        return self.inventory.served(endpoint)["ProductionVariants"][0]

    def others_scaling(self, endpoint: DescribeEndpointOutputTypeDef | None) -> Scaling | None:
        """Autoscaling of a variant that is not called as ours: only what was adopted has that."""
        variants = endpoint.get("ProductionVariants", []) if endpoint else []
        name = variants[0]["VariantName"] if variants else VARIANT
        if name == VARIANT:
            return None
        others = replace(self.scaling, variant=name)
        return others if others.registered() else None

    def _kept(self, scaling: Autoscaling | None, others: Scaling | None) -> Autoscaling | None:
        """What scales it, in the config's terms: another's way of doing it is left alone until a release."""
        return self.environment.capacity.autoscaling if others else scaling

    def _capacity(
        self, endpoint: DescribeEndpointOutputTypeDef | None, scaling: Autoscaling | None
    ) -> Capacity:
        """Instance count and autoscaling of what serves, in the config's terms."""
        variants = endpoint.get("ProductionVariants", []) if endpoint else []
        instances = variants[0].get("DesiredInstanceCount", 0) if variants else 0
        return as_configured(instances, scaling, self.environment.capacity)

    def _refuse_other_model(self, wanted: Version) -> None:
        """What the version's model names is what the version is: models can be deleted and made anew."""
        name = version_name(self.inventory.endpoint, wanted.id)
        found = self.inventory.model(name)
        container = found.get("PrimaryContainer", {}) if found else {}
        image, weights = container.get("Image", ""), container.get("ModelDataUrl", "")
        # By what they hold, not by where: registry and bucket may move without a new version.
        held = wanted.artifact.sha256.hex in weights if wanted.artifact else not weights
        if not image.endswith(str(wanted.image.digest)) or not held:
            what = f"the model {name} is not the version it is named after"
            told = f"expected {wanted.image.digest} with {wanted.artifact}, got {image} with {weights}"
            cure = f"Somebody changed it. Delete the endpoint config {name}, then release again."
            raise Differs(what, seen=told if found else "There is no such model.", cure=cure)

    def _alarms(self, wanted: Version) -> tuple[tuple[Need, ...], tuple[Obstacle, ...], str | None]:
        """What the rollout's alarms lack, forbid and say of the version."""
        return self.alarms.look(version_name(self.inventory.endpoint, wanted.id))

    def _before(
        self,
        wanted: Version,
        endpoint: DescribeEndpointOutputTypeDef | None,
    ) -> tuple[tuple[Need, ...], tuple[Obstacle, ...]]:
        """What the wanted version lacks before it can serve, and what is in its way."""
        needs, obstacles, _ = self._alarms(wanted)
        # Whether or not the version is staged: somebody may have written there since.
        needs = (*self._artifact(wanted), *needs)
        if endpoint and endpoint["EndpointStatus"] == "Failed":
            words = f"delete the endpoint {endpoint['EndpointName']}, which failed when it was created"
            needs = (*needs, Need(id=FAILED_ENDPOINT, words=words))
        return needs, obstacles

    def _artifact(self, wanted: Version) -> tuple[Need, ...]:
        """The copy of the weights the version is to load."""
        if wanted.artifact is None or self.artifacts.find(wanted.artifact):
            return ()
        words = f"copy {wanted.artifact.uri} to {self.artifacts.target_uri(wanted.artifact)} and verify it"
        return (Need(id=ARTIFACT, words=words),)


def _refuse_other_image(endpoint: DescribeEndpointOutputTypeDef, record: Record) -> None:
    """The proof of the one digest: SageMaker resolved the image this version names."""
    for variant in endpoint.get("ProductionVariants", []):
        for image in variant.get("DeployedImages", []):
            resolved = image.get("ResolvedImage", "")
            if resolved and not resolved.endswith(record.digest):
                what = f"the endpoint {endpoint['EndpointName']} runs another image than version {record.id}"
                cure = "Somebody changed the endpoint config's model; release again."
                raise Differs(what, seen=f"expected {record.digest}, got {resolved}", cure=cure)


def _mode_change(settings: settings_.Settings, live: ProductionVariantOutputTypeDef) -> tuple[Obstacle, ...]:
    """SageMaker refuses real-time to serverless, and the other way cannot be undone."""
    now = Mode.SERVERLESS if "ServerlessConfig" in live else Mode.REALTIME
    if now is settings.mode:
        return ()
    return (
        Obstacle(
            what=f"a live endpoint cannot change from {now} to {settings.mode}",
            seen="SageMaker refuses it, or cannot go back from it.",
            cure="Release under another environment name and move the callers, or delete the endpoint first.",
        ),
    )


def _takeover(others: Scaling | None) -> tuple[Need, ...]:
    """SageMaker refuses to take a variant away that is registered for autoscaling."""
    if others is None:
        return ()
    words = f"end the autoscaling of the variant {others.variant}, which becomes {VARIANT}"
    return (Need(id=SUSPEND, words=words, resets=True),)


def _suspension(
    settings: settings_.Settings, live: ProductionVariantOutputTypeDef, scaling: Autoscaling | None
) -> tuple[Need, ...]:
    """An instance type cannot change under autoscaling; the capacity step registers it again."""
    if scaling is None or live.get("InstanceType") == settings.instance_type:
        return ()
    words = f"suspend autoscaling while {live.get('InstanceType')} becomes {settings.instance_type}"
    return (Need(id=SUSPEND, words=words, resets=True),)
