"""Showing that a secret was found without showing the secret."""

from __future__ import annotations

import hashlib

from modelway.core.findings import Evidence

_SALT = b"modelway secret fingerprint 1"
_ROUNDS = 20_000
"""Makes guessing weak passwords from a report slow; about 10 ms for each secret found."""
_SHOWN = 4
_LONG = 16


def evidence(secret: str, context: str = "") -> Evidence:
    """A secret as it may be shown, within the line it stands in.

    Of long secrets the first characters stay, which tell tokens' kinds apart (``ghp_``, ``AKIA``).
    """
    shown = context.replace(secret, mask(secret)) if secret and secret in context else mask(secret)
    return Evidence(shown, fingerprint(secret))


def mask(secret: str) -> str:
    """The beginning of a long secret and its length; of a short one the length only."""
    kept = secret[:_SHOWN] if len(secret) >= _LONG else ""
    return f"{kept}***[{len(secret)} characters]"


def fingerprint(secret: str) -> str:
    """Equal for equal secrets, whichever tool found them; 16 hex digits."""
    data = secret.strip().encode("utf-8", "surrogatepass")
    return hashlib.pbkdf2_hmac("sha256", data, _SALT, _ROUNDS).hex()[:16]
