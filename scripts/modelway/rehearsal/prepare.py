"""From the user's config to what a rehearsal releases: base images, secrets, faults, a trained model."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import yaml

from modelway.core import dockerfile
from modelway.core.config import Byoc, Extended, ModelConfig, Prebuilt
from modelway.core.json import JsonObject
from modelway.errors import Malformed, Unavailable
from modelway.ports import BuildRequest
from modelway.rehearsal import artifact, bases, derive, faults_catalogue, vendor
from modelway.rehearsal.child import Client
from modelway.rehearsal.derive import Derived
from modelway.rehearsal.faults_catalogue import Fault
from modelway.rehearsal.wish import Scene

_BEFORE_LABEL = (
    '\n# The release that serves before the one you watch.\nLABEL modelway.rehearsal.release="before"\n'
)
_PIP_FILES = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
_ARG = re.compile(r"^\s*ARG\s+(\w+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A config as it will be released, before its model is trained."""

    derived: Derived
    dockerfile: str = ""
    """The Dockerfile's text, where the config builds its own."""
    local: str = ""
    """Name of the image on this machine, where the config builds none."""


def draft(scene: Scene, client: Client, path: Path, config: ModelConfig) -> Draft:
    """The config with base images and build secrets this machine can use; raises ``Unavailable``."""
    document: JsonObject = yaml.safe_load(path.read_text(encoding="utf-8"))
    first = _with_secrets(scene, Draft(derived=Derived(document)))
    match config.image:
        case Byoc() as spec:
            text = (scene.world.run.root / spec.dockerfile).read_text(encoding="utf-8")
            return _on_local_bases(scene, replace(first, dockerfile=text), spec)
        case Extended() as spec:
            stand_in = _base(scene, spec.base)
            return replace(first, derived=derive.on_base(first.derived, "", spec.base, stand_in))
        case Prebuilt() as spec:
            return _published(scene, client, first, spec, config)


def _published(scene: Scene, client: Client, made: Draft, spec: Prebuilt, config: ModelConfig) -> Draft:
    """Let somebody else have the image, or an image that stands in for it."""
    local, stand_in = vendor.local_image(spec), ""
    if not local:
        example = draft(scene, client, vendor.EXAMPLE, scene.world.configs.load(vendor.EXAMPLE))
        local = _built(client, write(scene, example, "vendor"))
        stand_in = f", built from {vendor.EXAMPLE}, which stands in for it"
    published = vendor.publish(local, config.registry.region, config.name, reader=config.registry.account)
    published.log_in(scene.folders.work / "docker")
    source = published.source
    why = f"image.source: {spec.source} cannot be had here{stand_in}" if stand_in else "image.source: copied"
    why = f"{why}: {source}"
    return replace(made, derived=made.derived.put(("image", "source"), source, why), local=local)


def _base(scene: Scene, reference: str) -> str:
    reporter, install = scene.world.reporter, scene.wish.install
    return bases.ensure(reporter, reference, scene.folders.work, install=install)


def _on_local_bases(scene: Scene, made: Draft, spec: Byoc) -> Draft:
    """Replace each base that cannot be pulled: by its ARG, or where the Dockerfile names it."""
    for base in dockerfile.bases(made.dockerfile, spec.build_args, spec.platform):
        stand_in = _base(scene, base.reference)
        if stand_in == base.reference:
            continue
        argument = _argument(made.dockerfile, spec, base.reference)
        if argument:
            made = replace(made, derived=derive.on_base(made.derived, argument, base.reference, stand_in))
        else:
            said = f"{spec.dockerfile}:{base.line}: {stand_in} stands in for {base.reference}"
            derived = replace(made.derived, said=(*made.derived.said, said))
            text = made.dockerfile.replace(base.reference, stand_in)
            made = replace(made, derived=derived, dockerfile=text)
    return made


