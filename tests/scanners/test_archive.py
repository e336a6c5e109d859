"""An archive is read exactly, or the scan says that it did not happen."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.errors import NotEvaluated
from modelway.scanners.builtin.archive import Archive, read_archive
from modelway.scanners.builtin.layer import merge
from modelway.scanners.builtin.stream import Limits
from tests.scanners.images import DEBIAN, config, digest, docker_archive, layer, oci_archive, python

LAYERS = [layer(DEBIAN), layer(python("flask", "2.0.0")), layer({}), layer({})]
FORMS = {
    "engine 20.10": docker_archive,
    "engine 25": lambda layers, **more: oci_archive(layers, manifest_json=True, zipped=False, **more),
    "containerd store": lambda layers, **more: oci_archive(layers, manifest_json=True, **more),
    "OCI layout": lambda layers, **more: oci_archive(layers, manifest_json=False, **more),
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
Form = Callable[..., bytes]


class OneWay(io.RawIOBase):
    """A stream that cannot go back, and gives what it likes."""

    def __init__(self, body: bytes) -> None:
        self._inner = io.BytesIO(body)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)[:777]  # type: ignore[arg-type]  # what RawIOBase passes
        return self._inner.readinto(view)


def read(body: bytes, platform: str = "linux/amd64", limits: Limits | None = None) -> Archive:
    """Read an archive from memory."""
    return read_archive(io.BytesIO(body), platform=platform, limits=limits)


def refused(body: bytes, why: str, platform: str = "linux/amd64") -> None:
    """The archive must be refused for this reason."""
    with pytest.raises(NotEvaluated) as caught:
        read(body, platform)
    assert why in caught.value.seen, caught.value.seen


@every_form
def test_config_and_layers_are_the_ones_named(form: Form) -> None:
    archive = read(form(LAYERS))
    assert archive.config.hex == digest(config(LAYERS))
    assert [name for name, _ in archive.layers] == [f"sha256:{digest(one)}" for one in LAYERS]
    assert "var/lib/dpkg/status" in merge(archive.layers)


@every_form
def test_a_stream_is_read_once_from_start_to_end(form: Form) -> None:
    stream = io.BufferedReader(OneWay(form(LAYERS)))
    assert read_archive(stream, platform="linux/amd64").config.hex == digest(config(LAYERS))
    assert stream.read() == b""


def test_a_layer_the_config_does_not_name_is_refused() -> None:
    other = [*LAYERS[:1], layer(python("flask", "3.0.0")), *LAYERS[2:]]
    body = docker_archive(other, rootfs=json.loads(config(LAYERS))["rootfs"])
    refused(body, "Layer 2 has the diff id")


def test_a_missing_layer_is_refused() -> None:
    body = docker_archive(LAYERS[:1], rootfs=json.loads(config(LAYERS))["rootfs"])
    refused(body, "do not name the same layers")


def test_a_config_that_is_not_its_name_is_refused() -> None:
    name = digest(config(LAYERS)).encode()
    body = docker_archive(LAYERS).replace(b'"architecture": "amd64"', b'"architecture": "amd65"')
    assert name in body
    refused(body, "has the digest")


def test_a_blob_that_is_not_its_name_is_refused() -> None:
    body = oci_archive(LAYERS, manifest_json=False, zipped=False)
    refused(body.replace(b"Version: 2.0.0", b"Version: 9.0.0"), "has the digest")


def test_another_platform_is_refused() -> None:
    refused(docker_archive(LAYERS), "linux/amd64; the config asks for linux/arm64", platform="linux/arm64")


def test_an_index_without_the_platform_is_refused() -> None:
    body = oci_archive(LAYERS, manifest_json=False)
    refused(body, "holds 0 images for linux/s390x", platform="linux/s390x")


def test_the_variant_of_a_platform_does_not_matter() -> None:
    body = docker_archive(LAYERS, architecture="arm64")
    assert read(body, "linux/arm64/v8").platform == "linux/arm64"


def test_what_is_no_image_is_refused() -> None:
    refused(b"", "neither a manifest.json nor an index.json")
    refused(b"hello", "ends within a header")
    refused(layer({"a": b"b"}), "neither a manifest.json nor an index.json")
    refused(layer({"manifest.json": b"["}), "is no JSON")
    refused(layer({"manifest.json": b"[" * 100_000}), "is no JSON")
    refused(layer({"manifest.json": b"[1]"}), "not the JSON object")
    refused(layer({"manifest.json": b"[]"}), "exactly one image")


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python reads zstd")
def test_a_layer_python_cannot_decompress_says_so() -> None:
    blob = b"\x28\xb5\x2f\xfd" + bytes(600)
    body = layer({f"blobs/sha256/{digest(blob)}": blob})
    with pytest.raises(NotEvaluated, match="compressed with zstd") as caught:
        read(body)
    assert "3.14" in caught.value.cure


def test_paths_that_leave_the_image_are_refused() -> None:
    refused(docker_archive([layer({"../../etc/os-release": b"ID=x"})]), "leads out of the image")


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(unpacked=5000), "Its layers have more than"),
        (Limits(metadata=100), "may have 100 bytes"),
        (Limits(kept=100), "package metadata has more than"),
        (Limits(members=4), "more than 4 files"),
        (Limits(document=50), "neither a layer nor a document of at most 50"),
        (Limits(documents=80, document=1 << 20), "too many documents"),
    ],
)
def test_limits(limits: Limits, why: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        read(oci_archive([layer({**DEBIAN, "big": bytes(100_000)})], manifest_json=True), limits=limits)
    assert why in caught.value.seen


@given(st.data())
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_damage_is_refused_or_changes_nothing(form: Form, data: st.DataObject) -> None:
    """A flipped byte, a cut or a repeated piece never makes another inventory."""
    whole = form(LAYERS)
    body = bytearray(whole)
    at = data.draw(st.integers(0, len(body) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "repeat", "drop"])):
        case "flip":
            body[at] ^= data.draw(st.integers(1, 255))
        case "cut":
            del body[at:]
        case "repeat":
            body[at:at] = body[at : at + 512]
        case _:
            del body[at : at + data.draw(st.integers(1, 2048))]
    try:
        found = read(bytes(body))
    except NotEvaluated:
        return
    assert found == read(whole)
