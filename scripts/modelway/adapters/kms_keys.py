"""Keys of AWS KMS: signing with one, and reading its public half."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.core.naming import KMS
from modelway.errors import Unavailable

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_kms import KMSClient

_UNUSABLE = {
    *("NotFoundException", "DisabledException", "KMSInvalidStateException", "KeyUnavailableException"),
    *("InvalidKeyUsageException", "ValidationException", "UnsupportedOperationException"),
}
"""API reference, Sign, Errors; a key of another spec is a ValidationException."""


def sign(session: boto3.Session, key: str, message: bytes) -> bytes:
    """The signature of a message's digest: a statement may be longer than the 4096 bytes KMS takes."""
    with _asking(f"sign with {key}", key):
        return _client(session).sign(
            KeyId=key.removeprefix(KMS),
            Message=hashlib.sha256(message).digest(),
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )["Signature"]


def public(session: boto3.Session, key: str) -> bytes:
    """A key's public half, in PEM."""
    with _asking(f"read the public key of {key}", key):
        answer = _client(session).get_public_key(KeyId=key.removeprefix(KMS))
    body = base64.encodebytes(answer["PublicKey"]).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n".encode()


@contextmanager
def _asking(doing: str, key: str) -> Iterator[None]:
    """Raise ``Unavailable`` for a key that is not there, or not of the kind that signs."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    try:
        with translated(doing, service="kms"):
            yield
    except ClientError as error:
        if code(error) not in _UNUSABLE:
            raise
        cure = (
            f"look at {key} in the account and region of the one who signs with it: it has to be enabled, "
            "its key spec ECC_NIST_P256, its usage SIGN_VERIFY."
        )
        raise Unavailable(f"KMS could not {doing}", seen=str(error), cure=cure) from error


def _client(session: boto3.Session) -> KMSClient:
    from modelway.adapters.aws import patient  # noqa: PLC0415 - keeps --help fast

    return session.client("kms", config=patient())
