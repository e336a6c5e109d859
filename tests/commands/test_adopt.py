"""What `adopt record` refuses, and that a run that was killed is finished by the next, over fakes."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Never

import pytest

from modelway.commands import adopt
from modelway.core.adoption import Found, Site
from modelway.errors import Malformed, NotAllowed, Unavailable, Unfinished
from tests.commands.test_environment_commands import released
from tests.fake_target import CrashError
from tests.fake_world import Stage


def adopting(stage: Stage, *more: str) -> None:
    """Record what serves in staging: the image that was pushed, with the config's settings."""
    settings = stage.config.environments["staging"].settings
    found = Found(name="by-hand", image=stage.push(), settings=settings, capacity={})
    parser = argparse.ArgumentParser()
    adopt.arguments(parser)
    options = parser.parse_args(["record", "model.yaml", "-e", "staging", *more])
    adopt.run(options, replace(stage.world, found=lambda _: found))


@pytest.fixture
def stage() -> Stage:
    """Somebody else's endpoint serves in staging."""
    made = Stage()
    made.targets["staging"].foreign = "the endpoint iris-staging"
    return made


def test_it_lists_what_it_would_write_and_writes_nothing(stage):
    adopting(stage)
    assert "says what by-hand is and serves nothing" in stage.reporter.text
    assert not stage.targets["staging"].calls


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_run_killed_anywhere_is_finished_by_the_next(stage, writes, effect):
    target = stage.targets["staging"]
    target.crash_in, target.crash_after_effect = writes, effect
    with pytest.raises(CrashError):
        adopting(stage, "--yes")
    adopting(stage, "--yes")
    [(id_, record)] = target.records.items()
    assert target.traffic == {id_: 100}
    assert record.passed
    assert record.adopted
    assert not any(call.startswith("shift") for call in target.calls)


def test_what_modelway_released_is_not_adopted(stage):
    target = stage.targets["staging"]
    target.foreign = None
    released(stage, "another")
    with pytest.raises(NotAllowed, match="which modelway made"):
        adopting(stage)


def test_where_nothing_serves_there_is_nothing_to_adopt(stage):
    stage.targets["staging"].foreign = None
    with pytest.raises(Malformed, match="nothing serves in staging"):
        adopting(stage)


def test_a_change_under_way_is_waited_for(stage):
    stage.targets["staging"].pending = ({}, None)
    with pytest.raises(Unfinished, match="a change is under way"):
        adopting(stage)


@pytest.mark.parametrize(("more", "told"), [((), True), (("--role", "auditor"), False)])
def test_what_the_deploy_role_may_not_look_at_another_role_may(stage, more, told):
    parser = argparse.ArgumentParser()
    adopt.arguments(parser)
    sites: list[Site] = []

    def denied(site: Site) -> Never:
        sites.append(site)
        raise Unavailable("AWS does not allow this identity to look", seen="AccessDenied", cure="allow it")

    options = parser.parse_args(["record", "model.yaml", "-e", "staging", *more])
    with pytest.raises(Unavailable, match="does not allow") as caught:
        adopt.run(options, replace(stage.world, found=denied))
    assert [site.role for site in sites] == ["modelway-deploy" if told else "auditor"]
    assert caught.value.cure.startswith("allow it")
    assert ("--role NAME. The deploy role modelway-deploy" in caught.value.cure) is told
