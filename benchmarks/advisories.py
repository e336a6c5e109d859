"""OSV's export at its real size: 67,000 records to an index, and 150 packages matched with it.

Both in seconds of processors, the best of three: on a busy machine those on the wall say nothing.
"""

from __future__ import annotations

import json
import random
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from child import ran
from cloud import SCRIPT
from measure import verdict

from modelway.core.findings import Package
from modelway.scanners.builtin.index import open_index
from modelway.scanners.builtin.installed import Inventory
from modelway.scanners.builtin.match import match

ROUNDS = 3
PYPI, DEBIAN, PACKAGES = 21_000, 46_000, 150
_VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N"
_WORDS = "A remote attacker may cause a denial of service by a crafted request that is not checked. " * 6


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    with TemporaryDirectory() as folder:
        index, export = Path(folder, "index.sqlite"), Path(folder, "export")
        for ecosystem, records in (("PyPI", pypi()), ("Debian", debian())):
            write(export / ecosystem / "all.zip", records)
        script = [SCRIPT, "scan-db", "import", str(export), "--database", str(index)]
        imported = min((ran(script) for _ in range(ROUNDS)), key=lambda one: one.processor)
        found, matched = zip(*(_match(index) for _ in range(ROUNDS)), strict=True)
        print(f"import {imported.seconds:.1f} s on the wall, {imported.processor:.1f} s of processors")
        print(f"index of {index.stat().st_size >> 20} MiB; {found[0]} findings")
    claims = [
        verdict(f"import of {PYPI + DEBIAN} records", imported.processor, at_most=10, unit="s"),
        verdict("its memory", imported.mebibytes, at_most=150, unit="MiB"),
        verdict(f"{PACKAGES} packages matched", min(matched), at_most=0.2, unit="s"),
        verdict("findings missing", 0 if found[0] else 1, at_most=0, unit="x"),
    ]
    return 0 if all(claims) else 1


def _match(index: Path) -> tuple[int, float]:
    """How many findings, and how long they took."""
    started = time.process_time()
    with open_index(index) as opened:
        found = match(inventory(), opened)
    return len(found.findings), time.process_time() - started


def pypi() -> Iterator[dict[str, object]]:
    """Records like GHSA's and PyPA's."""
    rng = random.Random(1)  # noqa: S311  (records, not secrets)
    for number in range(PYPI):
        name = f"package-{rng.randrange(6000)}"
        yield {
            **_common(f"GHSA-{number:06x}-aaaa-bbbb", f"CVE-2024-{number}"),
            "database_specific": {"severity": rng.choice(["LOW", "MODERATE", "HIGH", "CRITICAL"])},
            "affected": [
                _affected("PyPI", name, f"{rng.randrange(4)}.{rng.randrange(30)}.{rng.randrange(9)}")
            ],
        }


def debian() -> Iterator[dict[str, object]]:
    """Records like those made of Debian's tracker: three releases each."""
    rng = random.Random(2)  # noqa: S311  (records, not secrets)
    for number in range(DEBIAN):
        name = f"source-{rng.randrange(4000)}"
        fixed = f"{rng.randrange(1, 4)}.{rng.randrange(30)}-{rng.randrange(1, 9)}"
        yield {
            **_common(f"DEBIAN-CVE-2023-{number}", f"CVE-2023-{number}"),
            "affected": [_affected(f"Debian:{release}", name, fixed) for release in (11, 12, 13)],
        }


def _common(name: str, alias: str) -> dict[str, object]:
    return {
        "id": name,
        "aliases": [alias],
        "summary": "A crafted request is not checked",
        "details": _WORDS,
        "published": "2024-01-01T00:00:00Z",
        "modified": "2024-06-01T00:00:00Z",
        "severity": [{"type": "CVSS_V3", "score": _VECTOR}],
        "references": [{"type": "WEB", "url": f"https://example.org/{alias}/{n}"} for n in range(4)],
    }


def _affected(ecosystem: str, name: str, fixed: str) -> dict[str, object]:
    return {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        "versions": [f"0.{n}" for n in range(12)],
    }


def write(path: Path, records: Iterator[dict[str, object]]) -> None:
    """Records as OSV exports them: one file each, in a zip."""
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps(record))


def inventory() -> Inventory:
    """As many packages as an image of a model has, the ones with most advisories among them."""
    system = [
        Package(
            ecosystem="deb",
            name=f"source-{n}",
            version="1.5-1",
            source_name=f"source-{n}",
            source_version="1.5-1",
            path="/var/lib/dpkg/status",
        )
        for n in range(PACKAGES - 40)
    ]
    python = [
        Package(ecosystem="pypi", name=f"package-{n}", version="2.0.0", path=f"/{n}/METADATA")
        for n in range(40)
    ]
    return Inventory(distro="Debian:12", packages=(*system, *python))


if __name__ == "__main__":
    sys.exit(main())
