"""How processes share the tests out: what needs the same costly fixture together, what takes long first."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # it has no types

_SWEEPS = "tests/sweeps/test_sweeps.py"
NUMBERS = "numbers"
"""The property under which a test says what is printed in the end, whichever process ran it."""
_FIRST = tuple(f"tests/{each}/" for each in ("act", "sweeps", "rehearsal", "live", "commands", "scanners"))
"""The longest first: a process that begins one of these in the end keeps the others waiting."""


class Groups(LoadScopeScheduling):  # type: ignore[misc] # as above
    """Gives whichever process is free the next group.

    pytest-xdist's own ``loadgroup`` writes the group into a test's id, which pytest 9.2 keeps elsewhere.
    """

    def __init__(self, config: pytest.Config, log: object) -> None:
        config.option.loadscopereorder = False  # in the order of ``in_order``
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        """As the base class names it: the group of a test."""
        return group(nodeid)


def group(nodeid: str) -> str:
    """Its file; act's runs share a repository, and of the sweeps a target's strategy is one."""
    file, _, test = nodeid.partition("::")
    if file.startswith("tests/act/"):
        return "act"
    return test.rpartition("-")[0] if file == _SWEEPS else file


def in_order(items: list[pytest.Item]) -> None:
    """Put the tests in the order in which they are begun."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    return next((n for n, folder in enumerate(_FIRST) if nodeid.startswith(folder)), len(_FIRST))


def print_numbers(reporter: pytest.TerminalReporter) -> None:
    """Print what tests measured."""
    reports = [report for kind in ("passed", "failed") for report in reporter.getreports(kind)]
    told = [str(text) for each in reports for name, text in each.user_properties if name == NUMBERS]
    for text in dict.fromkeys(told):
        reporter.write_line(text)
