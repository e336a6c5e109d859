"""The rules about Dockerfiles and about the image that came of one."""

from __future__ import annotations

from modelway.core.findings import Severity
from modelway.scanners.builtin.rule import Rule

_HIGH, _MEDIUM, _LOW, _NEGLIGIBLE = Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.NEGLIGIBLE


def _rule(id_: str, severity: Severity, title: str, why: str, cure: str) -> Rule:
    """A line of the table."""
    return Rule(id=id_, severity=severity, title=title, why=why, cure=cure)


SECRET = _rule(
    "dockerfile-secret", _HIGH, "The Dockerfile holds a secret",
    "whoever has the image or the repository has it",
    "revoke it; mount secrets with `RUN --mount=type=secret`",
)  # fmt: skip
SECRET_ARGUMENT = _rule(
    "dockerfile-secret-argument", _MEDIUM, "A secret is taken as a build argument",
    "build arguments stand in the image's history with their values",
    "mount it: `RUN --mount=type=secret,id=NAME`, and list it under image.secrets",
)  # fmt: skip
ROOT = _rule(
    "image-root-user", _MEDIUM, "The container runs as root",
    "who breaks out of the program is root in the container",
    "add a user and end the Dockerfile with `USER 1000`",
)  # fmt: skip
UNTAGGED = _rule(
    "dockerfile-base-latest", _MEDIUM, "The base image has no tag, or `latest`",
    "it is another image tomorrow",
    "name a version, better a digest: `FROM python:3.12-slim@sha256:…`",
)  # fmt: skip
MOVABLE = _rule(
    "dockerfile-base-movable", _LOW, "The base image is not named by digest",
    "a tag can be moved, so the same Dockerfile builds other bytes",
    "pin it: `FROM NAME:TAG@sha256:…`, and let a bot raise it",
)  # fmt: skip
ADD_URL = _rule(
    "dockerfile-add-url", _MEDIUM, "ADD downloads without a checksum",
    "whatever that address answers on the day ends in the image",
    "use `ADD --checksum=sha256:… URL`",
)  # fmt: skip
PIPE = _rule(
    "dockerfile-pipe-to-shell", _MEDIUM, "A download is run by a shell as it comes",
    "nobody has seen what it does, and it can be cut short",
    "download it, compare its checksum, then run it",
)  # fmt: skip
INSECURE = _rule(
    "dockerfile-insecure-download", _MEDIUM, "Certificates are not checked",
    "anybody on the way can replace what is downloaded",
    "mount the certificate authority as a secret (ca_bundle) and leave checking on",
)  # fmt: skip
APT_LISTS = _rule(
    "dockerfile-apt-lists", _LOW, "apt's lists stay in the image",
    "they add some 20 MB and go stale",
    "end the same RUN with `rm -rf /var/lib/apt/lists/*`, or mount a cache there",
)  # fmt: skip
APT_UNPINNED = _rule(
    "dockerfile-apt-unpinned", _NEGLIGIBLE, "apt installs whatever version is newest",
    "the same Dockerfile builds another image",
    "pin versions that matter: `apt-get install NAME=VERSION`",
)  # fmt: skip
PIP_UNHASHED = _rule(
    "dockerfile-pip-unhashed", _LOW, "pip installs without hashes",
    "an index can serve other bytes under the same version",
    "compile a requirements file with hashes and use `pip install --require-hashes -r FILE`",
)  # fmt: skip
PIP_CACHE = _rule(
    "dockerfile-pip-cache", _NEGLIGIBLE, "pip's cache stays in the image",
    "it holds every wheel a second time",
    "use `--no-cache-dir`, or mount a cache: `--mount=type=cache,target=/root/.cache/pip`",
)  # fmt: skip
CHMOD = _rule(
    "dockerfile-chmod-777", _MEDIUM, "Everybody may write what chmod names",
    "any process can replace it",
    "give it to the user who needs it: `chown`, or `COPY --chown`",
)  # fmt: skip
SUDO = _rule(
    "dockerfile-sudo", _LOW, "sudo is used or installed",
    "RUN is root already; in a running container sudo is a way to become root",
    "leave it out; switch with USER",
)  # fmt: skip
COPY_ALL = _rule(
    "dockerfile-copy-all", _MEDIUM, "The whole folder is copied, and no .dockerignore leaves anything out",
    "`.git`, `.env` and credentials come along",
    "write a .dockerignore that begins with `*`, or copy by name",
)  # fmt: skip
SHELL_FORM = _rule(
    "image-shell-command", _LOW, "The command is started by a shell",
    "the shell gets the stop signal and the server does not, so that requests are cut off",
    'use the exec form: `CMD ["serve"]`',
)  # fmt: skip
NO_HEALTHCHECK = _rule(
    "image-no-healthcheck", _LOW, "The image has no HEALTHCHECK",
    "ECS replaces a hung task sooner with one (the task definition may have its own)",
    "add `HEALTHCHECK CMD …`, or settings.health_check",
)  # fmt: skip
PORT = _rule(
    "image-port", _MEDIUM, "The image exposes other ports than its target asks",
    "the platform sends requests to a port where nobody may listen",
    "listen on the target's port, and EXPOSE it",
)  # fmt: skip
SETUID = _rule(
    "image-setuid", _MEDIUM, "A program runs as its owner (setuid or setgid)",
    "it is a way to become root in the container",
    "`chmod a-s` it, or leave it out",
)  # fmt: skip
WRITABLE = _rule(
    "image-world-writable", _LOW, "Everybody may write folders or programs of the image",
    "any process can replace what another one runs",
    "give them to the user who needs them",
)  # fmt: skip
BIG_LAYER = _rule(
    "image-big-layer", _NEGLIGIBLE, "A layer has more than 2 GiB of files",
    "it is downloaded whole by every instance that starts",
    "leave out what is not needed at run time: a second stage, weights in S3 (model_artifact)",
)  # fmt: skip
RULES = (
    SECRET, SECRET_ARGUMENT, ROOT, UNTAGGED, MOVABLE, ADD_URL, PIPE, INSECURE, APT_LISTS, APT_UNPINNED,
    PIP_UNHASHED, PIP_CACHE, CHMOD, SUDO, COPY_ALL, SHELL_FORM, NO_HEALTHCHECK, PORT, SETUID,
    WRITABLE, BIG_LAYER,
)  # fmt: skip
