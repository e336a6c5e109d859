"""Asking a running version its contract tests, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelway.core.config import ContractTest, ModelConfig
from modelway.core.contract import Answer, complaints, contract_hash, shown
from modelway.core.verdict import Answered
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

    def verify(self, invoke: Callable[[HttpRequest], HttpAnswer], what: str) -> tuple[Answered, ...]:
        """Ask every test; what came back. Raises ``Unhealthy`` with all that is wrong."""
        asked = [(test, *self._ask(test, invoke)) for test in self.tests]
        wrong = [f"{test.name}: {text}" for test, _, complaints_ in asked for text in complaints_]
        if not wrong:
            return tuple(_answered(test.name, answer) for test, answer, _ in asked)
        raise Unhealthy(
            f"{what} fails {len(wrong)} contract test{'s' * (len(wrong) > 1)}",
            seen="\n".join(wrong),
            cure="Fix the model, or the test in the config if the new answer is right.",
        )

    def _ask(
        self, test: ContractTest, invoke: Callable[[HttpRequest], HttpAnswer]
    ) -> tuple[Answer, tuple[str, ...]]:
        """The answer to one test, and what is wrong with it."""
        request = HttpRequest(body=self.bodies[test.name], content_type=test.content_type, accept=test.accept)
        for attempt in range(1, _TRIES + 1):
            came = invoke(request)
            answer = Answer(
                status=came.status, body=came.body, content_type=came.content_type, latency=came.latency
            )
            found = complaints(test.expect, answer)
            if not found or attempt == _TRIES or not all(" ms, took " in text for text in found):
                return answer, found
        raise AssertionError  # the last attempt returned


def _answered(name: str, answer: Answer) -> Answered:
    """One line of the transcript."""
    return Answered(
        test=name,
        status=answer.status,
        latency_ms=answer.latency * 1000,
        content_type=answer.content_type.partition(";")[0].strip(),
        answer=shown(answer.body),
    )


def read(config: ModelConfig, root: Path) -> Contract:
    """Read the bodies of a config's tests; ``validate`` has seen that the files exist."""
    bodies = {
        test.name: (root / test.body_file).read_bytes() if test.body_file else (test.body or "").encode()
        for test in config.contract_tests
    }
    return Contract(tests=config.contract_tests, bodies=bodies)
