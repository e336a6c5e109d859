"""Amazon SageMaker: a version is a model with an endpoint config, the pointer is the endpoint.

Both are named by the version's id, so that making them twice finds them made. SageMaker keeps the clock
of a rollout, has no pause and no cancel, and takes a version back by itself, which looks exactly like
success to the stock waiter. So what counts is never that the endpoint is ``InService``, but that it is
so on our endpoint config with our digest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.adapters.waits import waits
from modelway.core.analysis import Sample
from modelway.core.config import Capacity, Environment
from modelway.core.image import DOCKER_MANIFEST
from modelway.core.naming import version_name
from modelway.core.plan import State
from modelway.core.record import Mark
from modelway.core.record_tags import changed_tags
from modelway.core.version import Version, VersionId
from modelway.errors import Differs, NotAllowed, Unavailable
from modelway.ports import ArtifactStore, Clock, HttpAnswer, HttpRequest
from modelway.targets.sagemaker import settings
from modelway.targets.sagemaker.estate import Estate
from modelway.targets.sagemaker.guardrails import LONGEST_EXECUTION, deployment
from modelway.targets.sagemaker.inventory import SETTLED
from modelway.targets.sagemaker.metrics import dimensions
from modelway.targets.sagemaker.observation import ARTIFACT, FAILED_ENDPOINT, SUSPEND, Observer
from modelway.targets.sagemaker.runtime import Runtime
from modelway.targets.sagemaker.settings import VARIANT
from modelway.targets.sagemaker.versions import Versions, as_tags, refused

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        DescribeEndpointOutputTypeDef,
        ProductionVariantOutputTypeDef,
        UpdateEndpointInputTypeDef,
    )

_POLL = 15.0, 30.0
"""Seconds between two looks at a change under way."""
_PATIENCE = LONGEST_EXECUTION + 3600
"""Seconds after which a change that SageMaker itself should have ended is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SageMaker:
    """One model's endpoint in one account and region."""

    environment: Environment
    client: SageMakerClient
    observer: Observer
    versions: Versions
    runtime: Runtime
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
        """A production variant cannot be asked before it has traffic."""
        return False

    @property
    def media_types(self) -> frozenset[str]:
        """``CreateModel`` refuses OCI manifests and indexes (aws/amazon-sagemaker-feedback#180)."""
        return frozenset({DOCKER_MANIFEST})

    @property
    def most(self) -> int | None:
        """Serverless endpoints take 10 GB (guide, serverless-endpoints); for instances it names no limit."""
        serverless = self.environment.settings.get("mode") == "serverless"
        return 10 << 30 if serverless else None

    @property
    def walks(self) -> bool:
        """The guardrails walk the whole rollout."""
        return True

    @property
    def beside(self) -> bool:
        """A production variant cannot be asked before it has traffic."""
        return False

    @property
    def capacity(self) -> Capacity | None:
        """Instances; a serverless endpoint has none."""
        serverless = settings.parse(self.environment.settings).mode is settings.Mode.SERVERLESS
        return None if serverless else self.environment.capacity

    @property
    def returning(self) -> str:
        """The old fleet is kept while the guardrails watch, and is started again after that."""
        return (
            "while SageMaker still watches, an alarm brings the old instances back; after that they are "
            "started again, which takes as long as their start, and all the traffic moves at once."
        )

    @property
    def _endpoint(self) -> str:
        return self.observer.inventory.endpoint

    def words(self, version: VersionId, /) -> str:
        """The name of the version's model and endpoint config."""
        return version_name(self._endpoint, version)

    def images(self) -> frozenset[str]:
        """What SageMaker resolved the images of the endpoint's variants to, those on their way too."""
        return self.observer.inventory.images()

    def observe(self, wanted: Version | None, /) -> State:
        """The endpoint, its versions, and what the wanted one still needs."""
        return self.observer.observe(wanted)

    def prepare(self, need: str, version: Version, /) -> None:
        """Make one of the needs ``observe`` named."""
        if need == ARTIFACT and version.artifact:
            self.artifacts.bring(version.artifact)
        elif need == FAILED_ENDPOINT:
            self._delete_failed()
        elif need == SUSPEND:
            others = self.observer.others_scaling(self.observer.inventory.describe())
            (others or self.observer.scaling).remove()
        else:
            name = self.words(version.id)
            self.observer.alarms.make(need, name, dimensions(self._endpoint, name), self.versions.labels)

    def _delete_failed(self) -> None:
        """Only deleting helps an endpoint whose creation failed; it has never served."""
        endpoint = self.observer.inventory.describe()
        if endpoint is None or endpoint["EndpointStatus"] != "Failed":
            return
        with translated(f"delete the endpoint {self._endpoint}", service="sagemaker"):
            self.client.delete_endpoint(EndpointName=self._endpoint)
        pauses = waits(*_POLL)
        while self.observer.inventory.describe():
            self.clock.sleep(next(pauses))

    def recognise(self, version: VersionId, name: str, /) -> bool:
        """What is adopted gets a twin, which holds its record."""
        del version, name
        return False

    def stage(self, version: Version, /, *, release: str) -> None:
        """Make the version's model and endpoint config."""
        self.versions.make(version, self.words(version.id), release)

    def shift(self, version: VersionId, percent: int, /, *, urgent: bool) -> None:
        """Point the endpoint at the version; SageMaker walks the waypoints itself."""
        del percent
        self._delete_failed()  # on the way back nothing was prepared
        config, endpoint = self.words(version), self.observer.inventory.describe()
        with translated(f"point the endpoint {self._endpoint} at {config}", service="sagemaker"):
            if endpoint is None:
                self.versions.create(lambda: self._create(config))
            else:
                self._update(config, urgent=urgent)

    def _create(self, config: str) -> None:
        """The first version's endpoint."""
        tags = as_tags(self.versions.labels)
        self.client.create_endpoint(EndpointName=self._endpoint, EndpointConfigName=config, Tags=tags)

    def _update(self, config: str, *, urgent: bool) -> None:
        """The whole rollout, in one request."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        request: UpdateEndpointInputTypeDef = {
            "EndpointName": self._endpoint,
            "EndpointConfigName": config,
        }
        variant = self.observer.inventory.config(config)["ProductionVariants"][0]
        if urgent:
            self._suspend(variant)
        # Serverless endpoints have no guardrails and no instances to keep.
        if "InstanceType" in variant:
            alarms = () if urgent else self.observer.alarms.names(config)
            request["DeploymentConfig"] = deployment(self.environment.rollout, alarms, urgent=urgent)
            # Instance counts belong to the capacity, which autoscaling may have moved since the config
            # was made; what is captured belongs to the version.
            request["RetainAllVariantProperties"] = True
            request["ExcludeRetainedVariantProperties"] = [{"VariantPropertyType": "DataCaptureConfig"}]
        try:
            self.client.update_endpoint(**request)
        except ClientError as error:
            if _in_progress(error) and self._under_way(config):
                return  # a request whose answer was lost was sent again
            raise self._refused(error) from error

    def _refused(self, error: ClientError) -> Exception:
        """The failure a refusal means."""
        if _in_progress(error):
            what = f"another change of the endpoint {self._endpoint} began meanwhile"
            return Differs(what, seen=str(error), cure="Wait for it, then run this again.")
        return refused(error, self.client.meta.region_name)

    def interrupt(self) -> None:
        """The guardrails have no cancel: only an alarm ends an update (UpdateEndpoint's DeploymentConfig)."""
        endpoint = self.observer.inventory.describe()
        if endpoint is None or endpoint["EndpointStatus"] in SETTLED:
            return
        what = f"SageMaker cannot interrupt the update of the endpoint {self._endpoint}"
        cure = (
            "Wait for its end, then: scripts/run rollback. An alarm of rollout.alarms that goes off "
            "takes it back; targets lambda and ecs can be interrupted."
        )
        raise NotAllowed(what, seen=_progress(endpoint), cure=cure)

    def measure(self, candidate: VersionId, baseline: VersionId, seconds: float, /) -> tuple[Sample, Sample]:
        """Never: the guardrails ask alarms, and no metric of an endpoint tells its two fleets apart."""
        del candidate, baseline, seconds
        what = "SageMaker cannot compare two versions behind one endpoint"
        raise NotAllowed(what, cure="Remove rollout.analysis, or use target lambda or ecs.")

    def _under_way(self, config: str) -> bool:
        """Whether the change under way is the one to this endpoint config."""
        endpoint = self.observer.inventory.describe()
        pending = endpoint.get("PendingDeploymentSummary") if endpoint else None
        return pending is not None and pending.get("EndpointConfigName") == config

    def _suspend(self, wanted: ProductionVariantOutputTypeDef) -> None:
        """On the way back nothing was prepared: no instance type changes under autoscaling."""
        endpoint = self.observer.inventory.describe()
        if endpoint is None or not self.observer.scaling.observe():
            return
        live = self.observer.inventory.served(endpoint)["ProductionVariants"][0]
        if live.get("InstanceType") != wanted.get("InstanceType"):
            self.observer.scaling.remove()

    def settle(self, say: Callable[[str], None], /, *, patience: float | None = None) -> None:
        """Look until no change is under way, or patience ends.

        Raises ``Unavailable`` when it takes longer than SageMaker itself allows.
        """
        began, told, pauses = self.clock.now(), "", waits(*_POLL)
        while (endpoint := self.observer.inventory.describe()) is not None:
            if (progress := _progress(endpoint)) != told:
                say(progress)
                told = progress
            if endpoint["EndpointStatus"] in SETTLED:
                return
            passed = self.clock.elapsed(began)
            pause = next(pauses)
            if patience is not None and passed + pause > patience:
                return
            if passed > _PATIENCE:
                what = f"the endpoint {self._endpoint} has been {endpoint['EndpointStatus']} for nine hours"
                raise Unavailable(what, cure="Look at it in the SageMaker console, then run this again.")
            self.clock.sleep(pause)

    def invoke(self, request: HttpRequest, version: VersionId | None, /) -> HttpAnswer:
        """Ask the endpoint, which serves one version once it is settled."""
        del version
        return self.runtime.invoke(request)

    def logs(self, version: VersionId, /, lines: int = 20) -> tuple[str, ...]:
        """Last log lines of the containers the version's attempt started."""
        record = self.observer.inventory.records().get(version)
        if record is None or record.attempt is None:
            return ()
        began = datetime.fromisoformat(record.attempt.at)
        return self.runtime.last_lines(lines, began.timestamp())

    def record(self, version: VersionId, mark: Mark, /) -> None:
        """Remember something about a version, in the tags of its endpoint config."""
        changed, removed = changed_tags(mark)
        arn = self.observer.inventory.arn(version)
        with translated(f"tag {self.words(version)}", service="sagemaker"):
            self.client.add_tags(ResourceArn=arn, Tags=as_tags(changed))
            if removed:
                self.client.delete_tags(ResourceArn=arn, TagKeys=list(removed))

    def configure(self, version: VersionId, capacity: Capacity, /) -> None:
        """Set the instance count and autoscaling; under autoscaling the count is not ours to set."""
        del version
        scaling, bounds, wanted = self.observer.scaling, capacity.autoscaling, capacity.instances
        if bounds:
            scaling.set(bounds)
        elif scaling.observe():
            scaling.remove()
        name, current = self._instances()
        if bounds and current:
            wanted = min(max(current, bounds.min), bounds.max)
        if current == wanted:
            return
        self._count(name, wanted)

    def _count(self, variant: str, instances: int) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        counts = [{"VariantName": variant, "DesiredInstanceCount": instances}]
        with translated(f"set the instance count of {self._endpoint}", service="sagemaker"):
            try:
                self.client.update_endpoint_weights_and_capacities(
                    EndpointName=self._endpoint,
                    DesiredWeightsAndCapacities=counts,  # type: ignore[arg-type]  # a literal's type is wider
                )
            except ClientError as error:
                raise self._refused(error) from error

    def _instances(self) -> tuple[str, int | None]:
        """The variant that serves now, and how many instances are wanted of it."""
        endpoint = self.observer.inventory.describe()
        variants = endpoint.get("ProductionVariants", []) if endpoint else []
        if not variants:
            return VARIANT, None
        return variants[0]["VariantName"], variants[0].get("DesiredInstanceCount")

    def retire(self, version: VersionId, /) -> None:
        """Delete what was made for the version: alarms, model, endpoint config."""
        self.observer.alarms.delete(self.words(version))
        self.versions.delete(self.words(version))


def _in_progress(error: ClientError) -> bool:
    """Whether SageMaker is busy with another change of the endpoint."""
    return code(error) == "ValidationException" and "in-progress" in str(error)


def _progress(endpoint: DescribeEndpointOutputTypeDef) -> str:
    """What SageMaker is doing, in its own words."""
    pending = endpoint.get("PendingDeploymentSummary")
    stages = [
        ": ".join(part for part in (str(status["Status"]), status.get("StatusMessage", "")) if part)
        # The stubs promise it; SageMaker leaves it out while nothing is pending.
        for variant in (pending.get("ProductionVariants", []) if pending else [])  # type: ignore[redundant-expr]
        for status in variant.get("VariantStatus", [])
    ]
    detail = f" ({', '.join(stages)})" if stages else ""
    return f"endpoint {endpoint['EndpointName']}: {endpoint['EndpointStatus']}{detail}"
