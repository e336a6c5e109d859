"""How processes share the tests out: what needs the same costly fixture together, what takes long first."""

from __future__ import annotations

import pytest

_SWEEPS = "tests/sweeps/test_sweeps.py"
NUMBERS = "numbers"
"""The property under which a test says what is printed in the end, whichever process ran it."""
_FIRST = (
    "tests/act/",
    "tests/sweeps/",
    "tests/rehearsal/",
    "tests/live/",
    "tests/commands/",
    "tests/scanners/",
)
"""The longest first: a process that begins one of these in the end keeps the others waiting."""


def share_out(items: list[pytest.Item]) -> None:
    """Name each test's group for ``--dist loadgroup``, and put the groups in the order they are begun in."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _rank(item.nodeid))


def _group(item: pytest.Item) -> str:
    """Its file; act's runs share a repository, and of the sweeps a strategy is one."""
    file, _, _ = item.nodeid.partition("::")
    if file.startswith("tests/act/"):
        return "act"
    chosen = getattr(item, "callspec", None)
    values = chosen.params if chosen and file == _SWEEPS else {}
    return f"{values['target']}-{values['strategy']}" if values else file


def _rank(nodeid: str) -> int:
    return next((n for n, folder in enumerate(_FIRST) if nodeid.startswith(folder)), len(_FIRST))


def print_numbers(reporter: pytest.TerminalReporter) -> None:
    """Print what tests measured."""
    reports = [report for kind in ("passed", "failed") for report in reporter.getreports(kind)]
    told = [str(text) for each in reports for name, text in each.user_properties if name == NUMBERS]
    for text in dict.fromkeys(told):
        reporter.write_line(text)
