"""OSV records (OSV schema 1.6) as values: strict about what decides a match, lenient about the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from modelway.core.findings import Rating, Severity
from modelway.core.json import Json, JsonObject
from modelway.scanners.builtin.cvss import base_score, word

Event: TypeAlias = tuple[str, str]
"""``introduced``, ``fixed``, ``last_affected`` or ``limit``, and a version."""
Range: TypeAlias = tuple[Event, ...]

_EVENTS = {"introduced", "fixed", "last_affected", "limit"}
_COMPARED = {"ECOSYSTEM", "SEMVER"}
_ID = re.compile(r"[!-~]{1,128}\Z")
_ERRATA = ("ALSA-", "ALBA-", "ALEA-", "RLSA-", "RXSA-")
"""AlmaLinux's and Rocky's records once named the vulnerabilities they mend as merely related."""
_TITLE = 200
_URLS = 5
WORDS: Mapping[str, Severity] = {
    "critical": Severity.CRITICAL,
    "important": Severity.HIGH,
    "high": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.NEGLIGIBLE,
    "unimportant": Severity.NEGLIGIBLE,
}
"""What advisories call severities."""


class Invalid(Exception):
    """Not an OSV record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One package a record is about."""

    ecosystem: str
    name: str
    ranges: tuple[Range, ...]
    versions: tuple[str, ...]
    urgency: str = ""
    """What Debian's security team thinks of it: ``unimportant``, ``not yet assigned``, ``end-of-life``..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One advisory."""

    id: str
    same: tuple[str, ...]
    """Other ids of the same vulnerability."""
    covers: tuple[str, ...]
    """Ids of the several vulnerabilities this record is about together, as a DSA is."""
    published: str
    modified: str
    withdrawn: bool
    ratings: tuple[Rating, ...]
    title: str
    urls: tuple[str, ...]
    affected: tuple[Affected, ...]


def parse(body: bytes) -> Record:
    """Read one record; raises ``Invalid`` saying what is wrong."""
    try:
        record: Json = json.loads(body)
        body.decode()
    except (ValueError, RecursionError) as error:
        raise Invalid(f"no JSON: {error}") from error
    try:
        return _record(_object(record, "the record"))
    except UnicodeEncodeError as error:
        raise Invalid("half a surrogate pair is no text") from error


