"""SBOM and report: attached once, named by the provenance, and believed only as the provenance names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from modelway import evidence, papers
from modelway.core.config import Signing
from modelway.core.counts import counted
from modelway.core.cyclonedx import PREDICATE
from modelway.core.evidence import Document
from modelway.core.image import Digest, Image
from modelway.core.json import canonical
from modelway.core.merge import merge
from modelway.core.report import Report
from modelway.core.report_json import report_json
from modelway.core.statement import opened
from modelway.errors import Blocked, NotAllowed
from tests.configs import model_config
from tests.fake_images import manifest_over
from tests.fake_world import Stage
from tests.fakes import FakeKeys
from tests.reports import finding, package, report

ONE = manifest_over(b"one")


def about(*packages: str) -> Report:
    """A report of the image with these packages."""
    assert ONE.config
    return replace(report(), subject=ONE.config, packages=tuple(map(package, packages)))


def body(said: Report) -> bytes:
    return canonical({"reports": [report_json(said)], "verdict": {}}).encode()


def pushed(*, signed: bool = True, said: Report | None = None, stage: Stage | None = None) -> Stage:
    """An image with its report, its SBOM and a provenance that names both."""
    stage = stage or (with_keys() if signed else Stage())
    stage.registry.manifests[ONE.digest] = ONE
    found = said or about("flask")
    documents = (
        papers.report(stage.world, stage.registry, ONE.digest, body(found), counted(merge([found]))),
        papers.sbom(stage.world, stage.config, stage.registry, ONE.digest, merge([found])),
    )
    vouched(stage, *documents)
    return stage


def with_keys() -> Stage:
    """A build that signs, and a config that believes no other."""
    config = replace(model_config(artifact=None), evidence=Signing(verify_with=("keys/build.pub",)))
    return Stage(config=config, keys=FakeKeys(authors=frozenset({"build"})))


def vouched(stage: Stage, *documents: Document) -> None:
    said = evidence.provenance(stage.world, stage.config, "0" * 64, (), documents)
    evidence.vouch(stage.world, stage.config, ONE.digest, said, stage.registry)


def reports(stage: Stage) -> tuple[bytes, ...]:
    return papers.reports(stage.world, stage.config, stage.registry, ONE.digest)


def kinds(stage: Stage) -> list[str]:
    attached = stage.registry.attached(ONE.digest, *evidence.TYPES)
    found = evidence.witnessed(stage.keys, ONE.digest, attached)
    return sorted(one.statement.predicate_type for one in found)


@pytest.mark.parametrize("signed", [True, False])
def test_the_gate_takes_what_the_build_vouches_for(*, signed: bool) -> None:
    stage = pushed(signed=signed)
    assert reports(stage) == (body(about("flask")),)
    assert stage.delivery("staging").gate(Image(stage.registry.repository, ONE.digest)).reasons


def test_the_same_things_are_said_once() -> None:
    stage = pushed()
    before = kinds(stage)
    stage.clock.time += timedelta(days=1)
    assert kinds(pushed(stage=stage)) == before
    assert before.count(PREDICATE) == 1


def test_another_inventory_is_another_sbom() -> None:
    stage = pushed(stage=pushed(), said=about("flask", "jinja2"))
    assert kinds(stage).count(PREDICATE) == 2


def _without_sbom(stage: Stage) -> None:
    keep = [each for each in stage.registry.documents if PREDICATE.encode() not in opened_(each)]
    assert len(keep) == len(stage.registry.documents) - 1
    stage.registry.documents = keep


def _without_report(stage: Stage) -> None:
    stage.registry.documents = [each for each in stage.registry.documents if each[1] != papers.REPORT_TYPE]


def _another_report(stage: Stage) -> None:
    _without_report(stage)
    stage.registry.attach(ONE.digest, papers.REPORT_TYPE, body(about("jinja2")), created=stage.clock.now())


def _another_sbom(stage: Stage) -> None:
    _without_sbom(stage)
    papers.sbom(stage.world, stage.config, stage.registry, ONE.digest, merge([about("jinja2")]))


def _unsigned_sbom(stage: Stage) -> None:
    """The very same list, attached by somebody who has no key."""
    _without_sbom(stage)
    stage.keys = FakeKeys()
    papers.sbom(stage.world, stage.config, stage.registry, ONE.digest, merge([about("flask")]))
    stage.keys = FakeKeys(authors=frozenset({"build"}))


def opened_(document: tuple[Digest, str, datetime, bytes]) -> bytes:
    """What a document says; nothing where it is no statement."""
    return opened(document[3]).payload if document[1] in evidence.TYPES else b""


@pytest.mark.parametrize(
    ("tamper", "name"),
    [
        (_without_sbom, "sbom"),
        (_another_sbom, "sbom"),
        (_without_report, "report"),
        (_another_report, "report"),
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_a_document_that_is_missing_or_another_one_stops_at_the_gate(
    tamper: Callable[[Stage], None], name: str, *, signed: bool
) -> None:
    stage = pushed(signed=signed)
    tamper(stage)
    with pytest.raises(NotAllowed, match=f"the {name} the build vouches for is not attached") as caught:
        stage.delivery("staging").gate(Image(stage.registry.repository, ONE.digest))
    assert "expected sha256:" in str(caught.value)
    assert caught.value.exit_code == 4


def test_the_same_list_by_somebody_without_the_builds_key_is_not_the_builds() -> None:
    stage = pushed()
    _unsigned_sbom(stage)
    assert kinds(stage).count(PREDICATE) == 1
    with pytest.raises(NotAllowed, match="the sbom the build vouches for is not attached"):
        reports(stage)


def test_a_report_somebody_else_attached_does_not_count_however_new_it_is() -> None:
    """A clean one over the build's own, which stops."""
    stage = pushed(said=replace(about("flask"), findings=(finding(severity="critical"),)))
    stage.clock.time += timedelta(minutes=1)
    stage.registry.attach(ONE.digest, papers.REPORT_TYPE, body(about("flask")), created=stage.clock.now())
    assert b"CVE-2023-30861" in stage.registry.attached(ONE.digest, papers.REPORT_TYPE)[1]
    [only] = reports(stage)
    assert b"CVE-2023-30861" in only


