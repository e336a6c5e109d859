"""The secrets that are looked for."""

from __future__ import annotations

from modelway.core.findings import Severity
from modelway.scanners.builtin.secrets.file_rules import FILE_RULES, WRITTEN_RULES
from modelway.scanners.builtin.secrets.rule import Rule, anything, rule
from modelway.scanners.builtin.secrets.token_rules import TOKEN_RULES

_HIGH = Severity.HIGH
RULES: tuple[Rule, ...] = (*FILE_RULES, *TOKEN_RULES, *WRITTEN_RULES)
"""In the order in which they claim a secret: the file's purpose says more than the looks."""

NAMED: tuple[Rule, ...] = (
    rule(
        "secret-in-env",
        "Secret in an environment variable of the image",
        "",
        rb"(?!)",
        anything(_HIGH),
        severity=_HIGH,
    ),
    rule(
        "secret-in-history",
        "Secret in the image's history or commands",
        "",
        rb"(?!)",
        anything(_HIGH),
        severity=_HIGH,
    ),
    rule("secret-in-label", "Secret in a label of the image", "", rb"(?!)", anything(_HIGH), severity=_HIGH),
)
"""Told by the names of what holds them, in the image's config."""


def named(rule_id: str) -> Rule:
    """The rule of this id."""
    return next(rule for rule in (*RULES, *NAMED) if rule.id == rule_id)
