"""What `evidence` tells of releases over fakes, and when it says that the tested version does not run."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from modelway import evidence as statements
from modelway import papers
from modelway.commands import evidence
from modelway.core import contents, cyclonedx
from modelway.core.config import Identity, Signing
from modelway.core.cyclonedx import PREDICATE
from modelway.core.evidence import PROVENANCE, Document
from modelway.core.findings import Package
from modelway.core.image import Digest, Image
from modelway.core.manifest import digest_of
from modelway.core.merge import merge
from modelway.core.statement import Statement
from modelway.core.version import VersionId
from modelway.core.vouched import REPORT
from modelway.errors import Differs, Malformed, NotAllowed, Tampered, Unavailable
from tests.configs import model_config
from tests.fake_world import Stage
from tests.fakes import FakeKeys
from tests.reports import package, report

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "evidence.schema.json"


def signing_stage(*authors: str) -> Stage:
    """A stage whose staging has a key."""
    config = model_config(artifact=None)
    key = Signing(verify_with=("keys/staging.pub",))
    places = {**config.environments, "staging": replace(config.environments["staging"], evidence=key)}
    return Stage(config=replace(config, environments=places), keys=FakeKeys(authors=frozenset(authors)))


def released(stage: Stage, name: str = "one") -> Image:
    """An image that went all the way."""
    image = stage.push(name)
    for place in stage.config.environments:
        stage.delivery(place).deploy(image)
    return image


def ask(stage: Stage, *options: str) -> str:
    """What the command prints."""
    parser = argparse.ArgumentParser()
    evidence.arguments(parser)
    evidence.run(parser.parse_args(["model.yaml", *options]), stage.world)
    return "\n".join(stage.reporter.printed)


def test_what_went_through_staging_is_the_tested_version():
    stage = signing_stage("staging")
    image = released(stage)
    told = ask(stage, "--verify")
    assert "yes: production runs version" in told
    assert str(image.digest) in told
    assert "said by staging" in told


def test_nothing_is_written_by_asking():
    stage = signing_stage("staging")
    released(stage)
    before = list(stage.registry.writes)
    ask(stage)
    assert stage.registry.writes == before


def test_a_verdict_staging_did_not_sign_is_not_its_word():
    stage = signing_stage("staging")
    released(stage)
    stage.keys = FakeKeys()  # what was signed is by nobody the config knows
    with pytest.raises(Differs, match="staging does not say that what serves in production passed there"):
        ask(stage, "--verify")


def test_without_verify_the_answer_is_told_and_nothing_fails():
    stage = signing_stage("staging")
    assert "NO: nothing serves in production" in ask(stage)


def test_a_verdict_of_another_version_of_the_same_image_is_not_about_what_serves():
    stage = signing_stage("staging")
    image = released(stage)
    target, other = stage.targets["production"], VersionId("0" * 12)
    target.records[other] = replace(target.records[stage.delivery("production").version(image).id], id=other)
    target.traffic = {other: 100}
    told = ask(stage)
    assert "NO: production does not say that what serves in production passed there" in told
    assert "(it says so of another version)" in told


def test_an_image_that_is_gone_from_the_registry_is_named():
    stage = signing_stage("staging")
    image = released(stage)
    del stage.registry.manifests[image.digest]
    with pytest.raises(Differs, match="is not in the registry"):
        ask(stage, "--verify")


def test_evidence_moved_from_another_image_is_not_relied_on():
    stage = signing_stage("staging")
    released(stage)
    other = released(stage, "two")
    moved = [d for d in stage.registry.documents if d[1] in statements.TYPES and d[0] != other.digest]
    stage.registry.documents += [(other.digest, *d[1:]) for d in moved]
    with pytest.raises(Differs, match="cannot be relied on"):
        ask(stage, "--verify")


def test_a_damaged_statement_is_told_and_hides_nothing_else():
    stage = signing_stage("staging")
    image = released(stage)
    stage.registry.documents.append((image.digest, statements.TYPES[0], stage.clock.now(), b"{"))
    told = ask(stage)
    assert "NO: what is said of" in told
    assert "cannot be read" in told


def test_what_is_attached_by_others_makes_no_line_of_its_own():
    """Whoever may push could once write "approved by" into what the auditor reads, and clear the screen."""
    stage = signing_stage("staging")
    image = released(stage)
    (planted,) = (
        one
        for one in stage.registry.documents
        if b'"environment":"production"' in one[3] and b"transcript" in one[3]
    )
    body = planted[3].replace(
        b'"answer":"[0]"', rb'"answer":"[0]\n  passed    2026 in staging, said by staging\u001b[2J"'
    )
    assert body != planted[3]
    stage.registry.documents.append((image.digest, planted[1], stage.clock.now(), body))
    lines = ask(stage).split("\n")
    assert "  passed    2026 in staging, said by staging" not in lines
    assert "[0]?  passed    2026 in staging, said by staging?[2J" in "\n".join(lines)


def test_what_is_planted_on_one_image_hides_no_other(monkeypatch: pytest.MonkeyPatch):
    stage = signing_stage("staging")
    planted, serving = released(stage), released(stage, "two")
    read = stage.registry.attached

    def attached(subject: Digest, *types: str) -> tuple[bytes, ...]:
        if subject == planted.digest:
            raise Tampered(f"what is attached to {subject} as a document is none", cure="find out who")
        return read(subject, *types)

    monkeypatch.setattr(stage.registry, "attached", attached)
    told = ask(stage, "--verify")
    assert "yes: production runs version" in told
    assert f"! what is attached to {planted.digest} as a document is none" in told
    assert str(serving.digest) in told


def test_as_json_it_keeps_to_its_schema():
    stage = signing_stage("staging")
    image = released(stage)
    told = json.loads(ask(stage, "--format", "json"))
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    assert told["tested"]["ok"] is True
    assert [one["image"] for one in told["releases"]] == [str(image.digest)]
    assert told["releases"][0]["verdicts"][0]["transcript"][0]["answer"] == "[0]"


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_page_runs_nothing_loads_nothing_and_escapes_everything(tmp_path: Path):
    stage = signing_stage("staging")
    stage.config = replace(stage.config, owner="<script>alert(1)</script>")
    image = released(stage)
    out = tmp_path / "page.html"
    ask(stage, "--format", "html", "--out", str(out))
    page = Page()
    page.feed(out.read_text())
    assert "script" not in page.tags
    assert page.links == []
    assert not re.search(r"@import|url\(", out.read_text())
    assert str(image.digest) in out.read_text()


def test_only_one_image_can_be_asked_for():
    stage = signing_stage("staging")
    first, second = released(stage), released(stage, "two")
    told = ask(stage, "--image", str(first.digest))
    assert str(second.digest) not in told.partition("\n\n")[2]


def test_what_is_shown_changes_nothing_of_the_answer():
    """An old image, or the newest of many, once made what serves look as if it had been deleted."""
    stage = signing_stage("staging")
    first, serving = released(stage), released(stage, "two")
    stage.clock.sleep(60)
    stage.delivery("staging").deploy(stage.push("three"))
    for options in (("--image", str(first.digest)), ("--last", "1"), ("--serving", "-e", "staging")):
        told = ask(stage, "--verify", *options)
        assert "yes: " in told.splitlines()[0]
        assert f"\n\n{serving.digest}" not in told
        stage.reporter.printed.clear()


def test_only_what_serves_can_be_asked_for():
    stage = signing_stage("staging")
    first, serving = released(stage), released(stage, "two")
    told = ask(stage, "--serving").partition("\n\n")[2]
    assert told.startswith(str(serving.digest))
    assert str(first.digest) not in told


def test_only_one_version_can_be_asked_for_with_what_others_say_of_the_same():
    stage = signing_stage("staging")
    image = released(stage)
    same, other = (stage.delivery(name).version(image).id for name in ("production", "staging"))
    assert same == other, "the environments have the same settings"
    place = stage.config.environments["production"]
    changed = replace(place, settings={**place.settings, "environment": {"LOG_LEVEL": "debug"}})
    stage.config = replace(stage.config, environments={**stage.config.environments, "production": changed})
    newer = stage.delivery("production").version(image).id
    stage.delivery("production").deploy(image)
    asked = json.loads(ask(stage, "--version", newer, "--format", "json").splitlines()[-1])
    (release,) = asked["releases"]
    said = {(one["environment"], one["version"]) for one in release["verdicts"]}
    assert said == {("production", newer), ("staging", other)}
    assert {(one["environment"], one["id"]) for one in release["versions"]} == said
    assert {(one["environment"], one["version"]) for one in release["gates"]} == said


def test_a_version_no_environment_remembers_is_found_by_the_tag_that_kept_it():
    stage = signing_stage("staging")
    image = released(stage)
    version = stage.delivery("staging").version(image).id
    for target in stage.targets.values():
        target.records, target.traffic = {}, {}
    told = ask(stage, "--version", version)
    assert str(image.digest) in told
    assert "in staging, said by staging" in told


def test_an_environment_that_cannot_be_looked_at_hides_no_other():
    stage = signing_stage("staging")
    released(stage)
    denied = Unavailable("AWS does not allow this identity to look", cure="add a statement")

    def refuse(_: object) -> None:
        raise denied

    stage.targets["staging"].observe = refuse  # type: ignore[method-assign, assignment]
    told = ask(stage, "--verify")
    assert "yes: production runs version" in told
    assert "staging      sagemaker  it could not be looked at: AWS does not allow" in told
    assert "staging: it could not be looked at" in "\n".join(stage.reporter.warnings)
    with pytest.raises(Unavailable):
        ask(stage, "-e", "staging")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--last", "0"), "--last 0 shows nothing"),
        (("--version", "1.4.0"), "--version: not a version's id"),
        (("--version", "0" * 12), "no environment of iris-classifier knows a version 000000000000"),
        (("-e", "prod"), "no environment 'prod'"),
        (("--image", "latest"), "--image: not a sha256 digest"),
        (("--out", "/nowhere/at/all"), "cannot be written"),
    ],
)
def test_wrong_options_are_named(options: tuple[str, ...], said: str):
    with pytest.raises(Malformed, match=said):
        ask(signing_stage("staging"), *options)


# --- the SBOM ---


def with_sbom(stage: Stage, name: str = "one", *packages: Package) -> Image:
    """An image with the build's SBOM of it, which the build's provenance names, in both environments."""
    image, world = stage.push(name), stage.world
    found = replace(report(), packages=packages or (package(), package("libc6", source="glibc")))
    merged = merge([replace(found, distro="Debian:12")])
    named = papers.sbom(world, stage.config, stage.registry, image.digest, merged)
    stored = stage.registry.attached(image.digest, papers.REPORT_TYPE)[0]
    beside = Document(name=REPORT, media_type=papers.REPORT_TYPE, digest=digest_of(stored))
    word = statements.provenance(world, stage.config, name, (), (named, beside))
    statements.vouch(world, stage.config, image.digest, word, stage.registry)
    for place in stage.config.environments:
        stage.delivery(place).deploy(image)
    return image


def building_stage() -> Stage:
    """A stage whose build has a key."""
    config = replace(model_config(artifact=None), evidence=Signing(verify_with=("keys/build.pub",)))
    return Stage(config=config, keys=FakeKeys(authors=frozenset({"build"})))


def test_what_is_in_the_image_is_told_in_numbers_with_where_the_sbom_is():
    stage = building_stage()
    image = with_sbom(stage)
    words = "2 packages (1 deb, 1 pypi) on Debian 12; said by build, named by its provenance"
    assert f"contains  {words}" in ask(stage)
    told = json.loads(ask(stage, "--format", "json").splitlines()[-1])
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    sbom = told["releases"][0]["sbom"]
    assert sbom["by_ecosystem"] == {"deb": 1, "pypi": 1}
    assert sbom["vouched"] is True
    documents = stage.registry.attached(image.digest, *statements.TYPES)
    assert sbom["attached"] in {str(digest_of(one)) for one in documents}


def test_who_built_it_is_who_may_say_so():
    """Another provenance, of before a rotation or attached by somebody, was told in the same breath."""
    stage = building_stage()
    image = with_sbom(stage)
    stage.keys = FakeKeys(authors=frozenset({"build", "stranger"}))
    word = statements.provenance(stage.world, stage.config, "theirs", (), ())
    forged = Statement(subject=image.digest, predicate_type=PROVENANCE, predicate=word.predicate())
    statements.attach(stage.registry, stage.keys, stage.clock, "stranger", forged)
    stage.keys = FakeKeys(authors=frozenset({"build"}))
    assert "; said by build\n" in ask(stage)
    stage.keys = FakeKeys(authors=frozenset())
    (release,) = json.loads(ask(stage, "--format", "json").splitlines()[-1])["releases"]
    assert release["provenance"] is None
    assert release["provenance_by"] == "a key the config does not name"


def test_the_page_lists_the_packages_of_what_serves_and_says_how_to_fetch_the_sbom():
    stage = building_stage()
    old = with_sbom(stage, "one", package("old-package"))
    image = with_sbom(stage, "two", package("<b>evil</b>"))
    page = ask(stage, "--format", "html")
    assert page.count("<summary>The 1 packages</summary>") == 1
    assert "&lt;b&gt;evil&lt;/b&gt;" in page
    assert "<b>evil" not in page
    assert "old-package" not in page, "it serves nowhere, and is in numbers only"
    assert page.count("What is in it: 1 package (1 pypi) on Debian 12") == 2
    for one in (old, image):
        assert f"--image {one.digest} --format cyclonedx" in page
        command = (
            f"cosign verify-attestation --key keys/build.pub --insecure-ignore-tlog=true --type {PREDICATE}"
        )
        assert f"{command} {stage.registry.repository}@{one.digest}" in page


def test_cosign_is_told_the_keys_and_identities_of_the_config():
    root = Identity(issuer="https://i", subject="https://g/o/r/.*", trusted_root="keys/my root.json")
    keys = ("keys/old.pub", "awskms:///alias/build", root)
    _, *commands = contents.fetching("r/ml", digest_of("one"), keys)
    options = [one.removeprefix("cosign verify-attestation ").partition(" --type ")[0] for one in commands]
    assert options == [
        "--key keys/old.pub --insecure-ignore-tlog=true",
        "--key awskms:///alias/build --insecure-ignore-tlog=true",
        "--certificate-identity-regexp '^(?:https://g/o/r/.*)$' --certificate-oidc-issuer https://i"
        " --trusted-root 'keys/my root.json'",
    ]
    assert all(one.endswith(f" --type {PREDICATE} r/ml@{digest_of('one')}") for one in commands)


def test_no_command_of_cosign_is_shown_for_an_sbom_nobody_signed():
    stage = Stage()
    image = with_sbom(stage)
    page = ask(stage, "--format", "html")
    assert f"--image {image.digest} --format cyclonedx" in page
    assert "cosign" not in page


def test_the_sbom_itself_is_printed_as_the_build_vouches_for_it():
    stage = building_stage()
    first, _ = with_sbom(stage, "one", package("flask")), with_sbom(stage, "two", package("django"))
    serving = json.loads(ask(stage, "--format", "cyclonedx").splitlines()[-1])
    assert [one["name"] for one in serving["components"][1:]] == ["django"]
    older = json.loads(ask(stage, "--image", str(first.digest), "--format", "cyclonedx").splitlines()[-1])
    assert [one["name"] for one in older["components"][1:]] == ["flask"]


@pytest.mark.parametrize("named", [True, False])
def test_an_sbom_the_build_did_not_sign_or_does_not_name_is_not_relied_on(named: bool):  # noqa: FBT001 - a row of data
    stage = building_stage()
    image = stage.push("one")
    author = "staging" if named else "build"
    merged = merge([replace(report(), packages=(package(),))])
    statement = Statement(
        subject=image.digest, predicate_type=PREDICATE, predicate=cyclonedx.sbom(merged, name="iris")
    )
    keys = FakeKeys(authors=frozenset({author}))
    statements.attach(stage.registry, keys, stage.clock, author, statement)
    word = statements.provenance(stage.world, stage.config, "one", (), ())
    statements.vouch(stage.world, stage.config, image.digest, word, stage.registry)
    page = ask(stage, "--image", str(image.digest), "--format", "html")
    words = "No SBOM that the build says is attached" if named else "NOT named by any provenance"
    assert f'class="bad">{words}' in page or f"{words}</span>" in page
    with pytest.raises(NotAllowed, match=r"no SBOM of sha256:.* that can be relied on") as caught:
        ask(stage, "--image", str(image.digest), "--format", "cyclonedx")
    assert caught.value.exit_code == 4
    assert ("found none" if named else "NOT named") in caught.value.seen


def test_an_image_of_another_model_is_told_as_a_mix_up():
    stage = building_stage()
    image = stage.push("one")
    word = statements.provenance(stage.world, replace(stage.config, name="churn"), "one", (), ())
    statements.vouch(stage.world, stage.config, image.digest, word, stage.registry)
    assert f"! {image.digest} is an image of churn, not of iris-classifier" in ask(
        stage, "--image", str(image.digest)
    )
