"""What every target promises, asked of the fake and of the real ones in the rehearsal cloud alike."""

from __future__ import annotations

from modelway.core.config import Capacity
from modelway.core.image import DOCKER_MANIFEST
from modelway.core.plan import Standing, standing
from modelway.core.record import Attempt, Failed, Passed, Reinstated, Withdrawn

AT = "2026-01-01T00:00:00.000000Z"


def test_a_staged_version_is_there_without_traffic(place):
    place.target.stage(place.good, release="r1")
    state = place.target.observe(place.good)
    assert state.records[place.good.id].digest == str(place.good.image.digest)
    assert state.records[place.good.id].release == "r1"
    assert state.traffic == {}
    assert standing(place.good.id, state) is Standing.NEW


def test_staging_twice_is_staging_once(place):
    place.target.stage(place.good, release="r1")
    once = place.target.observe(None).records
    place.target.stage(place.good, release="r1")
    assert place.target.observe(None).records == once


def test_a_shift_settles_with_all_the_traffic_on_the_version(place):
    assert place.target.images() == frozenset(), "nothing runs yet"
    place.serve(place.good)
    assert str(place.good.image.digest) in place.target.images(), "as the platform itself says"
    state = place.target.observe(place.good)
    assert (state.settled, state.traffic) == (True, {place.good.id: 100})
    assert standing(place.good.id, state) is Standing.OPEN


def test_the_second_version_replaces_the_first_and_moves_the_pointers_time(place):
    place.serve(place.good)
    before = place.target.observe(None).modified
    place.serve(place.better)
    state = place.target.observe(None)
    assert state.traffic == {place.better.id: 100}
    assert before is not None
    assert state.modified != before


def test_marks_are_remembered_by_whoever_looks_next(place):
    place.target.stage(place.good, release="r1")
    marks = (
        Attempt(number=1, at=AT, pointer=None),
        Failed(attempt=1, reason="it did not answer: 503"),
        Withdrawn(reason="a bad day für alle: 旧版本"),
        Reinstated(reason="the day got better"),
        Attempt(number=2, at=AT, pointer="2026-01-01T00:00:00+00:00"),
        Passed(contract="abc", attempt=2, at=AT),
    )
    expected = place.target.observe(None).records[place.good.id]
    for mark in marks:
        place.target.record(place.good.id, mark)
        place.target.record(place.good.id, mark)
        expected = expected.with_mark(mark)
        assert place.target.observe(None).records[place.good.id] == expected


def test_capacity_changes_without_a_release(place):
    place.serve(place.good)
    place.target.configure(place.good.id, Capacity(instances=3))
    place.settle()
    state = place.target.observe(None)
    assert state.capacity is not None
    assert state.capacity.instances == 3
    assert state.traffic == {place.good.id: 100}


def test_a_retired_version_is_gone_and_the_one_that_serves_is_not(place):
    place.serve(place.good)
    place.serve(place.better)
    place.target.retire(place.good.id)
    state = place.target.observe(None)
    assert set(state.records) == {place.better.id}
    assert state.traffic == {place.better.id: 100}


def test_it_says_which_manifests_it_runs(place):
    assert DOCKER_MANIFEST in place.target.media_types


def test_everything_modelway_made_is_listed_by_name_and_taken_away(place):
    estate = place.target.estate
    assert estate.things() == ()
    place.serve(place.good)
    things = estate.things()
    assert things == estate.things()
    for thing in things:
        estate.remove(thing)
    for thing in things:  # by a run that was killed after its effect
        estate.remove(thing)
    assert estate.things() == ()
    state = place.target.observe(None)
    assert (dict(state.records), dict(state.traffic), state.foreign) == ({}, {}, None)
