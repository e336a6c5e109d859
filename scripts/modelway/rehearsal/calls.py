"""Reading an AWS call from its request, and the log of all calls."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from urllib.parse import parse_qs, unquote

from moto.core.request import Request as MotoRequest
from moto.core.routing import ServiceOperationRouter, get_service_router
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request

from modelway.core.json import Json
from modelway.rehearsal import accounts
from modelway.rehearsal.context import Call

_SIGNED = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=([^,\s]+)")
_CBOR_PATH = re.compile(r"/service/[^/]+/operation/(\w+)")
_CLIENTS = {"monitoring": "cloudwatch", "access-analyzer": "accessanalyzer"}
"""Names services sign with, where botocore's client is called otherwise."""
_RESOURCES = (
    *(
        "resourceArn",
        "ResourceArn",
        "repositoryName",
        "repositoryNames",
        "EndpointName",
        "EndpointConfigName",
        "ModelName",
    ),
    *("ResourceId", "RoleArn", "logGroupName", "AlarmName", "AlarmNames", "Namespace", "TrainingJobName"),
    *("Path", "Names", "serviceDeploymentArn", "serviceDeploymentArns", "serviceRevisionArns"),
    *("service", "services", "serviceName", "tasks", "taskDefinition", "family"),
)
"""Parameters that say what a call is about, the most telling first."""


_RELATED = (
    *("ExecutionRoleArn", "Role", "EndpointConfigName", "SourceArn", "Tags", "AlarmNames"),
    *("executionRoleArn", "taskRoleArn", "tags"),
)
"""Parameters that name something beside the resource, or whose presence needs a permission of its own."""
_REGISTRY = re.compile(r"/v2/(?P<path>.+)/(?P<kind>manifests|blobs|tags|referrers)/.*")


class UnknownCaller(Exception):
    """The call is not signed with a key of this run."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


def read(request: Request, number: int) -> Call:
    """What is called, by whom and about what; raises ``UnknownCaller``."""
    key, region, service = _credential(request)
    who = accounts.principal(key)
    if who is None:
        raise UnknownCaller(service)
    service = _client(request, service)
    return Call(
        number=number,
        service=service,
        operation=_operation(request, service),
        account=who.account,
        region=region,
        principal=who.arn,
        resource=_resource(request, service),
        related=_related(request, service),
    )


def read_registry(request: Request, number: int) -> Call | None:
    """One request to ECR's registry; ``None`` for what names no repository or comes from nobody."""
    found = _REGISTRY.fullmatch(request.path)
    given = request.authorization
    who = accounts.principal(((given.password if given else "") or "").partition("-")[0])
    if found is None or who is None:
        return None
    account, region, name = found["path"].split("/", 2)
    return Call(
        number=number,
        service="ecr-registry",
        operation=f"{request.method} {found['kind']}",
        account=who.account,
        region=region,
        principal=who.arn,
        resource=f"arn:aws:ecr:{region}:{account}:repository/{name}",
    )


def _credential(request: Request) -> tuple[str, str, str]:
    """Access key, region and signing name (Signature Version 4, in the header or in a presigned URL)."""
    signed = _SIGNED.match(request.headers.get("Authorization", ""))
    scope = signed[1] if signed else request.args.get("X-Amz-Credential", "")
    parts = scope.split("/")
    if len(parts) < 5:  # noqa: PLR2004 - key/date/region/service/aws4_request
        raise UnknownCaller("")
    return parts[0], parts[-3], parts[-2].lower()


def _client(request: Request, service: str) -> str:
    if service == "sagemaker" and request.path.endswith(("/invocations", "/async-invocations")):
        return "sagemaker-runtime"
    return _CLIENTS.get(service, service)


def _operation(request: Request, service: str) -> str:
    if target := request.headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    if cbor := _CBOR_PATH.fullmatch(request.path):
        return cbor[1]
    if request.mimetype == "application/x-www-form-urlencoded":
        return parse_qs(request.get_data(as_text=True)).get("Action", [""])[0]
    router = _router(service)
    try:
        return str(router.match(MotoRequest(request.environ))[0].name) if router else ""
    except (NotFound, NotImplementedError):
        return ""


