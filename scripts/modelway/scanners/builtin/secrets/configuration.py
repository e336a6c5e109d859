"""Secrets in the image's config: environment, labels, the history of how it was built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelway.core.findings import Severity
from modelway.core.json import Json, JsonObject
from modelway.scanners.builtin.secrets import checks
from modelway.scanners.builtin.secrets.rule import Rule
from modelway.scanners.builtin.secrets.rules import named
from modelway.scanners.builtin.secrets.search import Search

ENV = named("secret-in-env")
HISTORY = named("secret-in-history")
LABEL = named("secret-in-label")

_SECRETIVE = re.compile(
    r"(?:^|_)(?:SECRETS?|TOKEN|PASSWORD|PASSWD|PASS|PWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|AUTH_?KEY|PRIVATE_?KEY|SECRET_?KEY"
    r"|CREDENTIALS?)(?:_?\d+|_VALUE|_BASE64|_B64)?\Z",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"(?:/|\./|~/|https?://[^:@]*\Z|arn:|projects/|\$|\{|<|%)|(?:true|false|yes|no|on|off|none|null|nil|auto|required|optional"
    r"|env|file|prompt|disabled|enabled|default|basic|bearer|\d{1,4})\Z",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"(?<![\w$\-])(?P<flag>--?)?(?P<name>[A-Za-z_][A-Za-z0-9_\-]{1,80})(?:=|\s+(?=[\"']))(?P<quote>[\"']?)(?P<value>[^\s\"';&|]{4,512})(?P=quote)"
)
_HEADER = re.compile(r"(?i)authorization:\s*(?:bearer|token|basic)\s+(?P<value>[A-Za-z0-9._~+/=\-]{8,1024})")
_CURL_USER = re.compile(r"(?:\s-u|\s--user)[\s=]+[\"']?[^\s:\"'$]{1,128}:(?P<value>[^\s\"'$]{4,256})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A secret in the config."""

    rule: Rule
    place: str
    """The part of the config: ``config.Env.API_TOKEN``, ``history[3]``."""
    secret: str
    severity: Severity
    context: str = ""
    """What surrounds it, for people."""


def secrets_in(document: JsonObject) -> Iterator[Told]:
    """Every secret the config tells whoever can pull the image; each place and secret once."""
    seen: set[tuple[str, str]] = set()
    for told in (*_environment(document), *_labels(document), *_history(document)):
        if (told.place, told.secret) not in seen:
            seen.add((told.place, told.secret))
            yield told


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable of this name and value holds a secret, not a path to one or a switch."""
    if not _SECRETIVE.search(name.replace("-", "_")) or len(value) < 4:  # noqa: PLR2004  (no secret is so short)
        return False
    return not (_NO_SECRET.match(value) or checks.is_example(value.encode("utf-8", "replace")))


def _environment(document: JsonObject) -> Iterator[Told]:
    """Variables, by their names and by what they hold."""
    for entry in _texts(_config(document).get("Env")):
        name, _, value = entry.partition("=")
        place = f"config.Env.{name}"
        known = list(_known(value, place))
        yield from known
        if not known and looks_secret(name, value):
            yield Told(rule=ENV, place=place, secret=value, severity=ENV.severity, context=entry)


def _labels(document: JsonObject) -> Iterator[Told]:
    """Labels too."""
    labels = _config(document).get("Labels")
    for name, value in (labels if isinstance(labels, Mapping) else {}).items():
        place, text = f"config.Labels.{name}", value if isinstance(value, str) else ""
        known = list(_known(text, place))
        yield from known
        if not known and looks_secret(name.replace(".", "_"), text):
            yield Told(rule=LABEL, place=place, secret=text, severity=LABEL.severity)


def _history(document: JsonObject) -> Iterator[Told]:
    """Instructions as they ran: build arguments stand in them with their values.

    Also the command, entry point and health check, which are instructions of the same kind.
    """
    entries = document.get("history")
    for number, entry in enumerate(entries if isinstance(entries, list) else [], start=1):
        if isinstance(entry, Mapping):
            for key in ("created_by", "comment", "author"):
                yield from _told(str(entry.get(key) or ""), f"history[{number}]")
    config = _config(document)
    for key in ("Cmd", "Entrypoint", "OnBuild"):
        yield from _told(" ".join(_texts(config.get(key))), f"config.{key}")
    health = config.get("Healthcheck")
    if isinstance(health, Mapping):
        yield from _told(" ".join(_texts(health.get("Test"))), "config.Healthcheck")


def _told(text: str, place: str) -> Iterator[Told]:
    """What one instruction tells."""
    known = list(_known(text, place))
    yield from known
    told = {one.secret for one in known}
    for value, severity in (*_assigned(text), *_given(text)):
        if not any(value in secret or secret in value for secret in told):
            told.add(value)
            yield Told(
                rule=HISTORY, place=place, secret=value, severity=severity, context=_around(text, value)
            )


def _assigned(text: str) -> Iterator[tuple[str, Severity]]:
    """``NAME=value`` and ``--name=value``, as build arguments and commands have them."""
    for found in _ASSIGNED.finditer(text):
        if looks_secret(found["name"], found["value"]):
            yield found["value"], HISTORY.severity


def _given(text: str) -> Iterator[tuple[str, Severity]]:
    """Passwords handed to curl and its like."""
    for pattern in (_HEADER, _CURL_USER):
        for found in pattern.finditer(text):
            if not checks.is_example(found["value"].encode("utf-8", "replace")):
                yield found["value"], HISTORY.severity


def _known(text: str, place: str) -> Iterator[Told]:
    """Tokens known by their looks."""
    search = Search("")
    search.feed(text.encode("utf-8", "replace"), last=True)
    for hit in search.hits:
        secret = hit.secret.decode("utf-8", "replace")
        yield Told(
            rule=hit.rule,
            place=place,
            secret=secret,
            severity=hit.severity,
            context=_around(text, secret),
        )


def _around(text: str, secret: str) -> str:
    """The words around a secret."""
    at = text.find(secret)
    return text[max(0, at - 60) : at + len(secret) + 20] if at >= 0 else ""


def _config(document: JsonObject) -> JsonObject:
    config = document.get("config")
    return config if isinstance(config, Mapping) else {}


def _texts(value: Json) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
