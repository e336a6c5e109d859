"""What cosign's failures mean, by a program of its name that fails as it does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from modelway.adapters import cosign
from modelway.core.config import Identity
from modelway.core.image import Digest
from modelway.core.statement import Signature, Statement, opened, sealed
from modelway.errors import Unavailable

WHO = Identity(issuer="https://token.actions.githubusercontent.com", subject="https://github.com/a/b/.*")
SAID = Statement(subject=Digest("sha256:" + "a" * 64), predicate_type="urn:x", predicate={})
ENVELOPE = opened(sealed(SAID.payload(), Signature(signature=b"x")))


def on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str, complaint: str = "no match") -> None:
    """A cosign of that version, which refuses everything."""
    program = folder / "cosign"
    told = f"""#!/bin/sh
if [ "$1" = version ]; then echo '{{"gitVersion": "{version}"}}'; exit 0; fi
echo '{complaint}' >&2; exit 1
"""
    program.write_text(told)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_cosign_too_old_to_read_a_bundle_calls_nobody_a_forger(tmp_path, monkeypatch):
    """Version 2 fails at every bundle: the gate once named the signature as forged."""
    on_path(tmp_path, monkeypatch, "v2.5.0")
    with pytest.raises(Unavailable, match="too old") as caught:
        cosign.is_by(ENVELOPE, WHO, tmp_path)
    assert "version 2.5.0 is on PATH" in caught.value.seen
    with pytest.raises(Unavailable, match="too old"):
        cosign.attest(SAID.payload())


@pytest.mark.parametrize("version", ["v3.1.1", "devel"])
def test_what_a_good_cosign_refuses_is_somebody_elses(tmp_path, monkeypatch, version):
    on_path(tmp_path, monkeypatch, version)
    assert not cosign.is_by(ENVELOPE, WHO, tmp_path)


def test_without_a_trusted_root_nobody_can_tell(tmp_path, monkeypatch):
    on_path(tmp_path, monkeypatch, "v3.1.1", "error updating to TUF remote mirror")
    with pytest.raises(Unavailable, match="no trusted root"):
        cosign.is_by(ENVELOPE, WHO, tmp_path)


def test_a_cosign_that_is_not_there_is_named_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable) as caught:
        cosign.is_by(ENVELOPE, WHO, tmp_path)
    assert "install cosign 3" in caught.value.cure


def test_a_trusted_root_is_a_file_of_the_repository_and_a_missing_one_makes_nobody_a_stranger(
    tmp_path, monkeypatch
):
    """It was looked for where the program was started: from a folder below, every signature was forged."""
    on_path(tmp_path, monkeypatch, "v3.1.1", "no match")
    who = replace(WHO, trusted_root="keys/root.json")
    with pytest.raises(Unavailable, match=r"the trusted root keys/root\.json .* cannot be read"):
        cosign.is_by(ENVELOPE, who, tmp_path)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/root.json").write_text("{}")
    (tmp_path / "cosign").write_text(
        f'#!/bin/sh\nfor each; do [ "$each" = {tmp_path}/keys/root.json ] && exit 0; done; exit 1'
    )
    assert cosign.is_by(ENVELOPE, who, tmp_path)
