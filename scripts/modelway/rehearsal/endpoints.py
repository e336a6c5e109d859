"""One endpoint: its state, which containers its traffic goes to, and what DescribeEndpoint says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from threading import Event, RLock
from typing import TypeAlias

from moto.core.utils import utcnow

from modelway.core.json import JsonObject
from modelway.rehearsal.fleet import Fleet, Server
from modelway.rehearsal.turns import Turns

Answer: TypeAlias = "dict[str, object]"
"""A part of an AWS answer, times as ``datetime``: moto's serializer writes it."""


@dataclass(slots=True, kw_only=True)
class Variant:
    """A production variant as it is now; capacity and weight change without a new config."""

    name: str
    weight: float
    instances: int | None
    """``None`` for serverless."""
    instance_type: str | None
    serverless: JsonObject | None

    def describe(self, images: list[Answer]) -> Answer:
        """As in DescribeEndpoint."""
        said: Answer = {
            "VariantName": self.name,
            "DeployedImages": images,
            "CurrentWeight": self.weight,
            "DesiredWeight": self.weight,
            "CurrentInstanceCount": self.instances if self.serverless is None else 0,
        }
        if self.serverless is None:
            return said | {"DesiredInstanceCount": self.instances}
        return said | {"CurrentServerlessConfig": self.serverless, "DesiredServerlessConfig": self.serverless}


@dataclass(slots=True, kw_only=True)
class Pending:
    """An update under way."""

    config: str
    variants: list[Variant]
    started: datetime = field(default_factory=utcnow)
    status: str = "Creating"
    since: datetime = field(default_factory=utcnow)
    images: Mapping[str, list[Answer]] = field(default_factory=dict)

    def describe(self) -> Answer:
        """As ``PendingDeploymentSummary``."""
        status = {"Status": self.status, "StartTime": self.since}
        return {
            "EndpointConfigName": self.config,
            "StartTime": self.started,
            "ProductionVariants": [
                {
                    **variant.describe(self.images.get(variant.name, [])),
                    **({"InstanceType": variant.instance_type} if variant.instance_type else {}),
                    "VariantStatus": [status],
                }
                for variant in self.variants
            ],
        }


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """moto keeps it in its dictionary of endpoints, and lists and tags it by the public names here."""

    account: str
    region: str
    endpoint_name: str
    arn: str
    endpoint_config_name: str
    tags: list[dict[str, str]]
    variants: list[Variant]
    endpoint_status: str = "Creating"
    failure_reason: str | None = None
    creation_time: datetime = field(default_factory=utcnow)
    last_modified_time: datetime = field(default_factory=utcnow)
    pending: Pending | None = None
    last_deployment: JsonObject | None = None
    data_capture: JsonObject | None = None
    was_updated: bool = False
    gone: Event = field(default_factory=Event)
    lock: RLock = field(default_factory=RLock)
    _routes: tuple[tuple[Fleet, Fraction], ...] = ()
    _turns: Turns = field(default_factory=Turns)

    @property
    def fleets(self) -> list[Fleet]:
        """Every fleet with traffic or standing by."""
        with self.lock:
            return [fleet for fleet, _ in self._routes]

    def route(self, *routes: tuple[Fleet, Fraction]) -> None:
        """From now on traffic is shared so."""
        with self.lock:
            self._routes = routes
            self._turns.forget()

    def enter(self, target: str | None) -> tuple[Server, str] | None:
        """Choose the container of the next request by shares and weights, and hold it; and its config.

        ``None`` where there is no such variant, or no container.
        """
        with self.lock:
            weights = {variant.name: variant.weight for variant in self.variants}
            shares = {
                server.instance: (server, fleet.config, float(share) * _share(server, fleet, weights, target))
                for fleet, share in self._routes
                for server in fleet.servers
            }
            chosen = self._turns.next({name: share for name, (_, _, share) in shares.items()})
            if chosen is None:
                return None
            server, config, _ = shares[chosen]
            server.enter()
            return server, config

    def move(self, status: str, reason: str | None = None) -> None:
        """Enter a state."""
        with self.lock:
            self.endpoint_status = status
            self.failure_reason = reason
            self.last_modified_time = utcnow()

    def baking(self, status: str) -> None:
        """Say of every pending variant what happens to it."""
        with self.lock:
            if self.pending:
                self.pending.status = status
                self.pending.since = utcnow()

    def summary(self) -> Answer:
        """As in ListEndpoints."""
        with self.lock:
            return {
                "EndpointName": self.endpoint_name,
                "EndpointArn": self.arn,
                "CreationTime": self.creation_time,
                "LastModifiedTime": self.last_modified_time,
                "EndpointStatus": self.endpoint_status,
            }

    def _capture(self) -> Answer:
        """As ``DataCaptureConfigSummary``."""
        asked = self.data_capture
        if not asked:
            return {}
        said: Answer = {
            "EnableCapture": asked.get("EnableCapture", True),
            "CaptureStatus": "Started" if asked.get("EnableCapture", True) else "Stopped",
            "CurrentSamplingPercentage": asked["InitialSamplingPercentage"],
            "DestinationS3Uri": asked["DestinationS3Uri"],
            "KmsKeyId": asked.get("KmsKeyId", ""),
        }
        return said

    @property
    def response_object(self) -> Answer:
        """As DescribeEndpoint."""
        with self.lock:
            images = images_of(self._routes[0][0].servers) if self._routes else {}
            said = self.summary() | {"EndpointConfigName": self.endpoint_config_name}
            said["ProductionVariants"] = [each.describe(images.get(each.name, [])) for each in self.variants]
            optional = {
                "FailureReason": self.failure_reason,
                "PendingDeploymentSummary": self.pending.describe() if self.pending else None,
                "LastDeploymentConfig": self.last_deployment,
                "DataCaptureConfig": self._capture(),
            }
            return said | {name: value for name, value in optional.items() if value}


def images_of(servers: Iterable[Server]) -> dict[str, list[Answer]]:
    """``DeployedImages`` by variant."""
    return {
        server.launch.variant: [
            {
                "SpecifiedImage": server.launch.image,
                "ResolvedImage": server.launch.resolved,
                "ResolutionTime": server.resolved_at,
            }
        ]
        for server in servers
    }


def _share(server: Server, fleet: Fleet, now: Mapping[str, float], target: str | None) -> float:
    """The part of its fleet's traffic a container gets: all of it when it is asked for by name."""
    if target is not None:
        return float(server.launch.variant == target)
    weights = {
        each.launch.variant: now.get(each.launch.variant, each.launch.weight) for each in fleet.servers
    }
    whole = sum(weights.values())
    return weights[server.launch.variant] / whole if whole else 0.0
