"""From records and packages to findings: aliases joined, severities merged, nothing lost."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.findings import Finding, Fixable, Package, Severity
from modelway.errors import NotEvaluated
from modelway.scanners.builtin.index import open_index
from modelway.scanners.builtin.index_writer import write_index
from modelway.scanners.builtin.installed import Inventory
from modelway.scanners.builtin.match import Matched, match
from modelway.scanners.builtin.osv import Invalid, parse

NOW = datetime(2026, 6, 15, tzinfo=UTC)
REHEARSAL = Path(__file__).parents[2] / "scripts/modelway/rehearsal/advisories"
CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def record(
    id_: str, *, name: str = "flask", ecosystem: str = "PyPI", fixed: str = "9", **more: object
) -> bytes:
    """One OSV record about a package."""
    events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
    affected: dict[str, object] = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    if "urgency" in more:
        affected["ecosystem_specific"] = {"urgency": more.pop("urgency")}
    dates = {"modified": "2026-01-01T00:00:00Z", "published": "2026-01-01T00:00:00Z"}
    return json.dumps({"id": id_, **dates, "affected": [affected], **more}).encode()


def deb(name: str = "libc6", *, source: str = "glibc", version: str = "2.36-9") -> Package:
    """A Debian package."""
    return Package(
        ecosystem="deb", name=name, version=version, source_name=source, source_version=version, path="/s"
    )


def pip(name: str = "flask", version: str = "2.0.0", owner: str = "") -> Package:
    """A Python package."""
    return Package(ecosystem="pypi", name=name, version=version, path=f"/{name}", owner=owner)


def red(name: str = "openssl-libs", version: str = "1:3.0.7-24.el9", *, source: str = "openssl") -> Package:
    """A package of rpm."""
    return Package(
        ecosystem="rpm", name=name, version=version, source_name=source, source_version=version, path="/r"
    )


def found(
    folder: Path, records: list[bytes], *packages: Package, distro: str = "Debian:12"
) -> tuple[Finding, ...]:
    """Findings of these packages with these records."""
    return _match(folder, records, *packages, distro=distro).findings


def _match(folder: Path, records: list[bytes], *packages: Package, distro: str = "Debian:12") -> Matched:
    path = folder / "index.sqlite"
    path.unlink(missing_ok=True)
    write_index(path, [("test", map(parse, records))], now=NOW)
    inventory = Inventory(distro=distro, packages=packages, notes=())
    with open_index(path) as index:
        return match(inventory, index)


def test_aliases_are_one_finding_with_the_worst_severity(tmp_path: Path) -> None:
    records = [
        record("PYSEC-1", aliases=["CVE-2023-1", "GHSA-aa"], fixed="2.2.5"),
        record("GHSA-aa", aliases=["CVE-2023-1"], fixed="2.3.0", database_specific={"severity": "MODERATE"}),
        record(
            "GHSA-zz", name="other", aliases=["CVE-2023-1"], severity=[{"type": "CVSS_V3", "score": CRITICAL}]
        ),
    ]
    [one] = found(tmp_path, records, pip())
    assert (one.id, one.aliases) == ("CVE-2023-1", ("GHSA-aa", "PYSEC-1"))
    assert (one.severity, one.severity_source) == (Severity.MEDIUM, "GHSA-aa")
    assert (one.fixable, one.fixed_in) == (Fixable.YES, "2.3.0")


def test_an_aliased_advisory_about_something_else_lends_its_severity(tmp_path: Path) -> None:
    records = [
        record("PYSEC-1", aliases=["GHSA-aa"]),
        record("GHSA-aa", fixed="1.0", severity=[{"type": "CVSS_V3", "score": CRITICAL}]),
    ]
    [one] = found(tmp_path, records, pip())
    assert (one.severity, one.severity_source) == (Severity.CRITICAL, "GHSA-aa")


def test_names_join_in_a_chain(tmp_path: Path) -> None:
    records = [record("A", aliases=["B"]), record("C", aliases=["D"]), record("E", aliases=["B", "D"])]
    assert len(found(tmp_path, records, pip())) == 1


def test_a_kernel_with_thousands_of_advisories_takes_no_minute(tmp_path: Path) -> None:
    """Debian's linux-libc-dev has that many; joining them pairwise took seconds."""
    about = {"name": "linux", "ecosystem": "Debian:12"}
    records = [record(f"DEBIAN-CVE-{n}", upstream=[f"CVE-{n}"], **about) for n in range(3000)]
    began = time.process_time()
    assert len(found(tmp_path, records, deb("linux-libc-dev", source="linux", version="6.1.0-1"))) == 3000
    assert time.process_time() - began < 5


