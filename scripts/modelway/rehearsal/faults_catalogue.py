"""The failures one can ask for with ``rehearse --fault NAME``: what goes wrong, and how it has to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelway.rehearsal.tampers import Tampering

LAYER = Path(__file__).with_name("fault_layer.py")
_SITE = "/var/tmp/modelway"  # noqa: S108 - as below
_PLACE = "/var/tmp/modelway_fault.py"  # noqa: S108 - a path in the image; anyone may write there, root or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure, injected where it would happen in real life."""

    name: str
    happens: str
    """What goes wrong, in a line."""
    ends: str
    """How the release has to end, in a line."""
    exit_code: int
    ends_on: Mapping[str, str] = field(default_factory=dict)
    """The same on targets where it ends in another way."""
    never_on: Mapping[str, str] = field(default_factory=dict)
    """Targets it cannot happen on, and why."""
    spoiled: bool = False
    """Whether the image gets the layer of ``fault_layer.py``, switched on in production only."""
    package: str = ""
    """Requirement added to the image, as ``name==version``."""
    never_ready: bool = False
    """Whether the image never gets ready: the cloud is asked to give up on it soon."""
    throttles: bool = False
    """Whether AWS refuses calls of each service for being too many."""
    kills: int = 0
    """How often the client is killed at a random call, and started again."""
    capacity_short: bool = False
    """Whether there is one instance too few for the last environment."""
    stale: bool = False
    """Whether the artifact is swapped after its checksum was taken."""
    secret: bool = False
    """Whether the image gets a key in one layer, which the next one deletes."""
    foreign: bool = False
    """Whether the image says that it is of a distribution the scanner knows nothing of."""
    expired: str = ""
    """A vulnerability whose waiver in the config ended yesterday."""
    late_scan: bool = False
    """Whether ECR's own scan is a second gate, and says that it is over before its findings come."""
    tampering: Tampering | None = None
    """What is done to the evidence, which is signed then."""

    def ending(self, target: str) -> str:
        """How the release to a target has to end, in a line."""
        return self.ends_on.get(target, self.ends)


_ALL = (
    Fault(
        name="unhealthy",
        happens="in production the new version never gets ready",
        ends="it is given up before it has traffic; the old version never stopped serving",
        ends_on={"sagemaker": "SageMaker gives up on it; the old version never stopped serving"},
        exit_code=6,
        spoiled=True,
        never_ready=True,
    ),
    Fault(
        name="wrong-answers",
        happens="in production the new version is healthy and answers wrongly",
        ends="a contract test fails before it has traffic; the old version never stopped serving",
        ends_on={"sagemaker": "a contract test fails, and the old version gets the traffic back"},
        exit_code=6,
        spoiled=True,
    ),
    Fault(
        name="errors-under-traffic",
        happens="the canary answers 5xx once it has traffic",
        ends="its alarm goes off and it is rolled back; the table shows how many requests users lost",
        exit_code=6,
        spoiled=True,
    ),
    Fault(
        name="throttled",
        happens="AWS refuses three calls in a row of each service: rate exceeded",
        ends="modelway waits and tries again; the release succeeds",
        exit_code=0,
        throttles=True,
    ),
    Fault(
        name="killed",
        happens="the client is killed at random calls, and started again each time",
        ends="the last run finishes the release; nothing was done twice",
        exit_code=0,
        kills=3,
    ),
    Fault(
        name="vulnerable",
        happens="the image holds a package with a critical vulnerability that has a fix",
        ends="the scan blocks the release before anything is pushed",
        exit_code=3,
        package="h11==0.14.0",
    ),
    Fault(
        name="secret",
        happens="a key of AWS is copied into the image and deleted again, in a layer of its own",
        ends="the scan finds it in the lower layer and blocks the release before anything is pushed",
        exit_code=3,
        secret=True,
    ),
    Fault(
        name="expired-waiver",
        happens="the config accepts a critical vulnerability of the image by a waiver that ended yesterday",
        ends="the scan blocks the release before anything is pushed: review the waiver, or fix the package",
        exit_code=3,
        package="h11==0.14.0",
        expired="CVE-2025-43859",
    ),
    Fault(
        name="late-scan",
        happens="ECR's own scan is over before its findings come, which the first scan knew nothing of",
        ends="the gate after the push waits for them and blocks the release; no environment gets the image",
        exit_code=3,
        package="setuptools==69.5.1",
        late_scan=True,
    ),
    Fault(
        name="unreadable-image",
        happens="the image is of a distribution whose advisories the scanner does not have",
        ends="that is no pass: the release stops, and names the scanners that may know it",
        exit_code=9,
        foreign=True,
    ),
    Fault(
        name="no-capacity",
        happens="AWS has too little capacity when production is updated: one instance less than it needs",
        ends="the release stops as unavailable; the version is not marked as failed, so run it again later",
        exit_code=8,
        capacity_short=True,
    ),
    Fault(
        name="stale-weights",
        happens="the model archive in S3 was replaced after its checksum was written into the config",
        ends="the artifact is refused before anything runs it",
        exit_code=4,
        stale=True,
    ),
    Fault(
        name="unsigned",
        happens="staging signs nothing, although the config names its key",
        ends="production takes no unsigned verdict: its gate says from whom it was expected",
        exit_code=4,
        tampering=Tampering.UNSIGNED,
    ),
    Fault(
        name="forged-verdict",
        happens="the verdict of staging is signed by the build, which has no key of staging's",
        ends="production's gate says whose word was expected, and whose it is",
        exit_code=4,
        tampering=Tampering.FORGED,
    ),
    Fault(
        name="swapped-image",
        happens="what was said of the image in service is attached to another image",
        ends="the first gate names it as what it is: evidence about another image",
        exit_code=4,
        tampering=Tampering.MOVED,
    ),
    Fault(
        name="pruned-image",
        happens="the image is deleted from the registry after it passed in staging",
        ends="production's gate says that it is gone, and nothing is changed",
        exit_code=4,
        tampering=Tampering.PRUNED,
    ),
)

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ALL}
"""Every fault by its name."""


