"""A model artifact is looked into as it streams by: what is bad in it is found, and nothing of it is kept."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.artifact_report import bare, covered, folded
from modelway.core.findings import Kind, Place
from modelway.core.manifest import digest_of
from modelway.core.report import Report
from modelway.core.report_json import report_json, report_of
from modelway.core.version import Artifact
from modelway.scanners.builtin.models import artifact as artifacts
from modelway.scanners.builtin.weights import Weights
from tests.reports import report
from tests.scanners.models import SAFE, UNSAFE, evil, tarred, zipped

URI = "s3://acme/iris/model.tar.gz"


def pieces(body: bytes, size: int = 700) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def look(body: bytes, size: int = 700) -> Report:
    return Weights().look(pieces(body, size), Artifact(uri=URI, sha256=digest_of(body)))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_pickle_is_found_however_the_tar_is_packed(mode: str) -> None:
    found = look(tarred({"a.txt": b"hello", "deep/model.joblib": evil()}, mode))
    [one] = found.findings
    assert one.location
    assert (one.id, one.kind, one.location.place) == ("model-runs-code", Kind.UNSAFE_MODEL, Place.ARTIFACT)
    assert one.location.file == "deep/model.joblib"
    assert one.evidence
    assert one.evidence.masked.endswith(f"; in {URI}")
    assert not found.unread
    assert report_of(report_json(found)) == found


def test_what_is_nested_is_named_by_its_member() -> None:
    [one] = look(tarred({"model.pt": zipped({"archive/data.pkl": evil()})})).findings
    assert one.location
    assert one.location.file == "model.pt"
    assert one.evidence
    assert one.evidence.masked.startswith("archive/data.pkl: ")


@pytest.mark.parametrize("name", SAFE)
def test_what_is_honest_passes(name: str) -> None:
    found = look(tarred({name: SAFE[name]}))
    assert (found.findings, found.unread) == ((), ())
    assert covered((found,), Artifact(uri="s3://elsewhere/x.tar.gz", sha256=found.subject))


@pytest.mark.parametrize("name", UNSAFE)
def test_what_would_run_code_is_refused_inside_of_an_artifact_too(name: str) -> None:
    found = look(tarred({name: UNSAFE[name]}))
    assert found.findings or found.unread


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04" + bytes(600), evil(), b"GGUF" + bytes(600), b"\x1f\x8b"])
def test_what_is_no_tar_is_unread(body: bytes) -> None:
    found = look(body)
    [one] = found.unread
    assert URI in one.what
    assert (found.read, found.findings) == ((), ())


@given(st.integers(1, 400), st.binary(min_size=1, max_size=4))
def test_a_damaged_artifact_is_never_taken_for_an_honest_one(cut: int, noise: bytes) -> None:
    body = tarred({"code/model.pkl": evil()})
    for damaged in (body[:-cut], body[:cut] + noise + body[cut + len(noise) :]):
        found = look(damaged)
        assert found.findings or found.unread or damaged == body or evil() not in _members(damaged)


def _members(body: bytes) -> list[bytes]:
    """What Python's own reader makes of it."""
    try:
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            files = [archive.extractfile(member) for member in archive if member.isfile()]
            return [file.read() for file in files if file]
    except (tarfile.TarError, OSError, EOFError, ValueError):
        return []


def test_weights_of_any_size_pass_by_without_being_held() -> None:
    body = tarred({"model.safetensors": b"\x08" + bytes(7) + b"{}      " + os.urandom(24 << 20)}, "w")
    found_, size = None, 1 << 20
    tracemalloc.start()
    try:
        found_ = look(body, size)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found_.unread == ()
    assert peak < 8 << 20


def test_a_bomb_ends_as_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "UNPACKED", 1 << 20)
    [one] = look(tarred({"zeros.bin": bytes(4 << 20)})).unread
    assert "it unpacks to more than" in one.what


def test_a_member_too_large_to_set_aside_ends_as_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "SET_ASIDE", 1 << 10)
    [one] = look(tarred({"model.pkl": pickle.dumps(bytes(4096))})).unread
    assert "model.tar.gz!model.pkl has over" in one.what


def test_reports_hold_the_weights_of_one_artifact_at_a_time() -> None:
    image = report()
    first, second = look(tarred({"a.pkl": evil()})), look(tarred({"b.pkl": pickle.dumps([1])}))
    both = folded(folded((image,), first), second)
    assert [one for one in both[0].findings if one.kind is Kind.UNSAFE_MODEL] == []
    assert covered(both, Artifact(uri=URI, sha256=second.subject))
    assert not covered(both, Artifact(uri=URI, sha256=first.subject))
    assert bare(both) == (image,)
