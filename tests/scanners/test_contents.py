"""What an image's contents hold, from the archive to the report: every layer, deleted files too, one pass."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.findings import Finding, Kind
from modelway.errors import NotEvaluated
from modelway.scanners.builtin.archive import Archive, read_archive
from modelway.scanners.builtin.content import Looker
from modelway.scanners.builtin.findings import Seen, image_layers, look
from tests.configs import model_config
from tests.scanners.images import DEBIAN, STATUS, Files, digest, docker_archive, layer, oci_archive
from tests.scanners.models import evil
from tests.scanners.secrets import AWS_ID, AWS_SECRET, drawn, pem

KEY: Files = {"root/.aws/credentials": f"[default]\naws_secret_access_key={AWS_SECRET}\n".encode()}


def opened(body: bytes) -> Archive:
    """An archive, read with its contents."""
    return read_archive(io.BytesIO(body), platform="linux/amd64", watching=Looker)


def seen(*layers: Files, **document: object) -> Seen:
    """What is in an image of these layers; as nobody, so that root is not complained of."""
    document.setdefault("config", {"User": "1"})
    archive = opened(docker_archive([layer(one) for one in (DEBIAN, *layers)], **document))
    return look(archive.layers, archive.document, model_config(), None)


def told(*layers: Files, **document: object) -> list[tuple[str, str, bool]]:
    """Id, place, and whether it was deleted."""
    found = seen(*layers, **document).findings
    return [(one.id, one.location.file, one.location.deleted) for one in found if one.location]


def test_a_secret_says_where_it_lies_and_never_what_it_is() -> None:
    [one] = seen(KEY).findings
    assert (one.kind, one.id, one.severity) == (Kind.SECRET, "aws-secret-access-key", "critical")
    assert one.location
    assert (one.location.file, one.location.line) == ("/root/.aws/credentials", 2)
    assert one.location.layer == f"sha256:{digest(layer(KEY))}"
    assert one.evidence
    assert one.evidence.fingerprint
    assert AWS_SECRET not in repr(one)


@pytest.mark.parametrize(
    "above",
    [
        {"root/.aws/.wh.credentials": b""},
        {"root/.wh..aws": b""},
        {"root/.aws/.wh..wh..opq": b""},
        {"root/.aws/credentials": b"nothing"},
        {".wh.root": b""},
    ],
)
def test_what_a_later_layer_deletes_or_replaces_is_found(above: Files) -> None:
    assert told(KEY, above) == [("aws-secret-access-key", "/root/.aws/credentials", True)]


def test_what_comes_back_is_not_deleted() -> None:
    assert told(KEY, {"root/.wh..aws": b""}, KEY) == [
        ("aws-secret-access-key", "/root/.aws/credentials", False)
    ]


def test_other_files_delete_nothing() -> None:
    assert told(KEY, {"root/.aws/.wh.config": b"", "root/x": b""})[0][2] is False


@pytest.mark.parametrize("manifest_json", [True, False])
def test_compressed_layers_are_searched(*, manifest_json: bool) -> None:
    archive = opened(
        oci_archive([layer(DEBIAN), layer(KEY)], manifest_json=manifest_json, config={"User": "1"})
    )
    found = look(archive.layers, archive.document, model_config(), None).findings
    assert [one.id for one in found] == ["aws-secret-access-key"]


def test_the_config_is_searched_and_masked() -> None:
    step = f"RUN |1 PIP_TOKEN={drawn(14)} /bin/sh -c true"
    history = [{"created_by": "base"}, {"created_by": "ARG x", "empty_layer": True}, {"created_by": step}]
    document = {"history": history, "config": {"User": "1", "Env": [f"API_TOKEN={drawn(12)}"]}}
    archive = opened(docker_archive([layer(DEBIAN), layer({"x": b"1"})], **document))
    found = look(archive.layers, archive.document, model_config(), None).findings
    assert [(one.id, one.path) for one in found] == [
        ("secret-in-env", "config.Env.API_TOKEN"),
        ("secret-in-history", "history[3]"),
    ]
    layers = image_layers(archive.layers, archive.document)
    assert [one.created_by for one in layers] == [
        "base",
        "RUN |1 PIP_TOKEN=***[14 characters] /bin/sh -c true",
    ]
    assert drawn(12) not in repr((found, layers))
    assert drawn(14) not in repr((found, layers))


def test_an_unsafe_model_is_named_with_what_it_would_run() -> None:
    [one] = seen({"opt/ml/model/model.pkl": evil()}).findings
    assert (one.kind, one.id, one.severity) == (Kind.UNSAFE_MODEL, "model-runs-code", "critical")
    assert one.evidence
    assert one.evidence.masked == "posix.system"


def test_package_databases_are_searched_too() -> None:
    """What the inventory reads whole or in part is listened to all the same."""
    metadata = b"Metadata-Version: 2.1\nName: a\nVersion: 1\n\n" + b"text\n" * 20_000 + pem().encode()
    status = f"{STATUS}Description: {AWS_ID}\n".encode()
    found = told({"x/a-1.dist-info/METADATA": metadata, "var/lib/dpkg/status": status})
    assert [one[0] for one in found] == ["private-key", "aws-access-key-id"]


def test_what_was_looked_through_is_counted() -> None:
    there = seen({"a": b"text", "m.pkl": evil(), "big.so": b"\0" * (2 << 20)})
    assert [(one.area, one.count) for one in there.read] == [
        ("secrets", 4),
        ("models", 1),
        ("image-config", 1),
    ]
    assert there.notes == ("1 files over 1 MiB that are no text (2 MB) were not searched for secrets.",)


# Ways to hide a file from a scanner that an engine would still unpack.


def members(*entries: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    """A layer of these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as tar:
        for info, body in entries:
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def raw(body: bytes) -> list[Finding]:
    """What is found in one layer above the base."""
    archive = opened(docker_archive([layer(DEBIAN), body], config={"User": "1"}))
    return list(look(archive.layers, archive.document, model_config(), None).findings)


