"""A function made by hand is adopted: described, recorded, and never written to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelway.core.image import Image
from modelway.errors import Differs, NotAllowed
from tests.rehearsal.clients import STAGING
from tests.rehearsal.functions import ROLE, Functions
from tests.rehearsal.hands import Hand
from tests.rehearsal.models import unique

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]


@dataclass(frozen=True)
class Made:
    """The function, and who adopts it."""

    hand: Hand
    functions: Functions

    def alias(self) -> dict[str, object]:
        """The alias, without what is told of the call."""
        found = self.functions.client.get_alias(FunctionName=self.hand.name, Name="live")
        return {key: value for key, value in found.items() if key != "ResponseMetadata"}


@pytest.fixture
def made(functions: Functions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """A function of an image, published twice; there is no alias yet."""
    model, image = unique("handmade"), Image.parse(functions.image)
    hand = Hand.of(
        functions.cloud,
        monkeypatch,
        tmp_path,
        image,
        model=model,
        account=STAGING,
        environment="staging",
        more=("--target", "lambda"),
    )
    functions.client.create_function(
        FunctionName=hand.name,
        Role=ROLE,
        Code={"ImageUri": functions.image},
        PackageType="Image",
        Timeout=10,
        MemorySize=256,
        Environment={"Variables": {"VERSION": "before"}},
    )
    functions.ready(hand.name)
    functions.client.publish_version(FunctionName=hand.name)
    functions.published(hand.name, VERSION="by-hand")
    yield Made(hand, functions)
    functions.client.delete_function(FunctionName=hand.name)


def test_a_function_is_described_recorded_and_the_way_back_and_never_written_to(made: Made) -> None:
    hand, client = made.hand, made.functions.client
    with pytest.raises(NotAllowed, match="has no alias live"):
        hand.describe()
    client.create_alias(FunctionName=hand.name, Name="live", FunctionVersion="2")
    client.create_function_url_config(FunctionName=hand.name, Qualifier="live", AuthType="AWS_IAM")
    before, alias = len(hand.calls()), made.alias()
    hand.describe()
    described(made)
    hand.on_the_page(before)
    hand.edit("memory_mb: 256", "memory_mb: 512")
    with pytest.raises(Differs, match="does not describe what serves"):
        hand.record("--yes")
    hand.edit("memory_mb: 512", "memory_mb: 256")
    hand.record()
    assert not hand.writes(before)
    hand.record("--yes")
    written = hand.writes(before)
    assert {operation for operation, _ in written} == {"PutParameter", "DeleteParameters"}, written
    assert made.alias() == alias
    hand.known()
    replaced_and_back(made)


def described(made: Made) -> None:
    hand = made.hand
    place = hand.world.configs.load(Path(hand.path)).environments["staging"]
    assert place.settings == {
        "execution_role": "function",
        "memory_mb": 256,
        "ephemeral_storage_mb": 512,
        "timeout": "10s",
        "environment": {"VERSION": "by-hand"},
        "function_url": "iam",
    }
    assert any("Only who asks the alias live" in note for note in hand.reporter.notes)
    assert any("look for secrets" in note for note in hand.reporter.notes)
    hand.described_once()


def replaced_and_back(made: Made) -> None:
    """The first release of ours, the way back from it, and forgetting what was adopted."""
    hand = made.hand
    delivery, adopted, ours = hand.ours()
    assert delivery.target.observe(ours).needs == ()
    delivery.target.stage(ours, release="1.0.0")
    delivery.target.shift(ours.id, 100, urgent=True)
    assert made.functions.ask(hand.name, "live")[2]["version"] == "ours"
    assert hand.delivery().target.observe(None).serving == ours.id
    fresh = hand.delivery().target
    fresh.shift(adopted, 100, urgent=True)
    assert made.functions.ask(hand.name, "live")[2]["version"] == "by-hand"
    state = hand.delivery().target.observe(None)
    assert (state.serving, state.foreign) == (adopted, None)
    fresh.shift(ours.id, 100, urgent=True)
    fresh.retire(adopted)
    assert made.functions.ask(hand.name, "2")[2]["version"] == "by-hand"
    assert adopted not in hand.delivery().target.observe(None).records
