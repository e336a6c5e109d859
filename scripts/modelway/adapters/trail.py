"""Who changed something, as CloudTrail's event history of the last 90 days says. Reads only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from modelway.adapters.aws import patient
from modelway.adapters.aws_errors import translated
from modelway.core.drift import Change
from modelway.errors import Unavailable

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudtrail.type_defs import EventTypeDef

MOST = 200
"""Events of a name that are read, newest first: LookupEvents answers twice a second, 50 at a time."""


def changes(session: boto3.Session, name: str, events: Iterable[str]) -> tuple[Change, ...]:
    """Calls of these names that were about the thing of this name, newest first.

    LookupEvents takes one attribute; not every service tells CloudTrail a resource's name, so the call's own
    parameters are read. Raises ``Unavailable``.
    """
    client = session.client("cloudtrail", config=patient())
    found: list[Change] = []
    with translated("look up who changed it", service="cloudtrail"):
        try:
            for event in events:
                pages = client.get_paginator("lookup_events").paginate(
                    LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": event}],
                    PaginationConfig={"MaxItems": MOST, "PageSize": 50},
                )
                found += [_change(one) for page in pages for one in page["Events"] if _about(one, name)]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "NotRehearsed":
                raise
            raise Unavailable("the rehearsal keeps no event history", cure="ask on AWS") from error
    return tuple(sorted(found, key=lambda each: each.at, reverse=True))


def _about(event: EventTypeDef, name: str) -> bool:
    """Whether the call succeeded and named the thing: whole, never as a part of another's name."""
    told = json.loads(event.get("CloudTrailEvent", "{}"))
    if told.get("errorCode"):
        return False
    asked = json.dumps(told.get("requestParameters"))
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", asked) is not None


def _change(event: EventTypeDef) -> Change:
    told = json.loads(event.get("CloudTrailEvent", "{}"))
    identity = told.get("userIdentity") or {}
    who = identity.get("arn") or event.get("Username") or identity.get("invokedBy") or "an unnamed caller"
    return Change(who=who, what=event["EventName"], at=event["EventTime"].astimezone(UTC).isoformat())
