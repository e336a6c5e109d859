"""The gate before an environment: may this version go there? Each step in order, and nothing is written.

An old pass is never trusted: signatures are checked, and what the stored reports list is judged, by the keys,
the policy, the advisories and the waivers of today. ``core.passage`` says what each step asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from modelway import artifact_scan, evidence, papers, scan_gate, second_gate
from modelway.core import admission, suitable, vouched
from modelway.core.access import reading
from modelway.core.admission import Author, Ruling, Witnessed
from modelway.core.config import Environment, ModelConfig
from modelway.core.image import Digest, Image
from modelway.core.manifest import Manifest, digest_of
from modelway.core.naming import BUILD
from modelway.core.passage import NEVER_BROKEN, Checked, Passage, Step, refused
from modelway.core.report import Report
from modelway.core.suitable import Runs
from modelway.core.version import Version
from modelway.errors import Blocked, Differs, Failure, NotAllowed, NotEvaluated, Tampered, Unavailable
from modelway.ports import Registry, World

_POLICY = (Blocked, NotAllowed, NotEvaluated)
"""What an emergency may pass over, unless somebody tampered with it."""
_ELSEWHERE: dict[Step, tuple[type[Failure], ...]] = {
    Step.PASSED: (Differs, Unavailable),
    Step.APPROVAL: (Unavailable,),
}
"""What else: another environment or GitHub may be what is broken."""


@dataclass(kw_only=True)
class Gate:
    """One version before one environment."""

    world: World
    config: ModelConfig
    place: Environment
    version: Version
    contract: str
    """Hash of the contract tests the config has now."""
    runs: Runs
    """What the target can run."""
    passed: Callable[[], str]
    """Why the environment before lets it on, as its platform remembers; raises what forbids it."""
    deploying: bool = False
    """Whether it goes in now, so that it must have been approved; otherwise it is only asked."""
    glass: str = ""
    """GitHub environment whose reviewers let the glass be broken; empty where it is whole."""

    def ask(self) -> Passage:
        """Every step; raises the first refusal that may not be passed over, which names the step."""
        checked = []
        for step, question in self._questions().items():
            try:
                checked.append(Checked(step=step, reason=question()))
            except Failure as failure:
                if not (self.glass and _breakable(step, failure)):
                    raise refused(step, self.config.name, self.place.name, failure) from failure
                checked.append(Checked(step=step, reason=failure.what, broken=True))
        return Passage(steps=tuple(checked), inputs=tuple(sorted(str(one) for one in self._inputs)))

    def _questions(self) -> dict[Step, Callable[[], str]]:
        return {
            Step.DIGEST: lambda: str(self._image.digest),
            Step.MANIFEST: self._present,
            Step.PASSED: self.passed,
            Step.SIGNATURES: self._signed,
            Step.PROVENANCE: self._built,
            Step.SBOM: self._listed,
            Step.REPORT: self._scanned,
            Step.ADVISORIES: self._judged,
            Step.ECR: self._second,
            Step.APPROVAL: self._approved,
        }

    @property
    def _image(self) -> Image:
        return self.version.image

    @cached_property
    def _registry(self) -> Registry:
        return self.world.registry(reading(self.config).registry)

    @cached_property
    def _manifest(self) -> Manifest:
        """The manifest, its digest recomputed; raises ``NotAllowed``."""
        found = self._registry.manifest(self._image.digest)
        if found is None:
            cure = "Push it: scripts/run push CONFIG. If it was there: who or which rule took it away?"
            raise NotAllowed(f"{self._image} is not in the registry", cure=cure)
        return found

    def _present(self) -> str:
        target, runs, found = self.place.target, self.runs, self._manifest
        wrong = suitable.of_type(target, runs, found)
        wrong = wrong or suitable.of_platform(target, runs, self._registry.built(found))
        if wrong:
            raise NotAllowed(wrong.what, seen=wrong.seen, cure=wrong.cure)
        return f"in the registry as {found.media_type}, of {found.size >> 20} MiB, for {runs.platform}"

    # --- what is said of it ---

    @cached_property
    def _statements(self) -> tuple[bytes, ...]:
        return self._registry.attached(self._image.digest, *evidence.TYPES)

    @cached_property
    def _attached(self) -> tuple[Witnessed, ...]:
        deciding = (BUILD, self.place.promote_from or "", self.place.name)
        keys = self.world.keys(evidence.only(reading(self.config), *deciding))
        return evidence.witnessed(keys, self._image.digest, self._statements)

    @property
    def _build(self) -> Author:
        return Author(name=BUILD, keys=evidence.names(self.config.evidence))

    @cached_property
    def _vouched(self) -> dict[str, frozenset[Digest]]:
        return admission.documents(self._attached, self._build)

    def _signed(self) -> str:
        """Whatever is attached is about this image; what has to be signed by the environment before is."""
        self._trusted()
        said = [_held(admission.about(self._image.digest, self._attached))] if self._attached else []
        before = self.config.environments.get(self.place.promote_from or "")
        if before and before.evidence.verify_with:
            author = Author(name=before.name, keys=evidence.names(before.evidence))
            about = (self.config.name, self.version, self.contract, self._attached)
            said.append(_held(admission.passed(*about, author)[0]))
        elif before:
            said.append(f"no key of {before.name} is configured: nobody has to sign that it passed")
        return "; ".join(said) or "nothing is attached, and no key is configured"

    def _trusted(self) -> None:
        """Raise where this checkout believes somebody whom the default branch does not."""
        rules = self.world.rules(self.config).rules
        wrong = rules.undermined(self.place.name)
        if wrong := wrong or (rules.unlocked(self.place.name) if self.glass else ""):
            what = f"the config of this checkout {wrong}"
            seen = f"{rules.source} says otherwise, and whose word counts is not a release's own to say."
            cure = "Release a commit whose config says the same; new keys and roles are merged there first."
            raise Tampered(what, seen=seen, cure=cure)

    def _built(self) -> str:
        about = (self.config.name, self._image.digest, self._attached, self._build)
        if not self._build.keys:
            _held(admission.of_model(*about))
            return "no key of the build is configured: nobody has to sign how it was built"
        return _held(admission.provenance(*about, self.world.run.source))

    @cached_property
    def _documents(self) -> dict[Digest, bytes]:
        """The scan reports attached, whoever did it."""
        found = self._registry.attached(self._image.digest, papers.REPORT_TYPE)
        return {digest_of(body): body for body in found}

    def _complete(self, name: str) -> str:
        """The document of a name, as the build's provenance names it."""
        about = (self._image.digest, self._attached, self._build, self._documents)
        return _held(vouched.complete(*about, names=(name,)))

    def _listed(self) -> str:
        """The SBOM that the build's provenance names, where it names one."""
        said = self._complete(vouched.SBOM)
        named = self._vouched.get(vouched.SBOM, frozenset())
        every = vouched.sboms(self._attached, self._build)
        found = next((one for one in every if vouched.sbom_digest(one) in named), None)
        if found is None:
            return "the build names none: what is in the image stands in its report"
        if not found.get("components"):
            what = f"the SBOM of {self._image.digest} lists nothing, so nothing was looked for"
            raise NotEvaluated(what, cure=f"Scan and push it: {scan_gate.AGAIN}")
        return said

    # --- what was found in it ---

    @cached_property
    def _reports(self) -> tuple[Report, ...]:
        """The stored reports that count: those the build's provenance names, where it names some."""
        policy = self.world.rules(self.config).rules.policy(self.place.name)
        if policy.spec.scanners:
            self._complete(vouched.REPORT)
        counting = vouched.counting(self._attached, self._build, self._documents)
        return scan_gate.scanned(policy, self._manifest, counting)

    def _scanned(self) -> str:
        who = ", ".join(f"{one.scanner} ({len(one.packages)} packages)" for one in self._reports)
        return who or "the config asks for no scan"

    def _judged(self) -> str:
        digest, reports = self._image.digest, self._reports
        if reports:
            reports = artifact_scan.beside(self.world, self.config, reports, place=self.place)
        return scan_gate.passing(self.world, self.config, self.place.name, digest, reports)

    def _second(self) -> str:
        found = self._registry.attached(self._image.digest, papers.ECR_REPORT_TYPE)
        reports = {digest_of(body): body for body in found}
        counting = vouched.counting(self._attached, self._build, reports, vouched.ECR_REPORT)
        told = second_gate.reasons(self.world, self.config, self.place.name, self._manifest, counting)
        return "; ".join(told) or "the config does not ask for it"

    def _approved(self) -> str:
        if not self.world.run.url:
            return "not in a workflow: whoever runs this answers for it"
        if not self.deploying:
            return "GitHub asks the reviewers when the deployment begins"
        return evidence.approved(self.world, self.glass or self.place.name)

    @property
    def _inputs(self) -> frozenset[Digest]:
        """The statements it was decided by, and what they name."""
        named = frozenset(digest for digests in self._vouched.values() for digest in digests)
        return frozenset(digest_of(body) for body in self._statements) | named


def _held(ruling: Ruling) -> str:
    """Why it holds; raises where it does not."""
    if not ruling.ok:
        kind = Tampered if ruling.tampered else NotAllowed
        raise kind(ruling.reason, seen=ruling.seen, cure=ruling.cure)
    return ruling.reason


def _breakable(step: Step, failure: Failure) -> bool:
    """Whether an emergency may pass over it."""
    unknown = step is Step.SIGNATURES and isinstance(failure, NotEvaluated)  # whose word counts at all
    if step in NEVER_BROKEN or unknown or isinstance(failure, Tampered):
        return False
    return isinstance(failure, (*_POLICY, *_ELSEWHERE.get(step, ())))