SECRET = AWS_ID.encode()


@pytest.mark.parametrize(
    "name",
    [
        "/absolute/key",
        "./here/key",
        "a//b/./key",
        "x" * 90 + "/" + "y" * 120 + "/key",
        b"caf\xe9/key".decode("utf-8", "surrogateescape"),
        "new\nline/key",
        "a/../key",
        ".wh..wh.aufs/key",
        "site-packages/tests_of_mine.py",
    ],
)
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_strange_names_hide_nothing(name: str, form: int) -> None:
    [one] = raw(members((tarfile.TarInfo(name), SECRET), form=form))
    assert one.id == "aws-access-key-id"
    assert one.path.isprintable()


def test_the_second_of_two_members_of_a_name_is_searched() -> None:
    once, again = tarfile.TarInfo("key"), tarfile.TarInfo("key")
    assert [one.id for one in raw(members((once, b"harmless"), (again, SECRET)))] == ["aws-access-key-id"]
    assert [one.id for one in raw(members((once, SECRET), (again, b"harmless")))] == ["aws-access-key-id"]


def test_a_pax_header_may_say_another_size_and_name() -> None:
    info = tarfile.TarInfo("innocent.txt")
    info.pax_headers = {"path": "root/.netrc"}
    body = f"machine x login a password {drawn(9)}\n".encode()
    [one] = raw(members((info, body), form=tarfile.PAX_FORMAT))
    assert (one.id, one.path) == ("netrc-password", "/root/.netrc")


def test_a_whiteout_with_content_is_searched() -> None:
    assert [one.id for one in raw(members((tarfile.TarInfo("opt/.wh.x"), SECRET)))] == ["aws-access-key-id"]


def test_contiguous_files_are_files() -> None:
    info = tarfile.TarInfo("key")
    info.type = tarfile.CONTTYPE
    assert [one.id for one in raw(members((info, SECRET)))] == ["aws-access-key-id"]


def test_a_name_that_leads_out_of_the_image_is_refused() -> None:
    with pytest.raises(NotEvaluated, match="cannot be read"):
        raw(members((tarfile.TarInfo("../key"), SECRET)))


@given(st.data())
def test_a_damaged_archive_never_loses_a_finding(data: st.DataObject) -> None:
    """Either it is refused, or the secret is still found: no damage turns a fail into a pass."""
    whole = docker_archive([layer(DEBIAN), layer(KEY)], config={"User": "1"})
    body = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        archive = opened(bytes(body))
    except NotEvaluated:
        return
    found = look(archive.layers, archive.document, model_config(), None).findings
    assert "aws-secret-access-key" in [one.id for one in found]
