"""Why SageMaker refused or took back a change: whose fault it is, and what to do.

The texts are SageMaker's own ``FailureReason``; they are not modelled, so what is not recognised is
held against the version, which is the safe side.
"""

from __future__ import annotations

import re

from modelway.core.plan import Blame, Setback

_RULES: tuple[tuple[re.Pattern[str], Blame, str], ...] = (
    (
        re.compile(r"could not find (the )?model\b", re.IGNORECASE),
        Blame.PLATFORM,
        "Somebody deleted the version's model, which modelway keeps as long as it may be needed: change "
        "anything in the settings and release that as a new version.",
    ),
    (
        re.compile(r"insufficient|not enough|capacity error|no capacity", re.IGNORECASE),
        Blame.PLATFORM,
        "Run it again later, or choose another instance_type; the version is not marked as failed.",
    ),
    (
        re.compile(r"ResourceLimitExceeded|service limit|quota", re.IGNORECASE),
        Blame.PLATFORM,
        "Raise the endpoint quota for this instance type in Service Quotas, then run it again.",
    ),
    (
        re.compile(
            r"access denied|not authorized|AccessDenied|assume role|does not have permission", re.IGNORECASE
        ),
        Blame.PLATFORM,
        "Give the execution role what it lacks: pulling from ECR, reading the artifact from S3, "
        "cloudwatch:DescribeAlarms for the rollback alarms.",
    ),
    (
        re.compile(r"model data|ModelDataUrl|download", re.IGNORECASE),
        Blame.PLATFORM,
        "Look whether the execution role may read the artifact's bucket, and raise download_timeout "
        "if it is large.",
    ),
    (
        re.compile(r"ping health check|health check", re.IGNORECASE),
        Blame.VERSION,
        "The container must answer GET /ping on port 8080 with 200 within 2 s: see its log lines above, "
        "and try it here with scripts/run rehearse.",
    ),
    (
        re.compile(r"alarm", re.IGNORECASE),
        Blame.VERSION,
        "Look at the metric behind the alarm for the minutes of the rollout, and at the log lines above.",
    ),
    (
        re.compile(r"CannotStartContainer|exec format|entrypoint", re.IGNORECASE),
        Blame.VERSION,
        "`serve` must be an executable in the image, built for the instance's architecture.",
    ),
)


def setback(reason: str) -> Setback:
    """Judge a failure reason."""
    for pattern, blame, cure in _RULES:
        if pattern.search(reason):
            return Setback(blame=blame, reason=reason, cure=cure)
    return Setback(blame=Blame.VERSION, reason=reason)
