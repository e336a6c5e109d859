"""What the commands about environments show, write and refuse, over fakes."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import NoReturn

import pytest

from modelway.commands import deploy, gate, plan, promote, reinstate, rollback, status
from modelway.core.analysis import Sample
from modelway.core.config import Analysis, Rollout, RolloutStrategy
from modelway.core.image import Digest, Image
from modelway.core.version import VersionId
from modelway.errors import Malformed, NotAllowed, Unfinished, Unhealthy
from tests.fake_images import FakeRegistry
from tests.fake_world import Stage


def run(command: ModuleType, stage: Stage, *argv: str) -> None:
    """As ``__main__`` runs it."""
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    command.run(parser.parse_args(["model.yaml", *argv]), stage.world)


def released(stage: Stage, *names: str) -> list[VersionId]:
    """Images deployed to staging, one after the other; the ids of their versions."""
    ids = []
    for name in names:
        image = stage.push(name)
        run(deploy, stage, "-e", "staging", "--image", str(image))
        ids.append(stage.delivery("staging").version(image).id)
    return ids


def serving(stage: Stage, environment: str = "staging") -> str | None:
    return stage.targets[environment].observe(None).serving


def test_plan_writes_a_file_that_deploy_is_held_to(tmp_path):
    stage = Stage()
    image, file = stage.push(), tmp_path / "plans" / "staging.json"
    run(plan, stage, "-e", "staging", "--image", str(image), "--out", str(file))
    assert "1. stage version" in stage.reporter.text
    assert serving(stage) is None, "planning changes nothing"
    run(deploy, stage, "-e", "staging", "--image", str(image), "--plan", str(file))
    assert serving(stage) == json.loads(file.read_text())["version"]


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "cannot be read"), ("no plan", "Expecting value"), ("{}", "not a plan")],
)
def test_a_plan_file_that_is_none_is_refused(tmp_path, text, words):
    stage, file = Stage(), tmp_path / "plan.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Malformed, match="--plan") as caught:
        run(deploy, stage, "-e", "staging", "--image", str(stage.push()), "--plan", str(file))
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["latest", "repo:tag", "repo@sha256:12"])
def test_a_tag_is_not_deployed(text):
    stage = Stage()
    stage.targets.clear()  # nobody is asked before it is refused
    with pytest.raises(Malformed, match="--image"):
        run(deploy, stage, "-e", "staging", "--image", text)


def test_gate_says_why_for_people_and_for_programs():
    stage = Stage()
    image = stage.push()
    run(gate, stage, "-e", "staging", "--image", str(image))
    assert "may go to staging" in stage.reporter.text
    run(gate, stage, "-e", "staging", "--image", str(image), "--format", "json")
    assert json.loads(stage.reporter.printed[-1])["allowed"] is True


def test_promote_takes_the_image_that_serves_before():
    stage = Stage()
    with pytest.raises(NotAllowed, match="nothing that passed serves in staging"):
        run(promote, stage, "-e", "production")
    released(stage, "one", "two")
    run(promote, stage, "-e", "production")
    staging, production = (stage.targets[name] for name in ("staging", "production"))
    before, after = staging.observe(None), production.observe(None)
    assert before.serving
    assert after.serving
    assert after.records[after.serving].digest == before.records[before.serving].digest


class Unmoved(FakeRegistry):
    """Every way of a registry to move an image's bytes is closed."""

    def push(self, local: str, tag: str, /) -> NoReturn:
        raise AssertionError((local, tag))

    def pull(self, source: Image, local: str, /, *, platform: str) -> NoReturn:
        raise AssertionError((source, local, platform))

    def copy(self, source: Image, tag: str, /, *, platform: str) -> NoReturn:
        raise AssertionError((source, tag, platform))

    def export(self, digest: Digest, /) -> NoReturn:
        raise AssertionError(digest)


def test_promotion_and_rollback_move_no_bytes_of_an_image():
    """Targets have no registry at all: their platforms pull by digest. And here is no builder."""
    stage = Stage(registry=Unmoved())
    for name in ("one", "two"):
        released(stage, name)
        run(promote, stage, "-e", "production")
    run(rollback, stage, "-e", "production")
    assert len(stage.targets["production"].observe(None).records) == 2


def test_promote_to_the_first_environment_makes_no_sense():
    with pytest.raises(Malformed, match="not promoted from anywhere"):
        run(promote, Stage(), "-e", "staging")


def test_two_rollbacks_in_a_row_go_two_versions_back_and_a_third_has_nowhere_to_go():
    stage = Stage()
    one, two, _ = released(stage, "one", "two", "three")
    run(rollback, stage, "-e", "staging", "--reason", "bad answers")
    assert serving(stage) == two
    run(rollback, stage, "-e", "staging")
    assert serving(stage) == one
    with pytest.raises(NotAllowed, match="no other version passed"):
        run(rollback, stage, "-e", "staging")
    assert serving(stage) == one