def test_names_of_packages_are_compared_as_pypi_does(tmp_path: Path) -> None:
    assert found(tmp_path, [record("A", name="Scikit_Learn")], pip("scikit-learn"))


def test_withdrawn_records_and_other_packages_are_passed_over(tmp_path: Path) -> None:
    records = [
        record("A", withdrawn="2024-01-01T00:00:00Z"),
        record("B", name="flask-login"),
        record("C", ecosystem="npm"),
    ]
    assert found(tmp_path, records, pip()) == ()


def test_a_bundle_is_a_finding_of_its_own(tmp_path: Path) -> None:
    """A waiver of CVE-1 must not waive CVE-2, which a DSA names in one breath."""
    records = [
        record("DSA-1", name="glibc", ecosystem="Debian:12", upstream=["CVE-1", "CVE-2"]),
        record("DEBIAN-CVE-1", name="glibc", ecosystem="Debian:12", upstream=["CVE-1"]),
        record("P", name="x"),
    ]
    first, second = found(tmp_path, records, deb())
    assert (first.id, first.aliases) == ("CVE-1", ("DEBIAN-CVE-1",))
    assert (second.id, second.aliases) == ("DSA-1", ())
    records.append(record("DEBIAN-CVE-2", name="glibc", ecosystem="Debian:12", upstream=["CVE-2"]))
    assert [one.id for one in found(tmp_path, records, deb())] == ["CVE-1", "CVE-2"]


def test_what_debian_calls_unimportant_is_negligible(tmp_path: Path) -> None:
    worst = [{"type": "CVSS_V3", "score": CRITICAL}]
    about = {"name": "glibc", "ecosystem": "Debian:12"}
    [one] = found(tmp_path, [record("A", **about, severity=worst, urgency="unimportant")], deb())
    assert one.severity is Severity.NEGLIGIBLE
    [one] = found(tmp_path, [record("A", **about, severity=worst, urgency="not yet assigned")], deb())
    assert one.severity is Severity.CRITICAL


def test_debian_matches_source_packages_of_the_release(tmp_path: Path) -> None:
    records = [
        record("A", name="glibc", ecosystem="Debian:12", fixed="2.36-9+deb12u1"),
        record("B", name="glibc", ecosystem="Debian:11", fixed="2.36-9+deb12u1"),
        record("C", name="libc6", ecosystem="Debian:12", fixed="2.36-9+deb12u1"),
    ]
    assert [one.id for one in found(tmp_path, records, deb())] == ["A"]


def test_alpine_matches_origins_of_the_release(tmp_path: Path) -> None:
    about = {"name": "openssl", "fixed": "3.1.4-r2"}
    records = [
        record("A", ecosystem="Alpine:v3.18", **about),
        record("B", ecosystem="Alpine:v3.19", **about),
        record("C", ecosystem="Alpine:v3.18", name="openssl", fixed="3.1.4-r0"),
    ]
    package = Package(
        ecosystem="apk",
        name="libcrypto3",
        version="3.1.4-r1",
        source_name="openssl",
        source_version="3.1.4-r1",
        path="/a",
    )
    [one] = found(tmp_path, records, package, distro="Alpine:v3.18")
    assert (one.id, one.fixed_in) == ("A", "3.1.4-r2")


def test_rpms_are_matched_by_their_own_name_first_and_by_their_sources(tmp_path: Path) -> None:
    records = [
        record("ALSA-1", ecosystem="AlmaLinux:9", name="openssl-libs", fixed="1:3.0.7-25.el9"),
        record("ALSA-2", ecosystem="AlmaLinux:9", name="openssl", fixed="1:3.0.7-26.el9"),
        record("ALSA-3", ecosystem="AlmaLinux:8", name="openssl", fixed="1:3.0.7-26.el9"),
        record("ALSA-4", ecosystem="AlmaLinux:9", name="openssl", fixed="3.0.8-1.el9"),
    ]
    both = json.loads(record("ALSA-5", ecosystem="AlmaLinux:9", name="openssl-libs", fixed="1:3.0.7-24.el9"))
    source = record("", ecosystem="AlmaLinux:9", name="openssl", fixed="9:1")
    both["affected"] += json.loads(source)["affected"]
    records.append(json.dumps(both).encode())
    assert [one.id for one in found(tmp_path, records, red(), distro="AlmaLinux:9")] == ["ALSA-1", "ALSA-2"]


