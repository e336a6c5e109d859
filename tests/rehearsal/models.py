"""Models and endpoints of one account of the rehearsal; every answer is checked against botocore's model."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from botocore.client import BaseClient
from botocore.model import OperationModel

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.launch import Cloud
from tests.rehearsal.clients import ONCE, STAGING, Clients, shape_problems

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.literals import ProductionVariantInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef, ProductionVariantTypeDef
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

ROLE = f"arn:aws:iam::{STAGING}:role/endpoint"
BUCKET = "models-of-staging"
WEIGHTS = "forty-two"
VARIANT = "AllTraffic"
_SECONDS = 60.0
_numbers = itertools.count(1)
Client = TypeVar("Client", bound=BaseClient)


def unique(stem: str) -> str:
    """A name nobody else uses."""
    return f"{stem}-{next(_numbers)}"


def artifact() -> bytes:
    """A ``model.tar.gz`` of one file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo("weights.txt")
        entry.size = len(WEIGHTS)
        archive.addfile(entry, io.BytesIO(WEIGHTS.encode()))
    return content.getvalue()


def check(operation_model: OperationModel, response_dict: Mapping[str, object], **_: object) -> None:
    """Fail for an answer not of the operation's shape; botocore would drop what it does not know."""
    model, status, body = operation_model, response_dict["status_code"], response_dict["body"]
    protocol, shape = model.service_model.resolved_protocol, model.output_shape
    raw = shape is not None and "payload" in shape.serialization
    is_json = protocol == "json" or (protocol == "rest-json" and not raw)
    if not is_json or not isinstance(status, int) or status >= 300 or not isinstance(body, bytes):
        return
    answer = _present(json.loads(body or b"{}"))
    if model.output_shape is not None and isinstance(answer, dict):
        problems = list(shape_problems(model.output_shape, answer))
        assert not problems, f"{model.name}: {problems}"


def _present(value: Json) -> Json:
    """The same without ``null``: botocore reads it as absent, and moto's logs write it."""
    match value:
        case dict():
            return {name: _present(inner) for name, inner in value.items() if inner is not None}
        case list():
            return [_present(inner) for inner in value]
        case _:
            return value


def checked(client: Client) -> Client:
    """The client, with every answer checked."""
    client.meta.events.register("before-parse.*", check)
    return client


@dataclass(frozen=True, kw_only=True)
class Models:
    """What tests of endpoints need."""

    cloud: Cloud
    image: str
    """By digest, in the registry account, which lets this one pull."""
    sagemaker: SageMakerClient
    runtime: SageMakerRuntimeClient
    cloudwatch: CloudWatchClient
    logs: CloudWatchLogsClient
    autoscaling: ApplicationAutoScalingClient

    @classmethod
    def of(cls, cloud: Cloud, clients: Clients, image: str) -> Models:
        """Open clients, and put the artifact in its bucket."""
        session = clients.session(STAGING)
        s3 = clients.s3(STAGING)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=artifact())
        url = cloud.endpoint
        return cls(
            cloud=cloud,
            image=image,
            sagemaker=checked(session.client("sagemaker", endpoint_url=url, config=ONCE)),
            runtime=session.client("sagemaker-runtime", endpoint_url=url, config=ONCE),
            cloudwatch=checked(session.client("cloudwatch", endpoint_url=url, config=ONCE)),
            logs=checked(session.client("logs", endpoint_url=url, config=ONCE)),
            autoscaling=checked(session.client("application-autoscaling", endpoint_url=url, config=ONCE)),
        )

    def config(
        self,
        *,
        instances: int = 1,
        instance_type: ProductionVariantInstanceTypeType = "ml.m6i.large",
        **environment: str,
    ) -> str:
        """A model and its endpoint config, both of one new name."""
        name = unique("version")
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": self.image,
                "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
                "Environment": environment,
            },
        )
        variant: ProductionVariantTypeDef = {"VariantName": VARIANT, "ModelName": name}
        variant["InstanceType"], variant["InitialInstanceCount"] = instance_type, instances
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    @contextmanager
    def endpoint(self, config: str) -> Iterator[str]:
        """A settled endpoint, deleted at the end."""
        name = unique("endpoint")
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        self.settled(name)
        yield name
        self.settled(name)
        self.delete(name)

    def delete(self, name: str) -> None:
        """Delete an endpoint and wait until it is gone."""
        self.sagemaker.delete_endpoint(EndpointName=name)
        end = time.monotonic() + _SECONDS
        while any(there["EndpointName"] == name for there in self.sagemaker.list_endpoints()["Endpoints"]):
            assert time.monotonic() < end, f"{name} is still there"
            time.sleep(0.02)

    def settled(self, name: str) -> DescribeEndpointOutputTypeDef:
        """Wait until nothing happens to an endpoint."""
        return self.seen(name, "InService", "Failed")

    def seen(self, name: str, *statuses: str) -> DescribeEndpointOutputTypeDef:
        """Wait until an endpoint has one of these states."""
        end = time.monotonic() + _SECONDS
        while True:
            described = self.sagemaker.describe_endpoint(EndpointName=name)
            if described["EndpointStatus"] in statuses:
                return described
            assert time.monotonic() < end, f"{name} is {described['EndpointStatus']} after {_SECONDS} s"
            time.sleep(0.02)

    def baking(self, name: str) -> None:
        """Wait until traffic reaches the new fleet."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            described = self.sagemaker.describe_endpoint(EndpointName=name)
            variants = described.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
            if any(status["Status"] == "Baking" for each in variants for status in each["VariantStatus"]):
                return
            time.sleep(0.02)
        raise AssertionError(name)

    def ask(self, name: str, body: bytes = b"x", **more: str) -> JsonObject:
        """Invoke an endpoint; what its container said."""
        answer = self.runtime.invoke_endpoint(EndpointName=name, Body=body, **more)
        told: Json = json.loads(answer["Body"].read())
        assert isinstance(told, dict)
        return told
