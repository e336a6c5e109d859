"""ECR's previews of lifecycle policies, which moto does not know; ``core.lifecycle`` says what they take.

A preview is ``IN_PROGRESS`` at its first look. Nothing expires by itself: the policy is never carried out.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from moto.ecr.exceptions import LifecyclePolicyNotFoundException
from moto.ecr.models import Image, Repository

from modelway.core.decode import Wrong
from modelway.core.image import Digest
from modelway.core.lifecycle import Doomed, Rule, Stored, read, taken
from modelway.rehearsal import images
from modelway.rehearsal.ecr_request import Asked, Output, named_repository, page
from modelway.rehearsal.images import EcrError, ManifestFacts


@dataclass(slots=True)
class Preview:
    """One repository's last preview."""

    text: str
    results: tuple[Output, ...]
    looks: int = 0

    @property
    def status(self) -> str:
        """Under way until somebody has looked once."""
        return "COMPLETE" if self.looks > 1 else "IN_PROGRESS"


@dataclass(slots=True)
class Previews:
    """One method an operation; what it returns is the operation's output."""

    NAMES = ("start_lifecycle_policy_preview", "get_lifecycle_policy_preview")
    _started: dict[str, Preview] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start_lifecycle_policy_preview(self, asked: Asked) -> Output:
        """Of the policy given with it, else of the repository's own."""
        there = named_repository(asked, "StartLifecyclePolicyPreview")
        text = asked.text("lifecyclePolicyText") or there.lifecycle_policy
        if not text:
            raise LifecyclePolicyNotFoundException(there.name, there.registry_id)
        with self._lock:
            before = self._started.get(images.path_of(there))
            if before and before.status == "IN_PROGRESS":
                code = "LifecyclePolicyPreviewInProgressException"
                raise EcrError(code, f"A preview of '{there.name}' is in progress")
            started = Preview(text=text, results=_results(there, _rules(text)))
            self._started[images.path_of(there)] = started
        return _about(there, started)

    def get_lifecycle_policy_preview(self, asked: Asked) -> Output:
        """How far it is and, once it is complete, what would go, in pages."""
        there = named_repository(asked, "GetLifecyclePolicyPreview")
        with self._lock:
            found = self._started.get(images.path_of(there))
            if found is None:
                code = "LifecyclePolicyPreviewNotFoundException"
                raise EcrError(code, f"There is no preview of a lifecycle policy for '{there.name}'")
            found.looks += 1
        if found.status == "IN_PROGRESS":
            return _about(there, found)
        moved = sum(one["action"] != {"type": "EXPIRE"} for one in found.results)
        summary: Output = {"expiringImageTotalCount": len(found.results) - moved}
        if moved:
            totals = [{"targetStorageClass": "ARCHIVE", "imageTotalCount": moved}]
            summary["transitioningImageTotalCounts"] = totals
        return {**_about(there, found), **page(asked, "previewResults", found.results), "summary": summary}


def _about(there: Repository, preview: Preview) -> Output:
    return {
        "registryId": there.registry_id,
        "repositoryName": there.name,
        "lifecyclePolicyText": preview.text,
        "status": preview.status,
    }


def _rules(text: str) -> tuple[Rule, ...]:
    """The policy's rules; ECR refuses what is none."""
    try:
        return read(json.loads(text))
    except (Wrong, ValueError) as error:
        message = f"Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: '{error}'"
        raise EcrError("InvalidParameterException", message) from error


def _results(there: Repository, rules: tuple[Rule, ...]) -> tuple[Output, ...]:
    """What the policy would take now. What follows its subject is not told: ECR takes it afterwards."""
    known = {image.image_digest: image for image in there.images}
    found = taken(rules, [_stored(image) for image in known.values()], datetime.now(UTC))
    return tuple(_result(known[str(one.digest)], one) for one in found if one.rule)


def _result(image: Image, doomed: Doomed) -> Output:
    moved = {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}
    return {
        "imageTags": list(image.image_tags),
        "imageDigest": image.image_digest,
        "imagePushedAt": image.image_pushed_at,
        "action": moved if doomed.archives else {"type": "EXPIRE"},
        "appliedRulePriority": doomed.rule,
        "storageClass": "STANDARD",
    }


def _stored(image: Image) -> Stored:
    facts = ManifestFacts.parse(image.image_manifest)
    return Stored(
        digest=Digest.parse(facts.digest),
        pushed=datetime.fromtimestamp(image.image_pushed_at, UTC),
        tags=tuple(image.image_tags),
        size=facts.size,
        subject=Digest.parse(facts.subject) if facts.subject else None,
        children=tuple(map(Digest.parse, facts.children)),
    )
