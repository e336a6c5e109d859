"""What the rehearsal's ECR scans with: modelway's builtin scanner, and advisories of its own."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from modelway.core.json import Json, JsonObject
from modelway.core.report import Report
from modelway.rehearsal.context import Context
from modelway.rehearsal.registry_client import Client

_HERE = Path(__file__).parent
ADVISORIES = (_HERE / "advisories", _HERE / "ecr_advisories")


@dataclass(frozen=True, slots=True)
class Scanner:
    """Scans images as they lie in the registry."""

    context: Context
    registry: Client
    _made: list[Path] = field(default_factory=list)

    def scan(self, path: str, manifest: str) -> Report:
        """Report on an image; raises ``errors.NotEvaluated`` for what the scanner cannot read."""
        from modelway.scanners.builtin import Builtin  # noqa: PLC0415 - at the first scan

        with tempfile.TemporaryFile() as file:
            config = self._archive(path, json.loads(manifest), file)
            file.seek(0)
            platform = f"{config['os']}/{config['architecture']}"
            return Builtin(self._index()).scan(file, platform=platform)

    def _archive(self, path: str, manifest: Mapping[str, Json], file: BinaryIO) -> JsonObject:
        """Write the image as ``docker save`` would, its layers as compressed as they are; its config."""
        named, layers = _digest(manifest["config"]), [_digest(one) for one in _list(manifest["layers"])]
        config = self.registry.blob(path, named)
        entry = {"Config": f"{named[7:]}.json", "Layers": [f"blobs/sha256/{one[7:]}" for one in layers]}
        with tarfile.open(fileobj=file, mode="w") as tar:
            _add(tar, "manifest.json", json.dumps([entry]).encode())
            _add(tar, f"{named[7:]}.json", config)
            for digest in dict.fromkeys(layers):
                member = tarfile.TarInfo(f"blobs/sha256/{digest[7:]}")
                member.size = self.registry.blob_size(path, digest) or 0
                with self.registry.reading(path, digest) as body:
                    tar.addfile(member, body)
        read: JsonObject = json.loads(config)
        return read

    def _index(self) -> Path:
        """The advisories as an index, made at the first scan."""
        if not self._made:
            from modelway.adapters.advisories import OsvIndex  # noqa: PLC0415 - at the first scan
            from modelway.adapters.clock import RealClock  # noqa: PLC0415
            from modelway.adapters.lines import Masks  # noqa: PLC0415
            from modelway.adapters.terminal import Terminal  # noqa: PLC0415

            clock = RealClock()
            reporter = Terminal(io.StringIO(), io.StringIO(), clock, Masks())
            path = self.context.state / "ecr-advisories.sqlite"
            OsvIndex(path, clock, reporter).bring(ADVISORIES, note="", as_of=datetime.now(UTC))
            self._made.append(path)
        return self._made[0]


def _digest(descriptor: Json) -> str:
    """What a manifest's entry names."""
    if not isinstance(descriptor, Mapping):
        raise TypeError(descriptor)
    return str(descriptor["digest"])


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _add(tar: tarfile.TarFile, name: str, body: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(body)
    tar.addfile(member, io.BytesIO(body))
