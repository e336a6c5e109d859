# ruff: noqa: INP001  (a script of its own, in no package)
"""Writes docs/reference/{config,policy}.md from the schemas: ``python docs/generate_config_reference.py``.

Every mapping of the schemas becomes a section with a table of its keys; a test compares the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Schema: TypeAlias = "Mapping[str, Json]"

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "config.md"
POLICY_PAGE = ROOT / "docs" / "reference" / "policy.md"
HEAD = """\
# The config

One YAML file a model: `model-configs/<name>.yaml`. Keys not listed here are errors. Paths are relative to
the repository root. Durations are a whole number and a unit: `90s`, `10m`, `1h`, `7d`. `scripts/run validate`
tells everything that is wrong with a config, with line, column and cure.

Editors complete and explain every key when the file begins with

```yaml
# yaml-language-server: $schema=../schemas/model-config.schema.json
```

YAML is read strictly: no tags, no merge keys (`<<`), no second document, at most 1 MiB and 32 levels. What
YAML 1.1 and 1.2 read differently (`yes`, `on`, `0123`, `12:30`, `1_000`, `1e3`) has to be quoted.

This page is generated from `schemas/` by `docs/generate_config_reference.py`.
"""


POLICY_HEAD = """\
# The organisation's policy

One file for all models of a repository: `modelway-policy.yaml` at its root, or the file that the variable
`MODELWAY_POLICY` names (relative to the root, or a path outside of the repository). Configs tighten it and
cannot loosen it: `validate` names each field that tries, and judging goes by the strictest of both.
[A policy to start with](../how-to/scan-policy.md) says what to choose; `init --policy` writes one.

- What this file does not say is each config's to say, with one exception: who writes `fail_on` also decides
  on what would soften it (`only_fixable`, `unknown_fix`, `grace`, `base_image`, `severity_from`,
  `unknown_severity`, `unknown_severity_after`); a field of these that is not written has its default.
- Whatever a config's `scanners`, `floors` and `licences.deny` add counts beside what is written here.
- In a workflow the file counts as it stands on the default branch; a change of it takes effect once merged. A
  path outside of the repository counts as it lies there: whoever writes the workflow answers for it.

Editors complete and explain every key when the file begins with

```yaml
# yaml-language-server: $schema=schemas/policy.schema.json
```

This page is generated from `schemas/` by `docs/generate_config_reference.py`.
"""


def page() -> str:
    """The config's whole page."""
    main = _load("model-config.schema.json")
    return HEAD + "".join(_sections("", main, main)).rstrip() + "\n"


def policy_page() -> str:
    """The policy's whole page."""
    main = _load("policy.schema.json")
    return POLICY_HEAD + "".join(_sections("", main, main)).rstrip() + "\n"


def _load(name: str) -> Schema:
    """A schema file."""
    return cast("Schema", json.loads((ROOT / "schemas" / name).read_text("utf-8")))


def _sections(name: str, schema: Schema, file: Schema) -> Iterator[str]:
    """A mapping's own table, or one for each of its branches, then the mappings inside it."""
    branches = list(_branches(schema, file))
    for heading, part in branches:
        yield _section(f"{name} {heading}".strip(), part, file)
    if not branches or "additionalProperties" in schema:
        yield _section(name or "Top level", schema, file)
    told: set[str] = set()
    for part in (schema, *(part for _, part in branches)):
        for key, value in _properties(part).items():
            inner, inner_file = _resolve(value, file)
            path = f"{name}.{key}".lstrip(".")
            if path not in told:
                told.add(path)
                yield from _inside(path, inner, inner_file)


def _branches(schema: Schema, file: Schema) -> Iterator[tuple[str, Schema]]:
    """What the first key chooses between, as ``with strategy: byoc``."""
    for branch in _list(schema, "allOf"):
        (choice,) = _properties(cast("Schema", branch["if"])).items()
        chosen = cast("Schema", branch["then"])
        if "$ref" in chosen:
            yield f"with `{choice[0]}: {choice[1]['const']}`", _resolve(chosen, file)[0]


