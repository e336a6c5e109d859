"""Reading what other tools report: what is needed must be there, what is new or unknown is let pass.

No scanner itself. Nothing here decides: words of severity become ours, and missing ones stay missing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from modelway.core.findings import Fixable, Rating, Severity
from modelway.core.json import Json, JsonObject
from modelway.errors import NotEvaluated

_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "error": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "low": Severity.LOW,
    "info": Severity.NEGLIGIBLE,
    "style": Severity.NEGLIGIBLE,
    "negligible": Severity.NEGLIGIBLE,
    "unimportant": Severity.NEGLIGIBLE,
    "informational": Severity.NEGLIGIBLE,
    "none": Severity.NEGLIGIBLE,
}
"""Words of severity; every other one (UNDEFINED, UNTRIAGED, "not yet assigned") is unknown."""
_SCORES = (
    (9.0, Severity.CRITICAL),
    (7.0, Severity.HIGH),
    (4.0, Severity.MEDIUM),
    (0.1, Severity.LOW),
    (0.0, Severity.NEGLIGIBLE),
)
"""CVSS 3.1 specification, section 5: qualitative severity rating scale."""
_OS = {
    **dict.fromkeys(("deb", "debian", "ubuntu", "dpkg"), "deb"),
    **dict.fromkeys(("apk", "alpine", "wolfi", "chainguard"), "apk"),
    **dict.fromkeys(
        ("rpm", "redhat", "centos", "rocky", "alma", "fedora", "amazon", "oracle", "photon", "azurelinux"),
        "rpm",
    ),
    **dict.fromkeys(("cbl-mariner", "opensuse", "opensuse-leap", "suse linux enterprise server"), "rpm"),
}
_LANGUAGES = {
    **dict.fromkeys(("pip", "pipenv", "poetry", "uv", "python", "python-pkg", "pypi", "pylock"), "pypi"),
    **dict.fromkeys(("conda", "conda-pkg", "conda-environment"), "conda"),
    **dict.fromkeys(("npm", "node-pkg", "yarn", "pnpm", "bun", "node", "js"), "npm"),
    **dict.fromkeys(("gobinary", "gomod", "go-module", "go", "golang"), "golang"),
    **dict.fromkeys(("jar", "pom", "gradle", "java-archive", "java", "maven"), "maven"),
    **dict.fromkeys(("cargo", "rustbinary", "rust-crate"), "cargo"),
    **dict.fromkeys(("gemspec", "bundler", "gem", "bundle"), "gem"),
    **dict.fromkeys(("nuget", "dotnet-core", "dotnet", "dotnet-deps"), "nuget"),
    **dict.fromkeys(("composer", "composer-vendor", "php-composer"), "composer"),
}
_SINGLE = ("CVE-", "GHSA-", "PYSEC-", "MAL-", "OSV-", "GO-", "RUSTSEC-", "TEMP-")
"""Beginnings of names of one vulnerability; vendors' advisories are about several."""
_PURL = re.compile(r"pkg:([a-z0-9.+-]+)/")


class Wrong(ValueError):
    """A report is not what the tool's reports are; says where, what was expected and what is there."""


_NO_NUMBER = 1e300
"""What JSON can write and nobody counts to: 1e999 is read as infinity, and has no line."""


@dataclass(frozen=True, slots=True)
class Node:
    """An object of a report, and where in it."""

    value: JsonObject
    where: str = ""

    def text(self, key: str, *, needed: bool = False) -> str:
        """Text; empty where it is missing or null. A number or a truth value is written out."""
        value = self.value.get(key)
        if value is None and not needed:
            return ""
        if isinstance(value, bool | int | float):
            return json.dumps(value)
        if not isinstance(value, str) or (needed and not value):
            raise self._wrong(key, "text", value)
        return value.encode(errors="replace").decode()  # half a surrogate pair could not be written again

    def number(self, key: str) -> float | None:
        """A number, also where it is written as text; nothing where there is none."""
        value = self.value.get(key)
        if isinstance(value, str):
            try:
                number = float(value)
            except ValueError:
                return None
            return number if math.isfinite(number) else None
        if value is None or isinstance(value, bool):
            return None
        if not isinstance(value, int | float) or not abs(value) < _NO_NUMBER:
            raise self._wrong(key, "a number", value)
        return float(value)

    def line(self, key: str) -> int:
        """A line's number; 0 where there is none."""
        return max(0, int(self.number(key) or 0))

    def count(self, key: str) -> int:
        """How many; 0 where it is missing or null. Text is none: what is counted may be what was not done."""
        value = self.value.get(key)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _NO_NUMBER:
            raise self._wrong(key, "a count", value)
        return math.ceil(value)

    def inner(self, key: str) -> Node:
        """An object; an empty one where it is missing or null."""
        value = self.value.get(key)
        if value is None:
            return Node({}, self._at(key))
        if not isinstance(value, Mapping):
            raise self._wrong(key, "an object", value)
        return Node(value, self._at(key))

    def each(self, key: str, *, needed: bool = False) -> Iterator[Node]:
        """Objects of a list; none where it is null, or missing and not needed."""
        value = self.value.get(key)
        if value is None and not (needed and key not in self.value):
            return
        if not isinstance(value, list):
            raise self._wrong(key, "a list", value)
        for number, one in enumerate(value):
            if not isinstance(one, Mapping):
                raise Node({}, f"{self._at(key)}[{number}]")._wrong("", "an object", one)  # noqa: SLF001
            yield Node(one, f"{self._at(key)}[{number}]")

    def texts(self, key: str) -> tuple[str, ...]:
        """Texts of a list; none where it is missing or null."""
        value = self.value.get(key)
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            raise self._wrong(key, "a list of texts", value)
        return tuple(one.encode(errors="replace").decode() for one in value if isinstance(one, str))

    def items(self, key: str) -> Iterator[tuple[str, Node]]:
        """Names and objects of an object of objects."""
        inner = self.inner(key)
        for name in inner.value:
            yield name, inner.inner(name)

    def _at(self, key: str) -> str:
        return f"{self.where}.{key}".strip(".")

    def _wrong(self, key: str, expected: str, value: Json) -> Wrong:
        seen = "nothing" if value is None else f"{type(value).__name__}"
        return Wrong(f"{self._at(key) or 'the report'}: expected {expected}, got {seen}")