def test_red_hats_advisories_name_repositories(tmp_path: Path) -> None:
    major = "Red Hat:enterprise_linux"
    records = [
        record("RHSA-1", ecosystem=f"{major}:9::baseos", name="openssl-libs", fixed="1:3.0.7-25.el9"),
        record("RHSA-2", ecosystem=f"{major}:9::appstream", name="openssl-libs", fixed="1:3.0.7-25.el9"),
        record("RHSA-3", ecosystem=f"{major}:90::appstream", name="openssl-libs", fixed="1:3.0.7-25.el9"),
        record("RHSA-4", ecosystem="Red Hat:rhel_eus:9.2::baseos", name="openssl-libs", fixed="1:4"),
    ]
    assert [one.id for one in found(tmp_path, records, red(), distro=f"{major}:9")] == ["RHSA-1", "RHSA-2"]


def test_a_fix_in_another_module_stream_says_nothing(tmp_path: Path) -> None:
    about = {"ecosystem": "Rocky Linux:8", "name": "nodejs"}
    records = [
        record("RLSA-1", fixed="1:20.1-1.module+el8.9.0+1+a", **about),
        record("RLSA-2", fixed="1:18.0-9.el8", **about),
    ]
    plain = red("nodejs", "1:16.0-1.el8", source="nodejs")
    modular = red("nodejs", "1:20.0-1.module+el8.9.0+1+a", source="nodejs")
    assert [one.id for one in found(tmp_path, records, plain, distro="Rocky Linux:8")] == ["RLSA-2"]
    assert [one.id for one in found(tmp_path, records, modular, distro="Rocky Linux:8")] == ["RLSA-1"]


def test_an_erratum_covers_what_it_calls_related(tmp_path: Path) -> None:
    related = ["CVE-2024-1", "CVE-2024-2", "RHSA-2024:1"]
    records = [record("ALSA-2024:1", name="openssl", ecosystem="AlmaLinux:9", fixed="2:1", related=related)]
    [one] = found(tmp_path, records, red(), distro="AlmaLinux:9")
    assert (one.id, one.aliases) == ("ALSA-2024:1", ())
    assert "CVE-2024-2" in one.title
    assert "RHSA" not in one.title


def test_packages_nobody_writes_advisories_about_are_not_a_pass(tmp_path: Path) -> None:
    conda = Package(ecosystem="conda", name="openssl", version="3.0.8", path="/opt/conda/conda-meta/o.json")
    [one] = _match(tmp_path, [record("A")], conda).unread
    assert (one.area, "grype" in one.cure) == ("packages:conda", True)
    [one] = _match(tmp_path, [record("A")], red(), distro="Amazon Linux:2023").unread
    assert "say nothing of Amazon Linux:2023" in one.what
    assert "updateinfo" in one.cure


def test_malware_is_critical_and_named_first(tmp_path: Path) -> None:
    [one] = found(tmp_path, [record("MAL-2024-1", fixed="", aliases=["CVE-1"])], pip())
    assert (one.id, one.severity, one.malicious) == ("MAL-2024-1", Severity.CRITICAL, True)


def test_python_packages_debian_brought_are_left_to_debian(tmp_path: Path) -> None:
    assert found(tmp_path, [record("A")], pip(owner="python3-flask")) == ()


def test_fixable_is_unknown_when_only_the_last_bad_version_is_told(tmp_path: Path) -> None:
    body = json.loads(record("A"))
    body["affected"][0]["ranges"][0]["events"] = [{"introduced": "0"}, {"last_affected": "21.2.0"}]
    [one] = found(tmp_path, [json.dumps(body).encode()], pip())
    assert one.fixable is Fixable.UNKNOWN
    [one] = found(tmp_path, [record("A", fixed="")], pip())
    assert one.fixable is Fixable.NO


def test_an_ecosystem_nothing_is_known_of_is_not_a_pass(tmp_path: Path) -> None:
    [one] = _match(tmp_path, [record("A")], deb()).unread
    assert (one.area, "say nothing of Debian:12" in one.what) == ("packages:deb", True)
    [one] = _match(tmp_path, [record("A", ecosystem="Debian:12")], pip(), pip("click")).unread
    assert (one.area, "flask 2.0.0 and 1 more: the advisories say nothing of PyPI" in one.what) == (
        "packages:pypi",
        True,
    )


