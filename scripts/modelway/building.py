"""What a config's image is built from: Dockerfile, context, base images, and the hash of them all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from modelway.core import dockerfile
from modelway.core.config import Byoc, Extended, ModelConfig, Prebuilt
from modelway.core.dockerfile import Base
from modelway.core.inputs import Inputs, labels, local_tag, of_prebuilt, registry_tag
from modelway.errors import Malformed
from modelway.ports import BuildRequest, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An image that may be built, or may have been built before."""

    inputs: Inputs
    local_tag: str
    registry_tag: str
    request: BuildRequest | None
    """``None`` for an image somebody else built."""


def prepare(world: World, config: ModelConfig) -> Prepared:
    """Read everything the image depends on; warns about bases that can move."""
    request: BuildRequest | None = None
    match config.image:
        case Prebuilt() as spec:
            inputs = of_prebuilt(spec.source.digest, spec.platform)
        case Byoc() as spec:
            request, inputs = _byoc(world, config, spec)
        case Extended() as spec:
            request, inputs = _extended(world, config, spec)
        case strange:
            assert_never(strange)
    local = local_tag(config.name, inputs.hash)
    return Prepared(
        inputs=inputs,
        local_tag=local,
        registry_tag=registry_tag(inputs.hash),
        request=_named(world, config, request, inputs, local) if request else None,
    )


def shown(world: World, config: ModelConfig) -> str:
    """The Dockerfile a build would use; raises ``Malformed`` where nothing is built."""
    match config.image:
        case Prebuilt(source=source):
            raise Malformed(
                f"{config.name} has no Dockerfile: its image is prebuilt",
                seen=f"it is {source}",
                cure="use image.strategy byoc or extended to build one",
            )
        case Byoc(dockerfile=file):
            return _read(world.run.root / file, "image.dockerfile")
        case Extended() as spec:
            return dockerfile.written(spec)
        case strange:
            assert_never(strange)


def _byoc(world: World, config: ModelConfig, spec: Byoc) -> tuple[BuildRequest, Inputs]:
    """The request and the inputs of an image with its own Dockerfile."""
    context, file = world.run.root / spec.context, world.run.root / spec.dockerfile
    text = _read(file, "image.dockerfile")
    # BuildKit prefers the one that lies beside the Dockerfile.
    beside = file.with_name(f"{file.name}.dockerignore")
    general = context / ".dockerignore"
    ignore = next((_read(path, str(path)) for path in (beside, general) if path.is_file()), "")
    named = dockerfile.bases(text, spec.build_args, spec.platform)
    request = BuildRequest(
        context=context,
        dockerfile=text,
        platform=spec.platform,
        tag="",
        ignore=ignore,
        build_args=spec.build_args,
        secrets=spec.secrets,
    )
    return request, _inputs(world, config, request, named, spec.dockerfile)


def _extended(world: World, config: ModelConfig, spec: Extended) -> tuple[BuildRequest, Inputs]:
    """The request and the inputs of an image whose Dockerfile modelway writes."""
    for path in filter(None, (spec.requirements, spec.source)):
        if not (world.run.root / path).exists():
            cure = f"correct image.requirements and image.source in {config.path or 'the config'}"
            raise Malformed(f"{path} does not exist", seen=f"looked in {world.run.root}", cure=cure)
    text = dockerfile.written(spec)
    request = BuildRequest(
        context=world.run.root,
        dockerfile=text,
        platform=spec.platform,
        tag="",
        ignore=dockerfile.ignored(spec),
        secrets=spec.secrets,
    )
    # The line is one of the Dockerfile that modelway writes, not of a file there is.
    named = tuple(Base(base.reference, 0) for base in dockerfile.bases(text, {}, spec.platform))
    return request, _inputs(world, config, request, named, "")


def _inputs(
    world: World, config: ModelConfig, request: BuildRequest, named: tuple[Base, ...], file: str
) -> Inputs:
    """The inputs of a request."""
    return Inputs(
        strategy="byoc" if file else "extended",
        platform=request.platform,
        dockerfile=request.dockerfile,
        build_args=request.build_args,
        bases={base.reference: _meaning(world, base, file or config.path) for base in named},
        secrets=[secret.id for secret in request.secrets],
        entries=world.builder().entries(request.context, request.ignore),
    )


def _meaning(world: World, base: Base, file: str) -> str:
    """The digest a base's name means now; empty where nobody can tell."""
    digest = world.builder().base_digest(base.reference)
    if base.movable:
        now = f"it is {digest} now" if digest else "and nobody could be asked what it is now"
        world.reporter.warn(
            f"the base image {base.reference} can move ({now}): name it by digest to build the same again",
            file=file,
            line=base.line,
        )
    return str(digest or "")


def _named(
    world: World, config: ModelConfig, request: BuildRequest, inputs: Inputs, tag: str
) -> BuildRequest:
    """The request with the name and the labels its image gets."""
    return BuildRequest(
        context=request.context,
        dockerfile=request.dockerfile,
        platform=request.platform,
        tag=tag,
        ignore=request.ignore,
        build_args=request.build_args,
        labels=labels(
            config.name,
            inputs,
            source=world.run.source,
            revision=world.run.revision,
            created=world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        ),
        secrets=request.secrets,
    )


def _read(path: Path, what: str) -> str:
    """A text file of the repository; raises ``Malformed``."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(
            f"{what} cannot be read: {path}", seen=str(error), cure="correct the path, or the file's encoding"
        ) from error
