"""Whose key signs what in a release whose evidence is tampered with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelway.rehearsal import tampering
from modelway.rehearsal.derive import Derived
from modelway.rehearsal.prepare import Draft
from modelway.rehearsal.tampers import Tampering

DOCUMENT = {"environments": {"staging": {}, "production": {"promote_from": "staging"}}}


def signed(what: Tampering, root: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The documents of the release before and of the one that is watched."""
    scene: Any = SimpleNamespace(
        folders=SimpleNamespace(work=root / "work"),
        world=SimpleNamespace(run=SimpleNamespace(root=root)),
    )
    bare = Draft(derived=Derived(DOCUMENT))
    drafts = tampering.signed(scene, what, bare, bare, staging="staging")
    before, watched = (draft.derived.document for draft in drafts)
    return before, watched


@pytest.mark.parametrize("what", Tampering)
def test_before_the_attack_everybody_signs_with_a_key_of_their_own(what: Tampering, tmp_path: Path) -> None:
    before, _ = signed(what, tmp_path)
    places = [before["evidence"], *(one["evidence"] for one in before["environments"].values())]
    private = [place["sign_with"] for place in places]
    assert len({*private}) == 3
    assert all((tmp_path / name).stat().st_mode & 0o077 == 0 for name in private)
    for place in places:
        assert [name.replace(".pub", ".pem") for name in place["verify_with"]] == [place["sign_with"]]


def test_staging_can_be_kept_from_signing(tmp_path: Path) -> None:
    _, watched = signed(Tampering.UNSIGNED, tmp_path)
    assert "sign_with" not in watched["environments"]["staging"]["evidence"]
    assert watched["environments"]["staging"]["evidence"]["verify_with"]
    assert watched["environments"]["production"]["evidence"]["sign_with"]


def test_the_build_can_be_made_to_sign_for_staging(tmp_path: Path) -> None:
    _, watched = signed(Tampering.FORGED, tmp_path)
    assert watched["environments"]["staging"]["evidence"]["sign_with"] == watched["evidence"]["sign_with"]
