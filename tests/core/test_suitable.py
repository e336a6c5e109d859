"""What a target cannot run: another type, another platform, an image that is too large."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelway.core.image import DOCKER_MANIFEST, OCI_MANIFEST
from modelway.core.suitable import Runs, built_for, of_platform, of_type
from tests.fake_images import manifest_over

RUNS = Runs(media_types={DOCKER_MANIFEST}, platform="linux/arm64", most=10 << 30)
IMAGE = manifest_over(b"one")


def test_a_manifest_of_another_type_is_named_with_those_it_runs():
    wrong = of_type("sagemaker", RUNS, replace(IMAGE, media_type=OCI_MANIFEST))
    assert wrong
    assert "sagemaker cannot run manifests of type application/vnd.oci" in wrong.what
    assert DOCKER_MANIFEST in wrong.seen


@pytest.mark.parametrize(
    ("size", "most", "fits"),
    [(10 << 30, 10 << 30, True), ((10 << 30) + 1, 10 << 30, False), (1 << 40, None, True)],
)
def test_what_is_too_large_as_it_is_packed_is_too_large(size: int, most: int | None, fits: bool):  # noqa: FBT001 - a row of data
    wrong = of_type("lambda", replace(RUNS, most=most), replace(IMAGE, size=size))
    assert (wrong is None) is fits
    if wrong:
        assert "10.0 GiB are the limit" in wrong.seen
        assert "model_artifact" in wrong.cure


@pytest.mark.parametrize(
    ("config", "built"),
    [
        (b'{"os": "linux", "architecture": "arm64"}', "linux/arm64"),
        (b'{"os": "linux", "architecture": "arm64", "variant": "v8"}', "linux/arm64/v8"),
        (b'{"architecture": "arm64"}', ""),
        (b'["linux"]', ""),
        (b"no JSON", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_the_platform_is_what_the_image_s_own_config_says(config: bytes, built: str):
    assert built_for(config) == built
    assert (of_platform("ecs", RUNS, config) is None) is bool(built)


def test_another_platform_is_named_with_both_and_the_cure():
    wrong = of_platform("ecs", RUNS, b'{"os": "linux", "architecture": "amd64"}')
    assert wrong
    assert wrong.what == "the image was built for linux/amd64, and ecs would start it as linux/arm64"
    assert "image.platform of the model's config is linux/arm64" in wrong.seen
    assert "Build and push it for linux/arm64" in wrong.cure


def test_an_image_that_says_nothing_of_its_platform_is_not_run():
    wrong = of_platform("ecs", RUNS, b"{}")
    assert wrong
    assert "nobody knows what" in wrong.what
