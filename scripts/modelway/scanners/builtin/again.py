"""A stored report, its packages asked about again: no image, no archive, today's advisories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from modelway.core.findings import Kind
from modelway.core.report import Report
from modelway.scanners.builtin import areas, fingerprint
from modelway.scanners.builtin.index import open_index
from modelway.scanners.builtin.installed import Inventory
from modelway.scanners.builtin.lifetime import ended
from modelway.scanners.builtin.match import match


def again(report: Report, database: Path) -> Report:
    """A report with its packages asked about again; what needs the image itself stays as it was found."""
    with open_index(database) as index:
        seen = Inventory(distro=report.distro, packages=report.packages, unread=report.unread, notes=())
        matched = match(seen, index)
        unread = (*report.unread, *matched.unread)
        asked_again = {Kind.VULNERABILITY, Kind.END_OF_LIFE}
        others = (one for one in report.findings if one.kind not in asked_again)
        today = index.about.as_of or index.about.built
        return replace(
            report,
            fingerprint=fingerprint(index.about, report.fingerprint.rpartition(" ")[2]),
            findings=(*matched.findings, *ended(report.distro, today), *others),
            database=index.about,
            read=tuple(one for one in report.read if one.area not in areas(unread)),
            unread=unread,
            notes=tuple(dict.fromkeys((*report.notes, *matched.notes))),
        )
