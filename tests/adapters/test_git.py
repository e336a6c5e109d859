"""What git says of a working copy, also where it says nothing or refuses to."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelway.adapters import git, process


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, made without the developer's own settings."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "file").write_text("one\n")
    ask(folder, "init", "--quiet")
    ask(folder, "add", "file")
    ask(folder, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "one")
    return folder


def ask(folder: Path, *arguments: str) -> str:
    return process.succeed(["git", "-C", str(folder), *arguments])


def test_the_root_and_the_commit_are_found_from_below(repository: Path) -> None:
    below = repository / "a" / "b"
    below.mkdir(parents=True)
    found = git.look(below)
    assert (found.root, found.revision) == (repository, ask(repository, "rev-parse", "HEAD").strip())


def test_a_changed_file_makes_it_dirty(repository: Path) -> None:
    (repository / "file").write_text("two\n")
    assert git.look(repository).revision == ask(repository, "rev-parse", "HEAD").strip() + "-dirty"


def test_a_tag_does_not_take_the_commits_place(repository: Path) -> None:
    ask(repository, "tag", "v1")
    ask(repository, "-c", "user.name=A", "-c", "user.email=a@example.com", "tag", "-a", "v2", "-m", "v2")
    assert len(git.look(repository).revision) == 40


def test_the_source_is_the_remotes_address(repository: Path) -> None:
    ask(repository, "remote", "add", "origin", "https://user:secret@example.com/owner/models.git")
    assert git.look(repository).source == "https://example.com/owner/models"


def test_a_repository_without_commits_has_no_revision(tmp_path: Path) -> None:
    ask(tmp_path, "init", "--quiet")
    found = git.look(tmp_path)
    assert (found.root, found.revision, found.trouble) == (tmp_path, "", "")


def test_outside_git_the_folder_is_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git.look(tmp_path) == git.Checkout(root=tmp_path)


def test_without_git_the_root_is_found_all_the_same(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    below = repository / "a"
    below.mkdir()
    assert git.look(below) == git.Checkout(root=repository)


def test_a_working_copy_git_does_not_trust_names_the_cure(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own way to test CVE-2022-24765
    found = git.look(repository)
    assert (found.root, found.revision) == (repository, "")
    assert f"git config --global --add safe.directory {repository}" in found.trouble


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r"),
        ("https://x-access-token:ghs_abc@github.com/o/r", "https://github.com/o/r"),
        ("https://example.com:8443/o/r.git?token=abc#x", "https://example.com:8443/o/r"),
        ("git@github.com:o/r.git", "https://github.com/o/r"),
        ("github.com:o/r", "https://github.com/o/r"),
        ("ssh://git:pw@example.com:2222/o/r.git", "https://example.com/o/r"),
        ("/srv/git/r.git", ""),
        ("file:///srv/git/r.git", ""),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_what_opens_it(url: str, shown: str) -> None:
    assert git.without_credentials(url) == shown
