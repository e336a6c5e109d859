"""A model archive depends on its files alone."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from modelway.errors import NotAllowed
from modelway.rehearsal import artifact


def folder(path: Path, names: list[str]) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    return path


def test_order_times_and_modes_do_not_change_the_bytes(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", ["b", "a/c"])
    two = folder(tmp_path / "two", ["a/c", "b"])
    os.utime(two / "b", (1, 1))
    (two / "b").chmod(0o600)
    assert artifact.pack(one, tmp_path / "1") == artifact.pack(two, tmp_path / "2")


def test_the_bytes_are_the_same_on_every_python(tmp_path: Path) -> None:
    """The digest in a config is worth something only if the next machine gets it too."""
    sha256 = artifact.pack(folder(tmp_path / "m", ["model.json"]), tmp_path / "m.tar.gz")
    assert sha256 == "17f2788eedf2d465021d0f2206796c09d77a6d6b7ca6b9583b498ee9b4671d06"


def test_content_and_names_change_the_bytes(tmp_path: Path) -> None:
    digests = {
        artifact.pack(folder(tmp_path / str(n), names), tmp_path / f"{n}.tar.gz")
        for n, names in enumerate((["a"], ["b"], ["a", "b"]))
    }
    assert len(digests) == 3


def test_files_lie_at_the_top_as_sagemaker_wants_them(tmp_path: Path) -> None:
    artifact.pack(folder(tmp_path / "m", ["model.json", "d/e"]), tmp_path / "m.tar.gz")
    with tarfile.open(tmp_path / "m.tar.gz") as tar:
        assert tar.getnames() == ["d/e", "model.json"]


def test_a_training_that_wrote_nothing_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "empty" / "folder").mkdir(parents=True)
    with pytest.raises(NotAllowed, match="no model"):
        artifact.pack(tmp_path / "empty", tmp_path / "m.tar.gz")
