"""What UpdateEndpoint and UpdateEndpointWeightsAndCapacities refuse, and what they would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from moto.cloudwatch.models import cloudwatch_backends

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.deployments import Wish
from modelway.rehearsal.endpoint_configs import EndpointConfig
from modelway.rehearsal.endpoints import Endpoint, Variant
from modelway.rehearsal.guardrails import AT_ONCE, RefusedError, Timeline, timeline
from modelway.rehearsal.parameters import objects
from modelway.rehearsal.refusals import refusal
from modelway.rehearsal.scalable import scaled_variants

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})


def check(
    endpoint: Endpoint, wanted: EndpointConfig, current: EndpointConfig | None, asked: JsonObject
) -> tuple[Wish, Timeline]:
    """What an update would do; raises SageMaker's refusal."""
    _check_state(endpoint)
    _check_kind(wanted, current)
    _check_scaled(endpoint, wanted)
    variants = _retained(endpoint, wanted.variants(), asked)
    deployment: Json = asked.get("DeploymentConfig")
    if asked.get("RetainDeploymentConfig"):
        deployment = deployment or endpoint.last_deployment
    config = deployment if isinstance(deployment, Mapping) else {}
    planned = AT_ONCE if wanted.is_serverless else _timeline(config, variants)
    _check_alarms(endpoint, planned.alarms)
    wish = Wish(
        config=wanted.endpoint_config_name,
        production=wanted.production_variants,
        variants=variants,
        deployment=config or None,
    )
    return wish, planned


def capacity(endpoint: Endpoint, asked: Sequence[JsonObject]) -> Callable[[], None]:
    """The change of weights and capacities asked for; raises SageMaker's refusal."""
    _check_state(endpoint)
    there = {variant.name: variant for variant in endpoint.variants}
    names = [str(wish["VariantName"]) for wish in asked]
    if len(set(names)) != len(names):
        raise refusal("The variant names were non-unique within the request.")
    if missing := [name for name in names if name not in there]:
        message = (
            f'The variant name(s) "{", ".join(missing)}" is/are not present within endpoint configuration '
            f'"{endpoint.endpoint_config_name}".'
        )
        raise refusal(message)

    def change() -> None:
        for wish in asked:
            _change(there[str(wish["VariantName"])], wish)

    return change


def _change(variant: Variant, wish: JsonObject) -> None:
    weight, count, serverless = (
        wish.get(name) for name in ("DesiredWeight", "DesiredInstanceCount", "ServerlessUpdateConfig")
    )
    if isinstance(weight, int | float):
        variant.weight = float(weight)
    if isinstance(count, int):
        variant.instances = count
    if isinstance(serverless, Mapping):
        variant.serverless = {**(variant.serverless or {}), **serverless}


def _check_state(endpoint: Endpoint) -> None:
    if endpoint.endpoint_status in BUSY:
        message = f'Cannot update in-progress endpoint "{endpoint.arn}".'
        raise refusal(message)
    if endpoint.endpoint_status == "Failed":
        message = (
            f'Cannot update endpoint "{endpoint.arn}" with status "Failed". Delete it and create it again.'
        )
        raise refusal(message)


def _check_kind(wanted: EndpointConfig, current: EndpointConfig | None) -> None:
    if current and wanted.is_serverless and not current.is_serverless:
        raise refusal("Cannot update a real-time endpoint to a serverless endpoint.")


def _check_scaled(endpoint: Endpoint, wanted: EndpointConfig) -> None:
    """Autoscaling holds instance types fast: docs .../dg/endpoint-auto-scaling-update.html."""
    types = {variant.name: variant.instance_type for variant in wanted.variants()}
    held = scaled_variants(endpoint)
    changed = [v.name for v in endpoint.variants if v.name in held and types.get(v.name) != v.instance_type]
    if changed:
        message = (
            f'The variant(s) "{", ".join(changed)}" must be deregistered as scalable targets with AWS Auto '
            "Scaling before being removed or having their instance type updated."
        )
        raise refusal(message)


def _check_alarms(endpoint: Endpoint, alarms: tuple[str, ...]) -> None:
    known = cloudwatch_backends[endpoint.account][endpoint.region].alarms
    if missing := [name for name in alarms if name not in known]:
        message = f"Could not find CloudWatch alarm(s) {', '.join(missing)} of AutoRollbackConfiguration."
        raise refusal(message)


def _retained(endpoint: Endpoint, variants: list[Variant], asked: JsonObject) -> list[Variant]:
    """``RetainAllVariantProperties`` keeps today's capacity and weight, but for what is excluded."""
    if not asked.get("RetainAllVariantProperties"):
        return variants
    excluded = {
        each["VariantPropertyType"] for each in objects(asked.get("ExcludeRetainedVariantProperties"))
    }
    now = {variant.name: variant for variant in endpoint.variants}
    return [_like(variant, now.get(variant.name), excluded) for variant in variants]


def _like(wanted: Variant, now: Variant | None, excluded: set[Json]) -> Variant:
    if now is None:
        return wanted
    keep_count = wanted.serverless is None and "DesiredInstanceCount" not in excluded
    return replace(
        wanted,
        instances=now.instances if keep_count and now.instances is not None else wanted.instances,
        weight=wanted.weight if "DesiredWeight" in excluded else now.weight,
    )


def _timeline(config: JsonObject, variants: list[Variant]) -> Timeline:
    try:
        return timeline(config, {variant.name: variant.instances or 1 for variant in variants})
    except RefusedError as error:
        raise refusal(str(error)) from error
