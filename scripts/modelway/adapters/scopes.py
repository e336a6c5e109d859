"""What each config says its model is made from, read fast: thousands of configs at once.

Only the parts that name paths are parsed, cut out of the text at keys of the top level. Where cutting
could go wrong (anchors, keys twice, parts that do not parse by themselves) the whole file is parsed.
A part too many can only touch a model too many; a model is never missed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from modelway.core import dockerfile
from modelway.core.changes import Scope
from modelway.core.json import Json

_KEY = re.compile(r"^([A-Za-z_]\w*):", re.MULTILINE)
_ALIAS = re.compile(r"(?:^|[\s\[{,:-])[&*!]\w", re.MULTILINE)
_SCHEMA = re.compile(r"^#\s*yaml-language-server:\s*\$schema=(\S+)", re.MULTILINE)
_SCHEMA_LINES = 1000
"""Characters at the top of a file where editors look for the schema."""
_OWN = (".dkr.ecr.", "modelway/")
"""Every image of a model's own has one of these in its name."""

Read = Callable[[Iterable[str]], Mapping[str, str]]
"""The texts of files by their paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One config file."""

    path: str
    real: str
    """The path of the file itself, where ``path`` is a link."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The parts of a config that say what it is made from, whatever they hold."""

    path: str
    text: str
    name: str
    image: Mapping[str, Json]
    bodies: tuple[str, ...]

    def word(self, key: str) -> str:
        """A text of ``image``; empty where there is none."""
        value = self.image.get(key)
        return value if isinstance(value, str) else ""


def read(
    configs: Sequence[Text], there: Collection[str], more: Read, *, shared: frozenset[str]
) -> tuple[Scope, ...]:
    """The scopes of configs; ``there`` is every path of the commit, ``more`` reads further files.

    ``shared`` are files that count for every model.
    """
    parts = [_parts(config.path, config.text) for config in configs]
    dockerfiles = {each.word("dockerfile") for each in parts} - {""}
    ignores = {path for each in parts for path in _ignore_files(each) if path in there}
    files = more({*map(posixpath.normpath, dockerfiles), *ignores})
    own = [shared | {config.real} for config in configs]
    scopes = [_scope(each, ours, files) for each, ours in zip(parts, own, strict=True)]
    if any(scope.bases for scope in scopes):
        scopes = [
            replace(scope, repositories=_repositories(config.text, scope.model))
            for scope, config in zip(scopes, configs, strict=True)
        ]
    return tuple(scopes)


def model(path: str, text: str) -> str:
    """The model a config is about; the file's own name where the config does not say."""
    return _parts(path, text).name


def _scope(parts: _Parts, own: frozenset[str], files: Mapping[str, str]) -> Scope:
    """One config's scope; ``own`` are files that count whatever it says."""
    dockerfile_, requirements, source = map(parts.word, ("dockerfile", "requirements", "source"))
    ignores = _ignore_files(parts)
    extended = parts.word("strategy") == "extended"
    context = parts.word("context") or None
    return Scope(
        config=parts.path,
        model=parts.name,
        files=frozenset({*own, *parts.bodies, dockerfile_, requirements, *ignores} - {""}),
        # What an extended image copies is named one by one: no context, and a source that may be a file.
        folders=frozenset({*_schema_folders(parts), *({source} if extended else set())} - {""}),
        context=context,
        ignore=next((files[path] for path in ignores if path in files), "") if context else "",
        bases=frozenset(_bases(parts, files.get(posixpath.normpath(dockerfile_), ""))),
    )


def _ignore_files(parts: _Parts) -> tuple[str, ...]:
    """Where a build looks for its ``.dockerignore``: beside the Dockerfile first."""
    beside, context = parts.word("dockerfile"), parts.word("context")
    found = (
        f"{beside}.dockerignore" if beside else "",
        posixpath.join(context, ".dockerignore") if context else "",
    )
    return tuple(posixpath.normpath(path) for path in found if path)


