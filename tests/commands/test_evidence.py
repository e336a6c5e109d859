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
from modelway.commands import evidence
from modelway.core.config import Signing
from modelway.core.image import Image
from modelway.errors import Differs, Malformed
from tests.configs import model_config
from tests.fake_world import Stage
from tests.fakes import FakeKeys

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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-e", "prod"), "no environment 'prod'"),
        (("--image", "latest"), "--image: not a sha256 digest"),
        (("--out", "/nowhere/at/all"), "cannot be written"),
    ],
)
def test_wrong_options_are_named(options: tuple[str, ...], said: str):
    with pytest.raises(Malformed, match=said):
        ask(signing_stage("staging"), *options)