def in_image(fault: Fault) -> bool:
    """Whether it is something in the image, which has to be built from a Dockerfile then."""
    return fault.spoiled or fault.secret or fault.foreign or fault.package != ""


def spoiling(layer: str) -> str:
    """Dockerfile lines that add the faulty layer: no file of the context, no change of user."""
    lines = layer.splitlines()
    if any("'" in line or line.endswith("\\") for line in lines):
        msg = "the layer may hold no single quote and no backslash at the end of a line: a shell writes it"
        raise ValueError(msg)
    quoted = " \\\n".join(f"    '{line}'" for line in lines)
    return (
        "\n# What a rehearsal adds to break this image on request (rehearse --fault).\n"
        f"RUN printf '%s\\n' \\\n{quoted} \\\n    > {_PLACE} \\\n"
        f" && mkdir {_SITE} && ln -s {_PLACE} {_SITE}/sitecustomize.py\n"
        f"ENV GUNICORN_CMD_ARGS=--config={_PLACE} PYTHONPATH={_SITE}\n"
    )


def vulnerable_image(base: str, package: str) -> str:
    """Dockerfile of an image that holds nothing but a package, installed by pip."""
    mounts = (
        "--mount=type=secret,id=pip_conf,target=/etc/pip.conf"
        " --mount=type=secret,id=ca_bundle,target=/run/secrets/ca.pem"
    )
    return (
        f"FROM {base} AS packages\n"
        f"RUN {mounts} \\\n"
        "    if [ -s /run/secrets/ca.pem ]; then export PIP_CERT=/run/secrets/ca.pem; fi; \\\n"
        "    python3 -m pip install --disable-pip-version-check --root-user-action=ignore \\\n"
        f"      --no-deps --target /package {package}\n"
        "FROM scratch\n"
        "COPY --from=packages /package /package\n"
    )


def holding(image: str) -> str:
    """Dockerfile lines that put that package where a scanner finds it."""
    return (
        "\n# What a rehearsal adds to make this image vulnerable (rehearse --fault).\n"
        f"COPY --from={image} /package /opt/vulnerable\n"
    )


def credentials() -> str:
    """A key of AWS in form; nobody was ever given it, and no file of the repository holds it whole."""
    key, secret = "AKIA" + "QYLPMN5HFKZ3RTWB", "u8Jw2kLqZ0x+Vb7nM4cT" + "gY1rEaHsPdF6oIi9Xw/3"
    return f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"


def secret_image() -> str:
    """Dockerfile of an image that holds nothing but those credentials."""
    return "FROM scratch\nCOPY credentials /aws/credentials\n"


def deleting(image: str, user: str) -> str:
    """Dockerfile lines that bring the credentials and delete them again; the image runs as it did."""
    return (
        "\n# What a rehearsal adds to leave a key in a lower layer (rehearse --fault secret).\n"
        "USER 0\n"
        f"COPY --from={image} /aws /root/.aws\n"
        "RUN rm -r /root/.aws\n"
    ) + (f"USER {user}\n" if user else "")


FOREIGN = 'NAME=Slackware\nID=slackware\nVERSION_ID=15.0\nPRETTY_NAME="Slackware 15.0"\n'
"""An os-release of a distribution OSV has no advisories of."""


def foreign_image() -> str:
    """Dockerfile of an image that holds nothing but that os-release."""
    return "FROM scratch\nCOPY os-release /os-release\n"


def calling_itself(image: str) -> str:
    """Dockerfile lines that let the image say that it is of that distribution."""
    return (
        "\n# What a rehearsal adds so that no scanner knows this image (rehearse --fault unreadable-image).\n"
        f"COPY --from={image} /os-release /usr/lib/os-release\n"
        f"COPY --from={image} /os-release /etc/os-release\n"
    )