def _argument(text: str, spec: Byoc, reference: str) -> str:
    """The ARG that names this base image: the one that, changed, changes it."""
    probe = "modelway.invalid/probe"
    for name in _ARG.findall(text):
        found = dockerfile.bases(text, {**spec.build_args, name: probe}, spec.platform)
        names = {base.reference for base in found}
        if probe in names and reference not in names:
            return str(name)
    return ""


def _with_secrets(scene: Scene, made: Draft) -> Draft:
    """Mount what package downloads need on this machine: certificates, and a package index of one's own."""
    if derive.strategy(made.derived.document) == "prebuilt":
        return made
    variables, derived = dict(os.environ), made.derived
    certificates = derive.ca_bundle(variables)
    if certificates and Path(certificates).is_file():
        derived = derive.with_secret(derived, "ca_bundle", certificates, "as this machine's downloads use it")
    named = [variables["PIP_CONFIG_FILE"]] if variables.get("PIP_CONFIG_FILE") else []
    files = [Path(name).expanduser() for name in (*_PIP_FILES, *named)]
    conf = derive.pip_conf(variables, [f.read_text(errors="replace") for f in files if f.is_file()])
    if conf:
        kept = scene.folders.work / "pip.conf"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(conf)
        why = "with the package index this machine uses"
        derived = derive.with_secret(derived, "pip_conf", str(kept), why)
    return replace(made, derived=derived)


def write(scene: Scene, made: Draft, name: str) -> Path:
    """Write the draft as a config of this name, and its Dockerfile beside it where it is another."""
    folder, root = scene.folders.work / name, scene.world.run.root
    folder.mkdir(parents=True, exist_ok=True)
    document = made.derived.document
    own = derive.text_at(document, "image", "dockerfile")
    if own and made.dockerfile != (root / own).read_text(encoding="utf-8"):
        changed = folder / "Dockerfile"
        changed.write_text(made.dockerfile, encoding="utf-8")
        ignored = root / derive.text_at(document, "image", "context") / ".dockerignore"
        beside = Path(f"{root / own}.dockerignore")
        for file in (beside, ignored):
            if file.is_file():
                shutil.copyfile(file, folder / "Dockerfile.dockerignore")
                break
        document = Derived(document).put(("image", "dockerfile"), str(changed.relative_to(root)), "").document
    path = folder / f"{derive.text_at(document, 'name')}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path.relative_to(root)


def before(made: Draft) -> Draft:
    """The release that serves before: another image where we build one, and another version in any case."""
    names = derive.environments(made.derived.document)
    derived = made.derived.environment(names, derive.BEFORE, "before", "")
    return replace(made, derived=derived, dockerfile=made.dockerfile and made.dockerfile + _BEFORE_LABEL)


def faulty(scene: Scene, made: Draft, fault: Fault) -> Draft:
    """The release that will go wrong; raises ``Malformed`` where this image cannot be made faulty."""
    if not faults_catalogue.in_image(fault):
        return made
    if not made.dockerfile:
        raise Malformed(
            f"The fault {fault.name} is a layer in an image that a Dockerfile makes",
            seen=f"image.strategy is {derive.strategy(made.derived.document)}.",
            cure="rehearse it with a config of strategy byoc: model-configs/iris-classifier.yaml.",
        )
    if fault.foreign:
        text = made.dockerfile + faults_catalogue.calling_itself(_foreign(scene, made))
        return _saying(made, "the image says that it is Slackware 15.0", text)
    if fault.secret:
        text = made.dockerfile + faults_catalogue.deleting(
            _secret(scene, made), dockerfile.user(made.dockerfile)
        )
        return _saying(made, "the image gets a key of AWS, and the next layer deletes it", text)
    if fault.package:
        text = made.dockerfile + faults_catalogue.holding(_vulnerable(scene, made, fault.package))
        return _scanned_so(scene, _saying(made, f"the image gets {fault.package}", text), fault)
    last = derive.production(made.derived.document)
    layer = faults_catalogue.spoiling(faults_catalogue.LAYER.read_text(encoding="utf-8"))
    said = f"the image gets a layer that breaks it where {derive.FAULT}={fault.name}: in {last}"
    derived = made.derived.environment([last], derive.FAULT, fault.name, said)
    return replace(made, derived=derived, dockerfile=made.dockerfile + layer)


