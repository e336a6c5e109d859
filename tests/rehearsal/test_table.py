"""What a rehearsal shows at its end."""

from __future__ import annotations

import pytest

from modelway.rehearsal import look, table
from modelway.rehearsal.faults_catalogue import FAULTS
from modelway.rehearsal.load import Tally
from modelway.rehearsal.wish import Took


def test_stages_inside_a_release_are_not_counted_twice() -> None:
    took = [
        Took(stage="release", seconds=3.0),
        Took(stage=f"{table.INNER}build", seconds=1.0),
        Took(stage=f"{table.INNER}push", seconds=2.0),
    ]
    assert table.ran(took)[-1] == ("all", "3.0 s", "")
    assert len(table.ran(took)) == 4


def test_long_outcomes_are_shortened_to_one_line() -> None:
    assert table.shorten(f"r@sha256:{'a' * 64}\nmore") == f"r@sha256:{'a' * 12}..."
    assert len(table.shorten("x" * 500)) == 90


def test_every_answer_that_is_not_200_is_lost() -> None:
    tally = Tally({"200": 90, "500": 7, "ReadTimeoutError": 3})
    assert (tally.sent, tally.lost) == (100, 10)
    rows = table.users(tally, {"abc": (60, 0), "def": (40, 7)})
    assert rows[0] == ("users", "100", "10", "90 x 200, 7 x 500, 3 x ReadTimeoutError")
    assert rows[2] == ("def", "40", "7", "answered")


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (None, 0, "as it has to"),
        (None, 6, "0 was expected"),
        ("unhealthy", 6, "as it has to"),
        ("unhealthy", 0, "6 was expected"),
    ],
)
def test_an_end_that_was_not_expected_is_said(fault: str | None, code: int, words: str) -> None:
    assert words in table.verdict(FAULTS[fault] if fault else None, code, "sagemaker")


def test_the_next_failure_is_never_the_one_just_seen() -> None:
    lines = list(table.next_steps(table.DEFAULT_CONFIG, FAULTS["unhealthy"], "sagemaker"))
    assert "--fault wrong-answers" in lines[0]
    assert "model-configs" not in lines[0]


def test_what_builds_no_image_is_offered_no_fault_in_the_image() -> None:
    lines = list(table.next_steps(table.DEFAULT_CONFIG, None, "sagemaker", builds=False))
    assert "--fault throttled" in lines[0]
    assert "unhealthy" not in lines[1]


def test_another_config_is_named_in_what_to_type_next() -> None:
    assert "rehearse model-configs/own.yaml" in next(
        table.next_steps("model-configs/own.yaml", None, "sagemaker")
    )


def test_stages_are_read_from_a_releases_json_among_other_lines() -> None:
    said = 'noise\n[{"stage": "build", "seconds": 1.5, "result": "built"}]\n'
    assert look.stages(said) == [("build", 1.5, "built")]
    assert look.stages("killed before it said anything") == []
