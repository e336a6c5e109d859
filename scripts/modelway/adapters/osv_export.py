"""OSV's bulk export, as google/osv.dev documents it: a zip an ecosystem, and a list of what changed when."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from modelway.adapters.advisory_files import content, epss, kev, record
from modelway.adapters.download import download
from modelway.errors import Malformed, Unavailable
from modelway.ports import Clock, Reporter

if TYPE_CHECKING:
    from modelway.scanners.builtin.exploitation import Known
    from modelway.scanners.builtin.osv import Record

_FEW = 1000
"""With more changes than this the whole zip is sooner there than its files one by one."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export, and where its files lie until the index is made of them."""

    base: str
    folder: Path
    clock: Clock
    reporter: Reporter

    @contextmanager
    def downloads(self) -> Iterator[Self]:
        """Keeps what was downloaded when something fails, so that the next update goes on from there."""
        try:
            yield self
        except Malformed:  # what was downloaded is broken: the next try must not go on with it
            shutil.rmtree(self._kept, ignore_errors=True)
            raise
        shutil.rmtree(self._kept, ignore_errors=True)

    @property
    def _kept(self) -> Path:
        return self.folder / "advisories-download"

    def source(self, ecosystem: str) -> str:
        """The address of everything about an ecosystem."""
        return f"{self.base.rstrip('/')}/{quote(ecosystem)}/all.zip"

    def zip(self, ecosystem: str) -> Path:
        """Everything about an ecosystem."""
        return self._fetch(self.source(ecosystem), ".zip")

    def lists(self, kev_url: str, epss_url: str) -> list[Known]:
        """What CISA and FIRST publish; what cannot be had is a warning, for the lists of before stay."""
        found = []
        for url, suffix, read in ((kev_url, ".json", kev), (epss_url, ".csv.gz", epss)):
            if not url:
                continue
            try:
                found.append(read(self._fetch(url, suffix)))
            except (Unavailable, Malformed) as error:
                self.reporter.warn(f"The list stays as old as it is: {error.what}. {error.seen}")
        return found

    def changes(self, ecosystems: Sequence[str], newest: Mapping[str, str]) -> dict[str, list[Record]] | None:
        """The records that changed since; ``None`` where the whole zip is sooner there.

        ``modified_id.csv`` has the newest first (OSV's documentation, "Data dumps").
        """
        ids = {one: self._changed(one, newest[self.source(one)]) for one in ecosystems}
        if any(some is None for some in ids.values()) or sum(len(some or ()) for some in ids.values()) > _FEW:
            return None
        return {self.source(one): [self._record(one, id_) for id_ in some or ()] for one, some in ids.items()}

    def _changed(self, ecosystem: str, since: str) -> list[str] | None:
        """Ids of what changed since, once each; ``None`` where nobody can tell."""
        from modelway.scanners.builtin.osv import moment  # noqa: PLC0415  (at first use)

        last, ids = moment(since), list[str]()
        url = f"{self.base.rstrip('/')}/{quote(ecosystem)}/modified_id.csv"
        with self._fetch(url, ".csv").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                time, comma, id_ = line.strip().partition(",")
                at = moment(time)
                if not (at and comma and id_ and last):
                    return None
                if at < last or len(ids) > _FEW:
                    break
                ids.append(id_)
        return list(dict.fromkeys(ids))

    def _record(self, ecosystem: str, id_: str) -> Record:
        """One record by its id."""
        url = f"{self.base.rstrip('/')}/{quote(ecosystem)}/{quote(id_, safe='')}.json"
        file = self._fetch(url, ".json")
        found = record(content(file), url)
        if found.id != id_:
            raise Malformed(f"{url} holds {found.id}", cure="use another mirror of OSV's export.")
        return found

    def _fetch(self, url: str, suffix: str) -> Path:
        """Download a file, or the rest of it."""
        into = self._kept / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}{suffix}"
        try:
            self._kept.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            cure = "free space there, or name another file: --database FILE."
            raise Unavailable(f"{self._kept} cannot be made", seen=str(error), cure=cure) from error
        download(url, into, clock=self.clock, reporter=self.reporter)
        return into
