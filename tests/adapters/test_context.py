"""Build contexts: what is read, what decides an entry, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelway.adapters.context import entries
from modelway.errors import Malformed


def paths(folder: Path, ignore: str = "") -> list[str]:
    """The entries' paths."""
    return [entry.path for entry in entries(folder, ignore)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A context with a file, a program, a folder and an empty folder."""
    (tmp_path / "a").write_text("a")
    (tmp_path / "serve").write_text("s")
    (tmp_path / "serve").chmod(0o755)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_text("b")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_files_programs_and_empty_folders_are_told_apart(folder: Path) -> None:
    kinds = {entry.path: entry.kind for entry in entries(folder, "")}
    assert kinds == {"a": "file", "serve": "program", "sub/b": "file", "empty": "folder"}


@pytest.mark.parametrize(
    ("ignore", "kept"),
    [
        ("a\n", ["empty", "serve", "sub/b"]),
        ("# a\n\n", ["a", "empty", "serve", "sub/b"]),
        ("*\n!a\n", ["a"]),
        ("*\n!sub/b\n", ["sub/b"]),
        ("**/b\n", ["a", "empty", "serve", "sub"]),
        ("\ufeffa\n", ["empty", "serve", "sub/b"]),
    ],
)
def test_dockerignore_decides_what_is_read(folder: Path, ignore: str, kept: list[str]) -> None:
    assert paths(folder, ignore) == kept


def test_umask_and_time_decide_nothing(folder: Path) -> None:
    before = entries(folder, "")
    (folder / "a").chmod(0o600)
    os.utime(folder / "a", (1, 1))
    assert entries(folder, "") == before


def test_content_decides(folder: Path) -> None:
    before = entries(folder, "")
    (folder / "a").write_text("b")
    assert entries(folder, "") != before


def test_a_link_inside_is_kept_as_a_link(folder: Path) -> None:
    (folder / "sub" / "link").symlink_to("../a")
    assert {entry.path: entry.kind for entry in entries(folder, "")}["sub/link"] == "link"


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "sub/../../secret"])
def test_a_link_that_leaves_is_refused_by_name(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    with pytest.raises(Malformed, match="a link that leaves the build context") as caught:
        entries(folder, "")
    assert target in caught.value.seen
    assert paths(folder, "link\n")


def test_a_link_to_itself_ends(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    assert "loop" in paths(folder)


def test_a_pipe_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(Malformed, match="neither a file"):
        entries(folder, "")


def test_a_context_that_is_no_folder_is_refused(folder: Path) -> None:
    with pytest.raises(Malformed, match="not a folder"):
        entries(folder / "a", "")
