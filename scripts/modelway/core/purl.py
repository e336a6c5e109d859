"""Package URLs: how everybody's tools name a package (github.com/package-url/purl-spec, PURL-TYPES)."""

from __future__ import annotations

from urllib.parse import quote

from modelway.core.findings import Package

_SYSTEM = {"deb", "apk", "rpm"}
_VENDORS = {"rocky linux": "rocky", "red hat": "redhat", "amazon linux": "amazon"}
_SAFE = ".-_~:"  # a colon need not be escaped, and an epoch is read better as it is


def purl(package: Package, distro: str = "") -> str:
    """A package's URL: as its tool wrote it, or what follows from the rest.

    ``distro`` is OSV's name of the image's distribution.
    """
    if package.purl:
        return package.purl
    kind, name = package.ecosystem or "generic", _quoted(package.name)
    version = f"@{_quoted(package.version)}" if package.version else ""
    if kind not in _SYSTEM:
        return f"pkg:{kind}/{_spaced(package.name) if kind == 'npm' else name}{version}"
    vendor, release = _distribution(distro)
    said = {
        "distro": f"{vendor}-{release}" if vendor and release else "",
        "upstream": _upstream(package),
    }
    qualifiers = "&".join(f"{key}={_quoted(value)}" for key, value in said.items() if value)
    space = f"{_quoted(vendor)}/" if vendor else ""
    return f"pkg:{kind}/{space}{name}{version}{f'?{qualifiers}' if qualifiers else ''}"


def _distribution(distro: str) -> tuple[str, str]:
    """Vendor and release, as syft and trivy write them: ``Debian:12`` is ``debian`` and ``12``."""
    name, _, release = distro.partition(":")
    vendor = _VENDORS.get(name.casefold(), name.casefold())
    return vendor, release.removeprefix("enterprise_linux:").removeprefix("v")


def _upstream(package: Package) -> str:
    """The source package, where it is another than the package itself."""
    same_version = package.source_version in {"", package.version}
    if package.source_name in {"", package.name} and same_version:
        return ""
    name = package.source_name or package.name
    return name if same_version else f"{name}@{package.source_version}"


def _spaced(name: str) -> str:
    """A name whose scope is its namespace."""
    return "/".join(_quoted(part) for part in name.split("/"))


def _quoted(text: str) -> str:
    return quote(text, safe=_SAFE)
