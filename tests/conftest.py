"""What every test may rely on: no way to reach AWS, profiles, an engine where one is needed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from modelway.errors import Unavailable
from tests import sharing
from tests.fakes import FakeReporter

settings.register_profile("default", deadline=None)
# The same examples each time: more of them find nothing new there. ``nightly`` looks for others.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100, print_blob=True)
settings.register_profile(
    "nightly", deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))

# A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

NOWHERE = "http://127.0.0.1:9"
"""The discard port: a test that forgets its fake fails at once, and never finds an AWS account."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What ``scripts/run sweep`` asks for, and the live tests."""
    parser.addoption("--full", action="store_true", help="sweeps disturb every call, not a sample of them")
    parser.addoption("--shard", metavar="I/N", default="1/1", help="of the sweeps, the I-th part of N")
    parser.addoption("--sweep-results", metavar="DIR", help="folder sweeps write their results to")
    parser.addoption("--live", metavar="FILE", help="the sandbox account tests/live may release in")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, what takes long is begun first."""
    if hasattr(config, "workerinput"):
        sharing.in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> sharing.Groups:
    """What belongs together stays in one process."""
    return sharing.Groups(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured."""
    sharing.print_numbers(terminalreporter)


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests see neither the developer's AWS settings nor the workflow they may run in."""
    for name in tuple(os.environ):
        if name.startswith(("AWS_", "GITHUB_", "MODELWAY_", "RUNNER_", "ACTIONS_")):
            monkeypatch.delenv(name)
    nothing = str(tmp_path_factory.getbasetemp() / "no-aws-settings")
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", nothing)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", nothing)


INSTALL = os.environ.get("MODELWAY_TEST_INSTALL") == "1"
IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def _engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Why there is no Docker engine; nothing where there is one."""
    from modelway.rehearsal import docker_engine

    folder, reporter = tmp_path_factory.mktemp("engine"), FakeReporter()
    try:
        engine = docker_engine.ensure(reporter, folder, install=INSTALL)
    except Unavailable as unavailable:
        yield str(unavailable)
        return
    yield ""
    engine.stop(reporter)


@pytest.fixture(scope="session", autouse=True)
def _engine_first(request: pytest.FixtureRequest) -> None:
    """Start the engine before any fixture of a wider scope than a test wants to use it."""
    if any(item.get_closest_marker("docker") for item in request.session.items):
        request.getfixturevalue("_engine")


@pytest.fixture(scope="session", autouse=True)
def _registry() -> str:
    """Why there is no registry program; nothing where there is one. Before any cloud is started."""
    from modelway.rehearsal import registry_program

    try:
        registry_program.ensure(FakeReporter(), install=INSTALL)
    except Unavailable as unavailable:
        return str(unavailable)
    return ""


@pytest.fixture(autouse=True)
def _needs_registry(request: pytest.FixtureRequest) -> None:
    """Tests marked ``rehearsal`` get what keeps its images; without it they skip, in CI they fail."""
    if request.node.get_closest_marker("rehearsal") is None:
        return
    reason: str = request.getfixturevalue("_registry")
    if reason and IN_CI:
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _needs_engine(request: pytest.FixtureRequest) -> None:
    """Tests marked ``docker`` get an engine; without one they skip with the reason, in CI they fail."""
    if request.node.get_closest_marker("docker") is None:
        return
    reason: str = request.getfixturevalue("_engine")
    if reason and IN_CI:
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).resolve().parent.parent
