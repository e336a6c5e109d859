"""What tests of Lambda in the rehearsal share: functions of one real image, waited for and removed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.core.json import Json
from modelway.rehearsal.launch import Cloud
from tests.rehearsal.clients import ONCE, STAGING, Clients
from tests.rehearsal.models import checked, unique

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient

ROLE = f"arn:aws:iam::{STAGING}:role/function"
_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Functions:
    """Lambda of the staging account, and an image it may run."""

    cloud: Cloud
    image: str
    client: LambdaClient
    cloudwatch: CloudWatchClient
    logs: CloudWatchLogsClient

    @classmethod
    def of(cls, cloud: Cloud, clients: Clients, image: str) -> Functions:
        """Open clients, and make the role Lambda assumes."""
        session, url = clients.session(STAGING), cloud.endpoint
        principal = {"Service": "lambda.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        iam = session.client("iam", endpoint_url=url, config=ONCE)
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName="function", AssumeRolePolicyDocument=document)
        return cls(
            cloud=cloud,
            image=image,
            client=checked(session.client("lambda", endpoint_url=url, config=ONCE)),
            cloudwatch=session.client("cloudwatch", endpoint_url=url, config=ONCE),
            logs=session.client("logs", endpoint_url=url, config=ONCE),
        )

    @contextmanager
    def function(self, *, timeout: int = 10, **variables: str) -> Iterator[str]:
        """A function that is ready, with nothing published; gone at the end."""
        name = unique("function")
        self.client.create_function(
            FunctionName=name,
            Role=ROLE,
            Code={"ImageUri": self.image},
            PackageType="Image",
            Timeout=timeout,
            MemorySize=256,
            Environment={"Variables": variables},
        )
        self.ready(name)
        yield name
        self.client.delete_function(FunctionName=name)

    def ready(self, name: str, qualifier: str = "$LATEST") -> FunctionConfigurationResponseTypeDef:
        """Wait until no change of it is under way."""
        end = time.monotonic() + _SECONDS
        while True:
            found = self.client.get_function_configuration(FunctionName=name, Qualifier=qualifier)
            if found["State"] == "Active" and found["LastUpdateStatus"] == "Successful":
                return found
            assert time.monotonic() < end, found
            time.sleep(0.05)

    def published(self, name: str, **variables: str) -> str:
        """A new version with these variables: its number."""
        self.client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        self.ready(name)
        number = self.client.publish_version(FunctionName=name)["Version"]
        self.ready(name, number)
        return number

    def ask(self, name: str, qualifier: str = "$LATEST") -> tuple[str, str, Mapping[str, Json]]:
        """The version that answered, its function error, and what it said."""
        answer = self.client.invoke(FunctionName=name, Qualifier=qualifier, Payload=b"{}")
        body = json.loads(answer["Payload"].read())
        said = json.loads(body["body"]) if "body" in body else body
        return answer["ExecutedVersion"], answer.get("FunctionError", ""), said
