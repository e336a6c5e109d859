"""What differs between config and world, field by field, over fakes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelway.commands import deploy, drift
from modelway.core import duration
from modelway.core.altered import Altered
from modelway.core.config import Autoscaling, Capacity
from modelway.core.drift import Change
from modelway.core.plan import State
from modelway.core.record import Withdrawn
from modelway.core.version import Version
from modelway.errors import Differs, Malformed, Unavailable, Unfinished
from tests.fake_world import AnsweringTarget, Stage
from tests.fakes import FakeReporter

SOMEBODY = Change(who="arn:aws:sts::1:assumed-role/admin/eve", what="UpdateEndpoint", at="2026-01-02")


class Seen(AnsweringTarget):
    """A target that is seen otherwise than it is."""

    otherwise: dict[str, Any]

    def observe(self, wanted: Version | None, /) -> State:
        """The same, but for some fields."""
        return replace(super().observe(wanted), **self.otherwise)


def compare(stage: Stage, *argv: str, changes: Callable[..., tuple[Change, ...]] | None = None) -> str:
    """As ``__main__`` runs it; the data it printed, also where it raised."""
    parser = argparse.ArgumentParser()
    drift.arguments(parser)
    told = changes or (lambda *_: (SOMEBODY,))
    drift.run(parser.parse_args(["model.yaml", *argv]), replace(stage.world, changes=told))
    return stage.reporter.text


def released() -> Stage:
    """A version in staging, and a reporter that has said nothing yet."""
    stage = Stage()
    run = argparse.ArgumentParser()
    deploy.arguments(run)
    deploy.run(run.parse_args(["model.yaml", "-e", "staging", "--image", str(stage.push())]), stage.world)
    stage.reporter = FakeReporter()
    return stage


def seen(stage: Stage, **otherwise: object) -> None:
    """Staging looks otherwise from now on."""
    target = stage.targets["staging"]
    target.__class__ = Seen
    target.otherwise = otherwise  # type: ignore[attr-defined]


def changed(stage: Stage, **fields: object) -> None:
    """The config wants something else of staging."""
    place = replace(stage.config.environments["staging"], **fields)  # type: ignore[arg-type]
    stage.config = replace(stage.config, environments={**stage.config.environments, "staging": place})


def test_what_is_as_configured_does_not_differ_and_nobody_is_asked_who_changed_it():
    stage = released()

    def never(*_: object) -> tuple[Change, ...]:
        raise AssertionError

    assert "as the config says" in compare(stage, changes=never)
    assert stage.reporter.outputs["drifted"] == "false"


def test_a_capacity_is_named_with_both_values_the_caller_and_both_ways_out():
    stage = released()
    changed(stage, capacity=Capacity(instances=7))
    with pytest.raises(Differs, match="1 fields differ"):
        compare(stage)
    for words in ("capacity.instances", "config:  7", "world:   1", SOMEBODY.who, "sets it to 7", "write 1"):
        assert words in stage.reporter.text
    assert stage.reporter.outputs["drifted"] == "true"


def test_a_cooldown_is_told_as_the_config_spells_it():
    """It was told as 0:05:00, which a config cannot say, and to write that was the way out."""
    stage = released()
    ten = timedelta(minutes=10)
    scaled = Autoscaling(min=1, max=3, invocations_per_instance_per_minute=600)
    changed(stage, capacity=Capacity(instances=1, autoscaling=scaled))
    seen(stage, capacity=Capacity(instances=1, autoscaling=replace(scaled, scale_in_cooldown=ten)))
    with pytest.raises(Differs, match="1 fields differ"):
        compare(stage, "-e", "staging")
    told = stage.reporter.text
    assert "world:   10m" in told
    assert "write 10m in the config" in told
    assert duration.parse("10m") == ten


def test_other_settings_are_another_version():
    stage = released()
    settings = stage.config.environments["staging"].settings
    changed(stage, settings={**settings, "instance_type": "ml.m5.xlarge"})
    with pytest.raises(Differs):
        compare(stage)
    assert "staging: settings" in stage.reporter.text


def test_what_somebody_changed_beside_the_version_is_named_with_both_values_and_who():
    """On ECS the service keeps its network itself: other subnets under the same version were no drift."""
    stage = released()
    seen(stage, altered=(Altered(field="settings.network.subnets", config="subnet-a", world="subnet-b"),))
    with pytest.raises(Differs, match="1 fields differ"):
        compare(stage, "-e", "staging")
    for words in (
        "staging: settings.network.subnets",
        "config:  subnet-a",
        "world:   subnet-b",
        SOMEBODY.who,
    ):
        assert words in stage.reporter.text
    assert "the next release sets it" in stage.reporter.text


def test_what_modelway_did_not_make_differs():
    stage = released()
    seen(stage, foreign="their-endpoint")
    with pytest.raises(Differs):
        compare(stage)
    assert "their-endpoint, which modelway did not make" in stage.reporter.text


def test_traffic_between_versions_differs():
    stage = released()
    serving = stage.targets["staging"].observe(None).serving
    seen(stage, traffic={serving: 60, "other": 40})
    with pytest.raises(Differs):
        compare(stage)
    assert "other with 40 %" in stage.reporter.text


def test_what_had_the_traffic_and_was_removed_by_hand_differs():
    """It was told as "nothing serves", with exit 0."""
    stage = released()
    (version,) = stage.targets["staging"].records
    stage.targets["staging"].traffic = {}
    with pytest.raises(Differs, match="1 fields differ"):
        compare(stage, "-e", "staging")
    told = stage.reporter.text
    assert f"config:  a version, as {version}, the newest that passed here" in told
    assert "world:   nothing: what had the traffic is gone" in told
    assert SOMEBODY.who in told


def test_where_nothing_ever_passed_or_all_was_withdrawn_nothing_is_missed():
    stage = released()
    target = stage.targets["staging"]
    target.traffic = {}
    gone = Withdrawn(reason="wrong")
    target.records = {id_: replace(one, withdrawn=gone) for id_, one in target.records.items()}
    assert "in staging: nothing serves" in compare(stage)
    target.records = {}
    assert "in staging: nothing serves" in compare(stage)


def test_a_withdrawn_version_that_serves_differs():
    stage = released()
    state = stage.targets["staging"].observe(None)
    assert state.serving
    record = replace(state.records[state.serving], withdrawn=Withdrawn(reason="bad"))
    seen(stage, records={record.id: record})
    with pytest.raises(Differs):
        compare(stage)
    assert "withdrawn: bad" in stage.reporter.text


def test_while_a_change_is_under_way_nothing_is_called_equal():
    stage = released()
    seen(stage, settled=False)
    with pytest.raises(Unfinished, match="under way in staging"):
        compare(stage)


def test_where_cloudtrail_cannot_be_asked_the_difference_is_told_all_the_same():
    stage = released()
    changed(stage, capacity=Capacity(instances=7))

    def denied(*_: object) -> tuple[Change, ...]:
        raise Unavailable("AWS does not allow it")

    with pytest.raises(Differs):
        compare(stage, "--format", "json", changes=denied)
    (one,) = json.loads("".join(stage.reporter.printed))
    assert (one["field"], one["changes"]) == ("capacity.instances", None)


def test_an_environment_no_config_has_is_malformed():
    with pytest.raises(Malformed, match="nowhere"):
        compare(released(), "-e", "nowhere")
