"""Reading CloudTrail's event history as LookupEvents is documented. Not seen on real AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, cast

import botocore.session
import pytest
from botocore.exceptions import ClientError

from modelway.adapters import trail
from modelway.core.drift import About, Change
from modelway.errors import Unavailable

EVE = "arn:aws:sts::111111111111:assumed-role/admin/eve"


def event(name: str, day: int, error: str = "", **asked: object) -> dict[str, Any]:
    """One event, with what was asked."""
    told: dict[str, object] = {"requestParameters": asked, "userIdentity": {"arn": EVE}}
    if error:
        told["errorCode"] = error
    at = datetime(2026, 1, day, tzinfo=UTC)
    return {"EventName": name, "EventTime": at, "CloudTrailEvent": json.dumps(told)}


@dataclass
class History:
    """A session, its client and its paginator at once: events by name."""

    events: list[dict[str, Any]]
    asked: list[str] = field(default_factory=list)

    def client(self, service: str, **_: object) -> History:
        """Only CloudTrail."""
        assert service == "cloudtrail"
        return self

    def get_paginator(self, operation: str) -> History:
        """Only the one."""
        assert operation == "lookup_events"
        return self

    def paginate(
        self,
        *,
        LookupAttributes: list[dict[str, str]],  # noqa: N803 - boto3's name
        **_: object,
    ) -> Iterator[dict[str, Any]]:
        """A page an event."""
        (attribute,) = LookupAttributes
        self.asked.append(attribute["AttributeValue"])
        yield from ({"Events": [e]} for e in self.events if e["EventName"] == attribute["AttributeValue"])


def changes(history: History, *names: str) -> tuple[Change, ...]:
    """Those of the endpoint ``iris-production``."""
    return trail.changes(cast("Any", history), "iris-production", names)


def test_the_newest_call_that_named_it_comes_first():
    update = event("UpdateEndpoint", 2, endpointName="iris-production")
    scaling = event("RegisterScalableTarget", 3, resourceId="endpoint/iris-production/variant/main")
    history = History([update, scaling])
    found = changes(history, "UpdateEndpoint", "RegisterScalableTarget")
    assert [each.what for each in found] == ["RegisterScalableTarget", "UpdateEndpoint"]
    assert (found[1].who, found[1].at) == (EVE, "2026-01-02T00:00:00+00:00")
    assert history.asked == ["UpdateEndpoint", "RegisterScalableTarget"]


def test_a_call_about_a_longer_name_or_one_that_failed_is_not_taken():
    other = event("UpdateEndpoint", 2, endpointName="iris-production-eu")
    before = event("UpdateEndpoint", 2, endpointName="big-iris-production")
    failed = event("UpdateEndpoint", 3, error="ValidationException", endpointName="iris-production")
    assert changes(History([other, before, failed]), "UpdateEndpoint") == ()


@pytest.mark.parametrize(
    ("code", "words"),
    [("AccessDeniedException", "cloudtrail:LookupEvents"), ("ThrottlingException", "wait a minute")],
)
def test_a_history_that_cannot_be_asked_is_named_with_what_is_missing(code: str, words: str):
    class Denied(History):
        def paginate(self, **_: object) -> Iterator[dict[str, Any]]:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "LookupEvents")

    with pytest.raises(Unavailable, match="look up who changed it") as caught:
        changes(Denied([]), "UpdateEndpoint")
    assert words in caught.value.cure


def test_a_service_that_acted_by_itself_is_named():
    """AWS's own services have no ARN, and some events no identity at all."""
    for identity in ({"type": "AWSService", "invokedBy": "ecs.amazonaws.com"}, None):
        told = event("UpdateEndpoint", 3, EndpointName="iris-production")
        body = json.loads(told["CloudTrailEvent"]) | {"userIdentity": identity}
        history = History([{**told, "CloudTrailEvent": json.dumps(body), "Username": "ecs.amazonaws.com"}])
        assert [one.who for one in changes(history, "UpdateEndpoint")] == ["ecs.amazonaws.com"]


def named(target: str, about: About) -> set[str]:
    """The calls that are asked for, without the dates that CloudTrail writes into Lambda's."""
    events = import_module(f"modelway.targets.{target}.changes").EVENTS[about]
    return {re.sub(r"\d{8}(v\d)?$", "", one) for one in events}


@pytest.mark.parametrize(
    ("target", "service"), [("sagemaker", "sagemaker"), ("ecs", "ecs"), ("aws_lambda", "lambda")]
)
def test_every_call_that_is_asked_for_is_one_of_aws(target: str, service: str):
    """Under a misspelt name nobody ever changed anything."""
    session = botocore.session.get_session()
    models = [session.get_service_model(one) for one in (service, "application-autoscaling", "cloudwatch")]
    known = {name for model in models for name in model.operation_names}
    for about in About:
        assert named(target, about) <= known


def test_who_opened_a_function_s_url_is_asked_for():
    """It is told as a difference of what is around the version: CloudTrail "named nobody"."""
    calls = {"CreateFunctionUrlConfig", "UpdateFunctionUrlConfig", "DeleteFunctionUrlConfig"}
    assert calls <= named("aws_lambda", About.SURROUNDINGS)
