"""Whether what looks like a secret is one: checksums, structure, randomness, and known examples."""

from __future__ import annotations

import binascii
import json
import math
import re
from base64 import b64decode, urlsafe_b64decode
from collections import Counter
from collections.abc import Mapping
from zlib import crc32

_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_EXAMPLE = re.compile(
    rb"(?i)example|dummy|fake|sample|placeholder|redacted|change[_-]?me|your[_-]|my[_-]?(?:secret|token|pass)"
    rb"|insert[_-]|x{5}|\*{3}|\.{3}|0{8}|123456789|abcdefgh|^test(?:ing)?$|^secrets?$|^tokens?$|^pass(?:word|wd|phrase)?$"
)
_TEMPLATE = re.compile(
    rb"^[<\[({%$]|[${}<>]|%\(|%s|\{\{|^(?:os\.environ|process\.env|getenv|null|none|true|false)\b",
    re.IGNORECASE,
)
_HEADERS = re.compile(rb"[A-Za-z-]{1,40}: [^\r\n\\]{0,200}(?:\\n|[\r\n]|\\r)")
_KEY_STARTS = frozenset({b"\x30", b"\x94", b"\x95", b"\xc5", b"\xc7"})
"""A DER sequence; OpenPGP's secret (sub)key packets, RFC 9580 section 4.2."""
_SHORTEST_PASSWORD = 4
_BLANK = re.compile(rb"(?:\\r|\\n|\s|[|>#])+")


def entropy(text: bytes) -> float:
    """Shannon's, in bits per byte: 0 for one letter repeated, about 5 for 40 random letters."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def random(text: bytes, bits: float) -> bool:
    """Whether a token looks drawn, not written: enough bits per byte, and no example."""
    return entropy(text) >= bits and not is_example(text)


def is_example(text: bytes) -> bool:
    """Whether documentation or a template is speaking."""
    return bool(_EXAMPLE.search(text) or _TEMPLATE.search(text))


def has_checksum(token: bytes) -> bool:
    """Whether a GitHub or npm token ends in the CRC-32 of its random part, as six base-62 digits.

    github.blog, "Behind GitHub's new authentication token formats", 2021-04-05.
    """
    drawn = token.partition(b"_")[2]
    body, digits = drawn[:-6], drawn[-6:]
    value = 0
    for digit in digits:
        value = value * 62 + _BASE62.find(digit)
    return value == crc32(body)


def decoded(text: bytes) -> bytes:
    """Base64, standard or for URLs, padded or not; empty where it is neither."""
    padded = text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4)
    try:
        if b"-" in padded or b"_" in padded:
            return urlsafe_b64decode(padded)
        return b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        return b""


def is_private_key(body: bytes) -> bool:
    """Whether what follows a PEM header is a key: DER, OpenSSH's own form, or OpenPGP packets."""
    lines = _BLANK.sub(b"", _HEADERS.sub(b"", body))
    start = decoded(lines[: len(lines) // 4 * 4][:64])
    return start[:1] in _KEY_STARTS or start.startswith(b"openssh-key-v1\0")


def jwt_claims(token: bytes) -> Mapping[str, object] | None:
    """The claims of a signed JSON web token; ``None`` where it is none, or the specification's example."""
    header, claims, _ = token.split(b".")
    try:
        about, said = json.loads(decoded(header)), json.loads(decoded(claims))
    except (ValueError, RecursionError):
        return None
    if not isinstance(about, dict) or not isinstance(said, dict) or "alg" not in about:
        return None
    if (
        said.get("sub") == "1234567890"
        or said.get("name") == "John Doe"
        or str(about["alg"]).lower() == "none"
    ):
        return None
    return said


def is_login(coded: bytes) -> bool:
    """Whether base64 holds ``user:password``, as Docker and npm keep them."""
    user, colon, password = decoded(coded).partition(b":")
    return bool(
        user
        and colon
        and len(password) >= _SHORTEST_PASSWORD
        and password.isascii()
        and not is_example(password)
    )
