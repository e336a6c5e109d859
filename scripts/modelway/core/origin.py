"""Who brought a finding into the image: the base or the own build, and by which line of the repository.

An image's history names the instruction behind each layer. The Dockerfile's final stage is laid over it
from the top down; only where every one of its instructions finds its layer do the layers below count as
the base's. What cannot be told stays unknown: a base's findings may be judged more mildly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from modelway.core.dockerfile import numbered
from modelway.core.findings import BroughtBy, Finding, Origin, Place
from modelway.core.report import ImageLayer

_ALWAYS = {"RUN", "COPY", "ADD"}
"""Instructions that make a layer whatever they do; WORKDIR makes one where the folder is new."""
_CLASSIC = re.compile(r"(?:\|\d+ .*)?/bin/sh -c #\(nop\)\s+(\w+)\s?(.*)", re.DOTALL)
_KEYWORD = re.compile(r"(RUN|COPY|ADD|WORKDIR)\s(.*)", re.DOTALL)
_FLAGS = re.compile(r"(?:--[a-z-]+(?:=(?:\"[^\"]*\"|\S+))?\s+)*")
_REQUIREMENT = re.compile(
    r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?:[=<>~!;@#\\]|$)"
)
_COPIED = re.compile(r"(?:COPY|ADD)\s", re.IGNORECASE)
_COMPARED = 60  # characters of a command without its spaces: enough to know it by
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What of the repository an image was built from, as far as findings are told from it."""

    dockerfile: str
    """The Dockerfile's text."""
    file: str = ""
    """Its path, relative to the repository's root; empty where modelway wrote it."""
    requirements: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Path and text of each requirements file the build copies."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One instruction of the final stage."""

    keyword: str
    arguments: str
    line: int


def settled(layers: Sequence[ImageLayer], source: Source) -> tuple[ImageLayer, ...]:
    """The layers, each with whose it is where that can be told."""
    made, whole = _laid_over(_final_stage(source.dockerfile)[1], layers)
    rest = Origin.BASE if whole else Origin.UNKNOWN
    return tuple(replace(one, origin=Origin.OWN if one.diff_id in made else rest) for one in layers)


def by_layer(findings: Iterable[Finding], layers: Iterable[ImageLayer]) -> Iterator[Finding]:
    """The findings, each with the origin of its layer where nobody has said another."""
    known = {one.diff_id: one.origin for one in layers}
    for one in findings:
        origin = known.get(_layer(one), Origin.UNKNOWN)
        yield replace(one, origin=origin) if one.origin is Origin.UNKNOWN else one


def traced(findings: Iterable[Finding], layers: Sequence[ImageLayer], source: Source) -> tuple[Finding, ...]:
    """The findings, each with the line of the repository that brings it, where that can be told."""
    began, steps = _final_stage(source.dockerfile)
    made, whole = _laid_over(steps, layers)
    below = began if whole else 0
    lines = {one.diff_id: step.line if (step := made.get(one.diff_id)) else below for one in layers}
    required = dict(_required(source.requirements))
    text = source.dockerfile.splitlines()
    return tuple(_traced(one, lines.get(_layer(one), 0), required, source.file, text) for one in findings)


def copied_requirements(text: str) -> Iterator[str]:
    """What a Dockerfile copies that is named like a requirements file, as it names it."""
    for _, line in numbered(text):
        if _COPIED.match(line) and "--from=" not in line:
            *sources, _ = _words(_FLAGS.sub("", _COPIED.sub("", line, count=1), count=1)) or [""]
            names = ((one, one.rpartition("/")[2]) for one in sources)
            yield from (one for one, name in names if name.endswith(".txt") and "require" in name)


def _traced(
    finding: Finding, line: int, required: Mapping[str, BroughtBy], file: str, text: Sequence[str]
) -> Finding:
    """One finding with the line that brings it: of a requirements file, or of the Dockerfile."""
    package = finding.package
    if finding.brought_by or (finding.location and finding.location.place is not Place.IMAGE):
        return finding
    if package and package.ecosystem == "pypi" and not package.owner and finding.origin is not Origin.BASE:
        asked = required.get(package.name)
        if asked:
            return replace(finding, brought_by=asked)
    if not (file and line):
        return finding
    return replace(finding, brought_by=BroughtBy(file=file, line=line, text=_line(text, line)))


def _layer(finding: Finding) -> str:
    """The layer a finding lies in; empty where nobody knows."""
    if finding.location and finding.location.place is not Place.IMAGE:
        return ""
    if finding.location and finding.location.layer:
        return finding.location.layer
    return finding.package.layer if finding.package else ""


def _final_stage(text: str) -> tuple[int, list[_Step]]:
    """Where the last FROM is, and what follows it."""
    began, steps = 0, list[_Step]()
    for number, line in numbered(text):
        keyword, _, arguments = line.partition(" ")
        if keyword.upper() == "FROM":
            began, steps = number, []
        else:
            steps.append(_Step(keyword.upper(), arguments.strip(), number))
    return began, steps


def _laid_over(steps: Sequence[_Step], layers: Sequence[ImageLayer]) -> tuple[dict[str, _Step], bool]:
    """The instruction behind each layer, and whether every instruction that makes one has its own."""
    found: dict[str, _Step] = {}
    left = [step for step in steps if step.keyword in {*_ALWAYS, "WORKDIR"}]
    for layer in reversed(layers):
        at = next((n for n in reversed(range(len(left))) if _is(left[n], layer.created_by)), None)
        if at is None or any(step.keyword in _ALWAYS for step in left[at + 1 :]):
            break
        found[layer.diff_id] = left[at]
        left = left[:at]
    return found, bool(steps) and not any(step.keyword in _ALWAYS for step in left)


def _is(step: _Step, created_by: str) -> bool:
    """Whether a layer's history is this instruction's."""
    classic = _CLASSIC.fullmatch(created_by)
    new = _KEYWORD.fullmatch(created_by)
    keyword, said = classic.groups() if classic else new.groups() if new else ("RUN", created_by)
    if keyword.upper() != step.keyword or not created_by:
        return False
    arguments = _FLAGS.sub("", step.arguments, count=1)
    words = _words(arguments)
    if step.keyword == "RUN":
        command = _squeezed(" ".join(words) if arguments.startswith("[") else arguments)[:_COMPARED]
        return command in _squeezed(said)
    return not words or "$" in words[-1] or words[-1].rstrip("/") in said


def _squeezed(text: str) -> str:
    """A command without what histories write otherwise: spaces and continued lines."""
    return re.sub(r"[\s\\]+", "", text)


def _words(arguments: str) -> list[str]:
    """Arguments in JSON or separated by spaces."""
    if arguments.startswith("["):
        try:
            parsed = json.loads(arguments)
        except ValueError:
            parsed = None
        if isinstance(parsed, list):
            return [str(one) for one in parsed]
    return arguments.split()


def _required(files: Mapping[str, str]) -> Iterator[tuple[str, BroughtBy]]:
    """Python packages by name (PEP 503), each with the line that asks for it; the first file wins."""
    for file, text in reversed(tuple(files.items())):
        for number, line in enumerate(text.splitlines(), start=1):
            if found := _REQUIREMENT.match(line):
                name = re.sub(r"[-_.]+", "-", found[1]).lower()
                yield name, BroughtBy(file=file, line=number, text=line.strip()[:_SHOWN])


def _line(text: Sequence[str], number: int) -> str:
    """A line as it stands in its file."""
    return text[number - 1].strip()[:_SHOWN] if 0 < number <= len(text) else ""
