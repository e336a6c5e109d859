"""What was seen in an image's contents, as findings of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelway.core.config import ModelConfig
from modelway.core.findings import Evidence, Finding, Kind, Location, Place, Severity
from modelway.core.json import JsonObject
from modelway.core.masked import evidence, fingerprint, mask
from modelway.core.report import ImageLayer, Read, Unread
from modelway.scanners.builtin.configuration import dockerfile, image, rules
from modelway.scanners.builtin.content import Content
from modelway.scanners.builtin.layer import Layer, covers
from modelway.scanners.builtin.models.issues import UNREADABLE
from modelway.scanners.builtin.rule import Rule
from modelway.scanners.builtin.secrets.configuration import secrets_in
from modelway.scanners.builtin.secrets.rule import REVOKE
from modelway.scanners.builtin.secrets.search import is_example

Layers = Sequence[tuple[str, Layer]]
"""Diff ids and layers, lowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that was found beside packages."""

    findings: tuple[Finding, ...] = ()
    read: tuple[Read, ...] = ()
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()


def look(layers: Layers, document: JsonObject, config: ModelConfig, source: dockerfile.Source | None) -> Seen:
    """Secrets, model files, and how the image is put together."""
    contents = [(number, diff_id, layer.content) for number, (diff_id, layer) in enumerate(layers)]
    there = [(number, diff_id, one) for number, diff_id, one in contents if one is not None]
    findings = (
        *_secrets(layers, there),
        *_told(document),
        *_models(layers, there),
        *_image(layers, document, config, source),
        *_dockerfile(source, config),
    )
    return Seen(
        findings=tuple(_once(findings)),
        read=tuple(_read([one for _, _, one in there], source)),
        unread=tuple(_unread(there)),
        notes=tuple(_notes([one for _, _, one in there])),
    )


def image_layers(layers: Layers, document: JsonObject) -> tuple[ImageLayer, ...]:
    """The layers and the instructions that made them, without the secrets those may hold."""
    entries = document.get("history")
    steps = [
        _plain(str(one.get("created_by") or ""))
        for one in (entries if isinstance(entries, list) else [])
        if isinstance(one, Mapping) and not one.get("empty_layer")
    ]
    secrets = sorted({_plain(told.secret) for told in secrets_in(document)}, key=len, reverse=True)
    for secret in secrets:
        steps = [step.replace(secret, mask(secret)) for step in steps]
    made = steps if len(steps) == len(layers) else [""] * len(layers)
    return tuple(
        ImageLayer(diff_id=diff_id, created_by=step) for (diff_id, _), step in zip(layers, made, strict=True)
    )


def _secrets(layers: Layers, there: Sequence[tuple[int, str, Content]]) -> Iterator[Finding]:
    """In files, deleted ones too."""
    for number, diff_id, content in there:
        for found in content.secrets.found:
            hit = found.hit
            yield Finding(
                kind=Kind.SECRET,
                id=hit.rule.id,
                severity=hit.severity,
                title=hit.rule.title,
                location=_located(layers, number, diff_id, found.path, line=hit.line),
                evidence=evidence(hit.secret.decode("utf-8", "replace")),
                remark=REVOKE,
            )


def _told(document: JsonObject) -> Iterator[Finding]:
    """In the config."""
    for told in secrets_in(document):
        yield Finding(
            kind=Kind.SECRET,
            id=told.rule.id,
            severity=told.severity,
            title=told.rule.title,
            location=Location(place=Place.CONFIG, file=told.place),
            evidence=evidence(told.secret, _plain(told.context)),
            remark=REVOKE,
        )


def _models(layers: Layers, there: Sequence[tuple[int, str, Content]]) -> Iterator[Finding]:
    """Model files that run code."""
    for number, diff_id, content in there:
        for issue in content.models.issues:
            outer, _, inner = issue.path.partition("!")
            location = _located(layers, number, diff_id, outer)
            yield unsafe(issue.rule, location, f"{inner}: {issue.what}" if inner else issue.what)


def unsafe(rule: Rule, location: Location, what: str) -> Finding:
    """A model file that breaks a rule; what cannot be read among a library's own tests is made so."""
    made = rule is UNREADABLE and is_example(location.file.lstrip("/"))
    return Finding(
        kind=Kind.UNSAFE_MODEL,
        id=rule.id,
        severity=Severity.LOW if made else rule.severity,
        title=rule.title,
        location=location,
        evidence=Evidence(_plain(what), fingerprint(what)),
        remark=rule.remark,
    )


