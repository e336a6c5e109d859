"""The schema files: every key explained, nothing left open, and the same verdict from both validators."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path

import jsonschema
import pytest
import referencing
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelway.adapters.schema import FOLDER, MAIN, POLICY, Schema
from modelway.core.json import Json, JsonObject
from modelway.targets import TARGETS

FILES = (MAIN, POLICY, *(f"targets/{target}.schema.json" for target in sorted(TARGETS)))
CASES = Path(__file__).parent / "schemas"


def load(name: str) -> JsonObject:
    return json.loads((FOLDER / name).read_text("utf-8"))  # type: ignore[no-any-return] # it is JSON


def objects(schema: Json, path: str = "#") -> Iterator[tuple[str, JsonObject]]:
    """Every mapping inside a schema, with the path to it."""
    if isinstance(schema, Mapping):
        yield path, schema
        for key, part in schema.items():
            yield from objects(part, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from objects(part, f"{path}/{index}")


@pytest.mark.parametrize("name", FILES)
def test_a_schema_is_valid_against_its_metaschema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(load(name))


@pytest.mark.parametrize("name", FILES)
def test_every_property_is_described(name: str) -> None:
    bare = [
        f"{path}/properties/{key}"
        for path, part in objects(load(name))
        # "if" only asks: it is not what editors show.
        if isinstance(properties := part.get("properties"), Mapping) and not path.endswith(("/if", "/then"))
        for key, property_ in properties.items()
        if not (isinstance(property_, Mapping) and property_.get("description"))
    ]
    assert bare == []


@pytest.mark.parametrize("name", FILES)
def test_every_mapping_refuses_unknown_keys(name: str) -> None:
    """Closed itself, or closed by the branches that its first key chooses."""
    open_ones = [
        path
        for path, part in objects(load(name))
        if part.get("type") == "object"
        and "additionalProperties" not in part
        and "allOf" not in part
        # The target's own schema closes settings.
        and not path.endswith("/environment/properties/settings")
        and not path.endswith("/if")
    ]
    assert open_ones == []


@pytest.mark.parametrize("name", FILES)
def test_every_pattern_says_what_to_write(name: str) -> None:
    bare = [
        path for path, part in objects(load(name)) if "pattern" in part and "patternErrorMessage" not in part
    ]
    assert bare == []


def oracle() -> jsonschema.Draft202012Validator:
    """The reference implementation over the same files."""
    resources = ((name, referencing.jsonschema.DRAFT202012.create_resource(load(name))) for name in FILES)
    registry: referencing.Registry[bool | JsonObject] = referencing.Registry().with_resources(resources)
    return jsonschema.Draft202012Validator(load(MAIN), registry=registry)


BASE: dict[str, Json] = yaml.safe_load(
    (CASES / "valid/everything.yaml")
    .read_text("utf-8")
    .replace(": 2027-01-31", ': "2027-01-31"')
    .replace("1.0e-3", "0.001")
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**13)
    | st.floats(-5, 5, allow_nan=False)
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["strategy", "mode", "a", "id"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def paths(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a value."""
    yield path
    parts = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, part in parts:
        yield from paths(part, (*path, key))


PLACES = sorted(paths(BASE), key=str)


def replaced(value: Json, path: tuple[str | int, ...], new: Json) -> Json:
    """The value with another one at the path."""
    if not path:
        return new
    if isinstance(value, Mapping):
        return {key: replaced(part, path[1:], new) if key == path[0] else part for key, part in value.items()}
    assert isinstance(value, list)
    return [replaced(part, path[1:], new) if index == path[0] else part for index, part in enumerate(value)]


@settings(deadline=None, max_examples=300)
@given(place=st.sampled_from(PLACES), new=ANYTHING)
def test_jsonschema_and_ours_agree(place: tuple[str | int, ...], new: Json) -> None:
    """jsonschema-rs judges; here the reference implementation judges it (docs/adr)."""
    value = replaced(BASE, place, new)
    assert (Schema().flaws(value) == ()) == oracle().is_valid(value), (place, new)


def test_the_base_of_the_comparison_is_valid() -> None:
    assert Schema().flaws(BASE) == ()
    assert oracle().is_valid(BASE)


def test_a_policys_rules_are_a_configs() -> None:
    """The organisation's file may say what a config may, in the same words; ECR's scan is each model's."""
    ours, theirs = load(POLICY)["$defs"], load(MAIN)["$defs"]
    assert isinstance(ours, Mapping)
    assert isinstance(theirs, Mapping)
    assert {name: theirs[name] for name in ours} == ours


def test_patterns_mean_the_same_everywhere() -> None:
    """Rust, Python and the JavaScript of editors differ about these."""
    patterns = [
        str(part["pattern"]) for name in FILES for _, part in objects(load(name)) if "pattern" in part
    ]
    assert patterns
    assert [p for p in patterns if not p.startswith("^") or not p.endswith("$")] == []
    assert [p for p in patterns if "\\w" in p or "\\d" in p or "\\b" in p or "(?" in p] == []


def test_the_reference_page_is_what_the_schemas_say() -> None:
    """Otherwise: python docs/generate_config_reference.py."""
    script = runpy.run_path(str(FOLDER.parent / "docs" / "generate_config_reference.py"))
    assert (FOLDER.parent / "docs/reference/config.md").read_text("utf-8") == script["page"]()
    assert (FOLDER.parent / "docs/reference/policy.md").read_text("utf-8") == script["policy_page"]()


@pytest.mark.parametrize(
    ("name", "expected"), [("sagemaker", {"duration", "kms_key"}), ("ecs", {"duration"})]
)
def test_shared_definitions_of_the_files_are_the_same(name: str, expected: set[str]) -> None:
    """A target's schema is complete by itself, so that editors find every reference in the file they read."""
    main, target = load(MAIN)["$defs"], load(f"targets/{name}.schema.json")["$defs"]
    assert isinstance(main, Mapping)
    assert isinstance(target, Mapping)
    shared = set(main) & set(target)
    assert shared == expected
    assert {name: main[name] for name in shared} == {name: target[name] for name in shared}


def test_the_schema_lists_the_targets_there_are() -> None:
    listed = next(
        part for path, part in objects(load(MAIN)) if path.endswith("/environment/properties/target")
    )
    assert isinstance(listed["enum"], list)
    assert set(listed["enum"]) == set(TARGETS)