def document(raw: bytes) -> Node:
    """A report's JSON; raises ``Wrong`` for what is none."""
    try:
        value: Json = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"expected JSON, got {len(raw)} bytes that are none: {error}") from error
    if not isinstance(value, Mapping):
        raise Wrong(f"expected a JSON object, got {type(value).__name__}")
    return Node(value)


def listed(raw: bytes) -> Node:
    """A report that is a JSON list, under the key ``report``; an empty one where there is nothing."""
    try:
        value: Json = json.loads(raw or b"[]")
    except (ValueError, RecursionError) as error:
        raise Wrong(f"expected JSON, got {len(raw)} bytes that are none: {error}") from error
    if not isinstance(value, list | None):
        raise Wrong(f"expected a JSON list, got {type(value).__name__}")
    return Node({"report": value})


def unreadable(tool: str, error: Wrong, versions: str) -> NotEvaluated:
    """The failure a wrong report is."""
    return NotEvaluated(
        f"The report of {tool} is not one modelway can read, so nothing was judged",
        seen=str(error),
        cure=f"use {tool} {versions}; if it is one of these, report this as a bug with the report.",
    )


def severity(word: str) -> Severity:
    """A word of severity, whoever wrote it."""
    return _SEVERITIES.get(word.strip().casefold(), Severity.UNKNOWN)


def of_score(score: float | None) -> Severity:
    """The severity a CVSS base score stands for."""
    if score is None:
        return Severity.UNKNOWN
    return next((worth for least, worth in _SCORES if score >= least), Severity.UNKNOWN)


def rating(source: str, score: float | None, vector: str = "") -> Rating:
    """A rating made of a CVSS score."""
    return Rating(source=source, severity=of_score(score), score=score, vector=vector)


def ecosystem(kind: str, purl: str = "") -> str:
    """The package URL's type of what a tool calls a package's kind; the tool's own word where it is new."""
    if found := _PURL.match(purl):
        return found[1]
    word = kind.strip().casefold()
    return _OS.get(word) or _LANGUAGES.get(word) or word


def name_in(ecosystem_: str, name: str) -> str:
    """A package's name as its ecosystem compares it."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem_ == "pypi" else name


def nearest(installed: str, versions: Iterable[str]) -> tuple[str, ...]:
    """Fixed versions, the nearest above the installed one first; as they came where they do not compare.

    Only for ecosystems whose versions PEP 440 can read: the caller leaves distributions alone.
    """
    from packaging.version import Version  # noqa: PLC0415 - where a tool gave several

    given = tuple(dict.fromkeys(versions))
    if len(given) < 2:  # noqa: PLR2004 - nothing to order
        return given
    try:
        ordered, here = sorted(given, key=Version), Version(installed)
    except ValueError:  # also a number too long for Python to read
        return given
    above = [one for one in ordered if Version(one) > here]
    return (*above, *(one for one in ordered if one not in above))


def fixable(versions: tuple[str, ...], said: bool | None) -> Fixable:  # noqa: FBT001 - what a tool said
    """Whether there is a fix: a version that has it, else what the tool said, else nobody knows."""
    if versions:
        return Fixable.YES
    return {True: Fixable.YES, False: Fixable.NO, None: Fixable.UNKNOWN}[said]


def first_line(text: str, *, most: int = 200) -> str:
    """A title: the first line of a text, not endless."""
    line = next((one.strip() for one in text.splitlines() if one.strip()), "")
    return line if len(line) <= most else f"{line[: most - 1]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a vulnerability is called."""

    id: str
    """The CVE's where there is one."""
    aliases: tuple[str, ...] = ()
    bundle: str = ""
    """In words, advisories that are about this and other things, or the things this one is about."""


def names(name: str, others: Iterable[str]) -> Names:
    """Tell names of one thing from advisories that bundle several (``ELSA-...``, ``DLA-...``)."""
    rest = sorted({other for other in others if other} - {name})
    single = [each for each in (name, *rest) if each.startswith(_SINGLE)]
    cves = [each for each in single if each.startswith("CVE-")]
    if not name.startswith(_SINGLE) or len(cves) > 1:
        return Names(id=name, bundle=f"see {', '.join(rest)}" if rest else "")
    chosen = cves[0] if cves else name
    bundles = [each for each in rest if each not in single]
    return Names(
        id=chosen,
        aliases=tuple(sorted({*single} - {chosen})),
        bundle=f"see {', '.join(bundles)}" if bundles else "",
    )


def said(*parts: str) -> str:
    """Remarks as one."""
    return "; ".join(part for part in parts if part)
