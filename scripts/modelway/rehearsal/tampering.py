"""What somebody does to the evidence of a release: signs with the wrong key, moves it, deletes the image.

The rehearsal plays the attacker with credentials that may write to the registry, and without staging's key.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from modelway.core.config import ModelConfig
from modelway.core.image import Digest
from modelway.core.naming import BUILD
from modelway.errors import Unavailable
from modelway.evidence import TYPES
from modelway.rehearsal import derive, grounds
from modelway.rehearsal.child import Client
from modelway.rehearsal.derive import Derived
from modelway.rehearsal.prepare import Draft
from modelway.rehearsal.tampers import Tampering
from modelway.rehearsal.wish import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """The attacker, between the release before and the one that is watched."""

    scene: Scene
    client: Client
    config: ModelConfig
    before: Path
    """The config of what serves before."""

    def move(self, watched: Path) -> None:
        """Push the new image, and attach to it what was said of the old one."""
        old, new = self._pushed(self.before), self._pushed(watched)
        registry = self.scene.world.registry(self.config.registry)
        now = self.scene.world.clock.now()
        for document in registry.attached(old, *TYPES):
            kind = TYPES[0] if b"dsseEnvelope" in document else TYPES[1]
            registry.attach(new, kind, document, created=now)
        self.scene.world.reporter.note(f"attached to {new} what was said of {old}")

    def prune(self, watched: Path, staging: str) -> None:
        """Let the new image pass in staging, then delete it."""
        new = self._pushed(watched)
        code, _ = self.client.read("deploy", str(watched), "-e", staging, "--image", str(new))
        if code != 0:
            raise Unavailable(f"The release to {staging} failed before the image could be deleted")
        spec = self.config.registry
        ecr = grounds.account(spec.account, spec.region).client("ecr")
        ecr.batch_delete_image(repositoryName=spec.repository, imageIds=[{"imageDigest": str(new)}])
        self.scene.world.reporter.note(f"deleted {new} from {spec.repository}")

    def _pushed(self, config: Path) -> Digest:
        """The digest of a config's image in the registry."""
        for verb in ("build", "scan"):
            self.client.read(verb, str(config))
        code, told = self.client.read("push", str(config), "--format", "json")
        if code != 0:
            raise Unavailable("The image could not be pushed before its evidence was tampered with")
        return Digest.parse(json.loads(told)["digest"])


def signed(
    scene: Scene, what: Tampering, before: Draft, watched: Draft, *, staging: str
) -> tuple[Draft, Draft]:
    """Both drafts with a key for everybody; the watched one's staging signs as the attacker lets it."""
    names = (BUILD, *derive.environments(before.derived.document))
    keys = {name: _pair(scene.folders.work / "keys", name, scene.world.run.root) for name in names}

    def held(draft: Draft, sign_with: Callable[[str], str]) -> Draft:
        derived = draft.derived
        for name, public in keys.items():
            path = ("evidence",) if name == BUILD else ("environments", name, "evidence")
            private = sign_with(name)
            known = {"verify_with": [public]}
            derived = derived.put(path, {"sign_with": private, **known} if private else known, "")
        return replace(draft, derived=Derived(derived.document, tuple(filter(None, derived.said))))

    def private(name: str) -> str:
        return keys[name].replace(".pub", ".pem")

    def wrong(name: str) -> str:
        match what:
            case Tampering.UNSIGNED if name == staging:
                return ""
            case Tampering.FORGED if name == staging:
                return private(BUILD)
            case _:
                return private(name)

    return held(before, private), held(watched, wrong)


def _pair(folder: Path, name: str, root: Path) -> str:
    """Make a key pair; the public half's path from the repository's root."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only where evidence is faulty
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

    folder.mkdir(parents=True, exist_ok=True)
    key, pem = ec.generate_private_key(ec.SECP256R1()), serialization.Encoding.PEM
    plain, kind = serialization.NoEncryption(), serialization.PublicFormat.SubjectPublicKeyInfo
    private = folder / f"{name}.pem"
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public = folder / f"{name}.pub"
    public.write_bytes(key.public_key().public_bytes(pem, kind))
    return str(public.relative_to(root))
