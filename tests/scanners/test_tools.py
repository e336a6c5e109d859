"""Other tools, run by stand-ins on PATH that write what they write; ``tests/oracles`` has the real ones."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from modelway.core.config import Byoc
from modelway.core.report import Report
from modelway.errors import NotEvaluated, Unavailable
from modelway.ports import Scanner
from modelway.scanners import (
    SCANNERS,
    gitleaks,
    grype,
    hadolint,
    inspector,
    kingfisher,
    syft,
    trivy,
)
from modelway.scanners.archive_file import image_file
from modelway.scanners.means import Means
from tests.configs import model_config
from tests.fakes import FakeClock
from tests.scanners import images

REPORTS = Path(__file__).parent / "reports"
SECRET = "ghp_" + "a8Kd03mXq9TzVn2Lb7RfYw4PcHs6JgUe1OiM"  # made up here, as long as the real ones
LAYERS = [
    images.layer({**images.DEBIAN, **images.python("idna", "3.6")}),
    images.layer({"app/token.txt": f'token = "{SECRET}"\n'.encode()}),
    images.layer({"app/.wh.token.txt": b""}),
]
ARCHIVE = images.docker_archive(LAYERS)
IMAGE = f"sha256:{images.digest(images.config(LAYERS))}"
Stand = Callable[[str, Mapping[str, str]], None]
MODULES = {"trivy": trivy, "grype": grype, "syft": syft, "gitleaks": gitleaks, "kingfisher": kingfisher}


def means(folder: Path, **changes: object) -> Means:
    said: list[str] = []

    def accounts() -> object:
        raise AssertionError("no AWS here")

    given = {
        "config": model_config(image=Byoc(context=".", dockerfile="Dockerfile")),
        "root": folder,
        "database": folder / "none",
        "say": said.append,
        "clock": FakeClock(),
        "accounts": accounts,
    }
    return Means(**{**given, **changes})  # type: ignore[arg-type]  # as given above


def scan(scanner: Scanner, archive: bytes = ARCHIVE) -> Report:
    return scanner.scan(io.BytesIO(archive), platform="linux/amd64")


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Put a stand-in on PATH: what it does where its arguments hold some words, the first that fit."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.defpath}")

    def put(name: str, branches: Mapping[str, str]) -> None:
        cases = "\n".join(f'  *"{words}"*) {does} ;;' for words, does in branches.items())
        script = folder / name
        script.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\ncase " $* " in\n{cases}\nesac\n')
        script.chmod(0o755)

    return put


def report(folder: Path, name: str) -> Path:
    """A report about the image of these tests."""
    path = folder / name
    path.write_text((REPORTS / name).read_text().replace(f"sha256:{'1' * 64}", IMAGE))
    return path


def asked(folder: Path) -> str:
    return (folder / "bin" / "asked").read_text()


VERSION = """echo '{"Version": "0.70.0", "VulnerabilityDB": {"UpdatedAt": "2026-01-01T00:00:00Z"}}'"""


def trivy_stands(stand: Stand, scans: str, *, download: str = "true") -> None:
    """A Trivy with advisories that scans like this."""
    stand("trivy", {"--download-db-only": download, "--input": scans, "version": VERSION})


def test_every_scanner_can_be_opened(tmp_path: Path) -> None:
    for module in (trivy, grype, syft, gitleaks, kingfisher, hadolint, inspector):
        assert module.NAME in SCANNERS
        assert module.open_scanner(means(tmp_path))


@pytest.mark.parametrize("module", [*MODULES.values(), hadolint, inspector], ids=lambda m: m.NAME)
def test_a_tool_that_is_not_there_is_unavailable(module: object, tmp_path: Path, stand: Stand) -> None:
    del stand
    opened: Scanner = module.open_scanner(means(tmp_path))  # type: ignore[attr-defined]  # a scanner's module
    with pytest.raises(Unavailable, match="is not installed") as caught:
        opened.fingerprint()
    assert "install" in caught.value.cure


def test_a_tool_that_is_too_old_says_which_would_do(tmp_path: Path, stand: Stand) -> None:
    stand("gitleaks", {"version": "echo 8.16.0"})
    with pytest.raises(Unavailable, match="too old") as caught:
        gitleaks.open_scanner(means(tmp_path)).fingerprint()
    assert caught.value.seen == "expected 8.28 or newer, got 8.16.0"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("TRIVY_IGNORE_STATUS", False),
        ("TRIVY_SKIP_DIRS", False),
        ("TRIVY_IGNORE_POLICY", False),
        ("TRIVY_DB_REPOSITORY", True),
        ("TRIVY_CACHE_DIR", True),
    ],
)
def test_no_variable_hides_a_finding_from_a_tool(
    *, name: str, kept: bool, tmp_path: Path, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "x")
    trivy_stands(
        stand, f'echo "saw=${{{name}-unset}}" >> {tmp_path}/bin/asked; cat {report(tmp_path, "trivy.json")}'
    )
    scan(trivy.open_scanner(means(tmp_path)))
    assert f"saw={'x' if kept else 'unset'}\n" in asked(tmp_path)


def test_trivy_is_asked_for_everything_and_its_exit_status_decides_nothing(
    tmp_path: Path, stand: Stand
) -> None:
    written = report(tmp_path, "trivy.json")
    trivy_stands(stand, f"cat {written}", download="exit 1")
    found = scan(trivy.open_scanner(means(tmp_path)))
    assert str(found.subject) == IMAGE
    assert found.distro == "Debian:12"
    assert found.database
    assert str(found.database.as_of) == "2026-01-01 00:00:00+00:00"
    assert {one.area for one in found.read} == {"packages:deb", "packages:pypi", "secrets", "image-config"}
    assert "--severity UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL --ignore-unfixed=false" in asked(tmp_path)
    assert found.tool == "Trivy 0.70.0"


def test_trivy_without_advisories_is_no_pass(tmp_path: Path, stand: Stand) -> None:
    stand("trivy", {"download": "echo no network >&2; exit 1", "ersion": """echo '{"Version": "0.70.0"}'"""})
    with pytest.raises(NotEvaluated, match="Trivy has no advisories") as caught:
        trivy.open_scanner(means(tmp_path)).fingerprint()
    assert "no network" in caught.value.seen


def test_a_report_about_another_image_is_refused(tmp_path: Path, stand: Stand) -> None:
    written = REPORTS / "trivy.json"
    trivy_stands(stand, f"cat {written}")
    with pytest.raises(NotEvaluated, match="trivy looked at another image"):
        scan(trivy.open_scanner(means(tmp_path)))


def test_a_tool_that_leaves_no_report_is_no_pass(tmp_path: Path, stand: Stand) -> None:
    trivy_stands(stand, "echo broken archive >&2; exit 1")
    with pytest.raises(NotEvaluated, match="trivy could not scan the image") as caught:
        scan(trivy.open_scanner(means(tmp_path)))
    assert "broken archive" in caught.value.seen


def test_a_report_that_is_none_is_no_pass(tmp_path: Path, stand: Stand) -> None:
    trivy_stands(stand, """echo '{"Results": 7}'""")
    with pytest.raises(NotEvaluated, match="not one modelway can read") as caught:
        scan(trivy.open_scanner(means(tmp_path)))
    assert caught.value.seen == "Results: expected a list, got int"


def test_grype_tells_the_day_of_its_advisories(tmp_path: Path, stand: Stand) -> None:
    written = report(tmp_path, "grype.json")
    stand(
        "grype",
        {
            "db status": """echo '{"built": "2026-01-03T04:05:06Z"}'""",
            "db update": "exit 1",
            "docker-archive": f"cat {written}; exit 2",
            "version": "echo Version: 0.104.0",
        },
    )
    found = scan(grype.open_scanner(means(tmp_path)))
    assert (found.fingerprint, found.tool) == ("grype-1 0.104.0 2026-01-03T04:05:06+00:00", "Grype 0.104.0")
    assert len(found.findings) == 4
    assert found.database
    assert found.database.as_of


def test_hadolint_reads_the_configs_dockerfile(tmp_path: Path, stand: Stand) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    says = {"--format": f"cat {REPORTS}/hadolint.json", "--version": "echo Haskell Dockerfile Linter 2.15.1"}
    stand("hadolint", says)
    found = scan(hadolint.open_scanner(means(tmp_path)))
    assert [one.path for one in found.findings] == ["Dockerfile"] * 3
    assert str(tmp_path / "Dockerfile") in asked(tmp_path)
    before = found.fingerprint
    (tmp_path / "Dockerfile").write_text("FROM scratch\nUSER 1\n")
    assert hadolint.open_scanner(means(tmp_path)).fingerprint() != before


def test_inspector_without_packages_is_no_pass(tmp_path: Path, stand: Stand) -> None:
    nothing = """echo '{"artifacts": [], "source": {}}'"""
    stand("syft", {"--output": nothing, "--version": "echo syft 1.18.1"})
    with pytest.raises(NotEvaluated, match="syft found no packages"):
        scan(inspector.open_scanner(means(tmp_path)))


def test_inspector_gets_the_sbom_and_answers_for_it(tmp_path: Path, stand: Stand) -> None:
    listed, sbom = report(tmp_path, "syft.json"), {"bomFormat": "CycloneDX", "specVersion": "1.5"}
    stand(
        "syft",
        {
            "syft-json": f"cat {listed}",
            "cyclonedx-json": f"echo '{json.dumps(sbom)}'",
            "--version": "echo syft 1.18.1",
        },
    )
    sent: list[object] = []

    class Client:
        def scan_sbom(self, **given: object) -> object:
            sent.append(given)
            return json.loads((REPORTS / "inspector-sbom.json").read_text())

    class Session:
        def client(self, service: str, **_: object) -> Client:
            assert service == "inspector-scan"
            return Client()

    class Accounts:
        def session(self, *where: str) -> Session:
            assert where == ("333333333333", "eu-west-1", "modelway-read")
            return Session()

    found = scan(inspector.open_scanner(means(tmp_path, accounts=Accounts)))
    assert sent == [{"sbom": sbom, "outputFormat": "CYCLONE_DX_1_5"}]
    assert {one.id for one in found.findings} == {"CVE-1999-90002", "IN-DOCKER-001"}
    assert {one.package for one in found.findings if one.package} <= set(found.packages)


def test_an_archive_for_another_platform_is_refused() -> None:
    with (
        pytest.raises(NotEvaluated, match="for another platform"),
        image_file(io.BytesIO(ARCHIVE), platform="linux/arm64"),
    ):
        pass


@pytest.mark.parametrize("archive", [b"", b"no tar", ARCHIVE[:3000], images.layer({"manifest.json": b"[]"})])
def test_an_archive_that_is_none_is_refused(archive: bytes) -> None:
    with (
        pytest.raises(NotEvaluated, match="cannot be read"),
        image_file(io.BytesIO(archive), platform="linux/amd64"),
    ):
        pass


@pytest.mark.parametrize("archive", [ARCHIVE, images.oci_archive(LAYERS, manifest_json=True)])
def test_an_archive_says_what_it_is(archive: bytes) -> None:
    with image_file(io.BytesIO(archive), platform="linux/amd64/v8") as image:
        assert str(image.config) == IMAGE
        assert [one.diff_id for one in image.layers] == [f"sha256:{images.digest(one)}" for one in LAYERS]
        assert [*image.members.values()] == [*image.layers]
