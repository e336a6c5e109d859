"""The config a rehearsal releases: the user's own, with what differs on this machine replaced and said.

Nothing here touches the world: documents in, documents and sentences out.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from modelway.core.json import Json, JsonObject

BEFORE = "MODELWAY_REHEARSAL"
"""Environment variable by which the version that served before differs from the one released."""
FAULT = "MODELWAY_FAULT"
"""Environment variable a faulty image looks at."""

_CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_INDEX_VARIABLES: Mapping[str, str] = {
    "PIP_INDEX_URL": "index-url",
    "PIP_EXTRA_INDEX_URL": "extra-index-url",
    "PIP_TRUSTED_HOST": "trusted-host",
}


@dataclass(frozen=True, slots=True)
class Derived:
    """A config's document, and what was replaced in it, in sentences."""

    document: JsonObject
    said: tuple[str, ...] = field(default_factory=tuple)

    def put(self, path: Sequence[str], value: Json, why: str) -> Derived:
        """The document with one value replaced, unless it is that already."""
        if _get(self.document, path) == value:
            return self
        return replace(self, document=_put(self.document, path, value), said=(*self.said, why))

    def environment(self, environments: Sequence[str], name: str, value: str, why: str) -> Derived:
        """The document with a variable set for the containers of some environments."""
        document = self.document
        for each in environments:
            document = _put(document, ("environments", each, "settings", "environment", name), value)
        return replace(self, document=document, said=(*self.said, why) if why else self.said)


def on_base(derived: Derived, argument: str, reference: str, stand_in: str) -> Derived:
    """Use another base image: ``argument`` is the Dockerfile's ARG, empty where the config names the base."""
    if reference == stand_in:
        return derived
    path = ("image", "build_args", argument) if argument else ("image", "base")
    return derived.put(path, stand_in, f"{'.'.join(path)}: {stand_in} stands in for {reference}")


def with_secret(derived: Derived, secret: str, file: str, why: str) -> Derived:
    """Mount a file while building, unless the config mounts one of that name already."""
    given = _get(derived.document, ("image", "build_secrets"))
    listed = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    if any(isinstance(one, Mapping) and one.get("id") == secret for one in listed):
        return derived
    mounted: Json = [*listed, {"id": secret, "file": file, "required": False}]
    return derived.put(("image", "build_secrets"), mounted, f"image.build_secrets: {secret} is {file}, {why}")


def with_artifact(derived: Derived, sha256: str) -> Derived:
    """Release the archive that was trained here."""
    why = f"model_artifact.sha256: training here gave {sha256[:12]}..., not the bytes the config names"
    return derived.put(("model_artifact", "sha256"), sha256, why)


def with_waiver(derived: Derived, vulnerability: str, expires: str) -> Derived:
    """Accept a vulnerability until a day, beside what is accepted already."""
    given = _get(derived.document, ("scan", "waivers"))
    others = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    waiver: Json = {
        "id": vulnerability,
        "reason": "accepted for a rehearsal, to see what happens when this ends",
        "expires": expires,
    }
    why = f"scan.waivers: {vulnerability} is accepted until {expires}"
    return derived.put(("scan", "waivers"), [*others, waiver], why)


def ca_bundle(variables: Mapping[str, str]) -> str:
    """The certificate bundle this machine's package downloads use; empty for the default."""
    return next((variables[name] for name in _CA_VARIABLES if variables.get(name)), "")


def pip_conf(variables: Mapping[str, str], files: Sequence[str]) -> str:
    """A ``pip.conf`` with the package indexes this machine uses; empty where it uses the public one.

    Addresses of files and folders are left out: they are not there inside a build.
    """
    found: dict[str, str] = {}
    for text in files:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(text)
        except configparser.Error:
            continue
        for section in ("global", "install"):
            found |= dict(parser.items(section)) if parser.has_section(section) else {}
    found |= {key: variables[name] for name, key in _INDEX_VARIABLES.items() if variables.get(name)}
    kept = {key: _remote(found.get(key, "")) for key in ("index-url", "extra-index-url")}
    if not any(kept.values()):
        return ""
    kept["trusted-host"] = found.get("trusted-host", "")
    return "\n".join(["[global]", *(f"{key} = {value}" for key, value in kept.items() if value), ""])


def production(document: JsonObject) -> str:
    """The last environment of the way: the one nothing is promoted from."""
    environments = document.get("environments")
    if not isinstance(environments, Mapping):
        return ""
    sources = {e.get("promote_from") for e in environments.values() if isinstance(e, Mapping)}
    last = [name for name in environments if name not in sources]
    return last[-1] if last else ""


def environments(document: JsonObject) -> tuple[str, ...]:
    """The names of all environments."""
    found = document.get("environments")
    return tuple(found) if isinstance(found, Mapping) else ()


def strategy(document: JsonObject) -> Literal["byoc", "extended", "prebuilt"]:
    """Which image strategy a valid config has."""
    match _get(document, ("image", "strategy")):
        case "byoc":
            return "byoc"
        case "extended":
            return "extended"
        case _:
            return "prebuilt"


def text_at(document: JsonObject, *path: str) -> str:
    """A text in the document; empty where there is none."""
    found = _get(document, path)
    return found if isinstance(found, str) else ""


def _remote(urls: str) -> str:
    return " ".join(url for url in urls.split() if url.startswith(("http://", "https://")))


def _get(document: Json, path: Sequence[str]) -> Json:
    for key in path:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def _put(document: JsonObject, path: Sequence[str], value: Json) -> JsonObject:
    key, *rest = path
    if not rest:
        return {**document, key: value}
    inner = document.get(key)
    return {**document, key: _put(inner if isinstance(inner, Mapping) else {}, rest, value)}