def moment(text: str) -> datetime | None:
    """A timestamp with its zone; ``None`` for what is none, the year 1 included."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return at if at.year > 1970 else None  # noqa: PLR2004  (year 1 stands in the data for unknown)


def _record(raw: JsonObject) -> Record:
    id_ = _id(raw.get("id"))
    upstream = tuple(_id(one) for one in _list(raw, "upstream"))
    if not upstream and id_.startswith(_ERRATA):
        upstream = tuple(_id(one) for one in _list(raw, "related") if str(one).startswith("CVE-"))
    aliases = tuple(_id(one) for one in _list(raw, "aliases"))
    several = len(upstream) > 1
    return Record(
        id=id_,
        same=aliases if several else (*aliases, *upstream),
        covers=upstream if several else (),
        published=_soft(raw.get("published")),
        modified=_soft(raw.get("modified")),
        withdrawn=bool(raw.get("withdrawn")),
        ratings=tuple(_ratings(raw, id_)),
        title=_title(raw),
        urls=tuple(_urls(raw)),
        affected=tuple(_affected(raw)),
    )


def _affected(raw: JsonObject) -> Iterator[Affected]:
    """Every package named, with the ranges that can be compared; commits of git are not installed."""
    for entry in _list(raw, "affected"):
        one = _object(entry, "affected")
        if "package" not in one:
            continue
        package = _object(one["package"], "affected.package")
        ecosystem, name = package.get("ecosystem"), package.get("name")
        if not (isinstance(ecosystem, str) and ecosystem and isinstance(name, str) and name):
            raise Invalid("affected.package has no ecosystem or no name")
        specific = one.get("ecosystem_specific")
        yield Affected(
            ecosystem=_sound(ecosystem),
            name=_sound(name),
            ranges=tuple(_ranges(one)),
            versions=_versions(one),
            urgency=_soft(specific.get("urgency")) if isinstance(specific, Mapping) else "",
        )


def _versions(affected: JsonObject) -> tuple[str, ...]:
    """The versions that are listed by name: hundreds, so they are looked at together."""
    found = _list(affected, "versions")
    try:
        _sound("".join(found))  # type: ignore[arg-type]  # it raises for what is no text
    except TypeError:
        found = [""]
    if "" in found:
        raise Invalid("affected.versions has something that is not text")
    return tuple(map(str, found))


def _ranges(affected: JsonObject) -> Iterator[Range]:
    for entry in _list(affected, "ranges"):
        one = _object(entry, "ranges")
        kind = _text(one.get("type"), "ranges.type")
        if kind not in {*_COMPARED, "GIT"}:
            raise Invalid(f"ranges.type {kind!r} is unknown")
        events = tuple(_event(event) for event in _list(one, "events"))
        if not events:
            raise Invalid("ranges.events is empty")
        if kind in _COMPARED:
            yield events


def _event(raw: Json) -> Event:
    event = _object(raw, "ranges.events")
    if len(event) != 1 or (name := next(iter(event))) not in _EVENTS:
        raise Invalid(f"ranges.events has the unknown event {[*event]}")
    return name, _text(event[name], "ranges.events")


def _ratings(raw: JsonObject, id_: str) -> Iterator[Rating]:
    """What the record says of its severity, in vectors and in a word."""
    entries = [*_list(raw, "severity")]
    for affected in _list(raw, "affected"):
        entries += _list(_object(affected, "affected"), "severity")
    for entry in entries:
        if isinstance(entry, Mapping) and isinstance(vector := entry.get("score"), str):
            score = base_score(vector)
            severity = WORDS.get(vector.lower(), Severity.UNKNOWN) if score is None else word(score)
            yield Rating(source=id_, severity=severity, score=score, vector=_soft(vector))
    specific = raw.get("database_specific")
    said = _soft(specific.get("severity")).lower() if isinstance(specific, Mapping) else ""
    if said in WORDS:
        yield Rating(source=id_, severity=WORDS[said])


def _title(raw: JsonObject) -> str:
    """The summary, or the first line of the details."""
    text = _soft(raw.get("summary")) or next(iter(_soft(raw.get("details"), 4000).splitlines()), "")
    text = " ".join(text.split())
    return text if len(text) <= _TITLE else f"{text[: _TITLE - 3]}..."


def _urls(raw: JsonObject) -> Iterator[str]:
    """Advisories first, then the rest, a handful."""
    found = [r for r in _list(raw, "references") if isinstance(r, Mapping)]
    found.sort(key=lambda r: r.get("type") != "ADVISORY")
    for reference in found[:_URLS]:
        url = _soft(reference.get("url"))
        if re.match(r"https?://[!-~]+\Z", url):
            yield url


def _object(value: Json, where: str) -> JsonObject:
    if not isinstance(value, (dict, Mapping)):  # the abstract class alone takes ten times as long to ask
        raise Invalid(f"{where} is not an object")
    return value


def _list(raw: JsonObject, key: str) -> list[Json]:
    """A list; missing and null are empty."""
    value = raw.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(f"{key} is not a list")
    return value


def _id(value: Json) -> str:
    if not isinstance(value, str) or not _ID.match(value):
        raise Invalid("an id is missing or no plain word")
    return value


def _text(value: Json, where: str) -> str:
    """Text that decides a match."""
    if not isinstance(value, str) or not value:
        raise Invalid(f"{where} has something that is not text")
    return _sound(value)


def _sound(text: str) -> str:
    """Text that can be written anywhere; raises for half a surrogate pair."""
    if not text.isascii():
        text.encode()
    return text


def _soft(value: Json, most: int = 1000) -> str:
    """Text for people: shortened, harmless on a terminal; empty when it is something else."""
    if not isinstance(value, str):
        return ""
    text = value[:most]
    if text.replace("\n", "").isprintable():  # nearly always, and fifty times as fast
        return text
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
