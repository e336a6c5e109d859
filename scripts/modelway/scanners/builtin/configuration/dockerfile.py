"""What is wrong with a Dockerfile, instruction by instruction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelway.core.dockerfile import Instruction, bases, instructions
from modelway.scanners.builtin.configuration import rules
from modelway.scanners.builtin.rule import Rule
from modelway.scanners.builtin.secrets.configuration import looks_secret
from modelway.scanners.builtin.secrets.search import Search

_PIPE = re.compile(
    r"\b(?:curl|wget)\b[^|;&\n]*\|\s*(?:sudo\s+)?(?:env\s+)?(?:\S*/)?(?:(?:ba|z|da|k|a)?sh|python[0-9.]*)\b"
    r"|\b(?:ba|z|da)?sh\s+(?:-c\s+)?[\"']?(?:<\(|\$\()\s*(?:curl|wget)\b"
)
_INSECURE = re.compile(
    r"--trusted-host\b|\bcurl\b[^|;&\n]*\s(?:-[a-zA-Z]*k[a-zA-Z]*|--insecure)\b"
    r"|\bwget\b[^|;&\n]*--no-check-certificate\b|http\.sslVerify[= ]+false|PYTHONHTTPSVERIFY[= ]0"
    r"|NODE_TLS_REJECT_UNAUTHORIZED[= ]0|GIT_SSL_NO_VERIFY[= ](?:1|true)"
    r"|--allow-unauthenticated|--no-gpg-check"
)
_APT = re.compile(r"\bapt(?:-get)?\b[^|;&\n]*\sinstall\b(?P<words>[^|;&\n]*)")
_APT_CLEAN = re.compile(
    r"rm\s+-\S*r\S*\s[^;&\n]*/var/lib/apt/lists|rm\s+-\S*r\S*\s[^;&\n]*/var/lib/apt/?(?:\s|\Z)"
)
_APT_MOUNT = re.compile(r"--mount=\S*target=/var/lib/apt\S*")
_PIP = re.compile(r"\bpip[0-9.]*\s+(?:--?\S+\s+)*install\b(?P<words>[^|;&\n]*)")
_PIP_MOUNT = re.compile(r"--mount=\S*type=cache\S*|PIP_NO_CACHE_DIR")
_CHMOD = re.compile(
    r"\bchmod\s+(?:-\S+\s+)*(?:[0-7]?[0-7][0-7][2367]\b|(?:[uog]*[oa][uog]*)?\+[rx]*w)|--chmod=[0-7]?[0-7][0-7][2367]\b"
)
_SUDO = re.compile(r"(?:^|[;&|]\s*|\s)sudo\s")
_VALUE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<quote>[\"']?)(?P<value>[^\"'\s]*)(?P=quote)")
_WHOLE = re.compile(r"\.?/?\.?/?\Z")


@dataclass(frozen=True, slots=True)
class Flaw:
    """A rule an instruction breaks."""

    rule: Rule
    line: int
    text: str
    secret: str = ""
    """What must not be shown of the text."""


@dataclass(slots=True)
class _Before:
    """What the instructions before said."""

    pip_cache_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A Dockerfile and what belongs to it."""

    text: str
    file: str
    """Its path in the repository; empty for one that modelway writes."""
    platform: str
    build_args: Mapping[str, str]
    ignores: bool
    """Whether there is a .dockerignore that says anything."""


def flaws(source: Source) -> Iterator[Flaw]:
    """Every rule the Dockerfile breaks, in the order of its lines."""
    before = _Before()
    found: list[Flaw] = [*_base_flaws(source)]
    for one in instructions(source.text):
        if one.word == "ENV" and "PIP_NO_CACHE_DIR" in one.rest:
            before.pip_cache_off = True
        match one.word:
            case "RUN":
                found += _run(one, cached=before.pip_cache_off)
            case "ADD" | "COPY":
                found += _copied(one, ignores=source.ignores)
            case "ENV" | "ARG" | "LABEL":
                found += _assigned(one)
            case _:
                pass
        found += _known_secrets(one)
    yield from sorted(found, key=lambda flaw: flaw.line)


def last_user(text: str) -> int:
    """The line that says who the container runs as: the last USER of the last stage, or that stage's FROM."""
    line = 0
    for one in instructions(text):
        if one.word in {"FROM", "USER"}:
            line = one.line
    return line


