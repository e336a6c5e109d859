"""Other people's scanners: found on PATH, of a version that was seen to work, run, and their report taken.

No scanner itself. A tool's exit status never decides anything: a report that is there is read, and one
that is not is exit 9.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelway.adapters import environment, process
from modelway.adapters.process import Finished
from modelway.core.findings import Package
from modelway.core.image import Digest
from modelway.core.report import Read
from modelway.errors import NotEvaluated, Unavailable
from modelway.scanners.archive_file import ImageFile

_PLACES = re.compile(
    r"CACHE_DIR|(JAVA_)?DB_REPOSITORY|CHECKS_BUNDLE_REPOSITORY|DB_(CACHE_DIR|UPDATE_URL|CA_CERT)"
    r"|USERNAME|PASSWORD|REGISTRY_TOKEN|INSECURE"
)
"""Variables of a tool, without its name, by which it finds its advisories."""
_VERSION = re.compile(r"\d+(?:\.\d+)+")
TIMEOUT = 1800.0
"""Seconds a tool gets: the largest images of machine learning take minutes."""
_ASKING = 120.0
"""Seconds to say its version; one that unpacks itself at its first start takes a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program, and how people get it."""

    name: str
    """The command, and the name in ``scan.scanners``."""
    least: tuple[int, ...]
    """The oldest version whose options are used here."""
    install: str
    """How to get it, pinned."""
    asks: tuple[str, ...] = ("--version",)
    """The arguments that make it say its version."""

    @property
    def words(self) -> str:
        """The versions that will do."""
        return f"{'.'.join(map(str, self.least))} or newer"


def version(tool: Tool) -> str:
    """The version of the tool that is installed; raises ``Unavailable`` where none is that will do."""
    if shutil.which(tool.name, path=environment.get("PATH") or None) is None:
        raise Unavailable(
            f"The scanner {tool.name} is not installed",
            seen=f"scan.scanners names it, and there is no {tool.name} in PATH.",
            cure=f"{tool.install}; or take {tool.name} out of scan.scanners.",
        )
    said = process.run([tool.name, *tool.asks], timeout=_ASKING)
    found = _VERSION.search(said.out) or _VERSION.search(said.err)
    if found is None:
        raise Unavailable(
            f"The {tool.name} in PATH does not say its version",
            seen=f"`{' '.join([tool.name, *tool.asks])}`: {said.tail or 'nothing'}",
            cure=f"{tool.install}.",
        )
    if tuple(map(int, found[0].split("."))) < tool.least:
        raise Unavailable(
            f"The {tool.name} in PATH is too old",
            seen=f"expected {tool.words}, got {found[0]}",
            cure=f"{tool.install}.",
        )
    return found[0]


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    say: Callable[[str], None],
    variables: Mapping[str, str] | None = None,
) -> Finished:
    """Run a tool in an empty folder, telling what it says as progress.

    What its own variables could hide (``TRIVY_IGNORE_STATUS``, ``GRYPE_EXCLUDE``) is the policy's to say: of
    them only those are passed on that say where its advisories are.
    """
    prefix = f"{argv[0].upper()}_"
    own = (name for name in environment.variables() if name.startswith(prefix))
    emptied = {name: "" for name in own if not _PLACES.fullmatch(name.removeprefix(prefix))}
    settings = {"NO_COLOR": "1", **emptied, **(variables or {})}
    return process.run(argv, cwd=folder, say=say, timeout=TIMEOUT, variables=settings)


def failed(tool: Tool, finished: Finished, cure: str = "") -> NotEvaluated:
    """The failure where a tool left no report."""
    return NotEvaluated(
        f"{tool.name} could not scan the image, so nothing was judged",
        seen=f"exit status {finished.code}: {finished.tail or 'it said nothing'}",
        cure=cure or f"see what {tool.name} says above; scan.scanners says which scanners must run.",
    )


def same_image(tool: Tool, said: str, image: ImageFile) -> Digest:
    """The image a report is about; raises ``NotEvaluated`` where the tool looked at another one."""
    if said and said != str(image.config):
        raise NotEvaluated(
            f"{tool.name} looked at another image",
            seen=f"expected {image.config}, got {said}",
            cure="run it again, and let nothing else build meanwhile.",
        )
    return image.config


def inventory(packages: Sequence[Package]) -> tuple[Read, ...]:
    """What was read, for a tool that lists every package it saw."""
    kinds = sorted({one.ecosystem for one in packages})
    return tuple(
        Read(area=f"packages:{kind}", count=sum(one.ecosystem == kind for one in packages))
        for kind in kinds
        if kind
    )


def distro(family: str, release: str) -> str:
    """A distribution as OSV names it, as far as OSV names it."""
    name = family.strip().lower()
    if not name or name == "none":
        return ""
    parts = release.split(".")
    match name:
        case "debian":
            return f"Debian:{parts[0]}"
        case "ubuntu":
            return f"Ubuntu:{'.'.join(parts[:2])}"
        case "alpine":
            return f"Alpine:v{'.'.join(parts[:2])}"
        case _:
            return f"{name}:{release}".rstrip(":")
