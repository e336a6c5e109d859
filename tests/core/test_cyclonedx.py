"""The SBOM: every package once by everybody's name for it, the same document for the same image."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelway.core import cyclonedx
from modelway.core.findings import Package
from modelway.core.json import canonical
from modelway.core.merge import Merged, merge
from modelway.core.purl import purl
from tests.reports import NOW, finding, package, report
from tests.scanned import scanned

LICENSED = replace(package("jinja2"), licences=("BSD-3-Clause", "a  licence\nof its own"))


def merged(*packages: Package) -> Merged:
    return merge([replace(report(), packages=packages)])


def components(of: Merged) -> list[dict[str, Any]]:
    made: Any = cyclonedx.sbom(of, name="iris")
    return [one for one in made["components"] if one["type"] == "library"]


@pytest.mark.parametrize(
    ("of", "distro", "url"),
    [
        (package("flask", "2.0.0+x"), "Debian:12", "pkg:pypi/flask@2.0.0%2Bx"),
        (
            Package(ecosystem="deb", name="libc6", version="2.36-9", source_name="glibc"),
            "Debian:12",
            "pkg:deb/debian/libc6@2.36-9?distro=debian-12&upstream=glibc",
        ),
        (
            Package(
                ecosystem="deb",
                name="bsdutils",
                version="1:2.38.1-5",
                source_name="util-linux",
                source_version="2.38.1-5",
            ),
            "Debian:12",
            "pkg:deb/debian/bsdutils@1:2.38.1-5?distro=debian-12&upstream=util-linux%402.38.1-5",
        ),
        (
            Package(ecosystem="apk", name="musl", version="1.2.5-r0", source_name="musl"),
            "Alpine:v3.20",
            "pkg:apk/alpine/musl@1.2.5-r0?distro=alpine-3.20",
        ),
        (
            Package(ecosystem="rpm", name="bash", version="5.1-1.el9"),
            "Red Hat:enterprise_linux:9",
            "pkg:rpm/redhat/bash@5.1-1.el9?distro=redhat-9",
        ),
        (Package(ecosystem="npm", name="@a/b", version="1"), "", "pkg:npm/%40a/b@1"),
        (Package(ecosystem="", name="x", version="1"), "Debian:12", "pkg:generic/x@1"),
        (Package(ecosystem="deb", name="x", version="1", purl="pkg:deb/said"), "", "pkg:deb/said"),
    ],
)
def test_a_packages_url(of: Package, distro: str, url: str) -> None:
    assert purl(of, distro) == url


def test_every_package_is_a_component_with_licences_and_layer() -> None:
    [jinja, zlib] = components(merged(package("zlib1g", source="zlib"), LICENSED))
    assert (jinja["name"], jinja["purl"]) == (
        "zlib1g",
        "pkg:deb/debian/zlib1g@2.0.0?distro=debian-12&upstream=zlib",
    )
    assert zlib["licenses"] == [
        {"license": {"name": "BSD-3-Clause"}},
        {"license": {"name": "a licence of its own"}},
    ]
    said = {one["name"]: one["value"] for one in zlib["properties"]}
    assert said["modelway:package:layer"] == "sha256:" + "2" * 64
    assert said["modelway:package:path"] == "/site/jinja2/METADATA"


def test_the_order_of_packages_and_the_time_change_nothing_else() -> None:
    there = cyclonedx.sbom(merged(package(), LICENSED), name="iris")
    back = cyclonedx.sbom(merged(LICENSED, package()), name="iris")
    assert canonical(there) == canonical(back)
    early, late = cyclonedx.at(there, NOW), cyclonedx.at(there, NOW + timedelta(days=1))
    assert canonical(early) != canonical(late)
    assert early["serialNumber"] == late["serialNumber"] == there["serialNumber"]
    assert cyclonedx.at(late, None) == there


def test_another_inventory_has_another_serial_number() -> None:
    one, other = (cyclonedx.sbom(merged(each), name="iris") for each in (package(), LICENSED))
    assert one["serialNumber"] != other["serialNumber"]


def test_two_copies_of_a_package_are_two_components_and_a_finding_names_its_own() -> None:
    copy = replace(package(), path="/opt/venv/flask/METADATA")
    found, verdict = scanned(finding(), finding("CVE-1", of=copy))
    made: Any = cyclonedx.with_findings(cyclonedx.sbom(found, name="iris"), found, verdict)
    refs = {one["bom-ref"] for one in made["components"]}
    assert len(refs) == 3  # the distribution is one, too
    affected = [one["affects"][0]["ref"] for one in made["vulnerabilities"]]
    assert len(set(affected)) == 2
    assert set(affected) <= refs
    [image] = [each["ref"] for each in made["dependencies"]]
    assert made["metadata"]["component"]["bom-ref"] == image
