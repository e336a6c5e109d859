"""What every ``ports.Stock`` does: the fake of the tests, and ECR in the rehearsal."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from modelway.adapters.aws import Accounts
from modelway.adapters.clock import RealClock
from modelway.adapters.ecr import Ecr
from modelway.adapters.ecr_stock import EcrStock
from modelway.core.config import RegistrySpec
from modelway.core.image import DOCKER_MANIFEST, OCI_INDEX, Digest
from modelway.core.json import JsonObject
from modelway.errors import Malformed, Unavailable
from modelway.ports import Registry, Stock
from tests.fake_images import FakeRegistry, manifest_over
from tests.fake_stock import FakeStock
from tests.fakes import FakeClock, FakeReporter
from tests.rehearsal import images
from tests.rehearsal.clients import REGION, REGISTRY
from tests.rehearsal.conftest import EcrRepository

TYPE = "application/vnd.modelway.report.v1+json"
AT = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass
class Setting:
    """A stock, the registry beside it, and how an image gets there."""

    stock: Stock
    registry: Registry
    push: Callable[[str, str], Digest]
    repository: EcrRepository | None = None


def fake() -> Setting:
    """In memory."""
    registry = FakeRegistry()

    def push(name: str, tag: str) -> Digest:
        manifest = manifest_over(name.encode())
        registry.manifests[manifest.digest] = manifest
        registry.named[tag] = manifest.digest
        return manifest.digest

    return Setting(FakeStock(registry, FakeClock(), role="modelway-prune"), registry, push)


def real(request: pytest.FixtureRequest) -> Setting:
    """ECR in the rehearsal, as modelway reaches it."""
    for name, value in request.getfixturevalue("cloud").environment({}).items():
        request.getfixturevalue("monkeypatch").setenv(name, value)
    made = request.getfixturevalue("make_repository")()
    spec = RegistrySpec(account=REGISTRY, region=REGION, repository=made.name)
    accounts, clock = Accounts(), RealClock()

    def push(name: str, tag: str) -> Digest:
        return Digest.parse(made.pusher.push(images.image(name), tag))

    stock = EcrStock(accounts, spec, clock)
    return Setting(stock, Ecr(accounts, spec, FakeReporter(), clock), push, made)


@pytest.fixture(params=["fake", pytest.param("ecr", marks=pytest.mark.rehearsal)])
def setting(request: pytest.FixtureRequest) -> Setting:
    """A repository nobody used before."""
    return fake() if request.param == "fake" else real(request)


def keeping(number: int) -> JsonObject:
    """A policy that keeps so many of any images."""
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": number}
    rule = {"rulePriority": 7, "description": "the newest stay", "selection": selection}
    policy: JsonObject = json.loads(json.dumps({"rules": [{**rule, "action": {"type": "expire"}}]}))
    return policy


def test_everything_is_told_with_its_tags_and_what_it_is_attached_to(setting: Setting) -> None:
    one = setting.push("one", "in-1")
    setting.registry.retag(one, "env-iris-staging-1")
    setting.registry.attach(one, TYPE, b"{}", created=AT)
    image, word = sorted(setting.stock.stored(), key=lambda each: each.subject is not None)
    assert (image.digest, image.tags, image.subject) == (one, ("env-iris-staging-1", "in-1"), None)
    assert (word.tags, word.subject) == ((), one)
    assert image.size > 0


def test_deleting_takes_what_is_named_and_nothing_else_and_twice_nothing(setting: Setting) -> None:
    one, two = setting.push("one", "in-1"), setting.push("two", "in-2")
    setting.stock.delete([one])
    setting.stock.delete([one])
    assert [each.digest for each in setting.stock.stored()] == [two]


def test_taking_a_tag_leaves_the_image_under_its_others(setting: Setting) -> None:
    one = setting.push("one", "in-1")
    setting.registry.retag(one, "env-iris-staging-1")
    setting.stock.untag(["env-iris-staging-1"])
    assert [each.tags for each in setting.stock.stored()] == [("in-1",)]


def test_a_preview_says_what_goes_by_which_rule(setting: Setting) -> None:
    for name in ("one", "two", "three"):
        setting.push(name, f"in-{name}")
    found = setting.stock.preview(keeping(1))
    assert {one.rule for one in found} == {7}
    assert len({one.digest for one in found}) == 2
    assert len(setting.stock.preview(keeping(1))) == 2, "one preview may follow another"
    assert setting.stock.preview(keeping(3)) == ()


def test_a_preview_tells_what_is_archived_from_what_is_deleted(setting: Setting) -> None:
    for name in ("one", "two"):
        setting.push(name, f"in-{name}")
    (rule,) = json.loads(json.dumps(keeping(1)))["rules"]
    moves = {"type": "transition", "targetStorageClass": "archive"}
    assert [one.archives for one in setting.stock.preview(keeping(1))] == [False]
    assert [one.archives for one in setting.stock.preview({"rules": [{**rule, "action": moves}]})] == [True]


# --- ECR alone ---


@pytest.mark.rehearsal
def test_a_list_of_images_is_told_with_its_images_and_is_deleted_before_them(
    request: pytest.FixtureRequest,
) -> None:
    ecr = real(request)
    one = ecr.push("one", "in-1")
    made = ecr.repository
    assert made
    entry = {"mediaType": DOCKER_MANIFEST, "digest": str(one), "size": 1}
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
    made.ecr.put_image(
        repositoryName=made.name, imageManifest=body, imageManifestMediaType=OCI_INDEX, imageTag="list"
    )
    listed = next(each for each in ecr.stock.stored() if each.tags == ("list",))
    assert listed.children == (one,)
    with pytest.raises(Unavailable, match="ImageReferencedByManifestList"):
        ecr.stock.delete([one])
    ecr.stock.delete([listed.digest])
    ecr.stock.delete([one])
    assert ecr.stock.stored() == ()


@pytest.mark.rehearsal
def test_the_policy_in_place_is_read_and_a_wrong_one_is_refused(request: pytest.FixtureRequest) -> None:
    ecr = real(request)
    assert ecr.stock.lifecycle() is None
    assert ecr.repository
    ecr.repository.ecr.put_lifecycle_policy(
        repositoryName=ecr.repository.name, lifecyclePolicyText=json.dumps(keeping(2))
    )
    assert ecr.stock.lifecycle() == keeping(2)
    with pytest.raises(Malformed):
        ecr.stock.preview({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "all"}}], "x": "y" * 100})


@pytest.mark.rehearsal
def test_there_may_be_no_repository_yet(request: pytest.FixtureRequest) -> None:
    real(request)
    spec = RegistrySpec(account=REGISTRY, region=REGION, repository=f"ml/none-{next(_numbers)}")
    stock = EcrStock(Accounts(), spec, RealClock())
    assert (stock.stored(), stock.lifecycle()) == ((), None)
