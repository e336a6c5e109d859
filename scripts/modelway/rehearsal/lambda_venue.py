"""Lambda as a rehearsal's play sees it: a function, asked through its alias."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.core import naming
from modelway.core.config import Environment, ModelConfig
from modelway.core.json import Json, JsonObject
from modelway.ports import HttpRequest
from modelway.rehearsal import look
from modelway.rehearsal.grounds import account, asking_once
from modelway.rehearsal.venue import Control, Serving, Shortage, Venue

if TYPE_CHECKING:
    import boto3

    from modelway.rehearsal.journal import Entry

_ALIAS = "live"
_FAILED = "502"
"""What a function URL answers where the function failed."""


def open_venue(config: ModelConfig, environment: Environment) -> Venue:
    """The model's function."""
    return LambdaVenue(config=config, environment=environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaVenue:
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
        return "lambda", "ssm", "cloudwatch", "application-autoscaling"

    @property
    def unhealthy(self) -> tuple[tuple[str, JsonObject], ...]:
        """Nobody wants to watch a start hang for a minute, once for each contract test."""
        return (("lambda", {"init_seconds": 15}),)

    def roles(self) -> Iterator[tuple[str, str]]:
        """The execution role."""
        yield str(self.environment.settings["execution_role"]), "lambda.amazonaws.com"

    def build(self, _: Control, /) -> None:
        """Nothing: a function stands alone."""

    def users(self) -> Callable[[HttpRequest], str]:
        """Invoke the alias with what its function URL would hand over."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - keeps --help fast

        client = self._session.client("lambda", config=asking_once())

        def ask(request: HttpRequest) -> str:
            try:
                answer = client.invoke(
                    FunctionName=self._name, Qualifier=_ALIAS, Payload=json.dumps(_event(request)).encode()
                )
                body = answer["Payload"].read()
            except ClientError as error:
                return error.response["Error"]["Code"]
            except BotoCoreError as error:
                return type(error).__name__
            return _FAILED if answer.get("FunctionError") else str(json.loads(body)["statusCode"])

        return ask

    def moves(self, entry: Entry, /) -> bool:
        """The alias was told to move."""
        return entry.operation == "UpdateAlias" and entry.account == self.environment.account

    def serving(self, request: HttpRequest, /) -> Serving:
        """What the alias points at, and one answer."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        client, place = self._session.client("lambda"), self.environment.name
        try:
            found = client.get_function(FunctionName=self._name, Qualifier=_ALIAS)
        except ClientError:
            return Serving(environment=place, version="", digest="", status="no function", answer="")
        try:
            answer = client.invoke(
                FunctionName=self._name, Qualifier=_ALIAS, Payload=json.dumps(_event(request)).encode()
            )
            said = json.loads(answer["Payload"].read())
            body = said.get("body", said.get("errorMessage", ""))
        except ClientError as error:
            body = error.response["Error"]["Code"]
        return Serving(
            environment=place,
            version=_id(found["Configuration"].get("Description", "")),
            digest=found["Code"].get("ResolvedImageUri", "").partition("@")[2],
            status=found["Configuration"]["State"],
            answer=look.exchange(request.body, str(body).encode()),
        )

    def requests_by_version(self) -> dict[str, tuple[int, int]]:
        """Every version's share of what the alias was asked."""
        watch, names = self._session.client("cloudwatch"), self._ids()
        metrics = watch.list_metrics(
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": "FunctionName", "Value": self._name}, {"Name": "ExecutedVersion"}],
        )["Metrics"]
        found = {}
        for metric in metrics:
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            number = dimensions["ExecutedVersion"]
            found[names.get(number, number)] = (
                look.total(watch, "AWS/Lambda", "Invocations", dimensions),
                look.total(watch, "AWS/Lambda", "Errors", dimensions),
            )
        return found

    def _ids(self) -> dict[str, str]:
        """Versions' ids by Lambda's numbers."""
        pages = self._session.client("lambda").get_paginator("list_versions_by_function")
        every = (v for page in pages.paginate(FunctionName=self._name) for v in page["Versions"])
        return {each["Version"]: _id(each.get("Description", "")) for each in every}

    def shortage(self) -> Shortage | None:
        """No execution left in the account beside what is provisioned."""
        if not self.environment.capacity.instances:
            return None
        return Shortage(control="lambda", payload={"unreserved": 0, "account": self.environment.account})

    def commands(self, body: str, /) -> Iterator[str]:
        """Look at the alias, ask it."""
        aws = f"aws --profile {self.environment.name} lambda"
        yield f"{aws} get-alias --function-name {self._name} --name {_ALIAS}"
        event = json.dumps(_event(HttpRequest(body=body.encode())))
        yield (
            f"echo {shlex.quote(event)} | {aws} invoke --function-name {self._name} --qualifier {_ALIAS}"
            " --payload fileb:///dev/stdin /dev/stdout"
        )


def _event(request: HttpRequest) -> JsonObject:
    """A request as a function URL hands it over (payload format 2.0)."""
    headers: dict[str, Json] = {"content-type": request.content_type, "accept": request.accept or "*/*"}
    http: dict[str, Json] = {"method": "POST", "path": "/invocations", "sourceIp": "127.0.0.1"}
    return {
        "version": "2.0",
        "rawPath": "/invocations",
        "rawQueryString": "",
        "headers": {**headers, "host": "users", "content-length": str(len(request.body))},
        "requestContext": {
            "http": {**http, "protocol": "HTTP/1.1", "userAgent": "users"},
            "stage": "$default",
        },
        "body": base64.b64encode(request.body).decode(),
        "isBase64Encoded": True,
    }


def _id(description: str) -> str:
    """The version's id in a published version's description."""
    return description.removeprefix("modelway ").partition(" ")[0]
