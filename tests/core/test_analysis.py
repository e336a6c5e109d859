"""The judge of two samples: cases at the limits, and what holds for all samples."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.analysis import Sample, Verdict, judge
from modelway.core.config import Analysis

ERRORS = Analysis(error_rate_increase=2)
LATENCY = Analysis(latency_p95_ratio=1.5)
BOTH = Analysis(error_rate_increase=2, latency_p95_ratio=1.5)
GOOD = Sample(requests=1000, errors=10, latency_p95=0.1)


@pytest.mark.parametrize(
    ("spec", "candidate", "verdict"),
    [
        (ERRORS, {"errors": 30}, "pass"),  # 1 % and 2 points: the limit itself is allowed
        (ERRORS, {"errors": 31}, "fail"),
        (ERRORS, {"errors": 0}, "pass"),
        (ERRORS, {"latency_p95": None}, "pass"),
        (LATENCY, {"latency_p95": 0.15}, "pass"),
        (LATENCY, {"latency_p95": 0.151}, "fail"),
        (LATENCY, {"errors": 1000}, "pass"),
        (LATENCY, {"latency_p95": None}, "inconclusive"),
        (BOTH, {"errors": 31, "latency_p95": None}, "fail"),
        (BOTH, {"errors": 30, "latency_p95": None}, "inconclusive"),
        (BOTH, {"errors": 30, "latency_p95": 0.2}, "fail"),
        (BOTH, {"requests": 100, "errors": 0}, "pass"),
        (BOTH, {"requests": 99, "errors": 99}, "inconclusive"),
        (BOTH, {"requests": 0, "errors": 0, "latency_p95": None}, "inconclusive"),
    ],
)
def test_a_candidate_is_judged_by_what_it_does_worse(spec, candidate, verdict):
    assert judge(replace(GOOD, **candidate), GOOD, spec).verdict == Verdict(verdict)


@pytest.mark.parametrize("baseline", [{"requests": 99}, {"requests": 0, "errors": 0}])
def test_a_version_in_service_that_answered_too_little_says_nothing(baseline):
    found = judge(GOOD, replace(GOOD, **baseline), BOTH)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "the version in service answered" in found.reasons[0]


def test_latency_is_not_compared_with_what_was_not_measured():
    found = judge(GOOD, replace(GOOD, latency_p95=None), LATENCY)
    assert found.verdict is Verdict.INCONCLUSIVE


def test_every_limit_is_told_with_what_was_seen():
    reasons = judge(replace(GOOD, errors=45, latency_p95=0.2), GOOD, BOTH).reasons
    assert reasons == (
        "4.50 % of its requests failed, 1.00 % of the other's; 2 points more are allowed",
        "its latency is 200.0 ms, the other's 100.0 ms (95th percentile); 1.5 times is allowed",
    )


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    requests = draw(st.integers(0, 10_000))
    latency = draw(st.none() | st.floats(0.001, 100))
    return Sample(requests=requests, errors=draw(st.integers(0, requests)), latency_p95=latency)


specs = st.builds(
    Analysis,
    error_rate_increase=st.floats(0, 100),
    latency_p95_ratio=st.floats(1, 100),
    min_requests=st.integers(1, 1000),
)


@given(samples(), specs)
def test_a_version_compared_with_itself_never_fails(sample, spec):
    assert judge(sample, sample, spec).verdict is not Verdict.FAIL


@given(samples(), samples(), specs)
def test_nothing_passes_below_the_minimum_sample_or_unmeasured(candidate, baseline, spec):
    verdict = judge(candidate, baseline, spec).verdict
    few = min(candidate.requests, baseline.requests) < spec.min_requests
    unmeasured = None in {candidate.latency_p95, baseline.latency_p95}
    if few:
        assert verdict is Verdict.INCONCLUSIVE
    if unmeasured:
        assert verdict is not Verdict.PASS


@given(samples(), samples(), specs, st.integers(1, 500), st.floats(1, 10))
def test_doing_worse_never_turns_a_failure_into_a_pass(candidate, baseline, spec, more, slower):
    worse = replace(
        candidate,
        errors=min(candidate.requests, candidate.errors + more),
        latency_p95=candidate.latency_p95 and candidate.latency_p95 * slower,
    )
    if judge(candidate, baseline, spec).verdict is Verdict.FAIL:
        assert judge(worse, baseline, spec).verdict is Verdict.FAIL
