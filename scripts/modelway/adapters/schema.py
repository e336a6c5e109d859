"""The JSON Schemas of configs and policies: what a value gets wrong by it, in words that tell the cure.

jsonschema-rs judges; this module explains. docs/adr says why not jsonschema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from modelway.adapters.schema_values import Failed
from modelway.adapters.schema_words import explain
from modelway.core.json import Json, JsonObject
from modelway.core.problem import Flaw

if TYPE_CHECKING:
    import jsonschema_rs

FOLDER = Path(__file__).resolve().parents[3] / "schemas"
MAIN = "model-config.schema.json"
POLICY = "policy.schema.json"
_BASE = "schema:///"

Steps: TypeAlias = Sequence[str | int]


@dataclass(frozen=True)
class Schema:
    """The schema files of one folder, compiled at first use."""

    folder: Path = FOLDER
    main: str = MAIN
    """The file values are judged by; it names the others it needs."""

    def flaws(self, value: Json) -> tuple[Flaw, ...]:
        """Everything the schema finds wrong; nothing for a valid value."""
        if self._validator.is_valid(value):
            return ()
        return tuple(
            flaw for error in self._validator.iter_errors(value) for flaw in self._explained(value, error)
        )

    def _explained(self, value: Json, error: jsonschema_rs.ValidationError) -> Iterator[Flaw]:
        """One of the validator's errors in our words."""
        keyword = error.kind.name
        steps = error.evaluation_path
        # The last step is the keyword, but for propertyNames, which goes on to the names' own rules.
        end = len(steps) - 1 - steps[::-1].index(keyword)
        walked = tuple(self._walk(steps[:end]))
        yield from explain(
            Failed(
                keyword=keyword,
                key=_key(error),
                path=tuple(error.instance_path),
                value=_at(value, error.instance_path),
                schema=walked[-1],
                around=walked,
                top=self._files[self.main],
            ),
            self.resolve,
        )

    def _walk(self, steps: Steps) -> Iterator[JsonObject]:
        """Every schema on the way to the one that failed, references followed."""
        schema: Json = self._files[self.main]
        yield self._files[self.main]
        for step in steps:
            schema = self.resolve(cast("JsonObject", schema)) if step == "$ref" else _at(schema, [step])
            if isinstance(schema, Mapping):
                yield schema

    def resolve(self, schema: JsonObject) -> JsonObject:
        """What a schema's ``$ref`` names: a definition found in one file only, or a file."""
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        if reference in self._files:
            return self._files[reference]
        name = reference.removeprefix("#/$defs/")
        return next(
            found for file in self._files.values() if isinstance(found := _at(file, ["$defs", name]), Mapping)
        )

    @cached_property
    def _files(self) -> dict[str, dict[str, Json]]:
        """Every schema file by its path in the folder; the main one first."""
        others = (path.relative_to(self.folder).as_posix() for path in self.folder.glob("targets/*.json"))
        names = (self.main, *sorted(others))
        return {name: json.loads((self.folder / name).read_text("utf-8")) for name in names}

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator:
        """The compiled schema."""
        import jsonschema_rs  # noqa: PLC0415 # 28 ms that --help does not need

        return jsonschema_rs.Draft202012Validator(
            self._files[self.main],
            base_uri=_BASE + self.main,
            retriever=self._retrieve,
        )

    def _retrieve(self, uri: str) -> dict[str, Json]:
        """A file of the folder, by the address references give it; nothing is ever downloaded."""
        return self._files[uri.removeprefix(_BASE)]


def _key(error: jsonschema_rs.ValidationError) -> str:
    """The missing or badly written key, for the two keywords that are about one."""
    import jsonschema_rs  # noqa: PLC0415 # loaded already: it made the error

    match error.kind:
        case jsonschema_rs.ValidationErrorKind.Required(property=key):
            return str(key)
        case jsonschema_rs.ValidationErrorKind.PropertyNames(error=inner):
            return str(inner.instance)
        case _:
            return ""


def _at(value: Json, path: Steps) -> Json:
    """The part of a value at a path, ``None`` where there is none."""
    for step in path:
        match value, step:
            case Mapping(), str():
                value = value.get(step)
            case list(), int() if step < len(value):
                value = value[step]
            case _:
                return None
    return value
