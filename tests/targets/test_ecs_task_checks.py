"""Fargate's pairs of CPU and memory: what is advised in place of a pair there is not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.targets.ecs_task_checks import SIZES, check
from tests.targets.ecs_models import PLAIN, production


def cure(cpu: int, memory: int) -> str:
    """What is advised; nothing where there is such a pair."""
    found = [*check(production({**PLAIN, "cpu": cpu, "memory_mb": memory}))]
    return found[0].cure if found else ""


@pytest.mark.parametrize(
    ("cpu", "memory", "advised"),
    [
        (256, 512, ""),
        (300, 512, "Write 256 or 512."),
        (1024, 2500, "Write memory_mb: 2048 or 3072."),
        (4096, 4096, "Write memory_mb: 8192, or cpu: 512 or 1024 or 2048."),
        (4096, 5000, "Write memory_mb: 8192, or cpu: 2048 with memory_mb: 5120."),
        (512, 6000, "Write memory_mb: 4096, or cpu: 1024 with memory_mb: 6144."),
        (16384, 200_000, "Write memory_mb: 122880."),
    ],
)
def test_the_nearest_pairs_are_named(cpu: int, memory: int, advised: str) -> None:
    assert cure(cpu, memory) == advised


@given(st.sampled_from([*SIZES]), st.integers(128, 200_000))
def test_what_is_advised_is_a_pair_there_is(cpu: int, memory: int) -> None:
    advised = cure(cpu, memory)
    if memory in SIZES[cpu]:
        assert not advised
        return
    alone, _, other = advised.partition(", or cpu: ")
    assert {int(each) for each in re.findall(r"\d+", alone)} <= {*SIZES[cpu]}
    if pair := re.fullmatch(r"(\d+) with memory_mb: (\d+)\.", other):
        assert int(pair[2]) in SIZES[int(pair[1])]
    else:
        assert all(memory in SIZES[int(each)] for each in re.findall(r"\d+", other))
