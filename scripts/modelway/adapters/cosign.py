"""cosign, for what only it can do: its own encrypted keys, and keyless signatures with their certificates.

Version 3 is asked for: it writes and reads Sigstore bundles (version 2 keeps signatures elsewhere). With a
key nothing leaves this machine; keyless signing asks Sigstore's certificate authority and log, and the
identity is the workflow's own OIDC token.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelway.adapters import process
from modelway.core.config import Identity
from modelway.core.decode import Wrong
from modelway.core.statement import Envelope, statement_of
from modelway.errors import Unavailable

_TIMEOUT = 120.0
_OLDEST = 3
_ALONE = (
    '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}'
)
"""A signing configuration without any service: with a key, nobody else is asked."""
_INSTALL = "install cosign 3 (in a workflow: sigstore/cosign-installer, pinned by its commit)."


def attest(payload: bytes, *, key: Path | None = None) -> bytes:
    """Sign a statement: with cosign's own key, whose password is COSIGN_PASSWORD, or keyless."""
    with _folder() as folder:
        statement, bundle, services = folder / "statement", folder / "bundle", folder / "services.json"
        statement.write_bytes(payload)
        services.write_text(_ALONE)
        alone = ["--key", str(key), "--signing-config", str(services)] if key else []
        argv = ["attest-blob", "--statement", str(statement), "--bundle", str(bundle), "--yes", *alone]
        done = _cosign(argv)
        if done.code or not bundle.exists():
            _refuse_old()
            what = f"cosign could not sign with {key}" if key else "cosign could not sign keyless"
            cure = (
                "see COSIGN_PASSWORD."
                if key
                else "the job needs `permissions: id-token: write`, and network."
            )
            raise Unavailable(what, seen=done.tail, cure=cure)
        return bundle.read_bytes()


def is_by(envelope: Envelope, identity: Identity, root: Path) -> bool:
    """Whether the certificate is this identity's, its signature valid, and the log knew it in time.

    ``root`` is the folder that a trusted root's path begins at.
    """
    try:
        statement = statement_of(envelope.payload)
    except Wrong:
        return False
    whole = f"^(?:{identity.subject})$"  # cosign looks for the pattern anywhere
    with _folder() as folder:
        bundle = folder / "bundle"
        bundle.write_bytes(envelope.document)
        trusted = (
            ["--trusted-root", str(_trusted(identity.trusted_root, root))] if identity.trusted_root else []
        )
        subject = ["--digest", statement.subject.hex, "--digestAlg", "sha256"]
        who = ["--certificate-oidc-issuer", identity.issuer, "--certificate-identity-regexp", whole]
        kind = ["--type", statement.predicate_type]
        done = _cosign(["verify-blob-attestation", "--bundle", str(bundle), *who, *kind, *subject, *trusted])
    if done.code and "tuf" in done.err.lower():
        cure = "let this machine reach Sigstore's TUF repository, or name a trusted_root beside the identity."
        raise Unavailable("cosign has no trusted root to check a certificate with", seen=done.tail, cure=cure)
    if done.code:
        _refuse_old()
    return done.code == 0


def _trusted(name: str, root: Path) -> Path:
    """The file of a trusted root; raises ``Unavailable``: without it everybody would be a stranger."""
    if not (root / name).is_file():
        what = f"the trusted root {name} of a keyless identity cannot be read"
        cure = "name a file by its path from the repository's root; sigstore-python ships trusted_root.json."
        raise Unavailable(what, seen=f"There is no file {root / name}.", cure=cure)
    return root / name


def _refuse_old() -> None:
    """Raise ``Unavailable`` for version 2: it can read no bundle, which says nothing of the signature."""
    told = _cosign(["version", "--json"]).out
    found = re.search(r'"gitVersion":\s*"v?((\d+)[^"]*)"', told)
    if found and int(found[2]) < _OLDEST:
        raise Unavailable(
            "cosign is too old to sign and check Sigstore bundles",
            seen=f"version {found[1]} is on PATH; version {_OLDEST} is needed.",
            cure=_INSTALL,
        )


def _cosign(argv: Sequence[str]) -> process.Finished:
    try:
        return process.run(["cosign", *argv], timeout=_TIMEOUT)
    except Unavailable as unavailable:
        raise Unavailable(unavailable.what, seen=unavailable.seen, cure=_INSTALL) from unavailable


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="modelway-cosign-") as name:
        yield Path(name)
