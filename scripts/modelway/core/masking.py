"""A secret in every form it may appear in: as it is, in base64, in a URL, in JSON, line by line."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator

SHORTEST = 4
"""Characters; shorter masks would blacken half of every line and hide nothing."""
_ACCOUNT = re.compile(r"[0-9]{12}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NO_SECRETS = frozenset({"true", "false", "null", "none"})


def maskable(text: str) -> bool:
    """Whether hiding it hides a secret and nothing else.

    Account ids stay readable: the runner drops every output that holds a masked text, and each image's
    name holds one (aws-actions/amazon-ecr-login issues 305 and 400).
    """
    return len(text) >= SHORTEST and not _ACCOUNT.fullmatch(text) and text.lower() not in _NO_SECRETS


def forms(secret: str) -> tuple[str, ...]:
    """Every form of a secret that is worth a mask, the longest first."""
    whole = secret.strip()
    if not maskable(whole):
        return ()
    lines = (line.strip() for line in whole.splitlines())
    found = {form for line in lines if maskable(line) for form in _written(line)}
    for text in {secret, whole}:  # some secrets are stored with a newline at their end, and sent with it
        found |= {*_written(text), *_encoded(text)}
    return tuple(sorted(filter(maskable, found), key=lambda form: (-len(form), form)))


def _written(text: str) -> Iterator[str]:
    """A text as programs write it to logs, addresses and documents."""
    data = text.encode("utf-8", "surrogatepass")
    yield text.strip()
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    quoted = _quoted(data)
    yield quoted
    yield quoted.replace("%20", "+")
    yield quoted.replace("%2F", "/")
    yield re.sub("%[0-9A-F]{2}", lambda sign: sign[0].lower(), quoted)


def _quoted(data: bytes) -> str:
    """Percent-encoding, RFC 3986 section 2.1."""
    return "".join(chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in data)


def _encoded(text: str) -> Iterator[str]:
    """A text in base64, RFC 4648, with and without padding, alone and within something longer."""
    data = text.encode("utf-8", "surrogatepass")
    for coded in (b64encode(data), urlsafe_b64encode(data)):
        yield coded.decode()
        yield coded.decode().rstrip("=")
    yield from _inside(data)


def _inside(data: bytes) -> Iterator[str]:
    """What base64 makes of the text within a longer one, as in ``user:password``, at each alignment.

    Only the signs that depend on nothing but the text itself: six bits each, from its first whole one.
    """
    for before in range(3):
        coded = b64encode(b"\0" * before + data).decode()
        first, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        if end - first >= 2 * SHORTEST:
            yield coded[first:end]
