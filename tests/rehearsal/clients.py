"""boto3 clients of the rehearsal's accounts, which check every answer against botocore's own model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator
from mypy_boto3_ecr import ECRClient
from mypy_boto3_s3 import S3Client
from mypy_boto3_sts import STSClient

from modelway.core.json import Json
from modelway.rehearsal.launch import Cloud

REGISTRY = "333333333333"
STAGING = "111111111111"
PRODUCTION = "222222222222"
LAPTOP = "999999999999"
REGION = "eu-west-1"

ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, proxies={})
"""One try, straight to loopback: a test sees each answer as it came."""


def shape_problems(shape: Shape, value: Mapping[str, Json]) -> Iterator[str]:
    """Where a JSON answer is not what the model says: unknown or missing members, types, enumerations."""
    report = ParamValidator().validate(value, shape).generate_report().splitlines()
    # Lists of inputs are used for outputs too, where AWS does answer with empty ones.
    yield from (line for line in report if not line.startswith("Invalid length"))
    yield from _enumerations(shape, value, shape.name)


def _enumerations(shape: Shape, value: object, where: str) -> Iterator[str]:  # noqa: C901 - one case a shape
    match shape, value:
        case StructureShape(), Mapping():
            for name, inner in value.items():
                if name in shape.members:
                    yield from _enumerations(shape.members[name], inner, f"{where}.{name}")
        case ListShape(), [*items]:
            for item in items:
                yield from _enumerations(shape.member, item, f"{where}[]")
        case MapShape(), Mapping():
            for inner in value.values():
                yield from _enumerations(shape.value, inner, f"{where}{{}}")
        case StringShape(), str() if shape.enum and value not in shape.enum:
            yield f"{where}: {value!r} is none of {shape.enum}"
        case _:
            return


def _check(operation_model: OperationModel, response_dict: Mapping[str, object], **_: object) -> None:
    """Botocore drops what it does not know; this does not."""
    protocol = operation_model.service_model.metadata["protocol"]
    status, body = response_dict["status_code"], response_dict["body"]
    if protocol != "json" or not isinstance(status, int) or status >= 300 or not isinstance(body, bytes):
        return
    answer: Mapping[str, Json] = json.loads(body or b"{}")
    shape = operation_model.output_shape
    problems = [] if shape is None else list(shape_problems(shape, answer))
    assert not problems, f"{operation_model.name}: {problems}"


@dataclass
class Clients:
    """Clients by service and account; roles are assumed once."""

    cloud: Cloud
    sessions: dict[str, boto3.Session] = field(default_factory=dict)

    def session(self, account: str) -> boto3.Session:
        """A session as a role of the account; the laptop's own for the account it starts in."""
        if account not in self.sessions:
            self.sessions[account] = self._open(account)
        return self.sessions[account]

    def _open(self, account: str) -> boto3.Session:
        variables = self.cloud.variables
        laptop = boto3.Session(
            variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name=REGION
        )
        if account == LAPTOP:
            return laptop
        sts = laptop.client("sts", endpoint_url=self.cloud.endpoint)
        role = f"arn:aws:iam::{account}:role/modelway"
        key = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return boto3.Session(
            key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], region_name=REGION
        )

    def ecr(self, account: str = REGISTRY) -> ECRClient:
        """ECR of an account."""
        client = self.session(account).client("ecr", endpoint_url=self.cloud.endpoint, config=ONCE)
        client.meta.events.register("before-parse.*", _check)
        return client

    def s3(self, account: str) -> S3Client:
        """S3 as an account sees it."""
        return self.session(account).client("s3", endpoint_url=self.cloud.endpoint, config=ONCE)

    def sts(self, account: str, *, config: Config | None = None) -> STSClient:
        """STS, as an account."""
        return self.session(account).client("sts", endpoint_url=self.cloud.endpoint, config=config or ONCE)

    def other(self, service: str, account: str = STAGING) -> BaseClient:
        """A client of a service these tests ask one thing."""
        client: BaseClient = self.session(account).client(  # type: ignore[call-overload]  # any service's name
            service, endpoint_url=self.cloud.endpoint, config=ONCE
        )
        return client
