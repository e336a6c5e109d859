"""Tokens that are known by their looks."""

from __future__ import annotations

from modelway.core.findings import Severity
from modelway.scanners.builtin.secrets.rule import Rule, checked, drawn, jwt, rule, storage_key

_CRITICAL, _HIGH, _MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
_T = rb"(?<![A-Za-z0-9_])"
_E = rb"(?![A-Za-z0-9_])"

TOKEN_RULES: tuple[Rule, ...] = (
    rule(
        "aws-secret-access-key",
        "AWS secret access key",
        "secret_access_key secretaccesskey aws_secret_key",
        rb"(?i)(?:aws_?)?secret_?(?:access_?)?key[\"']?\s{0,4}(?:=>|=|:|,|>)\s{0,4}[\"']?"
        rb"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        drawn(_CRITICAL, 4.0),
        folded=True,
    ),
    rule(
        "aws-access-key-id",
        "AWS access key id",
        "AKIA ASIA",
        rb"(?<![A-Za-z0-9+/])(A[KS]IA[A-Z2-7]{16})(?![A-Za-z0-9+/=])",
        drawn(_HIGH, 3.0),
        severity=_HIGH,
    ),
    rule(
        "github-token",
        "GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_",
        _T + rb"(gh[pousr]_[A-Za-z0-9]{36,251})" + _E,
        checked,
    ),
    rule(
        "github-fine-grained-token",
        "GitHub fine-grained token",
        "github_pat_",
        _T + rb"(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})" + _E,
        drawn(_CRITICAL, 3.5),
    ),
    rule(
        "gitlab-token",
        "GitLab token",
        "glpat- gldt- glrt- glptt- glcbt-",
        _T + rb"(gl(?:pat|dt|rt|ptt|cbt)-[0-9A-Za-z_\-]{20,64}(?:\.[0-9a-z.]{2,24})?)" + _E,
        drawn(_CRITICAL, 3.2),
    ),
    rule(
        "slack-token",
        "Slack token",
        "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xapp-",
        _T + rb"((?:xox[abeprs]|xapp)-(?:\d-)?[0-9A-Za-z]{8,64}-[0-9A-Za-z-]{10,200})",
        drawn(_CRITICAL, 3.0),
    ),
    rule(
        "slack-webhook",
        "Slack webhook",
        "hooks.slack.com",
        rb"hooks\.slack\.com/services/(T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20,28})",
        drawn(_HIGH, 3.5),
        severity=_HIGH,
    ),
    rule(
        "discord-webhook",
        "Discord webhook",
        "/api/webhooks/",
        rb"/api/webhooks/(\d{17,20}/[A-Za-z0-9_\-]{60,80})",
        drawn(_HIGH, 3.5),
        severity=_HIGH,
    ),
    rule(
        "huggingface-token",
        "Hugging Face token",
        "hf_",
        _T + rb"(hf_[A-Za-z0-9]{34})" + _E,
        drawn(_CRITICAL, 3.8),
    ),
    rule(
        "openai-key",
        "OpenAI key",
        "T3BlbkFJ",
        _T + rb"(sk-(?:(?:proj|svcacct|admin|None)-)?[A-Za-z0-9_\-]{16,120}T3BlbkFJ[A-Za-z0-9_\-]{16,120})",
        drawn(_CRITICAL, 3.5),
        back=140,
    ),
    rule(
        "anthropic-key",
        "Anthropic key",
        "sk-ant-",
        _T + rb"(sk-ant-(?:api|admin|oat|ort)\d{2}-[A-Za-z0-9_\-]{80,120})",
        drawn(_CRITICAL, 3.5),
    ),
    rule("groq-key", "Groq key", "gsk_", _T + rb"(gsk_[A-Za-z0-9]{52})" + _E, drawn(_CRITICAL, 3.5)),
    rule(
        "replicate-token", "Replicate token", "r8_", _T + rb"(r8_[A-Za-z0-9]{37})" + _E, drawn(_CRITICAL, 3.5)
    ),
    rule(
        "nvidia-key",
        "NVIDIA API key",
        "nvapi-",
        _T + rb"(nvapi-[A-Za-z0-9_\-]{60,70})" + _E,
        drawn(_CRITICAL, 3.5),
    ),
    rule(
        "wandb-key",
        "Weights & Biases key",
        "wandb_api_key",
        rb"(?i)wandb_api_key[\"']?\s{0,4}[=:,]\s{0,4}[\"']?([0-9a-f]{40})(?![0-9a-f])",
        drawn(_CRITICAL, 3.0),
        folded=True,
    ),
    rule(
        "databricks-token",
        "Databricks token",
        "dapi",
        _T + rb"(dapi[0-9a-f]{32}(?:-\d)?)" + _E,
        drawn(_CRITICAL, 3.0),
    ),
    rule(
        "stripe-key",
        "Stripe key",
        "sk_live_ rk_live_",
        _T + rb"([sr]k_live_[0-9a-zA-Z]{20,120})" + _E,
        drawn(_CRITICAL, 3.3),
    ),
    rule(
        "google-api-key",
        "Google API key",
        "AIza",
        rb"(?<![A-Za-z0-9_\-])(AIza[0-9A-Za-z_\-]{35})(?![0-9A-Za-z_\-])",
        drawn(_HIGH, 3.5),
        severity=_HIGH,
    ),
    rule(
        "google-oauth-secret",
        "Google OAuth client secret",
        "GOCSPX-",
        _T + rb"(GOCSPX-[A-Za-z0-9_\-]{28})" + _E,
        drawn(_CRITICAL, 3.5),
    ),
    rule(
        "google-service-account",
        "Google service account key",
        '"private_key_id"',
        rb'"private_key_id"\s{0,8}:\s{0,8}"([0-9a-f]{40})"',
        drawn(_CRITICAL, 2.5),
    ),
    rule(
        "azure-storage-key",
        "Azure storage key",
        "AccountKey=",
        rb"AccountKey=([A-Za-z0-9+/]{86}==)",
        storage_key,
    ),
    rule(
        "azure-client-secret",
        "Azure client secret",
        "7Q~ 8Q~",
        rb"(?<![A-Za-z0-9_~.\-])([A-Za-z0-9_~.\-]{3}[78]Q~[A-Za-z0-9_~.\-]{31,34})(?![A-Za-z0-9_~.\-])",
        drawn(_CRITICAL, 3.5),
        back=4,
    ),
    rule("npm-token", "npm token", "npm_", _T + rb"(npm_[A-Za-z0-9]{36})" + _E, checked),
    rule(
        "pypi-token",
        "PyPI token",
        "pypi-AgE",
        _T + rb"(pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[A-Za-z0-9_\-]{50,300})",
        drawn(_CRITICAL, 3.5),
    ),
    rule(
        "sendgrid-key",
        "SendGrid key",
        "SG.",
        _T + rb"(SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43})" + _E,
        drawn(_CRITICAL, 3.5),
    ),
    rule(
        "vault-token",
        "HashiCorp Vault token",
        "hvs. hvb.",
        _T + rb"(hv[sb]\.[A-Za-z0-9_\-]{24,300})",
        drawn(_CRITICAL, 3.5),
    ),
    rule(
        "terraform-cloud-token",
        "Terraform Cloud token",
        ".atlasv1.",
        _T + rb"([A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-]{60,70})" + _E,
        drawn(_CRITICAL, 3.5),
        back=14,
    ),
    rule(
        "digitalocean-token",
        "DigitalOcean token",
        "dop_v1_ doo_v1_",
        _T + rb"(do[op]_v1_[a-f0-9]{64})" + _E,
        drawn(_CRITICAL, 3.0),
    ),
    rule(
        "jwt",
        "Signed JSON web token",
        "eyJ",
        rb"(?<![A-Za-z0-9_\-.])(eyJ[A-Za-z0-9_\-]{10,800}\.eyJ[A-Za-z0-9_\-]{10,1200}\.[A-Za-z0-9_\-]{20,800})",
        jwt,
        severity=_HIGH,
    ),
)
"""One or more for each service."""
