"""A plan as a document: what people read before they approve, and what ``deploy`` is held to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TypeAlias, cast

from modelway.core.config import Analysis, Autoscaling, Capacity
from modelway.core.json import Json, JsonObject, sha256
from modelway.core.steps import Analyse, Configure, Pause, Prepare, Retire, Shift, Soak, Stage, Step, Verify
from modelway.core.version import VersionId

SCHEMA = 1
_KINDS: Mapping[str, type[Step]] = {
    "prepare": Prepare,
    "stage": Stage,
    "verify": Verify,
    "shift": Shift,
    "soak": Soak,
    "analyse": Analyse,
    "pause": Pause,
    "configure": Configure,
    "retire": Retire,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
Fields: TypeAlias = "Mapping[str, Json]"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """The steps and the way back, for one version in one environment."""

    model: str
    environment: str
    account: str
    region: str
    image: str
    version: VersionId
    artifact: str | None
    steps: tuple[Step, ...]
    back: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    """What people should know: what cannot be checked before traffic, what is warned about."""

    @property
    def approved(self) -> frozenset[Step]:
        """Everything ``deploy`` may do."""
        return frozenset((*self.steps, *self.back))

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that change with any step."""
        return sha256([_step_json(s) for s in (*self.steps, *self.back)])[:12]

    def to_json(self) -> JsonObject:
        """The document, as ``schemas/plan.schema.json`` describes it."""
        return {
            "schema_version": SCHEMA,
            "model": self.model,
            "environment": self.environment,
            "account": self.account,
            "region": self.region,
            "image": self.image,
            "version": self.version,
            "artifact": self.artifact,
            "steps": [_step_json(step) for step in self.steps],
            "way_back": [_step_json(step) for step in self.back],
            "notes": list(self.notes),
            "fingerprint": self.fingerprint,
        }


def parse(text: str) -> PlanFile:
    """Read a plan file; raises ``ValueError`` with the reason for anything that is not one."""
    try:
        document = json.loads(text)
        plan = PlanFile(
            model=document["model"],
            environment=document["environment"],
            account=document["account"],
            region=document["region"],
            image=document["image"],
            version=VersionId(document["version"]),
            artifact=document["artifact"],
            steps=tuple(_step(item) for item in document["steps"]),
            back=tuple(_step(item) for item in document["way_back"]),
            notes=tuple(document["notes"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"not a plan: {error!r}"
        raise ValueError(msg) from error
    if document.get("schema_version") != SCHEMA:
        msg = f"a plan of schema {document.get('schema_version')}, not {SCHEMA}"
        raise ValueError(msg)
    if document.get("fingerprint") != plan.fingerprint:
        msg = "its steps do not match its fingerprint: it was changed by hand"
        raise ValueError(msg)
    return plan


def _step_json(step: Step) -> JsonObject:
    """One step, its kind first."""
    fields = cast("dict[str, Json]", _plain(asdict(step)))
    return {"kind": _NAMES[type(step)], **fields}


def _plain(value: object) -> Json:
    """Durations as seconds; the rest is JSON already."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return cast("Json", value)


def _step(item: Fields) -> Step:
    """Read one step back."""
    fields = dict(item)
    kind = _KINDS.get(str(fields.pop("kind", "")))
    if kind is None:
        msg = f"unknown step {item.get('kind')!r}"
        raise ValueError(msg)
    if kind is Configure:
        return Configure(VersionId(str(fields["version"])), _capacity(cast("Fields", fields["capacity"])))
    if kind is Analyse:
        fields["limits"] = cast("Json", _limits(cast("Fields", fields["limits"])))
    make = cast("type[Stage]", kind)
    return make(**cast("dict[str, VersionId]", fields))


def _capacity(item: Fields) -> Capacity:
    """Read a capacity back."""
    scaling = cast("Mapping[str, float] | None", item["autoscaling"])
    return Capacity(
        instances=int(cast("int", item["instances"])),
        autoscaling=_autoscaling(scaling) if scaling else None,
    )


def _limits(item: Fields) -> Analysis:
    """Read an analysis back."""
    return Analysis(
        error_rate_increase=cast("float | None", item["error_rate_increase"]),
        latency_p95_ratio=cast("float | None", item["latency_p95_ratio"]),
        min_requests=int(cast("int", item["min_requests"])),
        max_wait=timedelta(seconds=cast("float", item["max_wait"])),
    )


def _autoscaling(item: Mapping[str, float]) -> Autoscaling:
    """Read its autoscaling back."""
    return Autoscaling(
        min=int(item["min"]),
        max=int(item["max"]),
        invocations_per_instance_per_minute=item["invocations_per_instance_per_minute"],
        scale_in_cooldown=timedelta(seconds=item["scale_in_cooldown"]),
        scale_out_cooldown=timedelta(seconds=item["scale_out_cooldown"]),
    )