@cache
def _router(service: str) -> ServiceOperationRouter | None:
    try:
        return get_service_router(service)
    except Exception:  # noqa: BLE001 - botocore's and moto's own errors for a service nobody knows
        return None


def _resource(request: Request, service: str) -> str:
    if service == "s3":
        return f"arn:aws:s3:::{request.path.strip('/')}"
    if service == "sagemaker-runtime":
        return request.path.split("/")[2]
    if service == "lambda":
        return _function(request)
    if request.mimetype == "application/x-www-form-urlencoded":
        form = {name: value[0] for name, value in parse_qs(request.get_data(as_text=True)).items()}
        return _about(form)
    if "x-amz-target" in request.headers:
        try:
            return _about(json.loads(request.get_data() or b"{}"))
        except ValueError:
            return "*"
    return "*"


def _function(request: Request) -> str:
    """The function, and the version or alias of it, a call to Lambda is about; by name or ARN."""
    match unquote(request.path).split("/", 3):
        case ["", _, "functions", rest]:
            name, _, more = rest.partition("/")
            kind, _, alias = more.partition("/")
            qualifier = alias if kind == "aliases" and alias else request.args.get("Qualifier", "")
            return f"{name}:{qualifier}" if qualifier else name or "*"
        case ["", _, "tags", arn]:
            return arn
        case _:
            return str(_body(request).get("FunctionName", "*"))


def _body(request: Request) -> Mapping[str, Json]:
    """The JSON object a request carries; none where it carries something else."""
    try:
        given = json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _related(request: Request, service: str) -> tuple[str, ...]:
    """What else the call names."""
    if source := request.headers.get("x-amz-copy-source"):
        return (f"CopySource={unquote(source).strip('/').partition('?')[0]}",)
    if "x-amz-target" not in request.headers and service != "lambda":
        return ()
    parameters = _body(request)
    named = ((name, parameters.get(name)) for name in _RELATED)
    return tuple(f"{name}={_text(value)}" for name, value in named if value)


def _text(value: Json) -> str:
    """A parameter as the log keeps it: lists of names by their names, other lists as being there."""
    if isinstance(value, list):
        return ",".join(value) if all(isinstance(one, str) for one in value) else "given"
    return str(value)


def _about(parameters: Mapping[str, Json]) -> str:
    for name in _RESOURCES:
        match parameters.get(name):
            case str(value):
                return value
            case [str(first), *_]:
                return first
            case _:
                continue
    names = (value for name, value in parameters.items() if name.endswith(("Name", "Arn")))
    return str(next(names, "*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log."""

    number: int
    time: float
    """Seconds since the epoch when it was answered."""
    account: str
    principal: str
    region: str
    service: str
    operation: str
    resource: str
    related: tuple[str, ...]
    status: int
    """HTTP status; 0 for a connection dropped on purpose."""
    fault: str
    """The injected fault it met, if any."""


@dataclass(slots=True)
class Log:
    """All calls of a run, in the order they came."""

    entries: list[Entry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0

    def next_number(self) -> int:
        """Count one more call."""
        with self._lock:
            self._count += 1
            return self._count

    def add(self, call: Call, *, status: int, fault: str, time: float) -> None:
        """Write one line."""
        entry = Entry(
            number=call.number,
            time=time,
            account=call.account,
            principal=call.principal,
            region=call.region,
            service=call.service,
            operation=call.operation,
            resource=call.resource,
            related=call.related,
            status=status,
            fault=fault,
        )
        with self._lock:
            self.entries.append(entry)

    def after(self, number: int) -> Sequence[Json]:
        """The lines of calls that came after this number."""
        with self._lock:
            return [asdict(entry) for entry in self.entries if entry.number > number]
