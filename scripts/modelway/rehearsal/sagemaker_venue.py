"""SageMaker as a rehearsal's play sees it: an endpoint, asked through its runtime."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.core import naming
from modelway.core.config import Environment, ModelConfig
from modelway.core.json import JsonObject
from modelway.ports import HttpRequest
from modelway.rehearsal import look
from modelway.rehearsal.grounds import account, asking_once
from modelway.rehearsal.venue import Control, Serving, Shortage, Venue

if TYPE_CHECKING:
    import boto3

    from modelway.rehearsal.journal import Entry


def open_venue(config: ModelConfig, environment: Environment) -> Venue:
    """The model's endpoint."""
    return SageMakerVenue(config=config, environment=environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class SageMakerVenue:
    """A ``venue.Venue``."""

    config: ModelConfig
    environment: Environment

    @property
    def _name(self) -> str:
        return naming.pointer_name(self.config, self.environment)

    @property
    def _session(self) -> boto3.Session:
        return account(self.environment.account, self.environment.region)

    @property
    def services(self) -> tuple[str, ...]:
        """Beside ECR, S3 and STS."""
        return "sagemaker", "cloudwatch", "application-autoscaling"

    @property
    def unhealthy(self) -> tuple[tuple[str, JsonObject], ...]:
        """SageMaker waits ten minutes for the first ping."""
        return (("endpoints", {"startup_seconds": 25}),)

    def roles(self) -> Iterator[tuple[str, str]]:
        """The execution role."""
        yield str(self.environment.settings["execution_role"]), "sagemaker.amazonaws.com"

    def build(self, _: Control, /) -> None:
        """Nothing: an endpoint stands alone."""

    def users(self) -> Callable[[HttpRequest], str]:
        """InvokeEndpoint."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - keeps --help fast

        runtime = self._session.client("sagemaker-runtime", config=asking_once())

        def ask(request: HttpRequest) -> str:
            try:
                answer = runtime.invoke_endpoint(
                    EndpointName=self._name, ContentType=request.content_type, Body=request.body
                )
                answer["Body"].read()
            except ClientError as error:
                said = error.response
                return str(said.get("OriginalStatusCode") or said["Error"]["Code"])
            except BotoCoreError as error:
                return type(error).__name__
            return "200"

        return ask

    def moves(self, entry: Entry, /) -> bool:
        """The endpoint was told to change."""
        return entry.operation == "UpdateEndpoint" and entry.account == self.environment.account

    def serving(self, request: HttpRequest, /) -> Serving:
        """Ask the endpoint what it runs, and one question."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        place = self.environment.name
        try:
            found = self._session.client("sagemaker").describe_endpoint(EndpointName=self._name)
        except ClientError:
            return Serving(environment=place, version="", digest="", status="no endpoint", answer="")
        images = [
            image.get("ResolvedImage", "")
            for variant in found.get("ProductionVariants", [])
            for image in variant.get("DeployedImages", [])
        ]
        return Serving(
            environment=place,
            version=self._version(found.get("EndpointConfigName", "")),
            digest=images[0].partition("@")[2] if images else "",
            status=found["EndpointStatus"],
            answer=self._answer(request),
        )

    def _answer(self, request: HttpRequest) -> str:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        runtime = self._session.client("sagemaker-runtime")
        try:
            answer = runtime.invoke_endpoint(
                EndpointName=self._name, ContentType=request.content_type, Body=request.body
            )
        except ClientError as error:
            return error.response["Error"]["Code"]
        return look.exchange(request.body, answer["Body"].read())

    def requests_by_version(self) -> dict[str, tuple[int, int]]:
        """Every endpoint config's own metrics."""
        watch = self._session.client("cloudwatch")
        metrics = watch.list_metrics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[{"Name": "EndpointName", "Value": self._name}, {"Name": "EndpointConfigName"}],
        )["Metrics"]
        found = {}
        for metric in metrics:
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            counts = (
                look.total(watch, "AWS/SageMaker", "Invocations", dimensions),
                look.total(watch, "AWS/SageMaker", "Invocation5XXErrors", dimensions),
            )
            found[self._version(dimensions["EndpointConfigName"])] = counts
        return found

    def _version(self, config: str) -> str:
        """The version's id in the name of its endpoint config."""
        return config.removeprefix(f"{self._name}-")

    def shortage(self) -> Shortage | None:
        """One instance of the type too few."""
        kind = self.environment.settings.get("instance_type")
        if not isinstance(kind, str):
            return None
        left = self.environment.capacity.instances - 1
        return Shortage(control="endpoints", payload={"capacity": {kind: left}})

    def commands(self, body: str, /) -> Iterator[str]:
        """Describe it, ask it."""
        aws = f"aws --profile {self.environment.name}"
        yield f"{aws} sagemaker describe-endpoint --endpoint-name {self._name}"
        # From a file: the two versions of the aws command read a body on the command line differently.
        yield (
            f"echo {shlex.quote(body)} | {aws} sagemaker-runtime invoke-endpoint --endpoint-name {self._name}"
            " --content-type application/json --body fileb:///dev/stdin /dev/stdout"
        )
