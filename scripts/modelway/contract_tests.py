"""Asking a running version its contract tests, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelway.core.config import ContractTest, ModelConfig
from modelway.core.contract import Answer, complaints, contract_hash
from modelway.errors import Unhealthy
from modelway.ports import HttpAnswer, HttpRequest

_TRIES = 3
"""Times a test is asked when only its latency is wrong: one slow answer is the network's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A config's contract tests, their bodies read."""

    tests: tuple[ContractTest, ...]
    bodies: dict[str, bytes]

    @property
    def hash(self) -> str:
        """What a pass is bound to; without tests too, so that a version can pass by serving."""
        return contract_hash(self.tests, self.bodies)

    def verify(self, invoke: Callable[[HttpRequest], HttpAnswer], what: str) -> None:
        """Ask every test; raises ``Unhealthy`` with all that is wrong."""
        wrong = [f"{test.name}: {text}" for test in self.tests for text in self._ask(test, invoke)]
        if not wrong:
            return
        raise Unhealthy(
            f"{what} fails {len(wrong)} contract test{'s' * (len(wrong) > 1)}",
            seen="\n".join(wrong),
            cure="Fix the model, or the test in the config if the new answer is right.",
        )

    def _ask(self, test: ContractTest, invoke: Callable[[HttpRequest], HttpAnswer]) -> tuple[str, ...]:
        """What is wrong with the answer to one test."""
        request = HttpRequest(body=self.bodies[test.name], content_type=test.content_type, accept=test.accept)
        found: tuple[str, ...] = ()
        for _ in range(_TRIES):
            answer = invoke(request)
            found = complaints(
                test.expect,
                Answer(
                    status=answer.status,
                    body=answer.body,
                    content_type=answer.content_type,
                    latency=answer.latency,
                ),
            )
            if not all(" ms, took " in text for text in found) or not found:
                break
        return found


def read(config: ModelConfig, root: Path) -> Contract:
    """Read the bodies of a config's tests; ``validate`` has seen that the files exist."""
    bodies = {
        test.name: (root / test.body_file).read_bytes() if test.body_file else (test.body or "").encode()
        for test in config.contract_tests
    }
    return Contract(tests=config.contract_tests, bodies=bodies)
