"""What one environment says of a version: it ran here, and this is what it answered."""

from __future__ import annotations

from dataclasses import dataclass

from modelway.core import decode
from modelway.core.analysis import Sample
from modelway.core.json import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One contract test, and what came back."""

    test: str
    status: int
    latency_ms: float
    content_type: str = ""
    answer: str = ""
    """The beginning of the answer, on one line."""

    def json(self) -> JsonObject:
        """For the statement."""
        return {
            "test": self.test,
            "status": self.status,
            "latency_ms": round(self.latency_ms, 1),
            "content_type": self.content_type,
            "answer": self.answer,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What it answered with a share of the traffic, and what the version in service did meanwhile."""

    percent: int
    candidate: Sample
    baseline: Sample

    def json(self) -> JsonObject:
        """For the statement."""
        return {
            "percent": self.percent,
            "candidate": _sample_json(self.candidate),
            "baseline": _sample_json(self.baseline),
        }

    @property
    def words(self) -> str:
        """As people read it."""
        sides = f"{_told(self.candidate)}; the version in service: {_told(self.baseline)}"
        return f"at {self.percent} % of the traffic: {sides}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who let it in, read back from GitHub's API; nothing here is what the run says of itself."""

    run: str
    """URL of the workflow's run."""
    workflow: str = ""
    """The workflow's file."""
    commit: str = ""
    event: str = ""
    actor: str = ""
    """Who started the run."""
    approved_by: tuple[str, ...] = ()
    """Who approved it for this environment; none where no approval is asked for."""

    def json(self) -> JsonObject:
        """For the statement."""
        return {
            "run": self.run,
            "workflow": self.workflow,
            "commit": self.commit,
            "event": self.event,
            "actor": self.actor,
            "approved_by": list(self.approved_by),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentVerdict:
    """A version passed in an environment."""

    model: str
    environment: str
    account: str
    region: str
    target: str
    version: str
    """The version's id: image, artifact and this environment's settings."""
    artifact: str | None
    """The artifact's SHA-256, ``sha256:...``."""
    contract: str
    """Hash of the contract tests it answered."""
    attempt: int
    passed: str
    """When, ISO 8601 in UTC."""
    began: str = ""
    """When the attempt began."""
    release: str = ""
    transcript: tuple[Answered, ...] = ()
    approval: Approval | None = None
    """``None`` where there was no GitHub to ask, as on a laptop."""
    glass: str = ""
    """The reason, where the policy was broken to let it in."""
    comparison: Comparison | None = None
    """``None`` where the rollout asked for none."""

    def predicate(self) -> JsonObject:
        """As it is signed."""
        return {
            "result": "passed",
            "model": self.model,
            "environment": self.environment,
            "account": self.account,
            "region": self.region,
            "target": self.target,
            "version": self.version,
            "artifact": self.artifact,
            "contract": self.contract,
            "attempt": self.attempt,
            "began": self.began,
            "passed": self.passed,
            "release": self.release,
            "transcript": [one.json() for one in self.transcript],
            "approval": self.approval.json() if self.approval else None,
            "break_glass": self.glass,
            "comparison": self.comparison.json() if self.comparison else None,
        }


def verdict_of(predicate: JsonObject) -> EnvironmentVerdict:
    """Read a verdict; raises ``decode.Wrong``."""
    if predicate.get("result") != "passed":
        raise decode.Wrong(f"its result is {predicate.get('result')!r}, not 'passed'")
    artifact = predicate.get("artifact")
    approval = predicate.get("approval")
    return EnvironmentVerdict(
        model=decode.text(predicate, "model"),
        environment=decode.text(predicate, "environment"),
        account=decode.text(predicate, "account"),
        region=decode.text(predicate, "region"),
        target=decode.text(predicate, "target"),
        version=decode.text(predicate, "version"),
        artifact=None if artifact is None else str(decode.digest(predicate, "artifact")),
        contract=decode.text(predicate, "contract"),
        attempt=decode.integer(predicate, "attempt"),
        began=decode.text(predicate, "began"),
        passed=decode.text(predicate, "passed"),
        release=decode.text(predicate, "release"),
        transcript=tuple(_answered(one) for one in decode.objects(predicate, "transcript")),
        approval=None if approval is None else approval_of(approval),
        glass=decode.text(predicate, "break_glass"),
        comparison=_comparison(predicate.get("comparison")),
    )


def _sample_json(sample: Sample) -> JsonObject:
    latency = None if sample.latency_p95 is None else round(1000 * sample.latency_p95, 3)
    return {"requests": sample.requests, "errors": sample.errors, "latency_p95_ms": latency}


def _told(sample: Sample) -> str:
    latency = sample.latency_p95
    took = "" if latency is None else f", 95 % within {1000 * latency:.1f} ms"
    return f"{sample.requests} requests, {sample.errors} failed{took}"


def _comparison(value: Json) -> Comparison | None:
    if value is None:
        return None
    raw = decode.an_object(value, "comparison")
    return Comparison(
        percent=decode.integer(raw, "percent"),
        candidate=_sample(raw, "candidate"),
        baseline=_sample(raw, "baseline"),
    )


def _sample(raw: JsonObject, key: str) -> Sample:
    numbers = decode.an_object(raw.get(key), key)
    latency = decode.number(numbers, "latency_p95_ms")
    return Sample(
        requests=decode.integer(numbers, "requests"),
        errors=decode.integer(numbers, "errors"),
        latency_p95=None if latency is None else latency / 1000,
    )


def _answered(raw: JsonObject) -> Answered:
    return Answered(
        test=decode.text(raw, "test"),
        status=decode.integer(raw, "status"),
        latency_ms=decode.number(raw, "latency_ms") or 0.0,
        content_type=decode.text(raw, "content_type"),
        answer=decode.text(raw, "answer"),
    )


def approval_of(value: Json) -> Approval:
    """Read who let it in; raises ``Wrong``."""
    raw = decode.an_object(value, "approval")
    return Approval(
        run=decode.text(raw, "run"),
        workflow=decode.text(raw, "workflow"),
        commit=decode.text(raw, "commit"),
        event=decode.text(raw, "event"),
        actor=decode.text(raw, "actor"),
        approved_by=decode.texts(raw, "approved_by"),
    )
