"""Model configs of a repository: found, read, checked and parsed, every problem with its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from modelway.adapters import config_text, repository_paths, yaml_positions
from modelway.adapters.organisation import Read, nobody
from modelway.adapters.schema import Schema
from modelway.adapters.yaml_nodes import Mistake, Place
from modelway.adapters.yaml_problems import located, misread
from modelway.core.assemble import assemble
from modelway.core.checks import TargetCheck, Wanted
from modelway.core.config import ModelConfig
from modelway.core.problem import Flaw, Level, Problem
from modelway.core.scan_spec import Organisation
from modelway.errors import Malformed

FOLDER = "model-configs"
_SUFFIXES = frozenset({".yaml", ".yml"})


@dataclass(frozen=True)
class Configs:
    """The configs of one repository."""

    root: Path
    today: Callable[[], date]
    checks: Mapping[str, TargetCheck] = field(default_factory=dict)
    """What each target would refuse, by the target's name."""
    schema: Schema = field(default_factory=Schema)
    organisation: Callable[[], Read] = nobody
    """The organisation's policy as the checkout has it."""

    def find(self, paths: Sequence[str], /) -> tuple[Path, ...]:
        """Config files under the paths; under ``model-configs/`` when none is given.

        Raises ``Malformed`` where there is none: checking nothing is not success.
        """
        if paths:
            return tuple(dict.fromkeys(file for path in paths for file in self._under(Path(path))))
        return self._under(self.root / FOLDER)

    def _under(self, path: Path) -> tuple[Path, ...]:
        """One file as it is named, or every YAML file below a folder."""
        if not path.is_dir():
            if path.exists() or path.is_symlink():
                return (path,)
            raise Malformed(f"{path} does not exist", cure="name a config file, or a folder of them.")
        found = tuple(sorted(_yaml_files(path)))
        if not found:
            cure = f"write a config there: {FOLDER}/<name>.yaml."
            raise Malformed(f"there is no config in {path}", seen="Looked for *.yaml and *.yml.", cure=cure)
        return found

    def read(self, path: Path, /) -> tuple[ModelConfig | None, tuple[Problem, ...]]:
        """Parse and check one file: the config unless there are errors, and every problem."""
        name = self._name(path)
        text = config_text.read(path, self.root)
        if isinstance(text, Mistake):
            return None, (misread(name, text),)
        organisation, wrong = self.organisation()
        config, problems = self._parsed(name, text, self._path_flaws, organisation)
        return (None if wrong else config), (*wrong, *problems)

    def past(self, name: str, text: str) -> ModelConfig | None:
        """A config of another commit, whose paths lead nowhere here; ``None`` where it has errors."""
        return self.elsewhere(name, text, None)[0]

    def elsewhere(
        self, name: str, text: str, organisation: Organisation | None
    ) -> tuple[ModelConfig | None, tuple[Problem, ...]]:
        """The same with its problems, and with the organisation's policy of that commit."""
        return self._parsed(name, text, lambda _: iter(()), organisation)

    def _parsed(
        self,
        name: str,
        text: str,
        paths: Callable[[Sequence[Wanted]], Iterator[Flaw]],
        organisation: Organisation | None,
    ) -> tuple[ModelConfig | None, tuple[Problem, ...]]:
        """A text's config unless there are errors, and every problem; ``paths`` looks for what it names."""
        node, mistakes = yaml_positions.read(text)
        problems = [misread(name, mistake) for mistake in mistakes]
        if node is None:
            return None, tuple(problems)
        wrong = self.schema.flaws(node.value)
        made = assemble(node.value, wrong, today=self.today(), targets=self.checks, organisation=organisation)
        flaws = (*wrong, *made.flaws, *paths(made.wanted))
        spoilt = {mistake.place for mistake in mistakes}
        placed = (located(name, node, flaw) for flaw in flaws)
        # What is not read as it was meant needs no second complaint about what it was read as.
        problems += [problem for problem in placed if Place(problem.line, problem.column) not in spoilt]
        if made.config is None or any(problem.level is Level.ERROR for problem in problems):
            return None, tuple(sorted(set(problems)))
        return replace(made.config, path=name), tuple(sorted(set(problems)))

    def load(self, path: Path, /) -> ModelConfig:
        """Parse and check one file; raises ``Malformed`` listing every error."""
        config, problems = self.read(path)
        if config is not None:
            return config
        errors = [problem for problem in problems if problem.level is Level.ERROR]
        raise Malformed(
            f"{self._name(path)} has {len(errors)} error{'s' * (len(errors) > 1)}",
            seen="\n".join(str(error) for error in errors),
            cure="correct the config; `scripts/run validate` checks it again.",
        )

    def _name(self, path: Path) -> str:
        """The path as problems name it: relative to the repository where it lies inside."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 # resolve() would follow links: not the file's name
        return absolute.relative_to(self.root).as_posix() if absolute.is_relative_to(self.root) else str(path)

    def _path_flaws(self, wanted: Sequence[Wanted]) -> Iterator[Flaw]:
        """What is wrong with the paths a config names."""
        for path in wanted:
            yield from repository_paths.flaws(self.root, path)


def _yaml_files(folder: Path) -> Iterator[Path]:
    """YAML files below a folder, hidden ones left out."""
    for path in folder.rglob("*"):
        if path.suffix in _SUFFIXES and not any(
            part.startswith(".") for part in path.relative_to(folder).parts
        ):
            yield path
