"""Builds images with the BuildKit of the docker command line, which the SDK cannot drive."""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from modelway.adapters import context, disk, engine, environment, process
from modelway.adapters.buildkit_log import Progress
from modelway.core.config import BuildSecret
from modelway.core.image import Digest
from modelway.core.inputs import Entry
from modelway.errors import Malformed, Unavailable
from modelway.ports import BuildRequest, Clock, Reporter

_BUILDX_ONLY = 23
"""Since 23.0 the command line hands BuildKit builds to the buildx plugin."""
_LARGEST_MASKED = 16 * 1024
"""Bytes of a secret's file that is masked."""
_CONFIG_NAME = re.compile(r"(?:blobs/sha256/)?(?P<hex>[0-9a-f]{64})(?:\.json)?")


@dataclass(frozen=True, slots=True)
class Tool:
    """A docker command line that can drive BuildKit."""

    program: str
    buildx: bool

    @property
    def argv(self) -> list[str]:
        """The words that begin a build."""
        if self.buildx:
            # An index with attestations is refused by SageMaker and Lambda; they are attached separately.
            return [self.program, "buildx", "build", "--load", "--provenance=false", "--sbom=false"]
        return [self.program, "build"]


class BuildKit:
    """A ``ports.Builder``."""

    def __init__(self, reporter: Reporter, clock: Clock, root: Path) -> None:
        self._reporter = reporter
        self._clock = clock
        self._root = root

    def find(self, tag: str, /) -> bool:
        """Whether the local image exists."""
        return engine.image(tag) is not None

    def identity(self, tag: str, /) -> str:
        """The engine's id of a local image; empty when there is none."""
        image = engine.image(tag)
        return str(image.id) if image else ""

    def base_digest(self, reference: str, /) -> Digest | None:
        """What the name means: pinned, here, or at its registry, in that order, as the engine looks."""
        if "@sha256:" in reference:
            return Digest.parse(reference.partition("@")[2])
        image = engine.image(reference)
        if image is None:
            return _remote_digest(reference)
        repository = _familiar(re.sub(r":[^/:]*$", "", reference))
        known: list[str] = image.attrs.get("RepoDigests") or []
        for name, _, digest in (entry.partition("@") for entry in known):
            if _familiar(name) == repository:
                return Digest.parse(digest)
        return Digest.parse(str(image.id))

    def entries(self, context_folder: Path, ignore: str, /) -> tuple[Entry, ...]:
        """What a build would read of its context."""
        return context.entries(context_folder, ignore)

    def config_digest(self, tag: str, /) -> Digest:
        """The config's digest: the engine's id, or the archive's word where ids are manifests'."""
        image = engine.image(tag)
        if image is None:
            raise Unavailable(f"there is no local image {tag}", cure="scripts/run build CONFIG")
        if not engine.keeps_manifests():
            return Digest.parse(str(image.id))
        with self.export(tag) as archive:
            return _config_in(archive)

    def build(self, request: BuildRequest, /) -> None:
        """Build and tag; the Dockerfile's failure is ``Malformed``, its surroundings' ``Unavailable``."""
        disk.enough_for_build()
        progress, started, said = Progress(), self._clock.monotonic(), deque([""])

        def follow(line: str) -> None:
            progress.read(line)
            seconds = self._clock.monotonic() - started
            said.append(f"{progress.current or 'building'} ({seconds:.0f} s)")
            if said[-1] != said.popleft():
                self._reporter.progress(said[-1])

        with tempfile.TemporaryDirectory(prefix="modelway-build-") as folder:
            file = Path(folder, "Dockerfile")
            file.write_text(request.dockerfile)
            file.with_name("Dockerfile.dockerignore").write_text(request.ignore)
            finished = process.run(
                [
                    *(*self._tool.argv, *_options(request), *self._secrets(request.secrets)),
                    *("--file", str(file), str(request.context)),
                ],
                variables={"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"},
                say=follow,
            )
        if finished.code:
            raise progress.failure()
        _right_platform(request)

    def export(self, tag: str, /) -> AbstractContextManager[BinaryIO]:
        """The image as a docker archive, while the engine writes it."""
        return process.stream([self._tool.program, "save", tag])

    @cached_property
    def _tool(self) -> Tool:
        """Looked for once."""
        return tool()

    def _secrets(self, secrets: tuple[BuildSecret, ...]) -> Iterator[str]:
        """Options that mount secrets; an optional one that is not there is left out."""
        for secret in secrets:
            if secret.env and environment.get(secret.env):
                self._reporter.mask(environment.get(secret.env))
                yield from ("--secret", f"id={secret.id},env={secret.env}")
            elif secret.file and (self._root / secret.file).is_file():
                self._mask_file(self._root / secret.file)
                yield from ("--secret", f"id={secret.id},src={self._root / secret.file}")
            elif secret.required:
                place = f"environment variable {secret.env}" if secret.env else f"file {secret.file}"
                cure = f"provide it, or say required: false for the secret {secret.id} in image.build_secrets"
                raise Unavailable(f"the build secret {secret.id} is missing: no {place}", cure=cure)

    def _mask_file(self, path: Path) -> None:
        """What a secret's file holds; large ones are bundles of certificates, which are no secrets."""
        if path.stat().st_size <= _LARGEST_MASKED:
            self._reporter.mask(path.read_bytes().decode(errors="ignore"))


