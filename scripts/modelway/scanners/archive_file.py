"""An image archive as a file other tools can read, and what it says of itself. No scanner."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from modelway.core.image import Digest
from modelway.core.json import Json
from modelway.core.report import ImageLayer
from modelway.errors import NotEvaluated, Unavailable

_DOCUMENT = 16 * 2**20
"""Bytes of the largest manifest or config that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """An archive on disk."""

    path: Path
    config: Digest
    """Recomputed from the config's bytes."""
    platform: str
    layers: tuple[ImageLayer, ...]
    members: Mapping[str, ImageLayer]
    """Each layer by the name it has in the archive."""

    @property
    def folder(self) -> Path:
        """An empty folder for tools to run in: no settings of theirs lie there."""
        return self.path.parent / "empty"


@contextmanager
def image_file(archive: BinaryIO, *, platform: str) -> Iterator[ImageFile]:
    """Write an archive to a temporary file, and read what it is; raises ``NotEvaluated``."""
    with tempfile.TemporaryDirectory(prefix="modelway-scan-") as folder:
        path = Path(folder) / "image.tar"
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(archive, file, 2**20)
            (Path(folder) / "empty").mkdir()
        except OSError as error:
            raise Unavailable(
                "There is no room for the image's archive",
                seen=str(error),
                cure="make room in the folder for temporary files, or name another in TMPDIR.",
            ) from error
        yield read(path, platform=platform)


def read(path: Path, *, platform: str) -> ImageFile:
    """What an archive on disk is; raises ``NotEvaluated``."""
    try:
        with tarfile.open(path) as tar:
            found = _read(tar, path)
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotEvaluated(
            "The image's archive cannot be read, so nothing was scanned",
            seen=f"expected what `docker save` writes, got: {error}",
            cure="build the image again, then scan again.",
        ) from error
    if found.platform != "/".join(platform.split("/")[:2]):  # a variant stands in few configs
        raise NotEvaluated(
            "The image is for another platform than the config says, so nothing was scanned",
            seen=f"expected {platform}, got {found.platform}",
            cure="build the image again, then scan again.",
        )
    return found


def _read(tar: tarfile.TarFile, path: Path) -> ImageFile:
    """One image, as ``manifest.json`` lists it."""
    (entry,) = json.loads(_bytes(tar, "manifest.json"))
    body = _bytes(tar, entry["Config"])
    config = json.loads(body)
    named = [str(name) for name in entry["Layers"]]
    diff_ids = [str(one) for one in config["rootfs"]["diff_ids"]]
    made = [str(one.get("created_by", "")) for one in _history(config) if not one.get("empty_layer")]
    made = made if len(made) == len(diff_ids) else [""] * len(diff_ids)
    layers = tuple(ImageLayer(diff_id=i, created_by=by) for i, by in zip(diff_ids, made, strict=True))
    return ImageFile(
        path=path,
        config=Digest.parse(f"sha256:{sha256(body).hexdigest()}"),
        platform=f"{config['os']}/{config['architecture']}",
        layers=layers,
        members=dict(zip(named, layers, strict=True)),
    )


def _history(config: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    listed = config.get("history")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    """A small member's content."""
    member = tar.getmember(name)
    file = tar.extractfile(member)
    if file is None or member.size > _DOCUMENT:
        msg = f"{name} is no small file"
        raise ValueError(msg)
    return file.read()
