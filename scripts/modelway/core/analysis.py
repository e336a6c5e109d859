"""Judging a candidate by what it answered, compared with the version in service over the same minutes.

Three verdicts. What cannot be told, for want of requests or of a measurement, is inconclusive: no pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Self

from modelway.core.config import Analysis


class Verdict(StrEnum):
    """What the comparison says."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one version answered in a while."""

    requests: int
    errors: int
    """Requests that failed by the version's fault: 5xx, a function's error."""
    latency_p95: float | None = None
    """95th percentile in seconds; ``None`` where nothing was measured."""

    def text(self) -> str:
        """Requests, errors and latency, as a record keeps them."""
        latency = "-" if self.latency_p95 is None else f"{self.latency_p95:.6f}"
        return f"{self.requests} {self.errors} {latency}"

    @classmethod
    def parse(cls, numbers: Sequence[str]) -> Self:
        """Read them; raises ``ValueError``."""
        requests, errors, latency = numbers
        measured = None if latency == "-" else float(latency)
        return cls(requests=int(requests), errors=int(errors), latency_p95=measured)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict and what it rests on."""

    verdict: Verdict
    reasons: tuple[str, ...]
    """One for each limit that was compared, in words."""


def judge(candidate: Sample, baseline: Sample, spec: Analysis) -> Judgement:
    """Compare two samples of the same minutes; one limit exceeded fails, whatever the other says."""
    few = tuple(_too_few(candidate, baseline, spec.min_requests))
    if few:
        return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=few)
    judged = tuple(_limits(candidate, baseline, spec))
    verdicts = {verdict for verdict, _ in judged}
    worst = next((v for v in (Verdict.FAIL, Verdict.INCONCLUSIVE) if v in verdicts), Verdict.PASS)
    return Judgement(verdict=worst, reasons=tuple(reason for _, reason in judged))


def _too_few(candidate: Sample, baseline: Sample, least: int) -> Iterator[str]:
    """Which side answered too few requests to be judged by."""
    for name, sample in (("the candidate", candidate), ("the version in service", baseline)):
        if sample.requests < least:
            yield f"{name} answered {sample.requests} of the {least} requests a comparison needs"


def _limits(candidate: Sample, baseline: Sample, spec: Analysis) -> Iterator[tuple[Verdict, str]]:
    """Each limit's own verdict."""
    if spec.error_rate_increase is not None:
        yield _errors(candidate, baseline, spec.error_rate_increase)
    if spec.latency_p95_ratio is not None:
        yield _latency(candidate, baseline, spec.latency_p95_ratio)


def _errors(candidate: Sample, baseline: Sample, most: float) -> tuple[Verdict, str]:
    """Whether the share of failing requests grew by more points than allowed."""
    new, old = _percent(candidate), _percent(baseline)
    fine = new - old <= Fraction(str(most))
    words = f"{float(new):.2f} % of its requests failed, {float(old):.2f} % of the other's"
    return Verdict.PASS if fine else Verdict.FAIL, f"{words}; {most:g} points more are allowed"


def _percent(sample: Sample) -> Fraction:
    """Percent of the requests that failed, exactly: a limit may be met."""
    return Fraction(100 * sample.errors, sample.requests)


def _latency(candidate: Sample, baseline: Sample, most: float) -> tuple[Verdict, str]:
    """Whether the 95th percentile grew by more than the factor allowed."""
    new, old = candidate.latency_p95, baseline.latency_p95
    if new is None or old is None:
        whose = "the candidate's" if new is None else "the other's"
        return Verdict.INCONCLUSIVE, f"{whose} latency was not measured"
    words = f"its latency is {1000 * new:.1f} ms, the other's {1000 * old:.1f} ms (95th percentile)"
    return Verdict.PASS if new <= most * old else Verdict.FAIL, f"{words}; {most:g} times is allowed"