def tool() -> Tool:
    """The first docker on PATH that can drive BuildKit; raises ``Unavailable``."""
    seen: list[str] = []
    for program in _dockers():
        if process.run([program, "buildx", "version"], timeout=20).code == 0:
            return Tool(program, buildx=True)
        version = process.run([program, "--version"], timeout=20).out
        number = re.search(r"version (\d+)\.", version)
        if number and int(number[1]) < _BUILDX_ONLY:
            return Tool(program, buildx=False)
        seen.append(f"{program}: {version.strip()}, without its buildx plugin")
    raise Unavailable(
        "no docker command here can build with BuildKit",
        seen="\n".join(seen) or "there is no docker on PATH",
        cure="install docker and its buildx plugin (Debian: apt-get install docker.io docker-buildx)",
    )


def _options(request: BuildRequest) -> Iterator[str]:
    """Options of the build, in an order that does not change."""
    yield from ("--progress", "plain", "--platform", request.platform, "--tag", request.tag)
    yield from _pairs("--build-arg", request.build_args)
    yield from _pairs("--label", request.labels)


def _pairs(option: str, values: Mapping[str, str]) -> Iterator[str]:
    for key, value in sorted(values.items()):
        yield from (option, f"{key}={value}")


def _dockers() -> list[str]:
    """Every different docker on PATH, first one first."""
    found: dict[str, str] = {}
    for folder in environment.get("PATH").split(os.pathsep):
        program = shutil.which("docker", path=folder)
        if program:
            found.setdefault(str(Path(program).resolve()), program)
    return list(found.values())


def _remote_digest(reference: str) -> Digest | None:
    """What a registry says the name means; ``None`` where it cannot be asked."""
    from docker.errors import APIError  # noqa: PLC0415 - keeps --help fast

    with engine.reached():
        try:
            return Digest.parse(str(engine.client().images.get_registry_data(reference).id))
        except (APIError, ValueError):
            return None


def _familiar(repository: str) -> str:
    """The name without what docker adds to short names."""
    return repository.removeprefix("docker.io/").removeprefix("library/")


def _right_platform(request: BuildRequest) -> None:
    """Raise ``Malformed`` where the image is for another machine: a base without this platform does that."""
    got = engine.platform(request.tag)
    if got != "/".join(request.platform.split("/")[:2]):
        raise Malformed(
            "the build made an image for another machine",
            seen=f"image.platform says {request.platform}, the image is for {got}",
            cure=f"use base images that exist for {request.platform}",
        )


def _config_in(archive: BinaryIO) -> Digest:
    """The config's digest as a docker archive names it."""
    with tarfile.open(fileobj=archive, mode="r|") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.name == "manifest.json" else None
            if file:
                found = _CONFIG_NAME.fullmatch(str(json.load(file)[0]["Config"]))
                if found:
                    return Digest.parse(f"sha256:{found['hex']}")
    raise Unavailable(
        "the engine's archive of the image has no manifest.json", cure="update the Docker engine"
    )
