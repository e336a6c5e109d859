"""The verbs: one module each, imported only when it is asked for.

A command's module docstring is its help; it has ``arguments(parser)`` and ``run(options, world)``.
"""

from __future__ import annotations

from collections.abc import Mapping

VERBS: Mapping[str, tuple[str, str]] = {
    "validate": ("validate", "check model configs: schema and limits, every problem at once"),
    "changed": ("changed", "say which models a change touches, as a matrix; or what a release tag names"),
    "build": ("build", "build the image a config describes, or say why it need not be built"),
    "scan": ("scan", "look for known vulnerabilities in the image and judge them by the policy"),
    "scan-db": ("scan_db", "update, import, show, push or pull the advisories the builtin scanner uses"),
    "try": ("try_", "run the image on this machine and ask it the contract tests"),
    "push": ("push", "push the image to Amazon ECR and print repository@sha256:..."),
    "plan": ("plan", "show the steps from what is to what is wanted, and the way back; reads only"),
    "preview": ("preview", "say what a pull request would do, as its one comment"),
    "gate": ("gate", "say whether a version may go to an environment, and why; reads only"),
    "deploy": ("deploy", "take a version to an environment: gate, plan, the approved steps"),
    "promote": ("promote", "deploy to an environment what passed in the one before it"),
    "rollback": ("rollback", "go back to the last version that passed, or to the one named"),
    "reinstate": ("reinstate", "allow a withdrawn version again, with a reason"),
    "status": ("status", "show what runs where"),
    "drift": ("drift", "compare configs and world: each field that differs, both values, who changed it"),
    "rescan": ("rescan", "judge what serves again, with the advisories of today, from its stored reports"),
    "evidence": (
        "evidence",
        "show all that is known of a model's releases, and whether what was tested runs",
    ),
    "adopt": ("adopt", "take over what serves already, without a change to it"),
    "registry": ("registry", "never lose what runs: check lifecycle policies, prune what nobody needs"),
    "retire": ("retire", "remove a model: everything modelway made for it, and nothing else"),
    "iam": (
        "iam",
        "print least-privilege policies and OIDC trust for the configs, or what would change",
    ),
    "init": ("init", "start a repository: a config, a workflow, and what to create in AWS and GitHub"),
    "doctor": ("doctor", "say what is still missing, each with the command that fixes it"),
    "release": ("release", "build to production, through every gate"),
    "setup": ("setup", "make modelway's environment, and say which role a job is to assume"),
    "rehearse": ("rehearse", "the whole release on this machine: real containers, no AWS account"),
}
"""Verb to module and one-line help, in the order a release goes through them."""
