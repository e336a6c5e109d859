"""What a refusal says is not there, or may not be used: which setting means it, in which region, the cure.

No platform has a field for it; these are their words. What is not recognised is the config's fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from modelway.errors import Unavailable

_ABSENT = re.compile(
    r"not (be )?(found|valid|exist)|does ?n[o']t exist|invalid|unable|missing|no longer|could not|"
    r"cannot|not associated|not authorized|is not|NotFound",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something a version needs that modelway does not make."""

    words: re.Pattern[str]
    """How the platform speaks of it."""
    name: str
    """What it is to the config."""
    cure: str


def thing(words: str, name: str, cure: str) -> Thing:
    """A thing, by a regular expression that looks at no letter's case."""
    return Thing(re.compile(words, re.IGNORECASE), name, cure)


def subnet(setting: str) -> Thing:
    """A subnet of the setting."""
    return thing(r"subnet", f"a subnet of {setting}", "aws ec2 describe-subnets shows those there are.")


def security_group(setting: str) -> Thing:
    """A security group of the setting."""
    cure = "aws ec2 describe-security-groups shows those there are."
    return thing(r"security ?group|InvalidGroup", f"a security group of {setting}", cure)


def absent(platform: str, text: str, region: str, things: Iterable[Thing]) -> Unavailable | None:
    """The failure a refusal means, where it speaks of one of the things."""
    for each in things:
        if each.words.search(text) and _ABSENT.search(text):
            what = f"{platform} does not find, or may not use, {each.name} in {region}"
            return Unavailable(what, seen=text, cure=each.cure)
    return None