def test_rollback_with_from_is_done_once():
    stage = Stage()
    one, two = released(stage, "one", "two")
    run(rollback, stage, "-e", "staging", "--from", two)
    run(rollback, stage, "-e", "staging", "--from", two)
    assert serving(stage) == one


def test_rollback_goes_where_it_is_told_if_that_passed():
    stage = Stage()
    one, _, _ = released(stage, "one", "two", "three")
    with pytest.raises(Malformed, match="there is no version"):
        run(rollback, stage, "-e", "staging", "--to", "0" * 12)
    with pytest.raises(Malformed, match="not a version's id"):
        run(rollback, stage, "-e", "staging", "--to", "three")
    run(rollback, stage, "-e", "staging", "--to", one)
    assert serving(stage) == one


def test_a_rollback_that_goes_nowhere_withdraws_nothing():
    stage = Stage()
    one, two, three = released(stage, "one", "two", "three")
    run(rollback, stage, "-e", "staging", "--to", three)
    run(rollback, stage, "-e", "staging", "--to", two)
    with pytest.raises(NotAllowed, match="was withdrawn here"):
        run(rollback, stage, "-e", "staging", "--to", three)
    assert serving(stage) == two
    withdrawn = {id_: record.withdrawn for id_, record in stage.targets["staging"].records.items()}
    assert [id_ for id_ in (one, two, three) if withdrawn[id_]] == [three]


def test_what_was_rolled_back_from_comes_back_only_reinstated():
    stage = Stage()
    image = stage.push("two")
    one, two = released(stage, "one", "two")
    run(rollback, stage, "-e", "staging")
    with pytest.raises(NotAllowed, match="was withdrawn here"):
        run(deploy, stage, "-e", "staging", "--image", str(image))
    run(reinstate, stage, two, "-e", "staging", "--reason", "the data was wrong, not the model")
    run(deploy, stage, "-e", "staging", "--image", str(image))
    assert serving(stage) == two
    with pytest.raises(Malformed, match="there is no version"):
        run(reinstate, stage, "0" * 12, "-e", "staging", "--reason", "x")
    assert one in stage.targets["staging"].records


def test_status_shows_each_version_and_how_it_stands():
    stage = Stage()
    one, two = released(stage, "one", "two")
    run(rollback, stage, "-e", "staging")
    run(status, stage)
    text = stage.reporter.text
    assert f"staging: version {one} serves" in text
    assert "production: nothing serves" in text
    run(status, stage, "-e", "staging", "--format", "json")
    told = json.loads(stage.reporter.printed[-1])["staging"]
    assert told["serving"] == one
    assert {v["id"]: v["standing"] for v in told["versions"]} == {one: "serves", two: "withdrawn"}


# --- a release under way ---


def half_way(
    strategy: RolloutStrategy = RolloutStrategy.CANARY, analysis: Analysis | None = None
) -> tuple[Stage, list[VersionId], Image]:
    """Two versions released, a third to be released where modelway keeps the clock and waits for a person."""
    stage = Stage()
    ids = released(stage, "one", "two")
    way = Rollout(strategy=strategy, bake_time=timedelta(minutes=10), pause=True, analysis=analysis)
    place = replace(stage.config.environments["staging"], rollout=way)
    stage.config = replace(stage.config, environments={**stage.config.environments, "staging": place})
    stage.targets["staging"].walks = False
    image = stage.push("three")
    ids.append(stage.delivery("staging").version(image).id)
    return stage, ids, image


def test_a_release_that_waits_for_a_person_goes_on_when_told():
    stage, (_, two, three), image = half_way()
    argv = ("-e", "staging", "--image", str(image))
    for _ in range(2):
        with pytest.raises(Unfinished, match="waits at 10 %") as caught:
            run(deploy, stage, *argv)
        assert "--continue" in caught.value.cure
        assert stage.targets["staging"].traffic == {two: 90, three: 10}
    run(deploy, stage, *argv, "--continue")
    assert serving(stage) == three


def test_a_bake_is_skipped_where_modelway_keeps_the_clock_and_a_person_is_still_waited_for():
    stage, (*_, three), image = half_way(analysis=Analysis(error_rate_increase=1))
    stage.targets["staging"].samples = lambda version, seconds: Sample(requests=0, errors=0)
    began = stage.clock.time
    with pytest.raises(Unfinished):
        run(deploy, stage, "-e", "staging", "--image", str(image), "--skip-bake")
    run(deploy, stage, "-e", "staging", "--image", str(image), "--skip-bake", "--continue")
    assert serving(stage) == three
    assert stage.clock.time - began < timedelta(minutes=5)


