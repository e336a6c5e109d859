"""ECR's scans in the rehearsal, what moto answers by itself, and the second gate over both."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_ecr import ECRClient
from mypy_boto3_ecr.type_defs import DescribeImageScanFindingsResponseTypeDef as Answer

from modelway.adapters.aws import Accounts
from modelway.adapters.clock import RealClock
from modelway.core.config import RegistrySpec
from modelway.core.ecr_scan import Scanning
from modelway.core.findings import Fixable, Severity
from modelway.core.image import Digest
from modelway.errors import NotEvaluated
from modelway.rehearsal.launch import Cloud
from modelway.scanners.ecr import EcrScanner
from tests.rehearsal import images
from tests.rehearsal.clients import REGION, REGISTRY, Clients
from tests.rehearsal.conftest import EcrRepository

pytestmark = pytest.mark.rehearsal

Make = Callable[..., EcrRepository]
Course = Callable[..., None]
_numbers = itertools.count(1)
DEBIAN = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nSource: glibc\nVersion: 2.36-9\n",
}
SITE = "usr/lib/python3/dist-packages"
VULNERABLE = {
    **DEBIAN,
    f"{SITE}/setuptools-69.5.1.dist-info/METADATA": "Name: setuptools\nVersion: 69.5.1\n",
}
AT_ONCE = {"unknown": 0, "pending": 0, "scanning": 0}


@pytest.fixture
def course(cloud: Cloud) -> Iterator[Course]:
    """Set how scans go; afterwards the registry scans as an account does that nobody has set up."""

    def set_course(scan_type: str = "BASIC", **payload: object) -> None:
        cloud.control("ecr-scan", {"account": REGISTRY, "scan_type": scan_type, **payload})  # type: ignore[dict-item]  # JSON

    yield set_course
    set_course()


@pytest.fixture
def basic(make_repository: Make) -> EcrRepository:
    return make_repository(imageScanningConfiguration={"scanOnPush": True})


def pushed(repository: EcrRepository, files: Mapping[str, str]) -> Digest:
    """An image of its own: each test scans one nobody looked at before."""
    return Digest(repository.pusher.push(images.holding({**files, "test": str(next(_numbers))})))


def look(repository: EcrRepository, digest: Digest, **more: int | str) -> Answer:
    return repository.ecr.describe_image_scan_findings(
        repositoryName=repository.name,
        imageId={"imageDigest": str(digest)},
        **more,  # type: ignore[arg-type]  # maxResults and nextToken
    )


def status(repository: EcrRepository, digest: Digest) -> str:
    try:
        return look(repository, digest)["imageScanStatus"]["status"]
    except ClientError as error:
        return error.response["Error"]["Code"]


def scanner(repository: EcrRepository, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> EcrScanner:
    """The adapter, against this cloud."""
    for name, value in clients.cloud.variables.items():
        monkeypatch.setenv(name, value)
    spec = RegistrySpec(account=REGISTRY, region=REGION, repository=repository.name)
    return EcrScanner(Accounts(), spec, RealClock())


def test_motos_own_scan_is_one_made_up_finding_at_once(moto_ecr: ECRClient) -> None:
    built = images.image()
    moto_ecr.create_repository(repositoryName="ml/x")
    moto_ecr.put_image(repositoryName="ml/x", imageManifest=built.text, imageTag="v1")
    moto_ecr.start_image_scan(repositoryName="ml/x", imageId={"imageTag": "v1"})
    found = moto_ecr.describe_image_scan_findings(repositoryName="ml/x", imageId={"imageTag": "v1"})
    assert found["imageScanStatus"]["status"] == "COMPLETE"
    assert found["imageScanFindings"]["findings"][0]["name"] == "CVE-9999-9999"


def test_moto_does_not_count_a_repositorys_own_switch(basic: EcrRepository, moto_ecr: ECRClient) -> None:
    ours = basic.ecr.batch_get_repository_scanning_configuration(repositoryNames=[basic.name])
    assert ours["scanningConfigurations"][0]["scanOnPush"]
    moto_ecr.create_repository(repositoryName="ml/x", imageScanningConfiguration={"scanOnPush": True})
    theirs = moto_ecr.batch_get_repository_scanning_configuration(repositoryNames=["ml/x"])
    assert not theirs["scanningConfigurations"][0]["scanOnPush"]


def test_a_scan_takes_its_time(basic: EcrRepository, course: Course) -> None:
    course(unknown=100000)
    digest = pushed(basic, DEBIAN)
    assert status(basic, digest) == "ScanNotFoundException"
    for word in ("pending", "scanning"):
        course(**{**AT_ONCE, word: 100000})
        assert status(basic, digest) == {"pending": "PENDING", "scanning": "IN_PROGRESS"}[word]
    course(**AT_ONCE)
    assert status(basic, digest) == "COMPLETE"


def test_basic_scanning_sees_the_distributions_packages_and_no_fixes(
    basic: EcrRepository, course: Course, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    course(**AT_ONCE)
    digest = pushed(basic, VULNERABLE)
    seen = scanner(basic, clients, monkeypatch).look(digest)
    assert {one.package.name for one in seen.findings if one.package} == {"glibc"}
    assert {one.fixable for one in seen.findings} == {Fixable.UNKNOWN}
    assert seen.look.read == seen.look.counted > 0
    assert seen.look.completed


def test_enhanced_scanning_sees_python_packages_too(
    make_repository: Make, course: Course, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    course("ENHANCED", **AT_ONCE)
    repository = make_repository()
    digest = pushed(repository, VULNERABLE)
    door = scanner(repository, clients, monkeypatch)
    assert door.setup().scanning is Scanning.ENHANCED
    assert door.setup().continuous
    seen = door.look(digest)
    found = {one.id: one for one in seen.findings}
    assert seen.look.status == "ACTIVE"
    assert found["CVE-2024-6345"].severity is Severity.HIGH
    assert found["CVE-2024-6345"].fixed_in == "70.0.0"
    assert found["CVE-2024-6345"].aliases == ("GHSA-cx63-2mw6-8hw5",)


def test_an_enhanced_scan_may_be_over_before_its_findings_come(
    make_repository: Make, course: Course, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    course("ENHANCED", **AT_ONCE, empty=100000)
    repository = make_repository()
    digest = pushed(repository, VULNERABLE)
    door = scanner(repository, clients, monkeypatch)
    early = door.look(digest)
    assert (early.look.status, early.findings, early.look.completed, early.look.listed) == (
        "ACTIVE",
        (),
        None,
        True,
    )
    course("ENHANCED", **AT_ONCE)
    assert door.look(digest).findings


def test_findings_come_in_pages(basic: EcrRepository, course: Course) -> None:
    course(**AT_ONCE)
    digest = pushed(basic, DEBIAN)
    whole = look(basic, digest)["imageScanFindings"]["findings"]
    first = look(basic, digest, maxResults=1)
    second = look(basic, digest, maxResults=1, nextToken=first["nextToken"])
    assert [*first["imageScanFindings"]["findings"], *second["imageScanFindings"]["findings"]] == whole[:2]
    counts = first["imageScanFindings"]["findingSeverityCounts"]
    assert sum(counts.values()) == len(whole) > 1


def test_what_the_scanner_cannot_read_is_unsupported(basic: EcrRepository, course: Course) -> None:
    course(**AT_ONCE)
    assert status(basic, pushed(basic, {"content": "no distribution"})) == "UNSUPPORTED_IMAGE"


@pytest.mark.parametrize("ends", ["FAILED", "UNSUPPORTED_IMAGE", "LIMIT_EXCEEDED"])
def test_a_scan_may_end_without_a_result(ends: str, basic: EcrRepository, course: Course) -> None:
    course(**AT_ONCE, ends=ends)
    assert status(basic, pushed(basic, DEBIAN)) == ends


def test_a_scan_is_asked_for_once_a_day(
    make_repository: Make, course: Course, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    course(**AT_ONCE)
    repository = make_repository()
    digest = pushed(repository, DEBIAN)
    door = scanner(repository, clients, monkeypatch)
    assert not door.setup().covered
    assert door.look(digest).look.status == ""
    door.start(digest)
    assert door.look(digest).look.status == "COMPLETE"
    with pytest.raises(ClientError, match="LimitExceeded"):
        repository.ecr.start_image_scan(repositoryName=repository.name, imageId={"imageDigest": str(digest)})
    door.start(digest)  # the scan of before stands


def test_the_scan_on_push_is_the_days_scan(basic: EcrRepository, course: Course) -> None:
    course(**AT_ONCE)
    digest = pushed(basic, DEBIAN)
    with pytest.raises(ClientError, match="LimitExceeded"):
        basic.ecr.start_image_scan(repositoryName=basic.name, imageId={"imageDigest": str(digest)})


def test_a_course_that_makes_no_sense_is_refused(cloud: Cloud) -> None:
    for payload in ({"ends": "HAPPILY"}, {"slowly": 1}):
        with pytest.raises(ValueError, match="scan"):
            cloud.control("ecr-scan", payload)


def test_a_repository_ecr_does_not_have_says_nothing(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = EcrRepository("ml/none", clients.ecr(), images.Pusher("x/y"))
    with pytest.raises(NotEvaluated, match="does not say how ml/none is scanned"):
        scanner(gone, clients, monkeypatch).setup()
