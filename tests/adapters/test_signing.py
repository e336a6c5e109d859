"""Signing with key files, and telling whose key it was; cosign agrees where it is installed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Never

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from modelway.adapters.signing import Holder, SigningKeys
from modelway.core.config import Signing
from modelway.core.image import Digest
from modelway.core.statement import Signature, Statement, opened, sealed
from modelway.errors import Malformed, Unavailable
from modelway.ports import unopened

CONTENT = b"an image"
STATEMENT = Statement(
    subject=Digest(f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"),
    predicate_type="urn:modelway:verdict:1",
    predicate={"result": "passed"},
)


def pair(folder: Path, name: str, curve: ec.EllipticCurve | None = None) -> None:
    """``NAME.pem`` and ``NAME.pub``."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    (folder / f"{name}.pem").write_bytes(private)
    (folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, kind))


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    """The build's and staging's own keys."""
    for name in ("build", "staging"):
        pair(tmp_path, name)
    return holders(tmp_path, build=("build.pem", "build.pub"), staging=("staging.pem", "staging.pub"))


def holders(folder: Path, **named: tuple[str | None, *tuple[str, ...]]) -> SigningKeys:
    """Who signs with what, and is known by which keys."""
    made = {
        name: Holder(
            signing=Signing(sign_with=private, verify_with=tuple(public)), session=unopened, reader=unopened
        )
        for name, (private, *public) in named.items()
    }
    return SigningKeys(root=folder, holders=made)


def test_a_signature_is_told_by_its_key(keys: SigningKeys) -> None:
    bundle = keys.seal("staging", STATEMENT.payload())
    assert bundle
    assert keys.signed_by(opened(bundle)) == {"staging"}


def test_nobody_s_key_seals_nothing(keys: SigningKeys) -> None:
    assert keys.seal("production", STATEMENT.payload()) is None


def test_an_altered_payload_is_nobody_s_word(keys: SigningKeys) -> None:
    bundle = keys.seal("staging", STATEMENT.payload())
    assert bundle
    signature = opened(bundle).signatures[0]
    forged = sealed(STATEMENT.payload().replace(b"passed", b"failed"), signature)
    assert keys.signed_by(opened(forged)) == frozenset()


def test_what_is_no_signature_at_all_is_nobody_s_word(keys: SigningKeys) -> None:
    forged = sealed(STATEMENT.payload(), Signature(signature=b"\x30\x00", key="staging"))
    assert keys.signed_by(opened(forged)) == frozenset()


@pytest.mark.parametrize("listed", [("old.pub", "staging.pub"), ("staging.pub", "old.pub")])
def test_a_key_that_is_gone_since_another_took_its_place_hides_no_signature(
    keys: SigningKeys, tmp_path: Path, listed: tuple[str, str]
) -> None:
    """A key of KMS that was deleted after the rotation is no longer read, and still listed."""
    pair(tmp_path, "stranger")
    later = holders(tmp_path, build=("build.pem", "build.pub"), staging=("staging.pem", *listed))
    bundle = keys.seal("staging", STATEMENT.payload())
    assert bundle
    assert later.signed_by(opened(bundle)) == {"staging"}
    foreign = holders(tmp_path, x=("stranger.pem", "x.pub")).seal("x", STATEMENT.payload())
    assert foreign
    with pytest.raises(Unavailable, match=r"the key old\.pub cannot be read"):  # it may be that key's
        later.signed_by(opened(foreign))


def test_a_key_that_cannot_be_read_is_asked_for_once(keys: SigningKeys) -> None:
    """Every statement of fifty releases asked KMS for it again."""
    asked: list[str] = []

    def reader() -> Never:
        asked.append("KMS")
        what = "KMS could not read the public key"
        raise Unavailable(what)

    signing = Signing(verify_with=("awskms:///alias/old",))
    gone = Holder(signing=signing, session=unopened, reader=reader)
    rotated = SigningKeys(root=keys.root, holders={"production": gone, **keys.holders})
    bundle = keys.seal("staging", STATEMENT.payload())
    assert bundle
    for _ in range(3):
        assert rotated.signed_by(opened(bundle)) == {"staging"}
    assert asked == ["KMS"]


def test_a_key_comes_out_of_a_variable(
    keys: SigningKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_KEY", (tmp_path / "staging.pem").read_text())
    by_variable = holders(tmp_path, staging=("env://THE_KEY", "staging.pub"))
    bundle = by_variable.seal("staging", STATEMENT.payload())
    assert bundle
    assert keys.signed_by(opened(bundle)) == {"staging"}


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="env://THE_KEY"):
        holders(tmp_path, staging=("env://THE_KEY", "x.pub")).seal("staging", b"{}")


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.pem").write_text(text)
    with pytest.raises(Malformed, match=r"bad\.pem is no private key"):
        holders(tmp_path, staging=("bad.pem", "x.pub")).seal("staging", b"{}")


def test_a_key_of_another_curve_is_named(tmp_path: Path) -> None:
    pair(tmp_path, "big", ec.SECP384R1())
    with pytest.raises(Malformed, match="P-256"):
        holders(tmp_path, staging=("big.pem", "big.pub")).seal("staging", b"{}")


def cosign(*argv: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["cosign", *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture
def _cosign() -> None:
    if shutil.which("cosign") is None:
        pytest.skip("cosign is not installed (Debian: apt-get install cosign, version 3)")


@pytest.mark.usefixtures("_cosign")
def test_cosign_verifies_what_modelway_signs(keys: SigningKeys, tmp_path: Path) -> None:
    bundle = keys.seal("staging", STATEMENT.payload())
    assert bundle
    (tmp_path / "bundle.json").write_bytes(bundle)
    (tmp_path / "content").write_bytes(CONTENT)
    for public, code in (("staging.pub", 0), ("build.pub", 1)):
        options = ["--bundle", "bundle.json", "--key", public, "--type", STATEMENT.predicate_type]
        done = cosign(
            "verify-blob-attestation", *options, "--insecure-ignore-tlog=true", "content", folder=tmp_path
        )
        assert bool(done.returncode) == bool(code), done.stderr


@pytest.mark.usefixtures("_cosign")
def test_a_key_cosign_made_signs_and_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", "a password")
    assert cosign("generate-key-pair", folder=tmp_path).returncode == 0
    theirs = holders(tmp_path, staging=("cosign.key", "cosign.pub"))
    bundle = theirs.seal("staging", STATEMENT.payload())
    assert bundle
    assert theirs.signed_by(opened(bundle)) == {"staging"}
