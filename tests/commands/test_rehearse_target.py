"""Which config ``rehearse`` takes: the one named, the usual one, or the one of a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from modelway.commands.rehearse import chosen
from modelway.core.config import ModelConfig
from modelway.core.problem import Problem
from modelway.errors import Malformed
from tests.configs import model_config


def config_of(*targets: str) -> ModelConfig:
    """A config whose environments have these targets."""
    config = model_config()
    places = zip(config.environments.values(), targets, strict=True)
    return replace(config, environments={p.name: replace(p, target=t) for p, t in places})


@dataclass
class Files:
    """Configs by their names; ``None`` cannot be read."""

    files: Mapping[str, ModelConfig | None]

    def find(self, paths: Sequence[str], /) -> tuple[Path, ...]:
        """The files named, or all."""
        return tuple(map(Path, paths or self.files))

    def read(self, path: Path, /) -> tuple[ModelConfig | None, tuple[Problem, ...]]:
        """What the file holds."""
        return self.files[str(path)], ()

    def load(self, path: Path, /) -> ModelConfig:
        """Not needed here."""
        raise AssertionError(path)

    def organisation(self) -> tuple[None, tuple[Problem, ...]]:
        """There is no policy of an organisation."""
        return None, ()


FILES = Files(
    {
        "broken.yaml": None,
        "mixed.yaml": config_of("elsewhere", "sagemaker"),
        "b.yaml": config_of("sagemaker", "sagemaker"),
        "c.yaml": config_of("sagemaker", "sagemaker"),
    }
)


@pytest.mark.parametrize(
    ("config", "target", "taken"),
    [
        (None, None, "model-configs/iris-classifier.yaml"),
        ("mixed.yaml", None, "mixed.yaml"),
        (None, "sagemaker", "b.yaml"),
        ("c.yaml", "sagemaker", "c.yaml"),
    ],
)
def test_the_config_is_the_one_named_or_the_first_of_the_target(
    config: str | None, target: str | None, taken: str
) -> None:
    assert str(chosen(config, target, FILES, Path())) == taken


@pytest.mark.parametrize(
    ("config", "target", "words"),
    [
        (None, "sagemakr", "Those that can: sagemaker"),
        ("mixed.yaml", "sagemaker", "mixed.yaml has another one"),
    ],
)
def test_a_target_nobody_can_rehearse_and_a_config_of_another_are_refused(
    config: str | None, target: str, words: str
) -> None:
    with pytest.raises(Malformed, match=words):
        chosen(config, target, FILES, Path())
