"""An image archive, read once: its config, and of every layer what an inventory needs.

Reads what ``docker save`` writes (engine 20.10: a folder a layer; from 25: an OCI layout with a
``manifest.json``) and plain OCI layouts. Trusts no name: the config is the one whose digest the
archive names, and every layer is the one whose diff id the config names.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO

from modelway.core.image import Digest
from modelway.core.json import Json, JsonObject
from modelway.scanners.builtin.content import Watching
from modelway.scanners.builtin.layer import Budget, Layer, read_layer
from modelway.scanners.builtin.stream import GZIP, ZSTD, Hash, Limits, Pull, damaged, gunzip, read, unzstd
from modelway.scanners.builtin.tar import Kind, Member, Tar

_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})\Z")
_CONFIG = re.compile(r"(?:blobs/sha256/|sha256:)?([0-9a-f]{64})(?:\.json)?\Z")
_SNIFF = 512
_MAGIC = slice(257, 262)  # where POSIX and GNU tar write "ustar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An image whose digests were checked."""

    config: Digest
    platform: str
    """``os/architecture``, as the config says."""
    layers: tuple[tuple[str, Layer], ...]
    """Diff id and content, lowest first."""
    document: JsonObject = field(default_factory=dict)
    """The config itself."""


@dataclass(slots=True)
class _Found:
    """What came by; which part is what is known only at the end."""

    watching: Watching | None = None
    documents: dict[str, bytes] = field(default_factory=dict)
    layers: dict[str, tuple[str, Layer]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


def read_archive(
    stream: BinaryIO, *, platform: str, limits: Limits | None = None, watching: Watching | None = None
) -> Archive:
    """Read an archive from start to end; raises ``NotEvaluated`` for what is not exactly right."""
    limits = limits or Limits()
    found = _Found(watching)
    pull = Pull(read(stream))
    tar, budget = Tar(pull), Budget(limits)
    for member in tar:
        budget.member()
        _take(member, tar, found, budget)
    for _ in pull.rest():
        pass
    config, names = _image(found, platform)
    return _check(config, names, found, platform)


def _take(member: Member, tar: Tar, found: _Found, budget: Budget) -> None:
    """Keep a member of the outer archive: a document, a layer, or a link to one."""
    name = posixpath.normpath(member.name)
    match member.kind:
        case Kind.SYMBOLIC_LINK:
            found.links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.link))
        case Kind.HARD_LINK:
            found.links[name] = posixpath.normpath(member.link)
        case Kind.FILE if member.sparse:
            raise damaged(f"{name} is stored as a sparse file.")
        case Kind.FILE:
            expected = _BLOB.match(name)
            if not expected:
                _take_file(name, tar.chunks(), found, budget)
                return
            blob = Hash()
            _take_file(name, blob.watch(tar.chunks()), found, budget)
            if expected[1] != blob.hex:
                raise damaged(f"The content of {name} has the digest sha256:{blob.hex}.")
        case Kind.FOLDER | Kind.OTHER:
            pass


def _take_file(name: str, chunks: Iterator[bytes], found: _Found, budget: Budget) -> None:
    """Tell a layer from a document by its first bytes, and take it in."""
    pull = Pull(chunks)
    start = pull.upto(_SNIFF)
    whole = _joined(start, pull)
    if unpack := _unpacker(start):
        diff = Hash()
        contents = Pull(diff.watch(budget.unpack(unpack(whole))))
        layer = read_layer(Tar(contents), budget, found.watching() if found.watching else None)
        for _ in contents.rest():
            pass
        found.layers[name] = (f"sha256:{diff.hex}", layer)
        return
    body = b"".join(_bounded(whole, budget.limits.document, name))
    found.documents[name] = body
    if sum(map(len, found.documents.values())) > budget.limits.documents:
        raise damaged("It holds too many documents.")


def _unpacker(start: bytes) -> Callable[[Iterable[bytes]], Iterable[bytes]] | None:
    """How to read a layer that begins so; ``None`` when it is no layer."""
    if start.startswith(GZIP):
        return gunzip
    if start.startswith(ZSTD):
        return unzstd
    if start[_MAGIC] == b"ustar" or start == bytes(_SNIFF):
        return _plain
    return None


def _plain(chunks: Iterable[bytes]) -> Iterable[bytes]:
    """A layer that is not compressed."""
    return chunks


def _joined(start: bytes, rest: Pull) -> Iterator[bytes]:
    """A stream whose first bytes were looked at already."""
    if start:
        yield start
    yield from rest.rest()


def _bounded(chunks: Iterable[bytes], most: int, name: str) -> Iterator[bytes]:
    """Pieces of a document, up to a size."""
    size = 0
    for piece in chunks:
        size += len(piece)
        if size > most:
            raise damaged(f"{name} is neither a layer nor a document of at most {most} bytes.")
        yield piece


