"""What a rule about secrets is, and the judges that tell a secret from its looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from modelway.core.findings import Severity
from modelway.scanners.builtin.secrets import checks

Judge = Callable[[bytes], Severity | None]
"""How bad a match is; ``None`` where it is no secret after all."""

REVOKE = "revoke it where it was issued: who can pull the image has it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of secret."""

    id: str
    title: str
    literals: tuple[bytes, ...]
    """Where none of these is, the pattern is not tried. Lower case where ``folded``."""
    pattern: re.Pattern[bytes]
    """Tried where a literal stands; its first group is the secret. Every repetition has an end."""
    judge: Judge
    severity: Severity
    """The worst ``judge`` says."""
    back: int = 0
    """How far before the literal the secret may begin."""
    folded: bool = False
    """Whether the literals are compared in lower case."""
    path: re.Pattern[str] | None = None
    """The only files it is looked for in."""
    own: bool = False
    """Whether installed packages and documentation are left out: their examples look the same."""
    short: bool = False
    """Whether the secret may be shorter than ``narrow.RUN``."""


def drawn(severity: Severity, bits: float) -> Judge:
    """Random enough, and no example."""
    return lambda secret: severity if checks.random(secret, bits) else None


def checked(secret: bytes) -> Severity | None:
    """Critical where the checksum fits; formats change, so that another one is still high."""
    if not checks.random(secret, 3.5):
        return None
    return Severity.CRITICAL if checks.has_checksum(secret) else Severity.HIGH


def written(severity: Severity) -> Judge:
    """Whatever stands there, unless it is an example or a template's variable."""
    return lambda secret: None if checks.is_example(secret) else severity


def anything(severity: Severity) -> Judge:
    """The pattern says it all."""
    return lambda _: severity


def private_key(secret: bytes) -> Severity | None:
    """Protected by a passphrase or not."""
    if not checks.is_private_key(secret.partition(b"-----")[2].partition(b"-----")[2] or secret):
        return None
    locked = b"ENCRYPTED" in secret[:200]
    return Severity.MEDIUM if locked else Severity.CRITICAL


def jwt(secret: bytes) -> Severity | None:
    """One that expires is less bad."""
    claims = checks.jwt_claims(secret)
    if claims is None:
        return None
    return Severity.MEDIUM if "exp" in claims else Severity.HIGH


def login(secret: bytes) -> Severity | None:
    """A name and a password in base64."""
    return Severity.CRITICAL if checks.is_login(secret) else None


def key_data(secret: bytes) -> Severity | None:
    """A PEM key in base64."""
    return Severity.CRITICAL if b"PRIVATE KEY" in checks.decoded(secret[: len(secret) // 4 * 4]) else None


_AZURITE = b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def storage_key(secret: bytes) -> Severity | None:
    """Sixty-four random bytes; the emulator's is in its documentation."""
    return Severity.CRITICAL if secret != _AZURITE and checks.random(secret, 4.5) else None


def rule(  # noqa: PLR0913  (a table's columns)
    id_: str,
    title: str,
    literals: str,
    pattern: bytes,
    judge: Judge,
    *,
    severity: Severity = Severity.CRITICAL,
    back: int = 0,
    folded: bool = False,
    path: str = "",
    own: bool = False,
    short: bool = False,
) -> Rule:
    """A line of the table."""
    return Rule(
        id=id_,
        title=title,
        literals=tuple(literals.encode().split(b" ")) if literals else (),
        pattern=re.compile(pattern),
        judge=judge,
        severity=severity,
        back=back,
        folded=folded,
        path=re.compile(path) if path else None,
        own=own,
        short=short or bool(path),
    )
