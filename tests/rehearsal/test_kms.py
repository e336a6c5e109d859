"""KMS signs the digest it is handed, which moto would hash once more; and modelway signs with such a key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial

import pytest
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from mypy_boto3_kms import KMSClient

from modelway.adapters.aws import Accounts
from modelway.adapters.signing import Holder, SigningKeys
from modelway.core.config import Signing
from modelway.core.image import Digest
from modelway.core.statement import Statement, opened
from modelway.errors import Unavailable
from modelway.ports import unopened
from modelway.rehearsal.launch import Cloud
from tests.rehearsal.clients import ONCE, PRODUCTION, REGION, STAGING, Clients

pytestmark = pytest.mark.rehearsal

MESSAGE = b"a statement of more than 4096 bytes " * 200
DIGEST = hashlib.sha256(MESSAGE).digest()
STATEMENT = Statement(
    subject=Digest(f"sha256:{'a' * 64}"), predicate_type="urn:modelway:verdict:1", predicate={}
)


@pytest.fixture(scope="module")
def kms(cloud: Cloud, clients: Clients) -> KMSClient:
    """Staging's, with a key under an alias."""
    client: KMSClient = clients.session(STAGING).client("kms", endpoint_url=cloud.endpoint, config=ONCE)
    key = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    client.create_alias(AliasName="alias/verdicts", TargetKeyId=key)
    return client


def public(kms: KMSClient) -> EllipticCurvePublicKey:
    """The key's public half, as anybody reads it."""
    key = load_der_public_key(kms.get_public_key(KeyId="alias/verdicts")["PublicKey"])
    assert isinstance(key, EllipticCurvePublicKey)
    return key


def signed(kms: KMSClient, message: bytes, **more: str) -> bytes:
    asked: Mapping[str, object] = {"KeyId": "alias/verdicts", "SigningAlgorithm": "ECDSA_SHA_256", **more}
    return kms.sign(Message=message, **asked)["Signature"]  # type: ignore[arg-type]  # as keywords


def test_a_signature_of_a_digest_verifies_outside(kms):
    signature = signed(kms, DIGEST, MessageType="DIGEST")
    public(kms).verify(signature, MESSAGE, ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):  # as moto by itself would have signed
        public(kms).verify(signature, DIGEST, ECDSA(hashes.SHA256()))


def test_a_message_is_hashed_as_ever(kms):
    public(kms).verify(signed(kms, b"short"), b"short", ECDSA(hashes.SHA256()))


def test_kms_verifies_what_it_signed_and_nothing_else(kms):
    signature = signed(kms, DIGEST, MessageType="DIGEST")
    common = {"KeyId": "alias/verdicts", "SigningAlgorithm": "ECDSA_SHA_256", "MessageType": "DIGEST"}
    assert kms.verify(Message=DIGEST, Signature=signature, **common)["SignatureValid"]
    other = hashlib.sha256(b"another").digest()
    with pytest.raises(ClientError, match="KMSInvalidSignatureException"):
        kms.verify(Message=other, Signature=signature, **common)


def test_a_digest_of_another_length_is_refused(kms):
    with pytest.raises(ClientError, match="Digest is invalid length"):
        signed(kms, DIGEST[:20], MessageType="DIGEST")


def test_digests_for_rsa_are_said_not_to_be_rehearsed(kms):
    key = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="elliptic curves"):
        signed(kms, DIGEST, KeyId=key, MessageType="DIGEST", SigningAlgorithm="RSASSA_PSS_SHA_256")


@pytest.fixture
def keys(cloud: Cloud, kms: KMSClient, tmp_path, monkeypatch: pytest.MonkeyPatch) -> SigningKeys:
    """Staging's author with a key of KMS's, and production's with a key it has not."""
    del kms
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    accounts, key = Accounts(), "awskms:///alias/verdicts"
    return SigningKeys(
        root=tmp_path,
        holders={
            name: Holder(
                signing=Signing(sign_with=key, verify_with=(key,)),
                session=partial(accounts.session, account, REGION, "modelway-deploy"),
                reader=partial(accounts.session, account, REGION, "modelway-plan"),
            )
            for name, account in (("staging", STAGING), ("production", PRODUCTION))
        },
    )


def test_modelway_signs_with_a_key_of_the_accounts_and_knows_it_again(keys):
    bundle = keys.seal("staging", STATEMENT.payload())
    assert bundle
    assert keys.signed_by(opened(bundle)) == {"staging"}, "production's key, which is not there, hides nobody"


def test_a_committed_public_half_is_enough_to_verify(keys, kms, tmp_path):
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = public(kms).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "staging.pub").write_bytes(pem)
    bundle = keys.seal("staging", STATEMENT.payload())
    reader = Holder(signing=Signing(verify_with=("staging.pub",)), session=unopened, reader=unopened)
    assert SigningKeys(root=tmp_path, holders={"staging": reader}).signed_by(opened(bundle)) == {"staging"}


def test_a_key_that_cannot_be_read_is_a_failure_where_nobody_is_found(keys):
    bundle = keys.seal("staging", STATEMENT.payload())
    assert bundle
    del keys.holders["staging"]
    with pytest.raises(Unavailable, match=r"read the public key of awskms:///alias/verdicts"):
        keys.signed_by(opened(bundle))


def test_a_key_of_another_account_signs_nothing(keys):
    with pytest.raises(Unavailable, match=r"sign with awskms:///alias/verdicts"):
        keys.seal("production", STATEMENT.payload())