def _inside(path: str, schema: Schema, file: Schema) -> Iterator[str]:
    """The sections of one key's value: a mapping, the items of a list, the values of a free mapping."""
    if path.endswith(".settings"):
        for target in _targets(file):
            settings = _load(f"targets/{target}.schema.json")
            for section in _sections(path, settings, settings):
                yield re.sub(r"^(\n## `[^`]+`)", rf"\1 on {target}", section)
    elif _properties(schema):
        yield from _sections(path, schema, file)
    elif isinstance(items := schema.get("items"), dict):
        inner, _ = _resolve(items, file)
        made = inner.get("then")
        inner = _resolve(cast("Schema", made), file)[0] if made else inner
        yield from _sections(f"{path}[]", inner, file) if _properties(inner) else ()
    elif isinstance(values := schema.get("additionalProperties"), dict):
        inner, _ = _resolve(values, file)
        yield from _sections(f"{path}.*", inner, file) if _properties(inner) else ()


def _targets(file: Schema) -> list[str]:
    """Every target, in the order the schema lists them."""
    environment = cast("dict[str, Schema]", file["$defs"])["environment"]
    return cast("list[str]", _properties(environment)["target"]["enum"])


_COLUMNS = "| key | type | required | default | meaning |\n| --- | --- | --- | --- | --- |\n"


def _section(name: str, schema: Schema, file: Schema) -> str:
    """A heading, the description and a table of the keys."""
    required = cast("list[str]", schema.get("required", []))
    rows = "".join(
        _row(key, value, file, "yes" if key in required else "") for key, value in _properties(schema).items()
    )
    title = name if "`" in name or name == "Top level" else f"`{name}`"
    title = f"`{name.partition(' ')[0]}` {name.partition(' ')[2]}" if "`" in name else title
    described = f"{schema.get('description', '')}\n\n" if schema.get("description") else ""
    return f"\n## {title}\n\n{described}{_COLUMNS}{rows}"


def _row(key: str, value: Schema, file: Schema, required: str) -> str:
    """A row of the table."""
    full, _ = _resolve(value, file)
    described = value.get("description") or full.get("description") or ""
    default = full.get("default", value.get("default"))
    shown = "" if default is None else f"`{default if isinstance(default, str) else json.dumps(default)}`"
    cells = (f"`{key}`", _type(full, file), required, shown, str(described))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


_TYPES = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping"}


def _type(schema: Schema, file: Schema) -> str:
    """What may be written, with its bounds."""
    if "enum" in schema:
        return ", ".join(f"`{option}`" for option in _list(schema, "enum"))
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "anything")
    if kind == "array":
        items = schema.get("items")
        inner = _type(_resolve(items, file)[0], file) if isinstance(items, dict) else "anything"
        return f"list of: {inner}"
    words = " or ".join(_TYPES.get(str(k), str(k)) for k in (kind if isinstance(kind, list) else [kind]))
    return " ".join(part for part in (words, _bounds(schema)) if part)


def _bounds(schema: Schema) -> str:
    """``1 to 200`` and the like."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum")
    above = "above " if "exclusiveMinimum" in schema else ""
    if low is not None and high is not None:
        return f"{above}{low} to {high}"
    return f"{above or 'from '}{low}" if low is not None else ""


def _properties(schema: Schema) -> dict[str, Schema]:
    """The keys a schema describes."""
    return cast("dict[str, Schema]", schema.get("properties", {}))


def _list(schema: Schema, key: str) -> list[dict[str, Json]]:
    """A list of the schema, empty where there is none."""
    return cast("list[dict[str, Json]]", schema.get(key, []))


def _resolve(schema: Schema, file: Schema) -> tuple[Schema, Schema]:
    """What a schema means, its reference followed and its own words first."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema, file
    definitions = cast("dict[str, Schema]", file["$defs"])
    return {**definitions[reference.removeprefix("#/$defs/")], **schema}, file


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), "utf-8")
    POLICY_PAGE.write_text(policy_page(), "utf-8")