def test_a_version_that_cannot_be_compared_is_noted(tmp_path: Path) -> None:
    matched = _match(tmp_path, [record("A", fixed="3")], pip(version="2.0.fix1"))
    assert [one.inexact for one in matched.findings] == [True]
    assert matched.notes == ("A: flask 2.0.fix1 could not be compared; counted as affected.",)


def test_the_digest_does_not_depend_on_order(tmp_path: Path) -> None:
    records = [record("A"), record("B"), record("A", fixed="1")]
    one = write_index(tmp_path / "1", [("x", map(parse, records))], now=NOW)
    two = write_index(tmp_path / "2", [("x", map(parse, records[1::-1]))], now=NOW)
    assert one.digest == two.digest
    assert one.digest != write_index(tmp_path / "3", [("x", map(parse, records[2:]))], now=NOW).digest


def test_an_index_is_as_old_as_its_oldest_source(tmp_path: Path) -> None:
    def of(year: int, id_: str) -> bytes:
        return record(id_, modified=f"{year}-01-01T00:00:00Z")

    sources = [
        ("a", [parse(of(2025, "A")), parse(of(2020, "B")), parse(of(2999, "C"))]),
        ("b", [parse(of(2024, "D"))]),
    ]
    about = write_index(tmp_path / "1", sources, now=NOW)
    assert (about.as_of, about.newest_modified) == (
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2025, 1, 1, tzinfo=UTC),
    )
    nobody_knows = [*sources, ("c", [parse(record("E", modified="0001-01-01T00:00:00Z", published=""))])]
    assert write_index(tmp_path / "2", nobody_knows, now=NOW).as_of is None


def test_an_index_that_lost_rows_is_not_a_pass(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    write_index(path, [("x", map(parse, [record("A"), record("B")]))], now=NOW)
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM affected WHERE id='A'")
    db.close()
    with pytest.raises(NotEvaluated, match="advisories cannot be read"), open_index(path):
        pass


@pytest.mark.parametrize("body", [b"", b"not SQLite", b"SQLite format 3\0" + bytes(4000)])
def test_what_is_no_index_is_not_a_pass(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "x").write_bytes(body)
    with pytest.raises(NotEvaluated, match="advisories cannot be read"), open_index(tmp_path / "x"):
        pass


INVALID: Mapping[str, bytes] = {
    "no JSON": b"{",
    "deep": b"[" * 100_000,
    "latin": b'{"id": "\xe9"}',
    "list": b"[]",
    "no id": b"{}",
    "id with spaces": b'{"id": "a b"}',
    "surrogate": b'{"id": "A", "affected": [{"package": {"ecosystem": "PyPI", "name": "\\ud800"}}]}',
    "no ecosystem": b'{"id": "A", "affected": [{"package": {"name": "x"}}]}',
    "unknown event": record("A").replace(b'"fixed"', b'"mended"'),
    "unknown range": record("A").replace(b"ECOSYSTEM", b"LUNAR"),
    "number for a version": record("A").replace(b'"9"', b"9"),
    "no events": record("A").replace(b'[{"introduced": "0"}, {"fixed": "9"}]', b"[]"),
}


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID.keys())
def test_what_is_no_record_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        parse(body)


@given(st.data())
def test_damage_is_refused_or_evaluated(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """What decides a match is checked; what does not cannot make the scan fail."""
    body = bytearray(sorted(REHEARSAL.glob("*.json"))[data.draw(st.integers(0, 19))].read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(body))
    except Invalid:
        return
    folder = tmp_path_factory.mktemp("index")
    known = [record("X", name="none"), record("Y", name="none", ecosystem="Debian:12")]
    found(folder, [bytes(body), *known], pip("h11", "0.14.0"), deb())


def test_the_rehearsals_advisories_are_twenty_and_valid() -> None:
    records = [parse(path.read_bytes()) for path in REHEARSAL.glob("*.json")]
    assert len(records) == 20
    assert "Twenty real advisories" in (REHEARSAL / "README.md").read_text("utf-8")
    assert all(one.title and one.urls and one.published for one in records)


def test_the_rehearsals_vulnerable_package_is_found(tmp_path: Path) -> None:
    records = [path.read_bytes() for path in REHEARSAL.glob("*.json")]
    [one] = found(
        tmp_path, records, pip("h11", "0.14.0"), pip("gunicorn", "23.0.0"), deb(version="2.36-9+deb12u13")
    )
    assert (one.id, one.severity, one.fixed_in) == ("CVE-2025-43859", Severity.CRITICAL, "0.16.0")
