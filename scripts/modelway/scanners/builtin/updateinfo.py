"""Amazon Linux's advisories: the ``updateinfo.xml`` of its package repositories, as records.

OSV has none of them. The format is createrepo's; Amazon's ids begin with ALAS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree as ET

from modelway.core.findings import Rating
from modelway.scanners.builtin.osv import WORDS, Affected, Invalid, Record, moment

_RELEASE = re.compile(r"ALAS(2023)?")
_ID = re.compile(r"ALAS[0-9A-Za-z._-]{3,60}\Z")
_MOST = 5


def records(stream: IO[bytes]) -> Iterator[Record]:
    """Every security advisory, one by one; raises ``Invalid``."""
    try:
        for _, element in ET.iterparse(stream, events=("end",)):  # noqa: S314  (expat refuses entity bombs since 2.4.1)
            if element.tag == "update":
                if element.get("type") == "security":
                    yield _record(element)
                element.clear()
    except (ET.ParseError, ValueError) as error:
        raise Invalid(f"no updateinfo: {error}") from error


def _record(update: ET.Element) -> Record:
    """One ``<update>``."""
    id_ = update.findtext("id", "").strip()
    if not _ID.match(id_):
        raise Invalid(f"an advisory has no id that Amazon gives: {id_[:40]!r}")
    cves = tuple(sorted({one.get("id", "") for one in update.iter("reference") if one.get("type") == "cve"}))
    word = update.findtext("severity", "").strip().lower()
    urls = tuple(dict.fromkeys(url for one in update.iter("reference") if (url := one.get("href", ""))))
    return Record(
        id=id_,
        same=cves if len(cves) == 1 else (),
        covers=cves if len(cves) > 1 else (),
        published=_time(update, "issued"),
        modified=_time(update, "updated") or _time(update, "issued"),
        withdrawn=False,
        ratings=(Rating(source=id_, severity=WORDS[word]),) if word in WORDS else (),
        title=" ".join(update.findtext("title", "").split())[:200],
        urls=tuple(url for url in urls if re.match(r"https?://[!-~]+\Z", url))[:_MOST],
        affected=tuple(_affected(update, _ecosystem(id_))),
    )


def _ecosystem(id_: str) -> str:
    """The release an id is for: ``ALAS2023-…``; all others are Amazon Linux 2's."""
    found = _RELEASE.match(id_)
    return "Amazon Linux:2023" if found and found[1] else "Amazon Linux:2"


def _affected(update: ET.Element, ecosystem: str) -> Iterator[Affected]:
    """Each package once, though it is listed for every architecture."""
    seen: set[tuple[str, str]] = set()
    for package in update.iter("package"):
        name, version, release = (package.get(key, "") for key in ("name", "version", "release"))
        if not (name and version and release):
            raise Invalid("a package has no name, version or release")
        epoch = package.get("epoch") or "0"
        fixed = f"{f'{epoch}:' if epoch != '0' else ''}{version}-{release}"
        if (name, fixed) in seen:
            continue
        seen.add((name, fixed))
        events = (("introduced", "0"), ("fixed", fixed))
        yield Affected(ecosystem=ecosystem, name=name, ranges=(events,), versions=())


def _time(update: ET.Element, name: str) -> str:
    """A date as RFC 3339; empty where there is none that can be read."""
    element = update.find(name)
    at = moment(element.get("date", "").replace(" ", "T")) if element is not None else None
    return at.isoformat() if at else ""
