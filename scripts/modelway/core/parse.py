"""Values that satisfy the config's schema, made into the types of ``core.config``.

A part may be parsed while another is still wrong: checks then say all that can be said at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from modelway.core import duration
from modelway.core.config import (
    Alarm,
    AlarmMetric,
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
    Prebuilt,
    RegistrySpec,
    Rollout,
    RolloutStrategy,
    ScanSpec,
    Severity,
    Strategy,
    Waiver,
)
from modelway.core.image import Digest, Image
from modelway.core.json import Json, JsonObject
from modelway.core.version import Artifact

_SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "negligible", "off")


class _Fields:
    """A mapping whose fields are asked for by type; the schema promised them."""

    def __init__(self, value: Json) -> None:
        if not isinstance(value, Mapping):
            raise _broken(value, "a mapping")
        self._value = value

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def raw(self, key: str) -> Json:
        """Whatever is there."""
        return self._value.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Text, or the default."""
        value = self._value.get(key, default)
        if not isinstance(value, str):
            raise _broken(value, "text")
        return value

    def maybe(self, key: str) -> str | None:
        """Text, or nothing."""
        return self.text(key) if key in self._value else None

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number, or the default; JSON Schema counts 1.0 as one."""
        return int(self.number(key, default))

    def number(self, key: str, default: float | None = None) -> float:
        """A number, or the default."""
        value = self._value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _broken(value, "a number")
        return value

    def flag(self, key: str, default: bool) -> bool:  # noqa: FBT001 # a default, not a choice of behaviour
        """True or false."""
        return bool(self._value.get(key, default))

    def time(self, key: str, default: timedelta) -> timedelta:
        """A duration, or the default."""
        return duration.parse(self.text(key)) if key in self._value else default

    def items(self, key: str) -> tuple[Json, ...]:
        """The items of a list; none where there is no list."""
        value = self._value.get(key, [])
        if not isinstance(value, list | tuple):
            raise _broken(value, "a list")
        return tuple(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """The items of a list of texts."""
        return tuple(str(item) for item in self.items(key))

    def pairs(self, key: str) -> dict[str, str]:
        """A mapping from text to text."""
        value = self._value.get(key, {})
        if not isinstance(value, Mapping):
            raise _broken(value, "a mapping")
        return {name: str(item) for name, item in value.items()}


def _broken(value: Json, wanted: str) -> TypeError:
    """The schema let through what it must not: a defect of the schema."""
    return TypeError(f"the schema let through {value!r} where {wanted} belongs")


def image(value: Json) -> Strategy:
    """The image strategy."""
    fields = _Fields(value)
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
    fields = _Fields(value)
    return BuildSecret(
        id=fields.text("id"),
        env=fields.maybe("env"),
        file=fields.maybe("file"),
        required=fields.flag("required", default=True),
    )


def artifact(value: Json) -> Artifact:
    """The model artifact."""
    fields = _Fields(value)
    return Artifact(uri=fields.text("uri"), sha256=Digest.parse(f"sha256:{fields.text('sha256')}"))


def registry(value: Json) -> RegistrySpec:
    """The registry."""
    fields = _Fields(value)
    return RegistrySpec(
        account=fields.text("account"),
        region=fields.text("region"),
        repository=fields.text("repository"),
        keep_releases=fields.whole("keep_releases", 20),
        kms_key=fields.maybe("kms_key"),
        push_role=fields.text("push_role", "modelway-push"),
    )


def scan(value: Json) -> ScanSpec:
    """The scan policy; raises ``ValueError`` for a day that no calendar has."""
    fields = _Fields(value)
    bare = ScanSpec()
    wanted = fields.text("fail_on", bare.fail_on)
    return ScanSpec(
        scanners=fields.texts("scanners") or bare.scanners,
        fail_on=next(known for known in _SEVERITIES if known == wanted),
        only_fixable=fields.flag("only_fixable", default=False),
        waivers=tuple(_waiver(item) for item in fields.items("waivers")),
        max_database_age=fields.time("max_database_age", bare.max_database_age),
    )


def _waiver(value: Json) -> Waiver:
    """One waiver."""
    fields = _Fields(value)
    return Waiver(
        id=fields.text("id"),
        reason=fields.text("reason"),
        expires=date.fromisoformat(fields.text("expires")),
        package=fields.maybe("package"),
    )


def contract_tests(value: Json) -> tuple[ContractTest, ...]:
    """The contract tests, in order."""
    return tuple(_contract_test(item) for item in _Fields({"tests": value}).items("tests"))


def _contract_test(value: Json) -> ContractTest:
    """One contract test."""
    fields = _Fields(value)
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
    fields = _Fields(value)
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
    fields = _Fields(value)
    return Environment(
        name=name,
        target=fields.text("target"),
        account=fields.text("account"),
        region=fields.text("region"),
        settings=_object(fields.raw("settings")),
        capacity=_capacity(fields.raw("capacity") if "capacity" in fields else {}),
        rollout=_rollout(fields.raw("rollout")) if "rollout" in fields else Rollout(),
        promote_from=fields.maybe("promote_from"),
        artifact_bucket=fields.maybe("artifact_bucket"),
        deploy_role=fields.text("deploy_role", "modelway-deploy"),
        keep_versions=fields.whole("keep_versions", 5),
    )


def _object(value: Json) -> JsonObject:
    """A mapping as it is."""
    if not isinstance(value, Mapping):
        raise _broken(value, "a mapping")
    return value


def _capacity(value: Json) -> Capacity:
    """How much of it runs; with autoscaling alone, it starts with the minimum."""
    fields = _Fields(value)
    scaling = _autoscaling(fields.raw("autoscaling")) if "autoscaling" in fields else None
    return Capacity(instances=fields.whole("instances", scaling.min if scaling else 1), autoscaling=scaling)


def _autoscaling(value: Json) -> Autoscaling:
    """Autoscaling."""
    fields = _Fields(value)
    return Autoscaling(
        min=fields.whole("min"),
        max=fields.whole("max"),
        invocations_per_instance_per_minute=fields.number("invocations_per_instance_per_minute"),
        scale_in_cooldown=fields.time("scale_in_cooldown", timedelta(seconds=300)),
        scale_out_cooldown=fields.time("scale_out_cooldown", timedelta(seconds=300)),
    )


def _rollout(value: Json) -> Rollout:
    """How a release replaces what serves."""
    fields = _Fields(value)
    bare = Rollout()
    return Rollout(
        strategy=RolloutStrategy(fields.text("strategy")),
        canary_percent=fields.whole("canary_percent", bare.canary_percent),
        step_percent=fields.whole("step_percent", bare.step_percent),
        bake_time=fields.time("bake_time", bare.bake_time),
        alarms=tuple(_alarm(item) for item in fields.items("alarms")),
        max_time=duration.parse(fields.text("max_time")) if "max_time" in fields else None,
    )


def _alarm(value: Json) -> Alarm:
    """An alarm that exists, or one to create."""
    if isinstance(value, str):
        return ExistingAlarm(name=value)
    fields = _Fields(value)
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
