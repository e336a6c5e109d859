"""Images are really built: with labels, ignored files and secrets, for the platform asked for."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelway.adapters import disk, engine
from modelway.adapters.buildkit import BuildKit
from modelway.adapters.clock import RealClock
from modelway.core.config import BuildSecret
from modelway.core.image import Digest
from modelway.errors import Malformed, Unavailable
from modelway.ports import BuildRequest
from tests.fakes import FakeReporter
from tests.rehearsal import model_image

pytestmark = pytest.mark.docker

TAG = "modelway/test-buildkit:in-1"


class Bench:
    """A context and a builder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reporter = FakeReporter()
        self.builder = BuildKit(self.reporter, RealClock(), folder)
        (folder / "a").write_text("a")
        (folder / "b").write_text("b")

    def build(self, dockerfile: str, **changes: object) -> None:
        """Build from a Dockerfile."""
        given = {"context": self.folder, "platform": "linux/amd64", "tag": TAG, **changes}
        self.builder.build(BuildRequest(dockerfile=dockerfile, **given))  # type: ignore[arg-type]  # the fields' names


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench whose image is removed."""
    yield Bench(tmp_path)
    if engine.image(TAG):
        engine.client().images.remove(TAG, force=True)


def test_an_image_is_built_named_and_labelled(bench: Bench) -> None:
    assert not bench.builder.find(TAG)
    bench.build("FROM scratch\nCOPY a /a\n", labels={"io.modelway.model": "iris"})
    assert bench.builder.find(TAG)
    image = engine.image(TAG)
    assert image
    assert image.labels == {"io.modelway.model": "iris"}
    assert bench.builder.identity(TAG) == image.id


def test_the_config_digest_is_the_one_in_the_archive(bench: Bench) -> None:
    bench.build("FROM scratch\nCOPY a /a\n")
    with bench.builder.export(TAG) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        files = (archive.extractfile(m) for m in archive if m.name == "manifest.json")
        [[listing]] = [json.load(file) for file in files if file]
    assert bench.builder.config_digest(TAG).hex in listing["Config"]
    assert listing["RepoTags"] == [TAG]


def test_ignored_files_are_not_there_to_copy(bench: Bench) -> None:
    bench.build("FROM scratch\nCOPY a /a\n", ignore="b\n")
    with pytest.raises(Malformed, match="COPY b /b"):
        bench.build("FROM scratch\nCOPY b /b\n", ignore="b\n")


def test_a_secret_is_seen_by_its_step_and_kept_nowhere(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "swordfish")
    model_image.build(engine.client())
    python = engine.client().images.get(model_image.NAME).attrs["Config"]["Entrypoint"][0]
    words = json.dumps([python, "-S", "-c", "assert len(open('/run/secrets/token').read()) == 9"])
    bench.build(
        f"FROM {model_image.NAME}\nRUN --mount=type=secret,id=token {words}\n",
        secrets=(BuildSecret(id="token", env="TOKEN"),),
    )
    assert "swordfish" in bench.reporter.masks
    with bench.builder.export(TAG) as stream:
        assert b"swordfish" not in stream.read()


def test_a_missing_secret_is_said_before_the_build(bench: Bench) -> None:
    with pytest.raises(Unavailable, match="token is missing: no environment variable NOBODY"):
        bench.build("FROM scratch\nCOPY a /a\n", secrets=(BuildSecret(id="token", env="NOBODY"),))
    bench.build("FROM scratch\nCOPY a /a\n", secrets=(BuildSecret(id="t", env="NOBODY", required=False),))


def test_a_base_means_what_it_is_here_or_nothing(bench: Bench) -> None:
    bench.build("FROM scratch\nCOPY a /a\n")
    assert bench.builder.base_digest(TAG) == bench.builder.config_digest(TAG)
    assert bench.builder.base_digest("127.0.0.1:9/nobody/has:this") is None
    pinned = Digest("sha256:" + "a" * 64)
    assert bench.builder.base_digest(f"x/y@{pinned}") == pinned


def test_progress_names_the_step(bench: Bench) -> None:
    bench.build("FROM scratch\nCOPY a /a\n")
    assert any("[1/1] COPY a /a" in line for line in bench.reporter.progresses)


def test_a_disk_that_will_not_suffice_is_said_with_what_can_be_freed() -> None:
    with pytest.raises(Unavailable, match="will not suffice") as caught:
        disk.enough_for_build(need=2**60)
    assert "docker builder prune (frees" in caught.value.cure
    assert "docker image prune" in caught.value.cure
