"""What is attached to an image may be damaged or tampered with: it never turns a fail into a pass."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelway import papers, scan_gate
from modelway.core.findings import Finding
from modelway.core.json import Json
from modelway.core.report import Report
from modelway.errors import Failure, NotEvaluated
from tests.fake_images import manifest_over
from tests.fake_world import Stage
from tests.reports import SUBJECT, finding, package, report

MANIFEST = manifest_over(b"one")
BAD = finding("CVE-2026-1", severity="critical")


def about_it(*findings: Finding) -> Report:
    """A report about the image."""
    assert MANIFEST.config
    found = report(*findings)
    return replace(found, subject=MANIFEST.config, packages=found.packages or (package(),))


def kept(*reports: Report) -> bytes:
    """As ``push`` attaches them."""
    stage = Stage()
    stage.push("one", *reports)
    return stage.registry.attached(MANIFEST.digest, papers.REPORT_TYPE)[0]


FAILING = kept(about_it(BAD))


def enters(*documents: bytes, scanners: tuple[str, ...] = ("builtin",)) -> bool:
    """Whether the gate lets the image into staging with these documents."""
    stage = Stage().with_scan(scanners=scanners)
    try:
        policy = stage.world.rules(stage.config).rules.policy("staging")
        reports = scan_gate.scanned(policy, MANIFEST, documents)
        scan_gate.passing(stage.world, stage.config, "staging", MANIFEST.digest, reports)
    except Failure:
        return False
    return True


def test_the_gate_can_open_and_close() -> None:
    """Otherwise nothing below could fail."""
    assert enters(kept(about_it()))
    assert not enters(FAILING)


@settings(deadline=None, max_examples=300)
@given(at=st.integers(0, len(FAILING) - 1), length=st.integers(0, 40), new=st.binary(max_size=40))
def test_bytes_that_change_open_nothing(at: int, length: int, new: bytes) -> None:
    assert not enters(FAILING[:at] + new + FAILING[at + length :])


def places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place of a document."""
    inner: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        inner = [*value.items()]
    elif isinstance(value, list):
        inner = [*enumerate(value)]
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


PLACES = places(json.loads(FAILING))[1:]


@settings(deadline=None, max_examples=300)
@given(place=st.sampled_from(PLACES), new=st.sampled_from([None, "", 0, [], {}, "builtin", False, "low"]))
def test_values_that_are_emptied_or_exchanged_open_nothing(place: tuple[str | int, ...], new: Json) -> None:
    """Valid JSON at every place of the document: an empty list of findings, another severity, no packages."""
    document = json.loads(FAILING)
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = new
    assert not enters(json.dumps(document).encode())


@pytest.mark.parametrize("cut", ["all", "one"])
def test_a_report_that_was_taken_out_opens_nothing(cut: str) -> None:
    two = (about_it(), replace(about_it(BAD), scanner="trivy"))
    document = json.loads(kept(*two))
    document["reports"] = [] if cut == "all" else document["reports"][:1]
    assert not enters(json.dumps(document).encode(), scanners=("builtin", "trivy"))


def test_a_report_of_another_image_opens_nothing() -> None:
    other = replace(about_it(), subject=SUBJECT)
    assert not enters(kept(other))


def test_a_verdict_that_says_yes_opens_nothing() -> None:
    """What was decided then is not asked."""
    document = json.loads(FAILING) | {"verdict": {"ok": True, "blocking": []}}
    assert not enters(json.dumps(document).encode())


def test_an_unreadable_document_is_no_pass_even_beside_a_good_one() -> None:
    with pytest.raises(NotEvaluated):
        scan_gate.stored([b"{", kept(about_it())], MANIFEST.config)
