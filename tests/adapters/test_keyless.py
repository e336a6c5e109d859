"""A recorded keyless signature of GitHub Actions is checked offline: by whom, of which issuer, over what."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from modelway import evidence
from modelway.adapters.signing import Holder, SigningKeys
from modelway.core import admission
from modelway.core.admission import Author
from modelway.core.config import Identity, Signing
from modelway.core.statement import opened, statement_of
from modelway.ports import unopened

FOLDER = Path(__file__).parent / "sigstore"
BUNDLE = (FOLDER / "provenance.sigstore.json").read_bytes()
GITHUB = "https://token.actions.githubusercontent.com"
WORKFLOW = r"https://github\.com/trailofbits/pypi-attestations/\.github/workflows/release\.yml@refs/tags/v.*"

pytestmark = pytest.mark.skipif(
    shutil.which("cosign") is None,
    reason="cosign is not installed (Debian: apt-get install cosign, version 3)",
)


def keys(subject: str = WORKFLOW, issuer: str = GITHUB) -> SigningKeys:
    """The build's identity, as a config names it."""
    root = str(FOLDER / "trusted_root.json")
    signing = Signing(verify_with=(Identity(issuer=issuer, subject=subject, trusted_root=root),))
    return SigningKeys(
        root=FOLDER, holders={"build": Holder(signing=signing, session=unopened, reader=unopened)}
    )


def test_the_workflow_that_signed_is_known_without_any_network():
    assert keys().signed_by(opened(BUNDLE)) == {"build"}


@pytest.mark.parametrize(
    "subject",
    [
        WORKFLOW.replace("trailofbits", "somebody"),
        WORKFLOW.replace(r"release\.yml", r"ci\.yml"),
        WORKFLOW.replace("refs/tags", "refs/heads"),
        r"github\.com/trailofbits/",  # the whole identity has to match, not a part of it
    ],
)
def test_another_identity_is_not_its_author(subject):
    assert keys(subject).signed_by(opened(BUNDLE)) == frozenset()


def test_the_right_name_from_another_issuer_is_not_its_author():
    assert keys(issuer="https://gitlab.com").signed_by(opened(BUNDLE)) == frozenset()


@pytest.mark.parametrize("part", ["payload", "signature", "inclusion"])
def test_what_was_changed_afterwards_is_nobodys_word(part):
    document = json.loads(BUNDLE)
    envelope, entry = document["dsseEnvelope"], document["verificationMaterial"]["tlogEntries"][0]
    match part:
        case "payload":
            envelope["payload"] = envelope["payload"].replace("A", "B", 1)
        case "signature":
            envelope["signatures"][0]["sig"] = "MEUC" + "A" * 92
        case _:
            entry["inclusionProof"]["hashes"].pop()
    assert keys().signed_by(opened(json.dumps(document).encode())) == frozenset()


def test_production_refuses_a_provenance_of_another_identity_and_says_whose_it_expected():
    statement, known = statement_of(opened(BUNDLE).payload), keys("https://github.com/somebody/.*")
    attached = evidence.witnessed(known, statement.subject, [BUNDLE])
    author = Author(name="build", keys=evidence.names(known.holders["build"].signing))
    ruling = admission.provenance("iris", statement.subject, attached, author, "")
    assert not ruling.ok
    assert "is not build's word" in ruling.reason
    assert "https://github.com/somebody/.* of https://token.actions.githubusercontent.com" in ruling.seen