def test_a_bake_the_platform_has_begun_is_not_skipped():
    stage, _, image = half_way()
    target = stage.targets["staging"]
    target.walks = True
    with pytest.raises(Unfinished):
        run(deploy, stage, "-e", "staging", "--image", str(image), "--max-wait", "0s")
    with pytest.raises(NotAllowed, match="its bake goes on"):
        run(deploy, stage, "-e", "staging", "--image", str(image), "--skip-bake")


def test_an_abort_takes_a_share_back_and_the_attempt_has_failed():
    stage, (_, two, three), image = half_way()
    argv = ("-e", "staging", "--image", str(image))
    with pytest.raises(Unfinished):
        run(deploy, stage, *argv)
    run(deploy, stage, *argv, "--abort", "the numbers look odd")
    assert serving(stage) == two
    assert stage.reporter.outputs["version"] == two
    with pytest.raises(Unhealthy, match="failed here") as caught:
        run(deploy, stage, *argv, "--continue")
    assert "aborted: the numbers look odd" in caught.value.seen
    with pytest.raises(Unfinished):
        run(deploy, stage, *argv, "--retry")
    assert stage.targets["staging"].traffic == {two: 90, three: 10}


def test_an_abort_does_not_wait_behind_the_release():
    stage, (_, two, _), image = half_way()
    with pytest.raises(Unfinished):
        run(deploy, stage, "-e", "staging", "--image", str(image), "--max-wait", "0s")
    stage.targets["staging"].takes = 10**9
    began = stage.clock.time
    run(deploy, stage, "-e", "staging", "--abort")
    assert serving(stage) == two
    assert stage.clock.time - began < timedelta(seconds=1)


def test_an_abort_of_nothing_says_what_serves():
    stage, (_, two, _), image = half_way()
    with pytest.raises(NotAllowed, match="no release is under way") as caught:
        run(deploy, stage, "-e", "staging", "--abort")
    assert two in caught.value.seen
    assert "rollback" in caught.value.cure
    with pytest.raises(Unfinished):
        run(deploy, stage, "-e", "staging", "--image", str(image))
    with pytest.raises(NotAllowed, match="no release of version"):
        run(deploy, stage, "-e", "staging", "--abort", "--image", str(stage.push("two")))


@pytest.mark.parametrize("other", [["--continue"], ["--retry"], ["--skip-bake", "--max-wait", "1m"]])
def test_an_abort_goes_alone(other):
    with pytest.raises(Malformed, match="does not go with") as caught:
        run(deploy, Stage(), "-e", "staging", "--abort", "no", *other)
    assert other[0] in str(caught.value)


@pytest.mark.parametrize("patience", [[], ["--max-wait", "0s"]])
def test_a_rollback_interrupts_the_release_under_way_and_goes_back_once(patience):
    stage, (_, two, three), image = half_way()
    with pytest.raises(Unfinished):
        run(deploy, stage, "-e", "staging", "--image", str(image), *patience)
    run(rollback, stage, "-e", "staging", "--from", three)
    assert serving(stage) == two
    assert stage.targets["staging"].records[three].withdrawn
    assert stage.targets["staging"].records[two].withdrawn is None
    run(rollback, stage, "-e", "staging", "--from", three)
    assert serving(stage) == two


def test_a_rollback_waits_where_the_platform_has_no_cancel():
    stage, (_, two, three), image = half_way()
    target = stage.targets["staging"]
    target.walks = True

    def refused() -> None:
        raise NotAllowed("it has no cancel")

    target.interrupt = refused  # type: ignore[method-assign]
    with pytest.raises(Unfinished):
        run(deploy, stage, "-e", "staging", "--image", str(image), "--max-wait", "0s")
    run(rollback, stage, "-e", "staging")
    assert (serving(stage), target.records[three].withdrawn is not None) == (two, True)
    assert "it has no cancel: its end is waited for" in stage.reporter.text


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (
            RolloutStrategy.CANARY,
            "canary: 10 % of the traffic, then all of it, and a person in between. Watched 30m at",
        ),
        (
            RolloutStrategy.BLUE_GREEN,
            "blue_green: beside what serves, then all of the traffic at once, and a person",
        ),
    ],
)
def test_a_plan_says_how_the_traffic_moves_how_long_it_is_watched_and_what_the_way_back_takes(
    strategy, words
):
    analysis = Analysis(latency_p95_ratio=2) if strategy is RolloutStrategy.CANARY else None
    stage, _, image = half_way(strategy, analysis=analysis)
    run(plan, stage, "-e", "staging", "--image", str(image))
    assert words in stage.reporter.text
    assert "The way back: in no time at all." in stage.reporter.text
