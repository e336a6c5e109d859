"""Reading a function somebody else made, in a config's terms. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from modelway.adapters.aws import patient
from modelway.adapters.aws_errors import translated
from modelway.adapters.clock import from_environment
from modelway.core.adoption import Found, Site
from modelway.core.config import Capacity
from modelway.core.image import Digest, Image
from modelway.core.json import Json
from modelway.core.naming import role_name
from modelway.errors import Differs, Malformed, NotAllowed
from modelway.targets.aws_lambda.concurrency import Concurrency
from modelway.targets.aws_lambda.inventory import LATEST, Inventory
from modelway.targets.aws_lambda.settings import ALIAS, ARCHITECTURES, RESERVED
from modelway.targets.aws_lambda.url import Url

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_lambda.type_defs import FunctionConfigurationTypeDef, GetFunctionResponseTypeDef

_OF_FUNCTION = ("DeadLetterConfig", "FileSystemConfigs", "Layers")
"""What a config has no words for: a function with one of these would lose it with its first release."""
_FREE = frozenset({"tags"})
_BESIDE = "Release the model beside it under another name, and move the callers when it does as well."


def find(session: boto3.Session, site: Site) -> tuple[Found, str]:
    """What serves behind the alias; it has no weights beside its image. Raises what prevents its adoption."""
    client = session.client("lambda", config=patient())
    inventory = Inventory(client=client, function=site.name)
    if inventory.find() is None:
        what = f"there is no function {site.name}"
        raise Malformed(what, cure="Correct the name, the account or the region.")
    number = _number(inventory)
    with translated(f"read the function {site.name}:{number}", service="lambda"):
        found = client.get_function(FunctionName=site.name, Qualifier=number)
    version = found["Configuration"]
    concurrency = Concurrency(
        client=client,
        scaling=session.client("application-autoscaling", config=patient()),
        function=site.name,
        clock=from_environment(),
    )
    unsaid = [*_unsaid(version), *(f"the autoscaling policy {name}" for name in concurrency.unsaid())]
    if unsaid:
        what = f"the function {site.name} cannot be adopted: no config describes {', '.join(unsaid)}"
        raise NotAllowed(what, cure=_BESIDE)
    url = Url(client=client, function=site.name).found()
    settings = {**_described(version, site), **({"function_url": url} if url else {})}
    ready = concurrency.observe(Capacity(instances=0)).instances
    told = Found(
        name=f"{site.name}:{number}",
        image=_image(found, f"{site.name}:{number}"),
        settings=settings,
        capacity={"instances": ready} if ready else {},
        notes=tuple(_notes(settings)),
        platform=_platform(version),
        free=_FREE,
    )
    return told, ""


def _number(inventory: Inventory) -> str:
    """The one published version behind the alias: nothing else of a function stays what it is."""
    name, pointer = inventory.function, inventory.pointer()
    publish = f"aws lambda publish-version --function-name {name}"
    point = f"aws lambda %s-alias --function-name {name} --name {ALIAS} --function-version NUMBER"
    if pointer is None:
        what = f"the function {name} cannot be adopted: it has no alias {ALIAS}"
        seen = (
            f"modelway moves traffic by that alias only: whoever asks {LATEST} or another alias stays there."
        )
        cure = f"{publish}; {point % 'create'}; move the callers to {name}:{ALIAS}, then adopt it."
        raise NotAllowed(what, seen=seen, cure=cure)
    if LATEST in pointer.shares:
        what = f"the function {name} cannot be adopted: its alias {ALIAS} is at {LATEST}, which is no version"
        seen = "The next release is made there, and nobody could go back to what was there before."
        raise NotAllowed(what, seen=seen, cure=f"{publish}; {point % 'update'}, then adopt it.")
    if len(pointer.shares) > 1:
        shares = ", ".join(f"{number} has {share} %" for number, share in pointer.shares.items())
        what = f"the alias {name}:{ALIAS} shares its traffic"
        raise Differs(what, seen=shares, cure="Adopt it once one version has all of it.")
    return next(iter(pointer.shares))


def _unsaid(version: FunctionConfigurationTypeDef) -> Iterator[str]:
    """What would be lost."""
    if version.get("PackageType", "Zip") != "Image":
        yield "a function that is no image"
    everything = cast("Mapping[str, object]", version)
    yield from (key for key in _OF_FUNCTION if everything.get(key))
    if version.get("VpcConfig", {}).get("Ipv6AllowedForDualStack"):
        yield "VpcConfig.Ipv6AllowedForDualStack"
    if version.get("Environment", {}).get("Error"):
        yield "variables that may not be decrypted (name a --role that may)"


def _described(version: FunctionConfigurationTypeDef, site: Site) -> dict[str, Json]:
    """Its settings."""
    told: dict[str, Json] = {
        "execution_role": role_name(version.get("Role", ""), site.account),
        "memory_mb": version.get("MemorySize", 128),
        "ephemeral_storage_mb": version.get("EphemeralStorage", {"Size": 512})["Size"],
        "timeout": f"{version.get('Timeout', 3)}s",
    }
    given = version.get("Environment", {}).get("Variables", {})
    if variables := {key: value for key, value in given.items() if key not in RESERVED}:
        told["environment"] = cast("Json", variables)
    network = version.get("VpcConfig")
    if network and network.get("SubnetIds"):
        told["vpc"] = {
            "subnets": list(network.get("SubnetIds", [])),
            "security_groups": list(network.get("SecurityGroupIds", [])),
        }
    if key := version.get("KMSKeyArn"):
        told["kms_key"] = key
    image = version.get("ImageConfigResponse", {}).get("ImageConfig", {})
    if entry := image.get("EntryPoint"):
        told["entry_point"] = list(entry)
    if command := image.get("Command"):
        told["command"] = list(command)
    if folder := image.get("WorkingDirectory"):
        told["working_directory"] = folder
    return told


def _platform(version: FunctionConfigurationTypeDef) -> str:
    """What its image is built for."""
    told = version.get("Architectures", ["x86_64"])[0]
    return next(name for name, architecture in ARCHITECTURES.items() if architecture == told)


def _image(found: GetFunctionResponseTypeDef, name: str) -> Image:
    """The image Lambda resolved when the version was published."""
    repository, _, digest = found["Code"].get("ResolvedImageUri", "").partition("@")
    if not digest:
        what = f"nobody knows which digest {name} runs"
        raise NotAllowed(what, seen="Lambda tells no resolved image.", cure=_BESIDE)
    return Image(repository, Digest.parse(digest))


def _notes(settings: Mapping[str, Json]) -> Iterator[str]:
    """What a person should know beside the config."""
    yield (
        f"Only who asks the alias {ALIAS} follows a release. Each release is made in {LATEST}: whoever asks "
        "the function without a qualifier would get it before it has any traffic. Move them first."
    )
    if "environment" in settings:
        yield "The environment's values were copied into the config: look for secrets before you commit it."
