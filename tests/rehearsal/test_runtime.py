"""InvokeEndpoint asks a real container; what moto answers is in ``test_moto_makes_answers_up``."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.rehearsal.clients import REGION, STAGING, Clients
from tests.rehearsal.models import VARIANT, Models

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import ProductionVariantTypeDef


@pytest.fixture(scope="module")
def endpoint(models: Models) -> Iterator[str]:
    """One healthy version."""
    with models.endpoint(models.config(VERSION="1")) as name:
        yield name


@pytest.fixture(scope="module")
def pair(models: Models) -> Iterator[str]:
    """Two variants of one image, three requests to one."""
    name = models.config(VERSION="pair")
    models.sagemaker.create_endpoint_config(
        EndpointConfigName=f"{name}-pair",
        ProductionVariants=[
            {
                "VariantName": variant,
                "ModelName": name,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": weight,
            }
            for variant, weight in (("large", 3), ("small", 1))
        ],
    )
    with models.endpoint(f"{name}-pair") as serving:
        yield serving


def test_moto_makes_answers_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        client = boto3.client("sagemaker-runtime", region_name=REGION)
        assert client.invoke_endpoint(EndpointName="nobody", Body=b"")["Body"].read() == b"body"


@pytest.mark.docker
@pytest.mark.rehearsal
class TestRuntime:
    """Each test asks the same endpoints."""

    def test_the_answer_says_who_gave_it(self, models: Models, endpoint: str) -> None:
        answer = models.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"abc", ContentType="text/csv")
        assert (answer["InvokedProductionVariant"], answer["ContentType"]) == (VARIANT, "application/json")

    def test_an_error_of_the_container_is_a_model_error(self, models: Models, endpoint: str) -> None:
        with pytest.raises(models.runtime.exceptions.ModelError) as caught:
            models.ask(endpoint, b"teapot")
        told = caught.value.response
        assert told["ResponseMetadata"]["HTTPStatusCode"] == 424
        assert told["OriginalStatusCode"] == 418  # type: ignore[typeddict-item]  # of ModelError's own shape
        assert told["OriginalMessage"] == "short and stout"  # type: ignore[typeddict-item]  # as above
        assert told["LogStreamArn"].endswith(f":log-group:/aws/sagemaker/Endpoints/{endpoint}")  # type: ignore[typeddict-item]  # as above

    def test_nobody_is_not_found(self, models: Models) -> None:
        with pytest.raises(models.runtime.exceptions.ValidationError) as caught:
            models.ask("nobody")
        assert f"Endpoint nobody of account {STAGING} not found." in str(caught.value)

    def test_a_large_body_is_refused(self, models: Models, endpoint: str) -> None:
        with pytest.raises(ClientError, match="exceeds the maximum"):
            models.ask(endpoint, b"x" * (6 * 1024 * 1024 + 1))
        assert models.ask(endpoint, b"x" * 6 * 1024 * 1024)["bytes"] == 6 * 1024 * 1024

    def test_variants_share_by_weight(self, models: Models, pair: str) -> None:
        asked = (models.runtime.invoke_endpoint(EndpointName=pair, Body=b"") for _ in range(40))
        assert Counter(answer["InvokedProductionVariant"] for answer in asked) == {"large": 30, "small": 10}

    def test_a_variant_can_be_asked_for(self, models: Models, pair: str) -> None:
        answer = models.runtime.invoke_endpoint(EndpointName=pair, Body=b"", TargetVariant="small")
        assert answer["InvokedProductionVariant"] == "small"
        with pytest.raises(ClientError, match="Variant nobody not found"):
            models.ask(pair, TargetVariant="nobody")

    def test_a_weight_of_zero_takes_a_variant_out(self, models: Models, pair: str) -> None:
        models.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=pair, DesiredWeightsAndCapacities=[{"VariantName": "large", "DesiredWeight": 0}]
        )
        models.settled(pair)
        asked = (models.runtime.invoke_endpoint(EndpointName=pair, Body=b"") for _ in range(10))
        assert {answer["InvokedProductionVariant"] for answer in asked} == {"small"}

    def test_many_may_ask_at_once(self, models: Models, endpoint: str) -> None:
        answers = list[str]()  # of threads that count in a Counter, one may lose another's

        def ask() -> None:
            for _ in range(20):
                answers.append(str(models.ask(endpoint, b"x")["version"]))

        users = [threading.Thread(target=ask) for _ in range(8)]
        for user in users:
            user.start()
        for user in users:
            user.join()
        assert Counter(answers) == {"1": 160}

    def test_every_request_is_measured(self, models: Models) -> None:
        with models.endpoint(models.config()) as name:
            models.ask(name)
            with pytest.raises(ClientError):
                models.ask(name, b"teapot")
        sums = {metric: total(models, name, metric) for metric in METRICS}
        assert {metric: sums[metric] for metric in COUNTED} == COUNTED
        assert 100 < sums["ModelLatency"] < 10_000_000
        assert 0 < sums["OverheadLatency"] < 10_000_000

    def test_requests_are_captured(self, models: Models, clients: Clients) -> None:
        """Half of them, as the config asks; moto keeps the wish and nothing else."""
        s3, name = clients.s3(STAGING), models.config()
        s3.create_bucket(Bucket="captured", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        variant: ProductionVariantTypeDef = {"VariantName": VARIANT, "ModelName": name}
        variant["InstanceType"], variant["InitialInstanceCount"] = "ml.m5.large", 1
        models.sagemaker.create_endpoint_config(
            EndpointConfigName=f"{name}-captured",
            ProductionVariants=[variant],
            DataCaptureConfig={
                "EnableCapture": True,
                "InitialSamplingPercentage": 50,
                "DestinationS3Uri": "s3://captured/here",
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            },
        )
        with models.endpoint(f"{name}-captured") as endpoint:
            described = models.sagemaker.describe_endpoint(EndpointName=endpoint)
            for _ in range(4):
                models.ask(endpoint, b"1,2", ContentType="text/csv")
        assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
        listed = s3.list_objects_v2(Bucket="captured", Prefix=f"here/{endpoint}/{VARIANT}/")["Contents"]
        assert len(listed) == 2
        event = json.loads(s3.get_object(Bucket="captured", Key=listed[0]["Key"])["Body"].read())
        assert event["captureData"]["endpointInput"] == {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": "1,2",
            "encoding": "CSV",
        }
        assert json.loads(event["captureData"]["endpointOutput"]["data"])["bytes"] == 3

    def test_asynchronous_invocation_is_not_pretended(self, models: Models, endpoint: str) -> None:
        with pytest.raises(ClientError) as caught:
            models.runtime.invoke_endpoint_async(EndpointName=endpoint, InputLocation="s3://in/x")
        assert caught.value.response["Error"]["Code"] == "NotRehearsed"


COUNTED = {"Invocations": 2, "Invocation4XXErrors": 1, "Invocation5XXErrors": 0, "InvocationModelErrors": 1}
METRICS = (*COUNTED, "ModelLatency", "OverheadLatency")


def total(models: Models, endpoint: str, metric: str) -> float:
    """The sum of all there ever was."""
    now = datetime.now(UTC)
    answer = models.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": VARIANT}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(each["Sum"] for each in answer["Datapoints"])
