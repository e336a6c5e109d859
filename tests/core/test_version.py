"""A version's id changes with what runs, and with nothing else, through every upgrade of modelway."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.image import Digest, Image
from modelway.core.json import Json
from modelway.core.version import Artifact, Version

DIGEST = Digest.parse("sha256:" + "1" * 64)
WEIGHTS = Artifact(uri="s3://models/iris/model.tar.gz", sha256=Digest.parse("sha256:" + "2" * 64))
SETTINGS: dict[str, Json] = {
    "mode": "realtime",
    "instance_type": "ml.m5.large",
    "environment": {"LOG_LEVEL": "info"},
}
BARE = Version(image=Image("a", DIGEST))
FULL = Version(image=Image("a", DIGEST), settings=SETTINGS, artifact=WEIGHTS)


@pytest.mark.parametrize(
    ("version", "golden"),
    [(BARE, "63ccd6faa0cd"), (FULL, "f05514aacfd9")],
)
def test_ids_survive_upgrades(version, golden):
    """Never change these: every deployed resource is named by such an id."""
    assert version.id == golden


def test_moving_the_image_or_the_weights_is_not_a_new_version():
    elsewhere = replace(
        FULL, image=Image("333.registry/b", DIGEST), artifact=replace(WEIGHTS, uri="s3://other/place")
    )
    assert elsewhere.id == FULL.id


def test_the_order_of_settings_does_not_matter():
    assert replace(FULL, settings=dict(reversed(SETTINGS.items()))).id == FULL.id


@pytest.mark.parametrize(
    "other",
    [
        replace(FULL, image=Image("a", Digest.parse("sha256:" + "3" * 64))),
        replace(FULL, artifact=None),
        replace(FULL, artifact=replace(WEIGHTS, sha256=Digest.parse("sha256:" + "4" * 64))),
        replace(FULL, settings={**SETTINGS, "instance_type": "ml.m5.xlarge"}),
    ],
    ids=["image", "no weights", "other weights", "instance type"],
)
def test_whatever_runs_differently_is_another_version(other):
    assert other.id != FULL.id


@given(st.text())
def test_only_a_digest_is_a_digest(text):
    with pytest.raises(ValueError, match="not a sha256 digest"):
        Digest.parse(text)


@pytest.mark.parametrize("text", ["repo", "repo:tag", "@sha256:" + "1" * 64, "repo@sha256:12"])
def test_a_tag_is_not_an_image(text):
    with pytest.raises(ValueError, match="not"):
        Image.parse(text)
