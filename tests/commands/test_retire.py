"""What `retire` lists, deletes and refuses, over fakes."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import pytest

from modelway.commands import promote, retire
from modelway.core.record import Attempt
from modelway.errors import Differs, Malformed, NotAllowed, Unfinished
from tests.commands.test_environment_commands import released, run
from tests.fake_target import CrashError
from tests.fake_world import Stage

NAME = "iris-classifier"


@pytest.fixture
def stage() -> Stage:
    """Two versions in staging, one of them in production."""
    made = Stage()
    released(made, "one", "two")
    run(promote, made, "-e", "production")
    for target in made.targets.values():
        target.calls.clear()
    return made


def test_without_delete_it_lists_each_thing_and_deletes_none(stage):
    run(retire, stage)
    assert "production" in stage.reporter.text
    assert "1. the pointer" in stage.reporter.text
    assert "Nothing was deleted" in stage.reporter.text
    assert not any(target.calls for target in stage.targets.values())


def test_it_deletes_what_serves_first_and_in_production_first(stage):
    order: list[tuple[str, str]] = []
    for name, target in stage.targets.items():

        def remove(thing, before=target.remove, name=name) -> None:
            order.append((name, thing.kind))
            before(thing)

        target.remove = remove
    run(retire, stage, "--delete", NAME, "--yes-production")
    assert order[:2] == [("production", "pointer"), ("production", "version")]
    assert order[2:] == [("staging", "pointer"), ("staging", "version"), ("staging", "version")]
    assert not any(target.records or target.traffic for target in stage.targets.values())
    assert (
        "registry prune model.yaml removes them, but for the newest 20 releases: delete"
        in stage.reporter.text
    )


def test_one_environment_alone(stage):
    run(retire, stage, "-e", "staging", "--delete", NAME)
    assert not stage.targets["staging"].records
    assert stage.targets["production"].traffic


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize("writes", [0, 1, 2, 3, 4])
def test_a_run_killed_anywhere_is_finished_by_the_next_and_a_third_finds_nothing(stage, writes, effect):
    for target in stage.targets.values():
        target.crash_after_effect = effect
    victim = stage.targets["production" if writes < 2 else "staging"]
    victim.crash_in = writes % 2 if writes < 4 else 2
    with pytest.raises(CrashError):
        run(retire, stage, "--delete", NAME, "--yes-production")
    run(retire, stage, "--delete", NAME, "--yes-production")
    assert not any(target.records or target.traffic for target in stage.targets.values())
    stage.targets["staging"].calls.clear()
    run(retire, stage, "--delete", NAME, "--yes-production")
    assert not stage.targets["staging"].calls
    assert "nothing modelway made is left" in stage.reporter.text


def test_a_name_that_is_another_models_deletes_nothing(stage):
    with pytest.raises(Malformed, match="iris-classifier's"):
        run(retire, stage, "--delete", "other")
    assert stage.targets["staging"].traffic


def test_production_needs_a_second_word_outside_a_workflow(stage):
    with pytest.raises(Malformed, match="deleting iris-classifier from production"):
        run(retire, stage, "--delete", NAME)
    assert stage.targets["staging"].traffic
    ci = replace(stage.world, run=replace(stage.world.run, ci=True))
    parser = argparse.ArgumentParser()
    retire.arguments(parser)
    retire.run(parser.parse_args(["model.yaml", "--delete", NAME]), ci)
    assert not stage.targets["production"].traffic


def test_what_is_still_asked_stays_everywhere_unless_it_is_to_go_all_the_same(stage):
    stage.targets["production"].asked = 12
    with pytest.raises(NotAllowed, match="still used") as caught:
        run(retire, stage, "--delete", NAME, "--yes-production")
    assert "12 in production" in caught.value.seen
    assert all(target.traffic for target in stage.targets.values())
    run(retire, stage, "--delete", NAME, "--yes-production", "--although-used")
    assert not any(target.traffic for target in stage.targets.values())


def test_what_runs_where_nobody_counts_its_requests_is_not_taken_for_unused(stage):
    stage.targets["staging"].asked = None
    with pytest.raises(NotAllowed, match="may still be used") as caught:
        run(retire, stage, "--delete", NAME, "--yes-production")
    assert "nobody counts them in staging" in caught.value.seen
    assert "--although-used" in caught.value.cure
    assert all(target.traffic for target in stage.targets.values())
    run(retire, stage)
    assert any("nobody counts them in staging" in one for one in stage.reporter.warnings)
    run(retire, stage, "--delete", NAME, "--yes-production", "--although-used")
    assert not any(target.traffic for target in stage.targets.values())


def test_what_somebody_else_made_stops_it_before_anything_is_deleted_anywhere(stage):
    stage.targets["staging"].foreign = "the endpoint of somebody"
    with pytest.raises(Differs, match="the endpoint of somebody") as caught:
        run(retire, stage, "--delete", NAME, "--yes-production")
    assert "once it is gone" in caught.value.cure
    assert stage.targets["production"].traffic


def test_traffic_that_is_shared_between_versions_is_no_state_to_delete(stage):
    target = stage.targets["staging"]
    one, two = target.records
    target.traffic = {one: 60, two: 40}
    with pytest.raises(Differs, match="was not removed"):
        run(retire, stage, "-e", "staging", "--delete", NAME)


def test_a_release_under_way_is_not_deleted(stage):
    target = stage.targets["staging"]
    one = next(iter(target.records))
    later = Attempt(number=9, at="2099-01-01T00:00:00Z", pointer=target.observe(None).modified)
    target.records[one] = target.records[one].with_mark(later)
    target.pending = ({one: 100}, None)
    with pytest.raises(Unfinished, match="a release is under way"):
        run(retire, stage, "-e", "staging", "--delete", NAME)
    assert target.records


def test_programs_read_it_as_json(stage):
    run(retire, stage, "--format", "json")
    told = json.loads(stage.reporter.printed[-1])
    assert [one["environment"] for one in told] == ["production", "staging"]
    assert told[0]["things"][0] == {"kind": "pointer", "name": "pointer", "words": "the pointer"}


def test_an_environment_it_does_not_have_is_refused(stage):
    with pytest.raises(Malformed, match="no environment"):
        run(retire, stage, "-e", "nowhere")
