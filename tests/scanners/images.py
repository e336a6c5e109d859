"""Image archives made in memory: what engines write, and what they never would."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from hashlib import sha256

Files = Mapping[str, bytes | str | None]
"""Path to content; text beginning with ``->`` is a symbolic link, with ``=>`` a hard one, None a folder."""

OS_RELEASE = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
STATUS = """Package: libc6
Status: install ok installed
Source: glibc
Version: 2.36-9+deb12u1
Description: GNU C Library
 Package: decoy

Package: bash
Status: install ok installed
Version: 5.2.15-2+b13
Source: bash (5.2.15-2)

Package: gone
Status: deinstall ok config-files
Version: 1.0
"""
BASE: Files = {"etc/os-release": "-> ../usr/lib/os-release", "usr/lib/os-release": OS_RELEASE}
DEBIAN: Files = {**BASE, "var/lib/dpkg/status": STATUS.encode()}
SITE = "opt/venv/lib/python3.11/site-packages"


def python(name: str, version: str, folder: str = SITE) -> Files:
    """What pip writes down of a package."""
    body = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not-this\n"
    return {f"{folder}/{name.replace('-', '_')}-{version}.dist-info/METADATA": body.encode()}


def layer(files: Files, *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A layer's tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if content is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                member.type = tarfile.SYMTYPE if content.startswith("->") else tarfile.LNKTYPE
                member.linkname = content[3:]
            else:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    return out.getvalue()


def digest(body: bytes) -> str:
    """Hex digits of the SHA-256."""
    return sha256(body).hexdigest()


def config(layers: Sequence[bytes], **changes: object) -> bytes:
    """An image config that names the layers."""
    body = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(one)}" for one in layers]},
    }
    return json.dumps({**body, **changes}).encode()


def docker_archive(layers: Sequence[bytes], **changes: object) -> bytes:
    """As engine 20.10 saves it: a folder a layer, equal layers linked, the manifest last."""
    about = config(layers, **changes)
    members: dict[str, bytes | str] = {}
    names, first = [], dict[bytes, str]()
    for number, body in enumerate(layers):
        name = f"{number:064x}"
        members[f"{name}/VERSION"] = b"1.0"
        members[f"{name}/layer.tar"] = f"-> ../{first[body]}/layer.tar" if body in first else body
        first.setdefault(body, name)
        names.append(f"{name}/layer.tar")
    members[f"{digest(about)}.json"] = about
    manifest = [{"Config": f"{digest(about)}.json", "RepoTags": ["x:y"], "Layers": names}]
    members["manifest.json"] = json.dumps(manifest).encode()
    members["repositories"] = b"{}"
    return layer(members, form=tarfile.USTAR_FORMAT)


def oci_archive(
    layers: Sequence[bytes], *, manifest_json: bool, zipped: bool = True, **changes: object
) -> bytes:
    """An OCI layout; from engine 25 with a ``manifest.json`` too."""
    about = config(layers, **changes)
    packed = [gzip.compress(one, mtime=0) if zipped else one for one in layers]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"digest": f"sha256:{digest(about)}"},
            "layers": [{"digest": f"sha256:{digest(one)}"} for one in packed],
        }
    ).encode()
    attestation = {
        "digest": f"sha256:{digest(b'{}')}",
        "platform": {"os": "unknown", "architecture": "unknown"},
    }
    image = {"digest": f"sha256:{digest(manifest)}", "platform": {"os": "linux", "architecture": "amd64"}}
    members: dict[str, bytes | str] = {
        **{f"blobs/sha256/{digest(one)}": one for one in (*packed, about, manifest, b"{}")},
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [attestation, image]}).encode(),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    }
    if manifest_json:
        entry = {
            "Config": f"blobs/sha256/{digest(about)}",
            "Layers": [f"blobs/sha256/{digest(one)}" for one in packed],
        }
        members["manifest.json"] = json.dumps([entry]).encode()
    return layer(members, form=tarfile.USTAR_FORMAT)