def _image(found: _Found, platform: str) -> tuple[str, list[str]]:
    """The names of the image's config and layers within the archive."""
    if "manifest.json" in found.documents:
        manifests = _json(found, "manifest.json")
        if not isinstance(manifests, list) or len(manifests) != 1:
            raise damaged("It does not hold exactly one image.")
        return _docker(_object(manifests[0], "manifest.json"))
    if "index.json" in found.documents:
        return _oci(found, "index.json", platform, depth=0)
    raise damaged("It has neither a manifest.json nor an index.json: is it an image archive?")


def _docker(manifest: JsonObject) -> tuple[str, list[str]]:
    """As ``docker save`` lists them."""
    config, layers = manifest.get("Config"), manifest.get("Layers") or []
    if not isinstance(config, str) or not isinstance(layers, list):
        raise damaged("Its manifest.json names no config or no layers.")
    return posixpath.normpath(config), [posixpath.normpath(_string(layer)) for layer in layers]


def _oci(found: _Found, name: str, platform: str, *, depth: int) -> tuple[str, list[str]]:
    """As an OCI layout lists them, through indexes, for one platform."""
    document = _object(_json(found, name), name)
    config = document.get("config")
    if isinstance(config, Mapping):
        layers = document.get("layers")
        if not isinstance(layers, list):
            raise damaged(f"The manifest {name} names no layers.")
        return _blob(config, name), [_blob(_object(layer, name), name) for layer in layers]
    entries = document.get("manifests")
    if not isinstance(entries, list) or depth > 2:  # noqa: PLR2004  (an index of an index is enough)
        raise damaged(f"{name} is neither a manifest nor an index.")
    fitting = [entry for entry in (_object(e, name) for e in entries) if _fits(entry, platform)]
    if len(fitting) != 1:
        raise damaged(f"{name} holds {len(fitting)} images for {platform}, not one.")
    return _oci(found, _blob(fitting[0], name), platform, depth=depth + 1)


def _fits(entry: JsonObject, platform: str) -> bool:
    """Whether an index's entry is an image for the platform, or does not say for which it is."""
    about = entry.get("platform")
    if not isinstance(about, Mapping):
        return True
    return f"{about.get('os')}/{about.get('architecture')}" == _short(platform)


def _short(platform: str) -> str:
    """Without the variant: ``linux/arm64/v8`` and ``linux/arm64`` run the same."""
    return "/".join(platform.split("/")[:2])


def _check(name: str, layers: list[str], found: _Found, platform: str) -> Archive:
    """Compare every digest with what it is a digest of."""
    name = found.links.get(name, name)
    body, expected = found.documents.get(name), _CONFIG.match(name)
    if body is None or not expected:
        raise damaged(f"The config {name} is not there, or its name is no digest.")
    digest = sha256(body).hexdigest()
    if digest != expected[1]:
        raise damaged(f"The config {name} has the digest sha256:{digest}.")
    config = _object(_json(found, name), name)
    runs_on = f"{config.get('os')}/{config.get('architecture')}"
    if runs_on != _short(platform):
        raise damaged(f"It holds an image for {runs_on}; the config asks for {platform}.")
    return Archive(
        config=Digest(f"sha256:{digest}"),
        platform=runs_on,
        layers=tuple(_stack(config, [found.layers.get(found.links.get(x, x)) for x in layers])),
        document=config,
    )


def _stack(config: JsonObject, layers: list[tuple[str, Layer] | None]) -> Iterator[tuple[str, Layer]]:
    """The layers in the config's order, each the one it names."""
    rootfs = config.get("rootfs")
    wanted = rootfs.get("diff_ids") if isinstance(rootfs, Mapping) else None
    if not isinstance(wanted, list) or len(wanted) != len(layers):
        raise damaged("The config and the manifest do not name the same layers.")
    for number, (diff_id, layer) in enumerate(zip(wanted, layers, strict=True), start=1):
        if layer is None:
            raise damaged(f"Layer {number} is missing.")
        if layer[0] != diff_id:
            raise damaged(f"Layer {number} has the diff id {layer[0]}; the config names {diff_id}.")
        yield layer


def _json(found: _Found, name: str) -> Json:
    """A document, parsed."""
    body = found.documents.get(name)
    if body is None:
        raise damaged(f"{name} is missing.")
    try:
        value: Json = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise damaged(f"{name} is no JSON: {error}.") from error
    return value


def _object(value: Json, name: str) -> JsonObject:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise damaged(f"{name} is not the JSON object it should be.")
    return value


def _string(value: Json) -> str:
    """A JSON string."""
    if not isinstance(value, str):
        raise damaged("A name in a manifest is no string.")
    return value


def _blob(descriptor: JsonObject, name: str) -> str:
    """The path of what a descriptor names."""
    try:
        return f"blobs/sha256/{Digest.parse(_string(descriptor.get('digest'))).hex}"
    except ValueError as error:
        raise damaged(f"{name} names something that is no digest.") from error
