"""A request to ECR, parsed: parameters, the repository it names, pages."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

from moto.ecr.models import Repository

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import accounts, images, policies
from modelway.rehearsal.images import EcrError

Output: TypeAlias = "dict[str, object]"

_PAGE = 100


@dataclass(frozen=True, slots=True)
class ImageId:
    """A tag, a digest, or both."""

    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, given: JsonObject) -> Self:
        """Read ``{imageTag, imageDigest}``."""
        tag, digest = given.get("imageTag"), given.get("imageDigest")
        return cls(None if tag is None else str(tag), None if digest is None else str(digest))

    def written(self) -> dict[str, object]:
        """As ECR writes it."""
        pairs = {"imageDigest": self.digest, "imageTag": self.tag}
        return {name: value for name, value in pairs.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to ECR, parsed."""

    account: str
    region: str
    access_key: str
    parameters: JsonObject

    def text(self, name: str) -> str:
        """A text parameter; empty when it was not given."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str, otherwise: int) -> int:
        """A whole number."""
        value = self.parameters.get(name)
        return value if isinstance(value, int) else otherwise

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when it was not given."""
        return texts(self.parameters.get(name))

    def inner(self, name: str) -> JsonObject:
        """A structure; empty when it was not given."""
        value = self.parameters.get(name)
        return value if isinstance(value, Mapping) else {}

    @property
    def image_ids(self) -> tuple[ImageId, ...]:
        """The images asked for."""
        match self.parameters.get("imageIds"):
            case [*identities]:
                return tuple(ImageId.parse(one) for one in identities if isinstance(one, Mapping))
            case _:
                return ()


def texts(value: Json) -> tuple[str, ...]:
    """The texts of a list; none of what is no list."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def named_repository(asked: Asked, action: str) -> Repository:
    """The repository a request names; one of another account needs a repository policy that lets it in."""
    account = asked.text("registryId") or asked.account
    found = images.repository_of(account, asked.region, asked.text("repositoryName"))
    principal = accounts.principal(asked.access_key)
    if account != asked.account and not (
        principal
        and policies.allows(found.policy, principal=principal.arn, action=f"ecr:{action}", resource="*")
    ):
        code = "AccessDeniedException"
        message = (
            f"User: {principal.arn if principal else 'unknown'} is not authorized to perform: ecr:{action} "
            f"on resource: {found.arn} because no resource-based policy allows the ecr:{action} action"
        )
        raise EcrError(code, message)
    return found


def page(asked: Asked, key: str, items: Sequence[object], default: int = _PAGE) -> Output:
    """One page and, where more follow, the token of the next."""
    start = int(base64.b64decode(asked.text("nextToken") or "MA=="))
    end = start + asked.number("maxResults", default)
    token = base64.b64encode(str(end).encode()).decode()
    return {key: list(items[start:end]), **({"nextToken": token} if end < len(items) else {})}
