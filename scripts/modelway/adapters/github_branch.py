"""The default branch as GitHub has it: files of one commit, in one question.

GraphQL and not REST's ``contents``, which answers 404 as well where the token may not look as where there is
no file: a policy would be taken for missing. docs.github.com/graphql: ``Repository.defaultBranchRef``,
``Repository.object``, ``Blob``. Nothing here was seen on GitHub itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from modelway.adapters.config_text import LARGEST
from modelway.adapters.default_branch import SUFFIXES, unreadable
from modelway.adapters.github_rest import GitHubRest, number, word
from modelway.core.json import Json, JsonObject
from modelway.errors import Unavailable

_BLOB = "... on Blob { text isBinary isTruncated byteSize }"
_HEAD = "defaultBranchRef { name target { oid } }"
_AT_ONCE = 100
"""Files in one question."""
_MOST = 2000


@dataclass(frozen=True, kw_only=True)
class HostedBranch:
    """Implements ``default_branch.Branch`` with GitHub's answers."""

    rest: GitHubRest
    name: str
    commit: str
    files: dict[str, Json] = field(default_factory=dict)
    """What was asked for already."""

    @property
    def words(self) -> str:
        """The branch and its commit."""
        return f"{self.name} ({self.commit[:12]})"

    def text(self, path: str, /) -> str | None:
        """A file's text, of the same commit each time."""
        if path not in self.files:
            self.files.update(_files(_asked(self.rest, [path], at=self.commit), [path]))
        return _text(self.files[path], path, self.words)

    def naming(self, naming: str, /) -> Iterator[tuple[str, str]]:
        """Every YAML file that has a word in it: all are fetched, many in one question."""
        paths = self._paths()
        for start in range(0, len(paths), _AT_ONCE):
            asked = [path for path in paths[start : start + _AT_ONCE] if path not in self.files]
            if asked:
                self.files.update(_files(_asked(self.rest, asked, at=self.commit), asked))
        for path in paths:
            blob = self.files[path]
            if isinstance(blob, Mapping) and naming in str(blob.get("text")):
                yield path, _text(blob, path, self.words) or ""

    def _paths(self) -> list[str]:
        """Every YAML file that could be a config; raises ``Unavailable`` where they are too many.

        docs.github.com/rest/git/trees: at most 100,000 entries, ``truncated`` where there are more.
        """
        tree = self.rest.get(
            f"repos/{self.rest.repository}/git/trees/{self.commit}?recursive=1", "list the default branch"
        )
        entries = tree.get("tree")
        if tree.get("truncated") or not isinstance(entries, list):
            raise self._too_many("GitHub does not list all of its files")
        files = [one for one in entries if word(one, "type") == "blob" and number(one, "size") <= LARGEST]
        found = [path for path in (word(one, "path") for one in files) if path.endswith(SUFFIXES)]
        if len(found) > _MOST:
            raise self._too_many(f"{len(found):,} YAML files; at most {_MOST:,} are asked for")
        return found

    def _too_many(self, seen: str) -> Unavailable:
        what = f"nobody can tell by GitHub's API where {self.words} has the config of this model"
        return Unavailable(what, seen=seen, cure="actions/checkout with `fetch-depth: 0`.")


def of_host(rest: GitHubRest, paths: Sequence[str]) -> HostedBranch:
    """The default branch with these files; raises ``Unavailable`` where the token may not read it."""
    found = _asked(rest, paths, at="HEAD")
    ref = found.get("defaultBranchRef")
    target = ref.get("target") if isinstance(ref, Mapping) else None
    name, commit = word(ref, "name"), word(target, "oid")
    if not name or not commit:
        raise _denied(rest, "GitHub names no default branch.")
    return HostedBranch(rest=rest, name=name, commit=commit, files=_files(found, paths))


def _asked(rest: GitHubRest, paths: Sequence[str], *, at: str) -> JsonObject:
    """The repository as GitHub answers; raises ``Unavailable`` for anything that is not a whole answer."""
    owner, _, name = rest.repository.partition("/")
    variables: dict[str, Json] = {"owner": owner, "name": name}
    asked = [_HEAD]
    for index, path in enumerate(paths):
        variables[f"p{index}"] = f"{at}:{path}"
        asked.append(f"f{index}: object(expression: $p{index}) {{ {_BLOB} }}")
    declared = ", ".join(f"${key}: String!" for key in variables)
    inner = f"repository(owner: $owner, name: $name) {{ {' '.join(asked)} }}"
    answer = rest.query(f"query({declared}) {{ {inner} }}", variables, "read the default branch")
    data = answer.get("data")
    repository = data.get("repository") if isinstance(data, Mapping) else None
    errors = answer.get("errors")
    if errors or not isinstance(repository, Mapping):
        first = errors[0] if isinstance(errors, list) and errors else None
        raise _denied(rest, word(first, "message") or "GitHub's answer has no repository in it.")
    return repository


def _files(found: JsonObject, paths: Sequence[str]) -> dict[str, Json]:
    return {path: found.get(f"f{index}") for index, path in enumerate(paths)}


def _text(blob: Json, path: str, where: str) -> str | None:
    """A blob's text; ``None`` where there is no such file."""
    if not isinstance(blob, Mapping) or "byteSize" not in blob:
        return None  # nothing, or a folder
    text = blob.get("text")
    if not isinstance(text, str) or blob.get("isTruncated") or blob.get("isBinary"):
        raise unreadable(path, where, f"GitHub does not give all its {number(blob, 'byteSize'):,} bytes")
    return text.removeprefix("\ufeff")


def _denied(rest: GitHubRest, seen: str) -> Unavailable:
    what = f"GitHub does not let this token read the default branch of {rest.repository}"
    return Unavailable(what, seen=seen, cure="give the job `permissions: contents: read`.")
