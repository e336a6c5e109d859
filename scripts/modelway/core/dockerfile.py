"""Dockerfiles: written for ``extended``, and read for the base images of ``byoc``.

Reading is done well enough to find base images (docs.docker.com/reference/dockerfile); what cannot be
known before the build is left out rather than guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelway.core.config import BuildSecret, Extended

PROGRAM = "/opt/program"
REQUIREMENTS = "/tmp/modelway-requirements.txt"  # noqa: S108 - a path in the image, not on this machine
_CA = "/run/secrets/ca.pem"
KNOWN_SECRETS: Mapping[str, str] = {"pip_conf": "/etc/pip.conf", "ca_bundle": _CA}
"""Secrets the written Dockerfile uses by itself, and where it mounts them."""

_DIRECTIVE = re.compile(r"#\s*(?P<name>[A-Za-z]+)\s*=\s*(?P<value>\S+)\s*")
_HEREDOC = re.compile(r"<<-?\s*(?P<quote>[\"']?)(?P<word>\w+)(?P=quote)")
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::?(?P<sign>[-+])(?P<word>[^}]*))?\}|(?P<bare>\w+))")
_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<base>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*", re.IGNORECASE)
_ARG = re.compile(r"(?P<name>\w+)(?:=(?P<value>\"[^\"]*\"|'[^']*'|\S*))?")
_COPIED = re.compile(r"--from=(?P<copy>\S+)|--mount=(?:\S*,)?from=(?P<mount>[^,\s]+)")


@dataclass(frozen=True, slots=True, order=True)
class Base:
    """An image a Dockerfile starts from or copies from."""

    reference: str
    line: int
    """Where it is named, from 1."""

    @property
    def movable(self) -> bool:
        """Whether the name can mean another image tomorrow."""
        return "@sha256:" not in self.reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction of a Dockerfile."""

    line: int
    """Where it begins, from 1."""
    text: str
    """On one line, as if nothing had continued it."""
    document: str = ""
    """Its here-documents."""

    @property
    def word(self) -> str:
        """``FROM``, ``RUN`` …, in capitals."""
        return self.text.split(maxsplit=1)[0].upper()

    @property
    def rest(self) -> str:
        """What follows the word; of here-documents too."""
        parts = self.text.split(maxsplit=1)
        return "\n".join(filter(None, (*parts[1:], self.document)))


def written(spec: Extended) -> str:
    """The Dockerfile of an ``extended`` image; its context is the repository's root."""
    lines = [
        "# Written by modelway from image.strategy extended; `scripts/run build CONFIG --show` prints it.",
        f"FROM {spec.base}",
        f"COPY {_exec(spec.requirements, REQUIREMENTS)}",
        _install(spec.secrets),
    ]
    if spec.source:
        lines += [
            f"COPY {_exec(spec.source.rstrip('/') + '/', PROGRAM + '/')}",
            f"ENV PATH={PROGRAM}:$PATH",
            f"WORKDIR {PROGRAM}",
        ]
    if spec.command:
        lines.append(f"ENTRYPOINT {_exec(*spec.command)}")
    return "\n".join([*lines, ""])


def ignored(spec: Extended) -> str:
    """The ``.dockerignore`` of an ``extended`` image: all but what it copies."""
    wanted = [spec.requirements, *([spec.source.rstrip("/")] if spec.source else [])]
    junk = ["**/__pycache__", "**/*.pyc", "**/.git", "**/.venv"]
    return "\n".join(["*", *(f"!{path}" for path in wanted), *junk, ""])


def _exec(*words: str) -> str:
    """Words in JSON form, which no shell reads."""
    return json.dumps(list(words))


