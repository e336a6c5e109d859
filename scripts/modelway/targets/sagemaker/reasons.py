"""Why SageMaker refused or took back a change: whose fault it is, and what to do.

The texts are SageMaker's own ``FailureReason``; they are not modelled, so what is not recognised is
held against the version, which is the safe side.
"""

from __future__ import annotations

from modelway.core.plan import Blame, Setback
from modelway.targets.shared.reasons import Rule, judged

_RULES: tuple[Rule, ...] = (
    (
        r"could not find (the )?model\b",
        Blame.PLATFORM,
        "Somebody deleted the version's model, which modelway keeps as long as it may be needed: change "
        "anything in the settings and release that as a new version.",
    ),
    (
        r"insufficient|not enough|capacity error|no capacity",
        Blame.PLATFORM,
        "Run it again later, or choose another instance_type; the version is not marked as failed.",
    ),
    (
        r"ResourceLimitExceeded|service limit|quota",
        Blame.PLATFORM,
        "Raise the endpoint quota for this instance type in Service Quotas, then run it again.",
    ),
    (
        r"access denied|not authorized|AccessDenied|assume role|does not have permission",
        Blame.PLATFORM,
        "Give the execution role what it lacks: pulling from ECR, reading the artifact from S3, "
        "cloudwatch:DescribeAlarms for the rollback alarms.",
    ),
    (
        r"model data|ModelDataUrl|download",
        Blame.PLATFORM,
        "Look whether the execution role may read the artifact's bucket, and raise download_timeout "
        "if it is large.",
    ),
    (
        r"ping health check|health check",
        Blame.VERSION,
        "The container must answer GET /ping on port 8080 with 200 within 2 s: see its log lines above, "
        "and try it here with scripts/run rehearse.",
    ),
    (
        r"alarm",
        Blame.VERSION,
        "Look at the metric behind the alarm for the minutes of the rollout, and at the log lines above.",
    ),
    (
        r"CannotStartContainer|exec format|entrypoint",
        Blame.VERSION,
        "`serve` must be an executable in the image, built for the instance's architecture.",
    ),
)


def setback(reason: str) -> Setback:
    """Judge a failure reason."""
    return judged(reason, _RULES) or Setback(blame=Blame.VERSION, reason=reason)
