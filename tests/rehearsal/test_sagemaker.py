"""SageMaker's control plane in the rehearsal, and what moto answers by itself; nothing is started here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from modelway.core.image import OCI_MANIFEST
from modelway.rehearsal.launch import Cloud
from tests.rehearsal import images
from tests.rehearsal.clients import ONCE, REGION, STAGING, Clients
from tests.rehearsal.conftest import EcrRepository
from tests.rehearsal.models import ROLE, VARIANT, checked, unique

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

pytestmark = pytest.mark.rehearsal

Make = Callable[..., EcrRepository]


@pytest.fixture(scope="module")
def ours(cloud: Cloud, clients: Clients) -> SageMakerClient:
    session = clients.session(STAGING)
    return checked(session.client("sagemaker", endpoint_url=cloud.endpoint, config=ONCE))


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[SageMakerClient]:
    """What moto answers by itself, in this process."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        yield boto3.client("sagemaker", region_name=REGION)


@pytest.fixture
def image(make_repository: Make) -> str:
    """An image in this account."""
    repository = make_repository(STAGING)
    return f"{repository.pusher.uri}@{repository.pusher.push(images.image())}"


def create_model(
    client: SageMakerClient, image: str, *, role: str = ROLE, data: str = "", name: str = ""
) -> str:
    name = name or unique("model")
    container = {"Image": image, **({"ModelDataUrl": data} if data else {})}
    client.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)  # type: ignore[arg-type]  # as JSON
    return name


def create_config(client: SageMakerClient, model: str, **changes: object) -> str:
    name = unique("config")
    variant = {
        "VariantName": VARIANT,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        **changes,
    }
    kept = {key: value for key, value in variant.items() if value is not None}
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[kept])  # type: ignore[list-item]  # as JSON
    return name


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return caught.value.response["Error"]["Message"]


def test_a_model_is_created_once(ours: SageMakerClient, theirs: SageMakerClient, image: str) -> None:
    """moto replaces it."""
    name = create_model(ours, image)
    assert "Cannot create already existing model" in refused(lambda: create_model(ours, image, name=name))
    assert create_model(theirs, image, name="m") == create_model(theirs, image, name="m")


WRONG_MODELS = {
    "no such tag": ("{uri}:nope", {}, "not found"),
    "no such digest": (f"{{uri}}@sha256:{'0' * 64}", {}, "not found"),
    "no such repository": ("{uri}-nope:v1", {}, "not found"),
    "another registry": ("docker.io/library/python:3.12", {}, "Using non-ECR image"),
    "a role that is none": ("{uri}:v1", {"role": "arn:aws:iam::x:user/me"}, "executionRoleArn"),
    "a role of another account": (
        "{uri}:v1",
        {"role": "arn:aws:iam::999999999999:role/x"},
        "Cross-account pass role is not allowed",
    ),
    "an artifact that is not there": (
        "{uri}:v1",
        {"data": "s3://nowhere/model.tar.gz"},
        "Could not find model data",
    ),
}


@pytest.mark.parametrize(("image", "changes", "message"), WRONG_MODELS.values(), ids=WRONG_MODELS)
def test_a_model_that_cannot_work_is_refused(
    ours: SageMakerClient,
    theirs: SageMakerClient,
    make_repository: Make,
    image: str,
    changes: dict[str, str],
    message: str,
) -> None:
    """moto checks nothing."""
    repository = make_repository(STAGING)
    repository.pusher.push(images.image(), "v1")
    named = image.format(uri=repository.pusher.uri)
    assert message in refused(lambda: create_model(ours, named, **changes))
    create_model(theirs, named, **changes)


def test_an_oci_manifest_is_refused(ours: SageMakerClient, make_repository: Make) -> None:
    """In the words of amazon-sagemaker-feedback#180; moto takes it."""
    repository = make_repository(STAGING)
    digest = repository.pusher.push(images.image(media_type=OCI_MANIFEST))
    message = refused(lambda: create_model(ours, f"{repository.pusher.uri}@{digest}"))
    assert message.startswith(f"Unsupported manifest media type {OCI_MANIFEST} for image")


