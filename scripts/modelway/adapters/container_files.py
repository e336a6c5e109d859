"""Files that go into containers and come out of them: model artifacts, training input and output."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.adapters.unpacking import unpack
from modelway.errors import Malformed

if TYPE_CHECKING:
    from docker.models.containers import Container as Handle

_MOST_PATHS = 1000
_TRAINING_CONFIGS = ("hyperparameters", "inputdataconfig", "resourceconfig")


@contextmanager
def unpacked(model: Path | None) -> Iterator[Path | None]:
    """The folder that holds the model's files; an archive is unpacked as SageMaker unpacks it."""
    if model is None or model.is_dir():
        yield model.resolve() if model else None
        return
    with tempfile.TemporaryDirectory(prefix="modelway-model-") as folder:
        try:
            with tarfile.open(model, "r:gz") as archive:
                unpack(archive, Path(folder))
        except (tarfile.TarError, EOFError, OSError) as error:
            cure = "tar -czf model.tar.gz -C FOLDER ."
            raise Malformed(f"{model} is not a usable model.tar.gz", seen=str(error), cure=cure) from error
        # The container's user is rarely the one that unpacked it.
        Path(folder).chmod(0o755)
        for path in Path(folder).rglob("*"):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        yield Path(folder)


def paths(folder: Path) -> tuple[str, ...]:
    """Files under a folder, the first thousand."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.append(str(path.relative_to(folder)))
        if len(found) == _MOST_PATHS:
            break
    return tuple(found)


def training_folders() -> bytes:
    """``/opt/ml`` as SageMaker prepares it for training, as an archive to put at ``/``."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("", "/input", "/input/config", "/model", "/output", "/output/data"):
            folder = tarfile.TarInfo(f"opt/ml{name}")
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(folder)
        for name in _TRAINING_CONFIGS:
            text = json.dumps({}).encode()
            file = tarfile.TarInfo(f"opt/ml/input/config/{name}.json")
            file.size, file.mode = len(text), 0o644
            archive.addfile(file, io.BytesIO(text))
    return packed.getvalue()


def fetch(handle: Handle, path: str, output: Path) -> None:
    """Copy a folder's content out of a container."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as spool:
        for chunk in handle.get_archive(path)[0]:
            spool.write(chunk)
        spool.seek(0)
        top = path.rsplit("/", 1)[-1]
        with tarfile.open(fileobj=spool, mode="r:") as archive:
            unpack(archive, output, under=top)


def text(handle: Handle, path: str, most: int = 1024) -> str:
    """A file's beginning; empty where there is none."""
    from docker.errors import APIError  # noqa: PLC0415 - keeps --help fast

    try:
        packed = b"".join(handle.get_archive(path)[0])
    except APIError:
        return ""
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        member = archive.next()
        file = archive.extractfile(member) if member and member.isfile() else None
        return file.read(most).decode(errors="replace") if file else ""
