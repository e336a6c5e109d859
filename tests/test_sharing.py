"""Tests that need the same costly fixture go to the same process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sharing import group

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("tests/act/test_a.py::test_x", "tests/act/test_b.py::test_y[1]", True),
        ("tests/core/test_a.py::test_x", "tests/core/test_a.py::test_y[a-b]", True),
        ("tests/core/test_a.py::test_x", "tests/core/test_b.py::test_x", False),
        (
            "tests/sweeps/test_sweeps.py::test_x[lambda-canary-killed_after]",
            "tests/sweeps/test_sweeps.py::test_x[lambda-canary-error]",
            True,
        ),
        (
            "tests/sweeps/test_sweeps.py::test_x[lambda-canary-error]",
            "tests/sweeps/test_sweeps.py::test_x[lambda-linear-error]",
            False,
        ),
    ],
)
def test_what_belongs_together_stays_together(one: str, other: str, *, together: bool) -> None:
    assert (group(one) == group(other)) is together


def test_a_file_is_run_by_one_process(
    pytester: pytest.Pytester, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the scheduler as ``tests/conftest.py`` installs it."""
    pytester.makeconftest(
        "from tests.sharing import Groups\n"
        "def pytest_xdist_make_scheduler(config, log):\n    return Groups(config, log)\n"
    )
    body = "import pytest\n@pytest.mark.parametrize('n', range(8))\ndef test_it(n, worker_id):\n"
    body += "    with open('{name}.txt', 'a') as file:\n        file.write(worker_id + chr(10))\n"
    pytester.makepyfile(test_one=body.replace("{name}", "one"), test_other=body.replace("{name}", "other"))
    monkeypatch.setenv("PYTHONPATH", str(root))
    pytester.runpytest_subprocess("-n2", "-p", "no:cacheprovider").assert_outcomes(passed=16)
    workers = [{*(pytester.path / f"{name}.txt").read_text().split()} for name in ("one", "other")]
    assert [len(each) for each in workers] == [1, 1]
