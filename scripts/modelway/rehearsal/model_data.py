"""The model artifact of an endpoint: from the rehearsal's S3 to the folder mounted at /opt/ml/model."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from moto.s3.models import s3_backends

from modelway.adapters.unpacking import unpack

READABLE = 0o755


class ModelDataError(Exception):
    """The artifact is not there, or is not what SageMaker extracts; its text is SageMaker's."""


def exists(url: str) -> bool:
    """Whether the object of an ``s3://`` address is there, in whichever account's bucket."""
    return _read(url) is not None


def folder(url: str, under: Path) -> Path:
    """Download and extract once per content; the folder to mount. Raises ``ModelDataError``."""
    content = _read(url)
    if content is None:
        msg = (
            f'Failed to download model data for container "container_1" from URL: "{url}". Please ensure '
            "that there is an object located at the URL and that the role passed to CreateModel has "
            "permissions to download the object."
        )
        raise ModelDataError(msg)
    wanted = under / hashlib.sha256(content).hexdigest()
    if not wanted.exists():
        _extract(content, url, wanted)
    return wanted


def _extract(content: bytes, url: str, wanted: Path) -> None:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=wanted.parent))
    making.chmod(READABLE)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            unpack(archive, making)
    except (tarfile.TarError, OSError, EOFError) as error:
        msg = (
            f'Failed to extract model data archive from URL "{url}". Please ensure that the object located '
            "at the URL is a valid tar.gz archive."
        )
        raise ModelDataError(msg) from error
    try:
        making.rename(wanted)
    except OSError:  # another variant extracted the same content meanwhile
        if not wanted.exists():
            raise


def _read(url: str) -> bytes | None:
    parts = urlsplit(url)
    owner = s3_backends.bucket_accounts.get(parts.netloc)
    if parts.scheme != "s3" or owner is None:
        return None
    partition, account = owner
    found = s3_backends[account][partition].get_object(parts.netloc, parts.path.lstrip("/"))
    return None if found is None else bytes(found.value)