def _install(secrets: tuple[BuildSecret, ...]) -> str:
    """The RUN that installs the requirements and sees the secrets only while it runs."""
    ids = {*KNOWN_SECRETS, *(secret.id for secret in secrets)}
    places = {name: KNOWN_SECRETS.get(name, f"/run/secrets/{name}") for name in sorted(ids)}
    needed = {secret.id for secret in secrets if secret.required}
    parts = [
        f"--mount=type=secret,id={name},target={place}{',required=true' if name in needed else ''}"
        for name, place in places.items()
    ]
    parts += [
        "--mount=type=cache,target=/root/.cache/pip",
        # Debian marks its own Python as managed by apt; in an image made for one model that is no reason.
        f"if [ -s {_CA} ]; then export PIP_CERT={_CA}; fi; export PIP_BREAK_SYSTEM_PACKAGES=1;",
        f"python3 -m pip install --disable-pip-version-check --root-user-action=ignore -r {REQUIREMENTS}",
    ]
    return "RUN " + " \\\n    ".join(parts)


def bases(text: str, build_args: Mapping[str, str], platform: str) -> tuple[Base, ...]:
    """The images a Dockerfile names, in order of first appearance; its own stages and ``scratch`` left out.

    The last ``FROM`` comes last, because the image stands on it.
    """
    machine = {"TARGETPLATFORM": platform, "BUILDPLATFORM": platform, "TARGETARCH": platform.split("/")[1]}
    arguments = dict(machine)
    stages = {"scratch"}
    last: Base | None = None
    found: dict[str, Base] = {}
    for number, line in numbered(text):
        started = _FROM.fullmatch(line)
        if line[:4].upper() == "ARG " and last is None and not found:
            arguments |= _declared(line[4:], build_args, arguments)
        elif started:
            base = Base(_substituted(started["base"], arguments), number)
            last = _note(found, base, stages) or last
            stages.add((started["stage"] or "").lower())
        for copied in _COPIED.finditer(line):
            name = copied["copy"] or copied["mount"]
            if not name.isdecimal():
                _note(found, Base(_substituted(name, arguments), number), stages)
    if last:
        found[last.reference] = found.pop(last.reference)
    return tuple(found.values())


def _note(found: dict[str, Base], base: Base, stages: set[str]) -> Base | None:
    """Keep an image that is no stage and whose name is known."""
    if not base.reference or "$" in base.reference or base.reference.lower() in stages:
        return None
    return found.setdefault(base.reference, base)


def _declared(text: str, given: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Values of the names one ARG line declares."""
    values: dict[str, str] = {}
    for match in _ARG.finditer(text):
        default = (match["value"] or "").strip("\"'")
        name = match["name"]
        values[name] = given.get(name) or _substituted(default, {**known, **values}) or known.get(name, "")
    return values


def _substituted(text: str, values: Mapping[str, str]) -> str:
    """The text with ``$name``, ``${name}``, ``${name:-word}`` and ``${name:+word}`` replaced."""

    def value(match: re.Match[str]) -> str:
        known = values.get(match["braced"] or match["bare"], "")
        match match["sign"]:
            case "-":
                return known or match["word"]
            case "+":
                return match["word"] if known else ""
            case _:
                return known

    return _VARIABLE.sub(value, text)


def user(text: str) -> str:
    """Who the last stage runs as, as its last USER says; empty where it has none."""
    name = ""
    for one in instructions(text):
        match one.word:
            case "FROM":
                name = ""
            case "USER":
                name = one.rest.strip()
            case _:
                pass
    return name


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Instructions on one line each, with the number of the line they begin on; here-documents left out."""
    for one in instructions(text):
        yield one.line, one.text


def instructions(text: str) -> Iterator[Instruction]:
    """Every instruction, in order."""
    escape = _escape(text)
    lines = enumerate(text.splitlines(), start=1)
    for number, first in lines:
        line = first.strip()
        if not line or line.startswith("#"):
            continue
        while line.endswith(escape):
            more = next(lines, (0, ""))[1].strip()
            line = line[:-1] + (" " + more if not more.startswith("#") else " " + escape)
        documents = []
        for document in _HEREDOC.finditer(line):
            for _, body in lines:
                if body.strip() == document["word"]:
                    break
                documents.append(body)
        if line.strip():
            yield Instruction(line=number, text=line.strip(), document="\n".join(documents))


def _escape(text: str) -> str:
    """The character that continues a line: a backslash, unless a directive on top says otherwise."""
    for line in text.splitlines():
        directive = _DIRECTIVE.fullmatch(line.strip())
        if not directive:
            break
        if directive["name"].lower() == "escape":
            return directive["value"]
    return "\\"
