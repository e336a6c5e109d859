"""Secrets made up for tests: put together as they are needed, so that no file holds one."""

from __future__ import annotations

import json
import random
import string
from base64 import b64encode, urlsafe_b64encode
from zlib import crc32

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def drawn(size: int, letters: str = string.ascii_letters + string.digits, seed: int = 7) -> str:
    """Letters drawn the same way each time."""
    return "".join(random.Random(seed).choices(letters, k=size))  # noqa: S311


def checked(prefix: str, size: int = 30) -> str:
    """A token that ends in the checksum GitHub and npm write."""
    body = drawn(size)
    number, digits = crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return prefix + body + digits


def pem(kind: str = "RSA ") -> str:
    """A private key in form: a DER sequence of random bytes."""
    body = b64encode(b"\x30\x82\x04\xa4" + random.Random(5).randbytes(600)).decode()  # noqa: S311
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----\n"


def jwt(claims: dict[str, object]) -> str:
    """A signed token in form."""
    parts = [json.dumps(one).encode() for one in ({"alg": "RS256", "typ": "JWT"}, claims)]
    coded = [urlsafe_b64encode(one).decode().rstrip("=") for one in parts]
    return ".".join([*coded, drawn(43)])


AWS_ID = "AK" + "IA" + drawn(16, string.ascii_uppercase + "234567")
AWS_SECRET = drawn(38) + "/+"
HEX = string.hexdigits.lower()[:16]
LOGIN = b64encode(b"robot:" + drawn(20).encode()).decode()

TOKENS: dict[str, list[str]] = {
    "aws-access-key-id": [f"key={AWS_ID}", f'"{AWS_ID}"', f"AWS_ACCESS_KEY_ID={AWS_ID}\n"],
    "aws-secret-access-key": [
        f"aws_secret_access_key = {AWS_SECRET}\n",
        f"export AWS_SECRET_ACCESS_KEY='{AWS_SECRET}'",
        f'{{"SecretAccessKey": "{AWS_SECRET}"}}',
        f"AWSSecretAccessKey={AWS_SECRET}",
    ],
    "github-token": [checked("gh" + "p_"), f"token: {checked('gh' + 's_')}"],
    "github-fine-grained-token": ["github_" + "pat_" + drawn(22) + "_" + drawn(59)],
    "gitlab-token": ["glpat" + "-" + drawn(20)],
    "slack-token": [
        "xo" + "xb-" + drawn(12, string.digits) + "-" + drawn(12, string.digits) + "-" + drawn(24)
    ],
    "slack-webhook": [
        "https://hooks.slack.com/services/T"
        + drawn(8, BASE62[:36])
        + "/B0"
        + drawn(8, BASE62[:36])
        + "/"
        + drawn(24)
    ],
    "huggingface-token": ["hf" + "_" + drawn(34)],
    "openai-key": [
        "sk" + "-" + drawn(20) + "T3Blbk" + "FJ" + drawn(20),
        "sk" + "-proj-" + drawn(60) + "T3Blbk" + "FJ" + drawn(60),
    ],
    "anthropic-key": ["sk" + "-ant-api03-" + drawn(93) + "AA"],
    "groq-key": ["gs" + "k_" + drawn(52)],
    "replicate-token": ["r8" + "_" + drawn(37)],
    "nvidia-key": ["nv" + "api-" + drawn(64)],
    "wandb-key": [f"WANDB_API_KEY={drawn(40, HEX)}"],
    "databricks-token": ["da" + "pi" + drawn(32, HEX)],
    "stripe-key": ["sk" + "_live_" + drawn(24)],
    "google-api-key": ["AI" + "za" + drawn(35)],
    "google-oauth-secret": ["GOC" + "SPX-" + drawn(28)],
    "google-service-account": [f'{{"type": "service_account", "private_key_id": "{drawn(40, HEX)}"}}'],
    "azure-storage-key": [f"AccountName=a;AccountKey={drawn(86)}=="],
    "azure-client-secret": [f"secret: {drawn(3)}8Q" + "~" + drawn(34)],
    "npm-token": [checked("np" + "m_")],
    "pypi-token": ["pyp" + "i-AgEIcHlwaS5vcmc" + drawn(120)],
    "sendgrid-key": ["S" + "G." + drawn(22) + "." + drawn(43)],
    "vault-token": ["hv" + "s." + drawn(90)],
    "terraform-cloud-token": [drawn(14) + ".atlas" + "v1." + drawn(65)],
    "digitalocean-token": ["dop" + "_v1_" + drawn(64, HEX)],
    "discord-webhook": ["https://discord.com/api/webhooks/" + drawn(18, "123456789") + "/" + drawn(68)],
    "jwt": [jwt({"sub": "robot", "scope": "all"})],
    "private-key": [pem(), pem(""), pem("EC "), json.dumps({"private_key": pem("")})],
    "docker-config-auth": [json.dumps({"auths": {"r.io": {"auth": LOGIN}}})],
    "kubeconfig-client-key": ["client-key-data: " + b64encode(pem().encode()).decode()],
    "url-password": [
        "postgres://app:" + drawn(12) + "@db.internal:5432/x",
        "https://u:" + drawn(16) + "@pypi.corp.io/simple",
    ],
}
"""Texts in which each rule finds its secret, wherever they are."""

FILES: dict[str, list[tuple[str, str]]] = {
    "netrc-password": [("root/.netrc", f"machine x.io login a password {drawn(9)}\n")],
    "pypirc-password": [("root/.pypirc", f"[pypi]\nusername = a\npassword = {drawn(9)}\n")],
    "git-credentials": [("root/.git-credentials", f"https://a:{drawn(9)}@x.io\n")],
    "npmrc-auth": [("app/.npmrc", f"//registry.x.io/:_authToken={drawn(30)}\n")],
    "kubeconfig-token": [("root/.kube/config", f"users:\n- user:\n    token: {drawn(40)}\n")],
    "terraform-state": [("app/terraform.tfstate", '{"version": 4, "terraform_version": "1.5.0"}')],
    "password-hash": [("etc/shadow", f"root:$6${drawn(8)}${drawn(86)}:19000:0:99999:7:::\n")],
    "pip-index-credentials": [
        ("etc/pip.conf", f"[global]\nindex-url = https://a:{drawn(9)}@pypi.corp.io/simple\n"),
        ("app/requirements.txt", f"--index-url https://a:{drawn(9)}@pypi.corp.io/simple\n"),
    ],
    "env-file-secret": [
        ("app/.env", f"DB_PASSWORD={drawn(12)}\n"),
        ("app/prod.env", f"API_KEY='{drawn(20)}'\n"),
    ],
}
"""Files in which each rule finds its secret, and only there."""
