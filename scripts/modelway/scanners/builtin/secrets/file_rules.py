"""Secrets in files that hold credentials by their purpose, and where people write them down."""

from __future__ import annotations

from modelway.core.findings import Severity
from modelway.scanners.builtin.secrets import checks
from modelway.scanners.builtin.secrets.rule import (
    Rule,
    anything,
    drawn,
    key_data,
    login,
    private_key,
    rule,
    written,
)

_CRITICAL, _HIGH, _MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
_T = rb"(?<![A-Za-z0-9_])"
_E = rb"(?![A-Za-z0-9_])"

FILE_RULES: tuple[Rule, ...] = (
    rule(
        "private-key",
        "Private key",
        "PRIVATE",
        rb"(-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?-----"
        rb"[A-Za-z0-9+/=:,.\-\s\\]{64,2000})",
        private_key,
        back=40,
    ),
    rule(
        "putty-private-key",
        "PuTTY private key",
        "PuTTY-User-Key-File-",
        rb"(PuTTY-User-Key-File-[23]: [\x20-\x7e\s]{0,600}"
        rb"Private-Lines: \d{1,3}\s{1,2}[A-Za-z0-9+/=]{20,64})",
        anything(_CRITICAL),
    ),
    rule(
        "netrc-password",
        "Password in .netrc",
        "password",
        rb"password\s{1,8}(\S{4,256})",
        written(_CRITICAL),
        path=r"(?:^|/)[._]netrc\Z",
    ),
    rule(
        "pypirc-password",
        "Password in .pypirc",
        "password",
        rb"password\s{0,8}[=:]\s{0,8}(\S{4,512})",
        written(_CRITICAL),
        path=r"(?:^|/)\.pypirc\Z",
    ),
    rule(
        "git-credentials",
        "Password in .git-credentials",
        "://",
        rb"://[^\s:/@]{0,128}:([^\s:/@]{4,256})@",
        written(_CRITICAL),
        path=r"(?:^|/)\.git-credentials\Z",
    ),
    rule(
        "docker-config-auth",
        "Docker registry login",
        '"auth"',
        rb'"auth"\s{0,8}:\s{0,8}"([A-Za-z0-9+/=]{8,1024})"',
        login,
        short=True,
    ),
    rule(
        "npmrc-auth",
        "npm registry login",
        "_authtoken _auth _password",
        rb"(?i)_(?:authToken|auth|password)\s{0,4}=\s{0,4}[\"']?([A-Za-z0-9+/=_.\-]{8,512})",
        written(_CRITICAL),
        folded=True,
        path=r"(?:^|/)\.?npmrc\Z",
    ),
    rule(
        "kubeconfig-client-key",
        "Kubernetes client key",
        "client-key-data:",
        rb"client-key-data:\s{0,4}[\"']?([A-Za-z0-9+/=]{100,3000})",
        key_data,
    ),
    rule(
        "kubeconfig-token",
        "Kubernetes token",
        "token:",
        rb"token:\s{1,4}[\"']?([A-Za-z0-9._\-]{16,2000})",
        drawn(_CRITICAL, 3.0),
        path=r"(?:^|/)(?:\.kube/config|kubeconfig[^/]*)\Z",
    ),
    rule(
        "terraform-state",
        "Terraform state, which holds secrets in clear",
        '"terraform_version"',
        rb'("terraform_version"\s{0,8}:\s{0,8}"[0-9.]{1,20}")',
        anything(_HIGH),
        severity=_HIGH,
        path=r"\.tfstate(?:\.backup)?\Z",
    ),
    rule(
        "password-hash",
        "Password hash of a user",
        "$",
        rb"(\$(?:1|2[aby]|5|6|7|y|gy)\$[A-Za-z0-9./$=,]{20,200})(?=:)",
        anything(_HIGH),
        severity=_HIGH,
        path=r"^etc/shadow-?\Z",
    ),
    rule(
        "pip-index-credentials",
        "Password of a Python package index",
        "://",
        rb"://[^\s:/@\"'<>]{0,128}:([^\s:/@\"'<>{}$]{4,256})@",
        written(_CRITICAL),
        path=r"(?:^|/)(?:pip\.(?:conf|ini)|requirements[^/]*\.(?:txt|in)|Pipfile(?:\.lock)?|poetry\.(?:lock|toml)|uv\.(?:lock|toml)|pyproject\.toml|\.?condarc)\Z",
    ),
)
"""By purpose."""

WRITTEN_RULES: tuple[Rule, ...] = (
    rule(
        "url-password",
        "Password in an address",
        "://",
        rb"(?<=[a-z])://[^\s:/@\"'<>`(){}\[\]|,;]{1,64}:([^\s:/@\"'<>{}$`()|,;\\]{6,128})@"
        rb"(?!(?:localhost|127\.|example\.|host\b|server\b|proxy\b|domain\b|foo|bar|0\.0))[A-Za-z0-9\[][A-Za-z0-9.\-]{2,200}",
        lambda secret: _HIGH if checks.random(secret, 2.5) else None,
        severity=_HIGH,
        own=True,
        short=True,
    ),
    rule(
        "env-file-secret",
        "Secret in an environment file",
        "secret token password passwd api_key apikey access_key private_key",
        rb"(?im)(?:secret|token|password|passwd|api_?key|access_key|private_key)[A-Z0-9_]{0,32}\s{0,4}=\s{0,4}[\"']?([^\s\"'#]{8,512})",
        lambda secret: _HIGH if checks.random(secret, 2.8) else None,
        severity=_HIGH,
        folded=True,
        own=True,
        path=r"(?:^|/)(?:\.env(?:\.(?!example|sample|template|dist)[\w\-]{1,32})?|[\w\-]{1,64}\.env)\Z",
    ),
)
"""Passwords that only their surroundings give away."""
