"""What is wrong with an image, as its config and its layers tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelway.core.json import Json, JsonObject
from modelway.scanners.builtin.configuration import rules
from modelway.scanners.builtin.configuration.files import KEPT, Modes
from modelway.scanners.builtin.rule import Rule

BIG = 2 << 30
_PORTS: Mapping[str, int] = {"sagemaker": 8080}
"""Where each target's requests come, where that is fixed."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A rule the image breaks."""

    rule: Rule
    place: str
    """The part of the config, or the file."""
    text: str
    layer: int = -1
    """The layer's number, from 0; -1 for what the config says."""


def config_flaws(document: JsonObject, targets: Mapping[str, JsonObject]) -> Iterator[Flaw]:
    """What the config says of the container; ``targets`` are the places it is for, with their settings."""
    config = document.get("config")
    config = config if isinstance(config, Mapping) else {}
    user = str(config.get("User") or "")
    if user.partition(":")[0] in {"", "0", "root"}:
        yield Flaw(rules.ROOT, "config.User", f"it is {user or 'not set'}")
    for key in ("Entrypoint", "Cmd"):
        words = _texts(config.get(key))
        if words[:2] in (["/bin/sh", "-c"], ["sh", "-c"], ["/bin/bash", "-c"]) and "exec " not in words[-1]:
            yield Flaw(rules.SHELL_FORM, f"config.{key}", " ".join(words)[:200])
    yield from _health(config, targets)
    yield from _ports(config, targets)


def layer_flaws(layers: Sequence[tuple[Modes, int]]) -> Iterator[Flaw]:
    """What the files of the layers say."""
    for number, (modes, size) in enumerate(layers):
        for path in modes.setuid:
            yield Flaw(rules.SETUID, f"/{path}", "setuid or setgid", number)
        if modes.writable:
            shown = ", ".join(f"/{path}" for path in modes.writable[:5])
            count = f"{len(modes.writable)}{' or more' if len(modes.writable) >= KEPT else ''}"
            yield Flaw(rules.WRITABLE, f"/{modes.writable[0]}", f"{count}: {shown}", number)
        if size > BIG:
            yield Flaw(rules.BIG_LAYER, "/", f"{size / (1 << 30):.1f} GiB", number)


def _health(config: JsonObject, targets: Mapping[str, JsonObject]) -> Iterator[Flaw]:
    """ECS asks the container itself how it is; the others ask over HTTP."""
    health = config.get("Healthcheck")
    tests = _texts(health.get("Test")) if isinstance(health, Mapping) else []
    ecs = targets.get("ecs")
    if ecs is not None and "health_check" not in ecs and (not tests or tests[0] == "NONE"):
        yield Flaw(rules.NO_HEALTHCHECK, "config.Healthcheck", "there is none")


def _ports(config: JsonObject, targets: Mapping[str, JsonObject]) -> Iterator[Flaw]:
    """What is exposed, and what the platform asks."""
    exposed = config.get("ExposedPorts")
    ports = {str(port).partition("/")[0] for port in exposed} if isinstance(exposed, Mapping) else set()
    for target, settings in sorted(targets.items()):
        given = settings.get("port")
        wanted = given if isinstance(given, int) else _PORTS.get(target)
        if ports and wanted and str(wanted) not in ports:
            shown = ", ".join(sorted(ports))
            yield Flaw(rules.PORT, "config.ExposedPorts", f"{shown} exposed; {target} asks port {wanted}")


def _texts(value: Json) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