def test_another_accounts_image_needs_its_repositorys_leave(
    ours: SageMakerClient, make_repository: Make
) -> None:
    """moto stores repository policies and asks nobody."""
    repository = make_repository()
    image = f"{repository.pusher.uri}@{repository.pusher.push(images.image())}"
    assert "does not grant ecr:GetDownloadUrlForLayer" in refused(lambda: create_model(ours, image))
    actions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    allow = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"}, "Action": actions}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    repository.ecr.set_repository_policy(repositoryName=repository.name, policyText=policy)
    assert create_model(ours, image)


def test_models_are_listed_by_name_and_page_newest_first(
    ours: SageMakerClient, theirs: SageMakerClient, image: str
) -> None:
    """moto lists all of them, at once, oldest first."""
    part = unique("listed")
    names = [create_model(ours, image, name=f"{part}-{end}") for end in "bca"]
    pages = ours.get_paginator("list_models").paginate(NameContains=part, PaginationConfig={"PageSize": 2})
    listed = [[model["ModelName"] for model in page["Models"]] for page in pages]
    assert listed == [[names[2], names[1]], [names[0]]]
    for name in names:
        create_model(theirs, image, name=name)
    there = theirs.list_models(NameContains="nothing", MaxResults=1)["Models"]
    assert [model["ModelName"] for model in there if part in model["ModelName"]] == names


def test_models_are_listed_in_the_order_asked_for(ours: SageMakerClient, image: str) -> None:
    part = unique("ordered")
    names = [create_model(ours, image, name=f"{part}-{end}") for end in "bca"]

    def listed(by: Literal["Name", "CreationTime"], order: Literal["Ascending", "Descending"]) -> list[str]:
        told = ours.list_models(NameContains=part, SortBy=by, SortOrder=order)["Models"]
        return [model["ModelName"] for model in told]

    assert listed("Name", "Ascending") == sorted(names)
    assert listed("Name", "Descending") == sorted(names, reverse=True)
    assert listed("CreationTime", "Ascending") == names
    assert listed("CreationTime", "Descending") == names[::-1]


def test_describe_model_says_what_was_asked(ours: SageMakerClient, image: str) -> None:
    described = ours.describe_model(ModelName=create_model(ours, image))
    assert described["PrimaryContainer"]["Image"] == image
    assert described["ExecutionRoleArn"] == ROLE


def test_an_endpoint_config_is_created_once(ours: SageMakerClient, image: str) -> None:
    """moto replaces it."""
    model = create_model(ours, image)
    name = create_config(ours, model)
    variant = {
        "VariantName": "A",
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    message = refused(
        lambda: ours.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])  # type: ignore[list-item]  # as JSON
    )
    assert "Cannot create already existing endpoint configuration" in message


def test_instance_types_are_those_of_the_installed_botocore(
    ours: SageMakerClient, theirs: SageMakerClient, image: str
) -> None:
    """moto's list ends years ago."""
    assert create_config(ours, create_model(ours, image), InstanceType="ml.g5.xlarge")
    model = create_model(theirs, image)
    assert "ml.g5.xlarge" in refused(lambda: create_config(theirs, model, InstanceType="ml.g5.xlarge"))


SERVERLESS: dict[str, object] = {"InstanceType": None, "InitialInstanceCount": None}
WRONG_VARIANTS = {
    "unknown instance type": ({"InstanceType": "ml.x.large"}, "instanceType"),
    "no instances": ({"InitialInstanceCount": None}, "InitialInstanceCount"),
    "no such model": ({"ModelName": "nobody"}, "Could not find model"),
    "instances of serverless": (
        {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}},
        "serverless",
    ),
    "memory of serverless": (
        {**SERVERLESS, "ServerlessConfig": {"MemorySizeInMB": 1025, "MaxConcurrency": 1}},
        "memorySizeInMB",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WRONG_VARIANTS.values(), ids=WRONG_VARIANTS)
def test_a_variant_that_cannot_work_is_refused(
    ours: SageMakerClient, image: str, changes: dict[str, object], message: str
) -> None:
    model = create_model(ours, image)
    assert message in refused(lambda: create_config(ours, model, **changes))


