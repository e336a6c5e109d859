"""What GitHub knows of the repository, as far as releases depend on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedRepository:
    """The repository itself."""

    name: str
    """``ORG/REPO``."""
    id: int
    owner_id: int
    private: bool
    """Private or internal."""
    organisation: bool
    """Owned by an organisation, not by a person."""
    default_branch: str
    plan: str = ""
    """The owner's plan (``free``, ``team``, ``enterprise``); empty where the token may not ask."""

    @property
    def reviewers_possible(self) -> bool | None:
        """Whether its environments can have required reviewers; ``None`` where nobody can tell.

        Public repositories always; private ones with GitHub Enterprise only (docs.github.com,
        "Deployments and environments").
        """
        if not self.private:
            return True
        return self.plan == "enterprise" if self.plan else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedEnvironment:
    """One of its environments."""

    name: str
    reviewers: int = 0
    """People and teams of whom one has to approve."""

    def is_(self, name: str) -> bool:
        """Whether it is the one of this name: GitHub's have no case (docs.github.com, the same page)."""
        return self.name.casefold() == name.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """How its jobs are named in OIDC tokens."""

    default: bool = True
    claims: tuple[str, ...] = ()
    """What the subject is made of, where that was changed."""
    immutable: bool | None = None
    """With ids in it; ``None`` where the API does not say."""
