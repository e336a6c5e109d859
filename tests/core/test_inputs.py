"""The hash of build inputs: what must change it, what must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelway.core import inputs
from modelway.core.image import Digest
from modelway.core.inputs import Entry, Inputs

DIGEST = "sha256:" + "a" * 64
BARE = Inputs(
    strategy="byoc",
    platform="linux/amd64",
    dockerfile="FROM python:3\n",
    build_args={"A": "1"},
    bases={"python:3": DIGEST},
    secrets=["token"],
    entries=[
        Entry(path="serve", kind="program", sha256="b" * 64),
        Entry(path="x", kind="file", sha256="c" * 64),
    ],
)


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": "extended"},
        {"platform": "linux/arm64"},
        {"dockerfile": "FROM python:4\n"},
        {"build_args": {"A": "2"}},
        {"bases": {"python:3": "sha256:" + "b" * 64}},
        {"secrets": ["token", "other"]},
        {"entries": [Entry(path="serve", kind="file", sha256="b" * 64), BARE.entries[1]]},
        {"entries": [Entry(path="serve", kind="program", sha256="d" * 64), BARE.entries[1]]},
        {"entries": BARE.entries[:1]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_decides_the_image_decides_the_hash(change: dict[str, object]) -> None:
    assert replace(BARE, **change).hash != BARE.hash  # type: ignore[arg-type] # names of fields


def test_the_order_files_are_found_in_does_not_matter() -> None:
    assert replace(BARE, entries=list(reversed(BARE.entries))).hash == BARE.hash


def test_a_new_way_of_building_reuses_nothing_old(monkeypatch: pytest.MonkeyPatch) -> None:
    before = BARE.hash
    monkeypatch.setattr(inputs, "GENERATION", inputs.GENERATION + 1)
    assert BARE.hash != before


def test_the_hash_of_these_inputs_survives_upgrades() -> None:
    """Golden: a changed value means that every model is built anew; raise GENERATION when that is meant."""
    assert BARE.hash == "a2dfa7715ef611ab5dc81c1e2455e8f7660890d567ae0805507fd03b0964dd29"


def test_a_prebuilt_image_is_the_same_wherever_it_lies() -> None:
    digest = Digest.parse(DIGEST)
    assert inputs.of_prebuilt(digest, "linux/amd64").hash == inputs.of_prebuilt(digest, "linux/amd64").hash


def test_tags_say_the_hash() -> None:
    assert inputs.registry_tag(BARE.hash) == f"in-{BARE.hash[:32]}"
    assert inputs.local_tag("iris", BARE.hash) == f"modelway/iris:in-{BARE.hash[:12]}"


def test_labels_name_source_base_and_inputs_and_no_credentials() -> None:
    made = inputs.labels(
        "iris",
        BARE,
        source="https://user:secret@git.example/iris",
        revision="c" * 40,
        created="2026-01-01T00:00:00Z",
    )
    assert made["org.opencontainers.image.source"] == "https://git.example/iris"
    assert made["org.opencontainers.image.created"] == "2026-01-01T00:00:00Z"
    assert made["org.opencontainers.image.base.name"] == "python:3"
    assert made["org.opencontainers.image.base.digest"] == DIGEST
    assert made["io.modelway.inputs"] == BARE.hash


def test_labels_without_a_value_are_left_out() -> None:
    bare = Inputs(strategy="byoc", platform="linux/amd64")
    made = inputs.labels("iris", bare, source="", revision="", created="2026-01-01T00:00:00Z")
    assert set(made) == {
        "org.opencontainers.image.title",
        "org.opencontainers.image.created",
        "io.modelway.model",
        "io.modelway.inputs",
    }
