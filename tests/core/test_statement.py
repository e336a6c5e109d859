"""Statements and their envelopes: what is written is read, and what is damaged is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.decode import Wrong
from modelway.core.image import Digest
from modelway.core.statement import (
    Signature,
    Statement,
    opened,
    pre_authentication,
    sealed,
    statement_of,
)

IMAGE = Digest("sha256:" + "a" * 64)
OTHER = Digest("sha256:" + "b" * 64)
STATEMENT = Statement(subject=IMAGE, predicate_type="urn:test:1", predicate={"answer": [1, "zwölf"]})


def test_pre_authentication_encoding_is_dsse_s_own() -> None:
    """dsse/protocol.md: `DSSEv1`, and both parts with their lengths in bytes."""
    assert pre_authentication(b"{}") == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"


def test_a_bundle_in_the_other_alphabet_of_base64_is_read() -> None:
    """dsse/protocol.md: "Either standard or URL-safe encoding is allowed"."""
    said = Statement(subject=IMAGE, predicate_type="urn:test:1", predicate={"answer": "\u07ff\u07fe??>>"})
    raw = json.loads(sealed(said.payload(), Signature(signature=b"\xfb\xff\xbf", key="k")))
    envelope = raw["dsseEnvelope"]
    assert {"+", "/"} & {*envelope["payload"], *envelope["signatures"][0]["sig"]}
    for place in (envelope, envelope["signatures"][0]):
        place |= {
            k: v.replace("+", "-").replace("/", "_") for k, v in place.items() if k in {"payload", "sig"}
        }
    found = opened(json.dumps(raw).encode())
    assert statement_of(found.payload) == said
    assert found.signatures[0].signature == b"\xfb\xff\xbf"


def test_a_source_beside_the_image_and_no_predicate_are_no_damage() -> None:
    """in-toto's statement.md: a subject may have other digests only, and the predicate may be left out."""
    raw = json.loads(STATEMENT.payload())
    raw["subject"].insert(0, {"name": "source", "digest": {"gitCommit": "c" * 40}})
    del raw["predicate"]
    found = statement_of(json.dumps(raw).encode(), IMAGE)
    assert (found.subject, found.predicate) == (IMAGE, {})


def test_a_sealed_statement_is_opened_as_it_was() -> None:
    bundle = sealed(STATEMENT.payload(), Signature(signature=b"\x00sig", key="k"))
    envelope = opened(bundle)
    assert statement_of(envelope.payload) == STATEMENT
    assert envelope.signatures == (Signature(signature=b"\x00sig", key="k"),)
    assert envelope.document == bundle


def test_a_bare_statement_has_no_signature() -> None:
    envelope = opened(STATEMENT.payload())
    assert statement_of(envelope.payload) == STATEMENT
    assert envelope.signatures == ()


def test_a_statement_about_several_things_is_about_the_image_asked_for() -> None:
    raw = json.loads(STATEMENT.payload())
    raw["subject"].insert(0, {"name": "", "digest": {"sha256": OTHER.hex}})
    payload = json.dumps(raw).encode()
    assert statement_of(payload, IMAGE).subject == IMAGE
    assert statement_of(payload).subject == OTHER


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "no JSON object"),
        (b"[]", "is not an object"),
        (b'{"dsseEnvelope":{"payloadType":"text/plain"}}', "not an in-toto statement"),
        (b'{"dsseEnvelope":{"payloadType":"application/vnd.in-toto+json","payload":"%"}}', "not base64"),
        (b'{"dsseEnvelope":[]}', "dsseEnvelope is not an object"),
        (b"[" * 100_000, "no JSON object"),
    ],
)
def test_a_damaged_envelope_is_named(document: bytes, said: str) -> None:
    with pytest.raises(Wrong, match=said):
        opened(document)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"_type": "x"}, "_type is 'x'"),
        ({"_type": []}, r"_type is \[\]"),
        ({"subject": []}, "about nothing"),
        ({"subject": [{"digest": {"sha512": "0"}}]}, "about nothing that has a SHA-256"),
        ({"subject": [{"digest": {"sha256": "0"}}]}, "subject.digest"),
        ({"predicate": []}, "predicate is not an object"),
        ({"predicate": {"a": float("nan")}}, "no JSON object"),
        ({"predicate": {"a": "\ud800"}}, "no JSON object"),
        ({"predicateType": 3}, "predicateType is not text"),
    ],
)
def test_a_damaged_statement_is_named(changes: dict[str, object], said: str) -> None:
    payload = json.dumps({**json.loads(STATEMENT.payload()), **changes}).encode()
    with pytest.raises(Wrong, match=said):
        statement_of(payload)


@pytest.mark.parametrize("half", [b"\xed\xa0\x80", b"\\ud800"])
def test_half_a_character_is_no_text_however_it_is_written(half: bytes) -> None:
    with pytest.raises(Wrong, match="no JSON object"):
        statement_of(STATEMENT.payload().replace(b"answer", half))


def test_a_character_in_two_halves_is_one() -> None:
    payload = STATEMENT.payload().replace(b"answer", rb"\ud83d\ude00")
    assert "\U0001f600" in statement_of(payload).predicate


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_mutated_bundle_is_read_or_named(junk: bytes, place: int) -> None:
    """Whatever the bytes, nothing but ``Wrong`` comes out."""
    bundle = sealed(STATEMENT.payload(), Signature(signature=b"sig"))
    document = bundle[:place] + junk + bundle[place + len(junk) :]
    try:
        statement_of(opened(document).payload)
    except Wrong:
        return
