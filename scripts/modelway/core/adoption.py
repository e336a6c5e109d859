"""What is found where somebody else's thing serves, and the config that describes it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelway.core.image import Image, ecr_repository
from modelway.core.json import Json, JsonObject
from modelway.core.version import Artifact
from modelway.errors import Malformed

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_SETS = {"subnets", "security_groups"}
AMD64 = "linux/amd64"
_NO_TEXT = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
"""Words that YAML takes for something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where something serves that modelway did not make."""

    target: str
    account: str
    region: str
    name: str
    """The endpoint's, the service's."""
    role: str
    """To look with, where the caller is somebody else in that account."""
    cluster: str = ""
    """Where a service is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What serves there, in a config's terms."""

    name: str
    """What traffic follows now: the endpoint config, the task definition."""
    image: Image
    """By digest, as the platform resolved it."""
    settings: JsonObject
    capacity: JsonObject
    alarms: tuple[str, ...] = ()
    """The alarms that watched its last change."""
    artifact: Artifact | None = None
    notes: tuple[str, ...] = ()
    """What else there is, which no config says."""
    platform: str = AMD64
    free: frozenset[str] = frozenset()
    """Settings a person may add to what was found: they say how it is asked and kept, not what it is."""
    bakes: bool = True
    """Whether a release of it, once it has all traffic, is watched for a while."""


def model_of(site: Site, environment: str) -> str:
    """The model's name: things are called ``<model>-<environment>``; raises ``Malformed`` where it is not."""
    model = site.name.removesuffix(f"-{environment}")
    if model != site.name and _NAME.fullmatch(model) and len(model) <= _LONGEST:
        return model
    what = f"{site.name} is not called <model>-{environment}"
    seen = "modelway finds what it made by its name; no name of a thing that serves can be changed."
    first, dash, last = site.name.rpartition("-")
    fits = dash and _NAME.fullmatch(first) and len(first) <= _LONGEST
    cure = (
        f"name the environment by the last part of the name: --environment {last}, or else " if fits else ""
    )
    raise Malformed(what, seen=seen, cure=f"{cure}release it under a name that fits, and move the callers.")


def differences(found: Found, settings: JsonObject, artifact: Artifact | None) -> Iterator[str]:
    """Where a config does not describe what was found."""
    for key in sorted({*found.settings, *settings}):
        there, here = found.settings.get(key), settings.get(key)
        if _unordered(there) != _unordered(here) and not (key in found.free and key not in found.settings):
            yield f"settings.{key}: {json.dumps(there)} serves, the config says {json.dumps(here)}"
    there_, here_ = (str(one.sha256) if one else "none" for one in (found.artifact, artifact))
    if there_ != here_:
        yield f"model_artifact.sha256: {there_} serves, the config says {here_}"


def _unordered(value: Json) -> Json:
    """A setting with what AWS takes for sets in one order."""
    if not isinstance(value, Mapping):
        return value
    return {
        key: sorted(map(str, each)) if key in _SETS and isinstance(each, Sequence) else each
        for key, each in value.items()
    }


def config(site: Site, environment: str, owner: str, found: Found) -> str:
    """The config's text."""
    repository = ecr_repository(found.image.repository)
    account, region, name = repository or (site.account, site.region, f"ml/{model_of(site, environment)}")
    weights = (
        f"model_artifact:\n  uri: {found.artifact.uri}\n  sha256: {found.artifact.sha256.hex}\n"
        if found.artifact
        else ""
    )
    platform = f"  platform: {found.platform}\n" if found.platform != AMD64 else ""
    return f"""# yaml-language-server: $schema=../schemas/model-config.schema.json
# Adopted: this describes {site.name} as it was found. See docs/how-to/adopt.md for what comes next.
schema_version: 1
name: {model_of(site, environment)}
owner: {_word(owner)}
image:
  strategy: prebuilt
  source: {found.image}
{platform}{weights}registry:
  account: "{account}"
  region: {region}
  repository: {name}
contract_tests: []  # write down what a healthy version answers
environments:
  {environment}:
    target: {site.target}
    account: "{site.account}"
    region: {site.region}
    settings:
{_block(found.settings)}
{_more(found)}"""


def _word(text: str) -> str:
    """A text as YAML reads it back: in quotes where it would be a number, a comment or nothing."""
    plain = re.fullmatch(r"[a-z][a-z0-9-]*", text) and text not in _NO_TEXT
    return text if plain else json.dumps(text, ensure_ascii=False)


def _more(found: Found) -> str:
    """Capacity and alarms, where there are any."""
    capacity = f"    capacity:\n{_block(found.capacity)}\n" if found.capacity else ""
    alarms = f"      alarms: {json.dumps(list(found.alarms))}\n"
    bake = "      bake_time: 10m\n" if found.bakes else ""
    watched = f"    rollout:\n      strategy: all_at_once\n{bake}{alarms}"
    return capacity + (watched if found.alarms else "")


def _block(values: Mapping[str, Json]) -> str:
    """Keys on lines of their own, their values in JSON, which is YAML."""
    return "\n".join(f"      {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