def _base_flaws(source: Source) -> Iterator[Flaw]:
    """Bases that are another image tomorrow."""
    for base in bases(source.text, source.build_args, source.platform):
        if not base.movable:
            continue
        name = base.reference.rpartition("/")[2]
        latest = ":" not in name or name.endswith(":latest")
        yield Flaw(rules.UNTAGGED if latest else rules.MOVABLE, base.line, base.reference)


def _run(one: Instruction, *, cached: bool) -> Iterator[Flaw]:
    """What a command does."""
    text = one.rest
    for rule, pattern in (
        (rules.PIPE, _PIPE),
        (rules.INSECURE, _INSECURE),
        (rules.CHMOD, _CHMOD),
        (rules.SUDO, _SUDO),
    ):
        if found := pattern.search(text):
            yield Flaw(rule, one.line, found[0].strip())
    yield from _apt(one)
    yield from _pip(one, cached=cached or _PIP_MOUNT.search(text) is not None)


def _apt(one: Instruction) -> Iterator[Flaw]:
    """Packages of the distribution."""
    text, mounted = one.rest, _APT_MOUNT.search(one.rest)
    for found in _APT.finditer(text):
        names = [word for word in found["words"].split() if not word.startswith(("-", "$", "'", '"'))]
        if names and not (mounted or _APT_CLEAN.search(text, found.end())):
            yield Flaw(rules.APT_LISTS, one.line, found[0].strip()[:200])
        if loose := [name for name in names if "=" not in name and not name.startswith((".", "/", "\\"))]:
            yield Flaw(rules.APT_UNPINNED, one.line, " ".join(loose)[:200])
        if any(name.partition("=")[0] == "sudo" for name in names):
            yield Flaw(rules.SUDO, one.line, found[0].strip()[:200])


def _pip(one: Instruction, *, cached: bool) -> Iterator[Flaw]:
    """Packages of Python."""
    for found in _PIP.finditer(one.rest):
        words = found["words"].split()
        local = [word for word in words if word.startswith((".", "/")) and word.rstrip("/") != "."]
        if "--require-hashes" not in words and not (local and "--no-index" in words):
            yield Flaw(rules.PIP_UNHASHED, one.line, found[0].strip()[:200])
        if "--no-cache-dir" not in words and not cached:
            yield Flaw(rules.PIP_CACHE, one.line, found[0].strip()[:200])


def _copied(one: Instruction, *, ignores: bool) -> Iterator[Flaw]:
    """What comes from outside."""
    words = one.rest.split()
    options = [word for word in words if word.startswith("--")]
    sources = [word.strip("\"',[]") for word in words if not word.startswith("--")][:-1]
    urls = [word for word in sources if word.startswith(("http://", "https://"))]
    if one.word == "ADD" and urls and not any(word.startswith("--checksum=") for word in options):
        yield Flaw(rules.ADD_URL, one.line, urls[0][:200])
    from_elsewhere = any(word.startswith("--from=") for word in options)
    if not ignores and not from_elsewhere and any(_WHOLE.match(word) for word in sources if word):
        yield Flaw(rules.COPY_ALL, one.line, one.text[:200])
    if found := _CHMOD.search(" ".join(options)):
        yield Flaw(rules.CHMOD, one.line, found[0])


def _assigned(one: Instruction) -> Iterator[Flaw]:
    """Variables and labels."""
    pairs = [(found["name"], found["value"]) for found in _VALUE.finditer(one.rest)]
    if not pairs and one.word == "ENV" and len(words := one.rest.split(maxsplit=1)) == 2:  # noqa: PLR2004
        pairs = [(words[0], words[1].strip("\"'"))]
    for name, value in pairs:
        if looks_secret(name, value):
            yield Flaw(rules.SECRET, one.line, one.text[:200], value)
    if one.word == "ARG" and not pairs:
        for name in one.rest.split():
            if looks_secret(name, "given-at-build-time"):
                yield Flaw(rules.SECRET_ARGUMENT, one.line, one.text[:200])


def _known_secrets(one: Instruction) -> Iterator[Flaw]:
    """Tokens known by their looks."""
    search = Search("")
    search.feed(f"{one.text}\n{one.document}".encode("utf-8", "replace"), last=True)
    for hit in search.hits:
        secret = hit.secret.decode("utf-8", "replace")
        at = max(0, one.text.find(secret) - 60)
        yield Flaw(rules.SECRET, one.line, one.text[at : at + 60 + len(secret)], secret)