def test_an_endpoint_config_keeps_what_it_was_asked(ours: SageMakerClient, image: str) -> None:
    """moto drops what it does not know."""
    model, name = create_model(ours, image), unique("config")
    ours.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": VARIANT,
                "ModelName": model,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 2,
                "ContainerStartupHealthCheckTimeoutInSeconds": 120,
            }
        ],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 10,
            "DestinationS3Uri": "s3://captured/x",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
        EnableNetworkIsolation=True,
    )
    described = ours.describe_endpoint_config(EndpointConfigName=name)
    assert described["DataCaptureConfig"]["InitialSamplingPercentage"] == 10
    assert described["ProductionVariants"][0]["ContainerStartupHealthCheckTimeoutInSeconds"] == 120
    assert described["EnableNetworkIsolation"] is True


def test_endpoint_configs_are_listed_by_name_newest_first(ours: SageMakerClient, image: str) -> None:
    """moto's default is oldest first."""
    model = create_model(ours, image)
    names = [create_config(ours, model) for _ in range(3)]
    pages = ours.get_paginator("list_endpoint_configs").paginate(
        NameContains="config", PaginationConfig={"PageSize": 2}
    )
    listed = [each["EndpointConfigName"] for page in pages for each in page["EndpointConfigs"]]
    assert listed[:3] == names[::-1]


def test_what_is_not_rehearsed_is_said_at_once(ours: SageMakerClient, image: str) -> None:
    model = create_model(ours, image)
    variant = {
        "VariantName": "A",
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    with pytest.raises(ClientError, match="AsyncInferenceConfig") as caught:
        ours.create_endpoint_config(
            EndpointConfigName=unique("async"),
            ProductionVariants=[variant],  # type: ignore[list-item]  # as JSON
            AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://out/x"}},
        )
    assert caught.value.response["Error"]["Code"] == "NotRehearsed"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_tag_has_one_value(ours: SageMakerClient, theirs: SageMakerClient, image: str) -> None:
    """moto keeps both."""
    for client, values in ((ours, ["b"]), (theirs, ["a", "b"])):
        arn = client.describe_model(ModelName=create_model(client, image))["ModelArn"]
        for value in ("a", "b"):
            client.add_tags(ResourceArn=arn, Tags=[{"Key": "k", "Value": value}])
        assert [tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]] == values


def test_tags_can_be_taken_away(ours: SageMakerClient, image: str) -> None:
    arn = ours.describe_model(ModelName=create_model(ours, image))["ModelArn"]
    ours.add_tags(ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}])
    ours.delete_tags(ResourceArn=arn, TagKeys=["k"])
    assert ours.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "l", "Value": "w"}]


MISSING: dict[str, Callable[[SageMakerClient], object]] = {
    "Could not find endpoint ": lambda client: client.describe_endpoint(EndpointName="nobody"),
    "Could not find endpoint": lambda client: client.delete_endpoint(EndpointName="nobody"),
    "Could not find endpoint configuration": lambda client: client.create_endpoint(
        EndpointName="e", EndpointConfigName="nobody"
    ),
    "Could not find endpoint configuration ": lambda client: client.describe_endpoint_config(
        EndpointConfigName="nobody"
    ),
    "Could not find model": lambda client: client.describe_model(ModelName="nobody"),
}


@pytest.mark.parametrize("message", MISSING)
def test_what_is_not_there_is_not_found(ours: SageMakerClient, message: str) -> None:
    assert message in refused(lambda: MISSING[message](ours))


def test_moto_has_no_update_endpoint(theirs: SageMakerClient) -> None:
    with pytest.raises(NotImplementedError):
        theirs.update_endpoint(EndpointName="e", EndpointConfigName="c")


def test_moto_is_in_service_at_once(theirs: SageMakerClient, image: str) -> None:
    config = create_config(theirs, create_model(theirs, image))
    theirs.create_endpoint(EndpointName="e", EndpointConfigName=config)
    described = theirs.describe_endpoint(EndpointName="e")
    assert described["EndpointStatus"] == "InService"
    assert "DeployedImages" not in described["ProductionVariants"][0]


def test_the_control_refuses_what_makes_no_sense(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="expected one of"):
        cloud.control("endpoints", {"capacities": {}})
