"""Which base images a distribution's own packages can stand in for."""

from __future__ import annotations

import pytest

from modelway.rehearsal import bases


@pytest.mark.parametrize(
    ("reference", "suite"),
    [
        ("python:3.11-slim-bookworm", "bookworm"),
        ("python:3.11.9-slim-bookworm", "bookworm"),
        ("python:3.11-bookworm", "bookworm"),
        ("python:3.11-slim", "bookworm"),
        ("python:3.13-slim-trixie", "trixie"),
        (f"python:3.11-slim-bookworm@sha256:{'a' * 64}", "bookworm"),
        ("registry.example/library/python:3.11-slim", "bookworm"),
        ("python:3.12-slim-bookworm", ""),
        ("python:3.11-slim-trixie", ""),
        ("python:3.11-alpine", ""),
        ("nvidia/cuda:12.4-runtime", ""),
        ("notpython:3.11-slim", ""),
    ],
)
def test_a_stand_in_has_the_same_python_on_the_same_suite(reference: str, suite: str) -> None:
    assert bases.suite_of(reference) == suite