def _schema_folders(parts: _Parts) -> Iterator[str]:
    """The folder of the schema a config names, where that is a file of the repository."""
    named = _SCHEMA.search(parts.text[:_SCHEMA_LINES])
    if named and "://" not in named[1]:
        folder = posixpath.normpath(posixpath.join(posixpath.dirname(parts.path), named[1], ".."))
        if folder != "." and not folder.startswith(".."):
            yield folder


def _bases(parts: _Parts, text: str) -> Iterator[str]:
    """Repositories of base images that may be another config's."""
    arguments = parts.image.get("build_args")
    given = (
        {k: v for k, v in arguments.items() if isinstance(v, str)} if isinstance(arguments, Mapping) else {}
    )
    told = [parts.word("base"), parts.word("source")]
    if any(own in part for own in _OWN for part in (text, *given.values())):
        platform = parts.word("platform") or "linux/amd64"
        told += [base.reference for base in dockerfile.bases(text, given, platform)]
    for reference in told:
        if any(own in reference for own in _OWN):
            repository = reference.partition("@")[0]
            head, slash, last = repository.rpartition("/")
            yield f"{head}{slash}{last.partition(':')[0]}"


def _repositories(text: str, name: str) -> frozenset[str]:
    """What the images of a config are called: here, and in its registry."""
    registry = _sections(text, ["registry"]).get("registry")
    found = {f"modelway/{name}"}
    if isinstance(registry, Mapping):
        account, region, repository = (registry.get(key) for key in ("account", "region", "repository"))
        dots = ".cn" if str(region).startswith("cn-") else ""
        found.add(f"{account}.dkr.ecr.{region}.amazonaws.com{dots}/{repository}")
    return frozenset(found)


def _parts(path: str, text: str) -> _Parts:
    """The parts of one config."""
    keys = ("name", "image", "contract_tests") if "body_file" in text else ("name", "image")
    parts = _sections(text, keys)
    name, image, tests = (parts.get(key) for key in ("name", "image", "contract_tests"))
    listed = tests if isinstance(tests, list) else []
    bodies = [test.get("body_file") for test in listed if isinstance(test, Mapping)]
    return _Parts(
        path=path,
        text=text,
        name=name if isinstance(name, str) else posixpath.splitext(posixpath.basename(path))[0],
        image=image if isinstance(image, Mapping) else {},
        bodies=tuple(posixpath.normpath(body) for body in bodies if isinstance(body, str)),
    )


def _sections(text: str, keys: Sequence[str]) -> Mapping[str, Json]:
    """The values of some keys of the top level; none where nothing can be read."""
    cuts = [_cut(text, key) for key in keys]
    if None not in cuts:
        value = _parsed("\n".join(filter(None, cuts)), "CBaseLoader")
        if isinstance(value, Mapping) and value.keys() == set(keys):
            return value
    whole = _parsed(text, "CSafeLoader")
    return whole if isinstance(whole, Mapping) else {}


def _cut(text: str, key: str) -> str | None:
    """The lines of one key of the top level; ``None`` where they cannot be told for sure."""
    marks = [mark for mark in _KEY.finditer(text) if mark[1] == key]
    if len(marks) != 1:
        return None
    start = marks[0].start()
    following = _KEY.search(text, marks[0].end())
    cut = text[start : following.start()] if following else text[start:]
    return None if _ALIAS.search(cut) else cut


def _parsed(text: str, loader: str) -> Json:
    """YAML as data; ``None`` for what is none. The base loader makes texts of all, and is twice as fast."""
    import yaml  # noqa: PLC0415 - keeps --help fast

    chosen = getattr(yaml, loader, yaml.SafeLoader)  # PyYAML may have been built without libyaml
    try:
        value: Json = yaml.load(text, chosen)  # noqa: S506 - base and safe loaders make plain data only
    except (yaml.YAMLError, RecursionError, ValueError):
        return None  # `validate` says what is wrong with it
    return value
