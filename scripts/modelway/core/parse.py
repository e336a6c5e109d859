"""Values that satisfy the config's schema, made into the types of ``core.config``.

A part may be parsed while another is still wrong: checks then say all that can be said at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from modelway.core import duration, parse_scan
from modelway.core.config import (
    Alarm,
    AlarmMetric,
    Analysis,
    Autoscaling,
    BuildSecret,
    Byoc,
    Capacity,
    ContractTest,
    CreatedAlarm,
    Environment,
    ExistingAlarm,
    Expect,
    Extended,
    Identity,
    Prebuilt,
    RegistrySpec,
    Rollout,
    RolloutStrategy,
    Signing,
    Strategy,
)
from modelway.core.fields import Fields, broken
from modelway.core.image import Digest, Image
from modelway.core.json import Json, JsonObject
from modelway.core.version import Artifact


def image(value: Json) -> Strategy:
    """The image strategy."""
    fields = Fields(value)
    platform = fields.text("platform", "linux/amd64")
    secrets = tuple(_secret(item) for item in fields.items("build_secrets"))
    match fields.text("strategy"):
        case "byoc":
            return Byoc(
                context=fields.text("context"),
                dockerfile=fields.text("dockerfile"),
                platform=platform,
                build_args=fields.pairs("build_args"),
                secrets=secrets,
            )
        case "extended":
            return Extended(
                base=fields.text("base"),
                requirements=fields.text("requirements"),
                source=fields.maybe("source"),
                command=fields.texts("command"),
                platform=platform,
                secrets=secrets,
            )
        case _:
            return Prebuilt(source=Image.parse(fields.text("source")), platform=platform)


def _secret(value: Json) -> BuildSecret:
    """One build secret."""
    fields = Fields(value)
    return BuildSecret(
        id=fields.text("id"),
        env=fields.maybe("env"),
        file=fields.maybe("file"),
        required=fields.flag("required", default=True),
    )


def artifact(value: Json) -> Artifact:
    """The model artifact."""
    fields = Fields(value)
    return Artifact(uri=fields.text("uri"), sha256=Digest.parse(f"sha256:{fields.text('sha256')}"))


def registry(value: Json) -> RegistrySpec:
    """The registry."""
    fields = Fields(value)
    return RegistrySpec(
        account=fields.text("account"),
        region=fields.text("region"),
        repository=fields.text("repository"),
        keep_releases=fields.whole("keep_releases", 20),
        kms_key=fields.maybe("kms_key"),
        push_role=fields.text("push_role", "modelway-push"),
        read_role=fields.text("read_role", "modelway-read"),
        evidence_role=fields.text("evidence_role", "modelway-evidence"),
        prune_role=fields.text("prune_role", "modelway-prune"),
    )


def contract_tests(value: Json) -> tuple[ContractTest, ...]:
    """The contract tests, in order."""
    return tuple(_contract_test(item) for item in Fields({"tests": value}).items("tests"))


def _contract_test(value: Json) -> ContractTest:
    """One contract test."""
    fields = Fields(value)
    return ContractTest(
        name=fields.text("name"),
        body=fields.maybe("body"),
        body_file=fields.maybe("body_file"),
        content_type=fields.text("content_type", "application/json"),
        accept=fields.maybe("accept"),
        expect=_expect(fields.raw("expect") if "expect" in fields else {}),
    )


def _expect(value: Json) -> Expect:
    """What a healthy version answers."""
    fields = Fields(value)
    return Expect(
        status=fields.whole("status", 200),
        json=fields.raw("json"),
        has_json="json" in fields,
        tolerance=fields.number("tolerance", 0.0),
        content_type=fields.maybe("content_type"),
        max_latency_ms=fields.number("max_latency_ms") if "max_latency_ms" in fields else None,
    )


def environment(name: str, value: Json) -> Environment:
    """One environment."""
    fields = Fields(value)
    return Environment(
        name=name,
        target=fields.text("target"),
        account=fields.text("account"),
        region=fields.text("region"),
        settings=_object(fields.raw("settings")),
        capacity=_capacity(fields.raw("capacity")) if "capacity" in fields else _least(fields.text("target")),
        rollout=_rollout(fields.raw("rollout")) if "rollout" in fields else Rollout(),
        scan=parse_scan.scan(fields.raw("scan")) if "scan" in fields else None,
        promote_from=fields.maybe("promote_from"),
        artifact_bucket=fields.maybe("artifact_bucket"),
        deploy_role=fields.text("deploy_role", "modelway-deploy"),
        plan_role=fields.text("plan_role", "modelway-plan"),
        break_glass_role=fields.maybe("break_glass_role"),
        retire_role=fields.text("retire_role", "modelway-retire"),
        keep_versions=fields.whole("keep_versions", 5),
        evidence=signing(fields.raw("evidence")) if "evidence" in fields else Signing(),
    )


def signing(value: Json) -> Signing:
    """Whose keys evidence is signed and verified with."""
    fields = Fields(value)
    return Signing(
        sign_with=fields.maybe("sign_with"),
        verify_with=tuple(
            item if isinstance(item, str) else _identity(item) for item in fields.items("verify_with")
        ),
    )


def _identity(value: Json) -> Identity:
    """Who signs without a key."""
    fields = Fields(value)
    return Identity(
        issuer=fields.text("issuer"),
        subject=fields.text("subject"),
        trusted_root=fields.maybe("trusted_root"),
    )


def _object(value: Json) -> JsonObject:
    """A mapping as it is."""
    if not isinstance(value, Mapping):
        raise broken(value, "a mapping")
    return value


def _least(target: str) -> Capacity:
    """What runs where the config counts nothing: one of it, or on Lambda whatever the requests start."""
    return Capacity(instances=0) if target == "lambda" else Capacity()


def _capacity(value: Json) -> Capacity:
    """How much of it runs; with autoscaling alone, it starts with the minimum."""
    fields = Fields(value)
    scaling = _autoscaling(fields.raw("autoscaling")) if "autoscaling" in fields else None
    return Capacity(instances=fields.whole("instances", scaling.min if scaling else 1), autoscaling=scaling)


def _autoscaling(value: Json) -> Autoscaling:
    """Autoscaling."""
    fields = Fields(value)
    return Autoscaling(
        min=fields.whole("min"),
        max=fields.whole("max"),
        invocations_per_instance_per_minute=fields.number("invocations_per_instance_per_minute"),
        scale_in_cooldown=fields.time("scale_in_cooldown", timedelta(seconds=300)),
        scale_out_cooldown=fields.time("scale_out_cooldown", timedelta(seconds=300)),
    )


def _rollout(value: Json) -> Rollout:
    """How a release replaces what serves."""
    fields = Fields(value)
    bare = Rollout()
    return Rollout(
        strategy=RolloutStrategy(fields.text("strategy")),
        canary_percent=fields.whole("canary_percent", bare.canary_percent),
        step_percent=fields.whole("step_percent", bare.step_percent),
        bake_time=fields.time("bake_time", bare.bake_time),
        pause=fields.flag("pause", default=False),
        analysis=_analysis(fields.raw("analysis")) if "analysis" in fields else None,
        alarms=tuple(_alarm(item) for item in fields.items("alarms")),
        max_time=duration.parse(fields.text("max_time")) if "max_time" in fields else None,
    )


def _analysis(value: Json) -> Analysis:
    """How the candidate is compared with what serves."""
    fields, bare = Fields(value), Analysis()
    errors, latency = (Fields(fields.raw(k)) if k in fields else None for k in ("error_rate", "latency_p95"))
    return Analysis(
        error_rate_increase=errors.number("max_increase") if errors else None,
        latency_p95_ratio=latency.number("max_ratio") if latency else None,
        min_requests=fields.whole("min_requests", bare.min_requests),
        max_wait=fields.time("max_wait", bare.max_wait),
    )


def _alarm(value: Json) -> Alarm:
    """An alarm that exists, or one to create."""
    if isinstance(value, str):
        return ExistingAlarm(name=value)
    fields = Fields(value)
    return CreatedAlarm(
        metric=AlarmMetric(fields.text("metric")),
        above=fields.number("above"),
        period=fields.time("period", timedelta(seconds=60)),
        datapoints=fields.whole("datapoints", 1),
    )


def in_release_order(environments: Mapping[str, Environment]) -> dict[str, Environment]:
    """Each environment after the one it is promoted from, otherwise as written; a cycle's come last."""
    return dict(_released(environments, set())) | dict(environments)


def _released(environments: Mapping[str, Environment], seen: set[str]) -> Iterator[tuple[str, Environment]]:
    """Environments whose predecessors were released, again and again until none is left."""
    while ready := [
        (name, environment)
        for name, environment in environments.items()
        if name not in seen and (environment.promote_from is None or environment.promote_from in seen)
    ]:
        for name, environment in ready:
            seen.add(name)
            yield name, environment
