"""What git knows of the repository: its root, the commit, where it comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from modelway.adapters import process
from modelway.errors import Unavailable

_SCP = re.compile(r"(?:[^@/:]+@)?(?P<host>[^/:]+):(?P<path>(?!//).+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A working copy; all but ``root`` is empty outside git."""

    root: Path
    revision: str = ""
    """The commit; ``-dirty`` follows when tracked files differ."""
    source: str = ""
    """URL of the repository, without credentials."""
    trouble: str = ""
    """Why git would not say, where it would not."""


def look(folder: Path) -> Checkout:
    """Ask git about the working copy a folder is in; the folder itself is the root outside git."""
    folder = folder.resolve()
    try:
        top = ask(folder, "rev-parse", "--show-toplevel")
    except Unavailable:
        return Checkout(root=_root(folder))
    if top.code != 0:
        refused = "safe.directory" in top.err
        return Checkout(root=_root(folder), trouble=_refusal(folder) if refused else "")
    root = Path(top.out.rstrip("\n"))
    revision = ask(root, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    source = ask(root, "config", "--get", "remote.origin.url")
    return Checkout(
        root=root,
        revision=revision.out.strip() if revision.code == 0 else "",
        source=without_credentials(source.out.strip()),
    )


def without_credentials(url: str) -> str:
    """A remote's address as people may see it: https where git would use ssh, no user, no password."""
    scp = _SCP.fullmatch(url)
    if scp and "://" not in url:
        return f"https://{scp['host']}/{scp['path'].removesuffix('.git')}"
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in {"http", "https", "ssh", "git"}:
        return ""
    web = parts.scheme in {"http", "https"}
    port = f":{parts.port}" if web and parts.port else ""
    scheme = parts.scheme if web else "https"
    return urlunsplit((scheme, f"{parts.hostname}{port}", parts.path.removesuffix(".git"), "", ""))


def ask(folder: Path, *arguments: str, stdin: bytes | None = None) -> process.Finished:
    """Run git without its locks and without questions."""
    return process.run(
        ["git", "-C", str(folder), *arguments],
        stdin=stdin,
        variables={"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
    )


def _root(folder: Path) -> Path:
    """The nearest folder above that holds ``.git``; the folder itself where none does."""
    return next((f for f in (folder, *folder.parents) if (f / ".git").exists()), folder)


def _refusal(folder: Path) -> str:
    """Git does not trust a working copy that belongs to another user (CVE-2022-24765)."""
    root = _root(folder)
    return (
        f"git does not trust {root}, which belongs to another user: the revision is unknown. "
        f"To fix: git config --global --add safe.directory {root}"
    )