def test_an_old_report_attached_again_is_no_newer_for_it() -> None:
    """Whoever may write to the repository brings back what the build said before the finding was known."""
    stage = pushed()
    stage.clock.time += timedelta(days=1)
    pushed(stage=stage, said=replace(about("flask"), findings=(finding(severity="critical"),)))
    stage.clock.time += timedelta(days=1)
    stage.registry.documents.append((ONE.digest, papers.REPORT_TYPE, stage.clock.now(), body(about("flask"))))
    assert b"CVE-2023-30861" not in stage.registry.attached(ONE.digest, papers.REPORT_TYPE)[0]
    assert b"CVE-2023-30861" in reports(stage)[0]
    with pytest.raises(Blocked, match="CVE-2023-30861"):
        stage.delivery("staging").gate(Image(stage.registry.repository, ONE.digest))


def test_a_provenance_that_names_no_report_makes_none_count() -> None:
    """Where the build has a key; the report could be anybody's."""
    stage = with_keys()
    stage.push("one")
    vouched(stage, Document(name="notes", media_type="x", digest=ONE.digest))
    assert reports(stage) == ()
    with pytest.raises(NotAllowed, match="no scan report"):
        stage.delivery("staging").gate(Image(stage.registry.repository, ONE.digest))


def test_an_image_of_before_there_were_sboms_is_judged_by_its_report() -> None:
    stage = Stage()
    stage.push("one")
    assert len(reports(stage)) == 1
    vouched(stage, Document(name="report", media_type="x", digest=Digest("sha256:" + "0" * 64)))
    with pytest.raises(NotAllowed, match="the report the build vouches for"):
        reports(stage)