def _saying(made: Draft, said: str, text: str) -> Draft:
    """The draft with another Dockerfile, and a word about it."""
    return replace(made, derived=replace(made.derived, said=(*made.derived.said, said)), dockerfile=text)


def _scanned_so(scene: Scene, made: Draft, fault: Fault) -> Draft:
    """The draft with what the fault wants of its scan: a waiver that has ended, a second gate."""
    derived = made.derived
    if fault.expired:
        day = scene.world.clock.now().date() - timedelta(days=1)
        derived = derive.with_waiver(derived, fault.expired, str(day))
    if fault.late_scan:
        why = "scan.ecr: ECR's own scan, by Amazon Inspector, is a second gate"
        derived = derived.put(("scan", "ecr"), {"mode": "enhanced"}, why)
    return replace(made, derived=derived)


def _foreign(scene: Scene, made: Draft) -> str:
    """Build an image that holds nothing but an os-release; its name."""
    folder, tag = scene.folders.work / "foreign", "modelway-rehearsal/foreign:1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "os-release").write_text(faults_catalogue.FOREIGN, encoding="utf-8")
    text = faults_catalogue.foreign_image()
    request = BuildRequest(context=folder, dockerfile=text, platform=_own(scene, made).platform, tag=tag)
    scene.world.builder().build(request)
    return tag


def _secret(scene: Scene, made: Draft) -> str:
    """Build an image that holds nothing but a key; its name."""
    folder, tag = scene.folders.work / "secret", "modelway-rehearsal/secret:1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "credentials").write_text(faults_catalogue.credentials(), encoding="utf-8")
    text = faults_catalogue.secret_image()
    request = BuildRequest(context=folder, dockerfile=text, platform=_own(scene, made).platform, tag=tag)
    scene.world.builder().build(request)
    return tag


def _own(scene: Scene, made: Draft) -> Byoc:
    """The image as the plain config builds it."""
    spec = scene.world.configs.load(write(scene, made, "plain")).image
    if not isinstance(spec, Byoc):
        raise TypeError(spec)
    return spec


def _vulnerable(scene: Scene, made: Draft, package: str) -> str:
    """Build an image that holds nothing but the package; its name."""
    spec = _own(scene, made)
    base = dockerfile.bases(made.dockerfile, spec.build_args, spec.platform)[-1].reference
    name, _, version = package.partition("==")
    tag = f"modelway-rehearsal/vulnerable-{name}:{version}"
    empty = scene.folders.work / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    text = faults_catalogue.vulnerable_image(base, package)
    request = BuildRequest(
        context=empty, dockerfile=text, platform=spec.platform, tag=tag, secrets=spec.secrets
    )
    scene.world.builder().build(request)
    return tag


def _built(client: Client, config: Path) -> str:
    """Build the config's image; its name on this machine."""
    code, said = client.read("build", str(config))
    if code != 0:
        raise Unavailable(
            "The image that trains the model could not be built",
            seen=f"build ended with exit code {code}; its message is above.",
            cure="correct what it says, then run the same command again.",
        )
    return said.split()[-1]


def train(scene: Scene, client: Client, made: Draft) -> Path:
    """The model archive, trained in the image the config builds, or kept from the last time."""
    tag = made.local or _built(client, write(scene, made, "before"))
    archive = scene.folders.cache / "models" / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', tag)}.tar.gz"
    if archive.exists():
        scene.world.reporter.note(f"trained before with this image: {archive.name} was kept")
        return archive
    output = scene.folders.work / "model"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    scene.world.reporter.progress(f"docker run {tag} train")
    scene.world.containers().train(tag, output, environment={})
    archive.parent.mkdir(parents=True, exist_ok=True)
    fresh = archive.with_suffix(".new")
    artifact.pack(output, fresh)
    fresh.replace(archive)
    return archive