def _image(
    layers: Layers, document: JsonObject, config: ModelConfig, source: dockerfile.Source | None
) -> Iterator[Finding]:
    """What the config and the permissions of files say."""
    targets = {place.target: place.settings for place in config.environments.values()}
    for flaw in image.config_flaws(document, targets):
        location = Location(place=Place.CONFIG, file=flaw.place)
        if flaw.rule is rules.ROOT and source and source.file:
            line = dockerfile.last_user(source.text)
            location = Location(place=Place.REPOSITORY, file=source.file, line=line)
        yield _wrong(flaw.rule, location, flaw.text)
    known = [layer.content or Content() for _, layer in layers]
    for flaw in image.layer_flaws([(one.modes, one.size) for one in known]):
        location = _located(layers, flaw.layer, layers[flaw.layer][0], flaw.place.lstrip("/"))
        yield _wrong(flaw.rule, location, flaw.text)


def _dockerfile(source: dockerfile.Source | None, config: ModelConfig) -> Iterator[Finding]:
    """What the Dockerfile says."""
    for flaw in dockerfile.flaws(source) if source else ():
        file, line = (source.file, flaw.line) if source and source.file else (config.path or config.name, 0)
        location = Location(place=Place.REPOSITORY, file=file, line=line)
        yield _wrong(flaw.rule, location, flaw.text, flaw.secret)


def _wrong(rule: Rule, location: Location, text: str, secret: str = "") -> Finding:
    """A rule that is broken; one about a secret shows it masked."""
    return Finding(
        kind=Kind.SECRET if secret else Kind.MISCONFIGURATION,
        id=rule.id,
        severity=rule.severity,
        title=rule.title,
        location=location,
        evidence=evidence(secret, _plain(text)) if secret else Evidence(_plain(text)),
        remark=rule.remark,
    )


def _located(layers: Layers, number: int, diff_id: str, path: str, *, line: int = 0) -> Location:
    """A file of a layer, and whether a higher layer deletes or replaces it."""
    deleted = any(covers(layer, path) for _, layer in layers[number + 1 :])
    return Location(file=f"/{_plain(path)}", line=line, layer=diff_id, deleted=deleted)


def _once(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Each finding once, however many layers repeat the file; the one that is still there, if any is."""
    best: dict[tuple[str, str, str], Finding] = {}
    for one in findings:
        where = one.location.file if one.location else ""
        key = (one.id, where, one.evidence.fingerprint or one.evidence.masked if one.evidence else "")
        known = best.get(key)
        if known is None or not (one.location and one.location.deleted):
            best[key] = one
    yield from sorted(best.values(), key=_order)


def _order(one: Finding) -> tuple[int, str, str, int]:
    line = one.location.line if one.location else 0
    return -one.severity.rank, one.id, one.path, line


def _read(contents: Sequence[Content], source: dockerfile.Source | None) -> Iterator[Read]:
    """What was looked through."""
    if contents:
        yield Read(area="secrets", count=sum(one.secrets.searched for one in contents))
        yield Read(area="models", count=sum(one.models.looked_at for one in contents))
    yield Read(area="image-config", count=1)
    if source:
        yield Read(area="dockerfile", count=1)


def _unread(there: Sequence[tuple[int, str, Content]]) -> Iterator[Unread]:
    """What could not be looked through: never a pass."""
    for _, _, content in there:
        for path, rule in content.secrets.crowded:
            yield Unread(
                area="secrets",
                what=f"/{_plain(path)} holds too many texts that look like {rule} to look at them all.",
                cure="leave the file out of the image.",
                path=f"/{_plain(path)}",
            )
        for path in content.models.unread:
            yield Unread(
                area="models",
                what=f"/{_plain(path)} is too large to be set aside and looked at.",
                cure="keep weights in S3 (model_artifact), as safetensors.",
                path=f"/{_plain(path)}",
            )


def _notes(contents: Sequence[Content]) -> Iterator[str]:
    """What is left out by intent."""
    passed = sum(one.secrets.passed for one in contents)
    if passed:
        size = sum(one.secrets.passed_bytes for one in contents) / 1e6
        yield f"{passed} files over 1 MiB that are no text ({size:.0f} MB) were not searched for secrets."


def _plain(text: str) -> str:
    """Text from an image, harmless on a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text.encode(errors="replace").decode())[:500]
