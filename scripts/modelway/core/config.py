"""A model config as values: what a valid ``model-configs/<name>.yaml`` says, parsed.

Schema and checks come before these; here every field has its type and its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from modelway.core.image import Image
from modelway.core.json import Json, JsonObject
from modelway.core.scan_spec import ScanSpec
from modelway.core.version import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSecret:
    """Something mounted while building and never kept in the image: ``RUN --mount=type=secret``."""

    id: str
    env: str | None = None
    """Name of the environment variable that holds it; or"""
    file: str | None = None
    """path of the file that holds it, absolute, or relative to the repository root."""
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Byoc:
    """Bring your own container: your Dockerfile, in any language."""

    context: str
    dockerfile: str
    platform: str = "linux/amd64"
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[BuildSecret, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """A base image and a requirements file; modelway writes the Dockerfile."""

    base: str
    requirements: str
    source: str | None = None
    """Folder copied to ``/opt/program``."""
    command: tuple[str, ...] = ()
    """ENTRYPOINT in exec form; empty keeps the base image's."""
    platform: str = "linux/amd64"
    secrets: tuple[BuildSecret, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prebuilt:
    """An image somebody else built, named by digest, copied into our repository."""

    source: Image
    platform: str = "linux/amd64"


Strategy: TypeAlias = Byoc | Extended | Prebuilt


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySpec:
    """The one ECR repository this model's images live in."""

    account: str
    region: str
    repository: str
    keep_releases: int = 20
    kms_key: str | None = None
    push_role: str = "modelway-push"
    """Role assumed in the registry's account when the caller is somebody else there."""
    read_role: str = "modelway-read"
    """The same where nothing is written: to find an image, to plan, to gate."""
    evidence_role: str = "modelway-evidence"
    """Role an environment's deployment assumes there to attach its verdict, and nothing else."""
    prune_role: str = "modelway-prune"
    """Role that may delete: images here, and model artifacts in each environment's account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What a healthy version answers."""

    status: int = 200
    json: Json = None
    has_json: bool = False
    """Whether ``json`` was given: ``null`` is an answer too."""
    tolerance: float = 0.0
    """Largest absolute difference allowed between numbers."""
    content_type: str | None = None
    max_latency_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTest:
    """One request and what must come back."""

    name: str
    body: str | None = None
    body_file: str | None = None
    content_type: str = "application/json"
    accept: str | None = None
    expect: Expect = field(default_factory=Expect)


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaling:
    """Target tracking on invocations per instance and minute."""

    min: int
    max: int
    invocations_per_instance_per_minute: float
    scale_in_cooldown: timedelta = timedelta(seconds=300)
    scale_out_cooldown: timedelta = timedelta(seconds=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much of it runs; changes without a release."""

    instances: int = 1
    autoscaling: Autoscaling | None = None


class RolloutStrategy(StrEnum):
    """How traffic moves to a new version."""

    ALL_AT_ONCE = "all_at_once"
    ROLLING = "rolling"
    CANARY = "canary"
    LINEAR = "linear"
    BLUE_GREEN = "blue_green"


class AlarmMetric(StrEnum):
    """What a created alarm watches."""

    ERROR_RATE = "error_rate"
    """Percent of requests answered 5xx."""
    LATENCY_P95 = "latency_p95"
    """95th percentile of the model's latency, in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingAlarm:
    """A CloudWatch alarm somebody else keeps, in the environment's account and region."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedAlarm:
    """An alarm modelway makes for this model and environment."""

    metric: AlarmMetric
    above: float
    """Percent for ``error_rate``, milliseconds for ``latency_p95``."""
    period: timedelta = timedelta(seconds=60)
    datapoints: int = 1


Alarm: TypeAlias = ExistingAlarm | CreatedAlarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What the candidate may do worse than the version in service, over the same minutes."""

    error_rate_increase: float | None = None
    """Percentage points its share of failing requests may be above the other's."""
    latency_p95_ratio: float | None = None
    """How many times the other's 95th percentile its own may be."""
    min_requests: int = 100
    """Requests each must have answered before they are compared."""
    max_wait: timedelta = timedelta(minutes=10)
    """How long to wait for them, after the bake time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How a release replaces what serves."""

    strategy: RolloutStrategy = RolloutStrategy.ALL_AT_ONCE
    canary_percent: int = 10
    """Share of capacity the canary takes first."""
    step_percent: int = 20
    """Share moved at each step of ``linear`` and ``rolling``."""
    bake_time: timedelta = timedelta(0)
    """How long each step is watched before the next."""
    pause: bool = False
    """A person must say so before the traffic goes beyond the first share."""
    analysis: Analysis | None = None
    """How the candidate is compared before each larger share."""
    alarms: tuple[Alarm, ...] = ()
    max_time: timedelta | None = None
    """When the platform gives up; ``None`` lets modelway work it out from the waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signs without a key: what a short-lived certificate of Sigstore's says of its holder."""

    issuer: str
    """The OIDC issuer, as in ``https://token.actions.githubusercontent.com``."""
    subject: str
    """Regular expression of the whole identity: for GitHub, the workflow file's URL with its ref."""
    trusted_root: str | None = None
    """Sigstore's trusted root as a file; ``None`` lets cosign fetch it."""

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """The keys one author of evidence signs with, and is known by."""

    sign_with: str | None = None
    """A PEM file, ``env://VARIABLE``, ``awskms:///KEY`` or ``keyless``."""
    verify_with: tuple[str | Identity, ...] = ()
    """Public keys, as above, and identities; any of them will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One place the model is released to."""

    name: str
    target: str
    account: str
    region: str
    settings: JsonObject = field(default_factory=dict)
    """Checked against the target's schema; part of the version's id."""
    capacity: Capacity = field(default_factory=Capacity)
    rollout: Rollout = field(default_factory=Rollout)
    scan: ScanSpec | None = None
    """What stops a version here beyond what stops it everywhere."""
    promote_from: str | None = None
    artifact_bucket: str | None = None
    """Bucket for model artifacts; ``None`` means ``modelway-<account>-<region>``."""
    deploy_role: str = "modelway-deploy"
    """Role assumed in this account when the caller is somebody else there."""
    plan_role: str = "modelway-plan"
    """The same where nothing is written: to plan, to gate, to see what serves."""
    break_glass_role: str | None = None
    """Role by which alone an emergency passes over this environment's policy; ``None`` allows none."""
    retire_role: str = "modelway-retire"
    """The same where the model is removed for good."""
    keep_versions: int = 5
    """Passed versions kept for rollback, beside the one that serves."""
    evidence: Signing = field(default_factory=Signing)
    """The key this environment signs its verdicts with; the build has none of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """One model: what it is and where it runs."""

    name: str
    owner: str
    image: Strategy
    registry: RegistrySpec
    environments: Mapping[str, Environment]
    """In the order releases go through them: each after the one it is promoted from."""
    artifact: Artifact | None = None
    scan: ScanSpec = field(default_factory=ScanSpec)
    evidence: Signing = field(default_factory=Signing)
    """The key the build signs provenance with."""
    contract_tests: tuple[ContractTest, ...] = ()
    description: str = ""
    path: str = ""
    """Where it was read from, relative to the repository root."""
