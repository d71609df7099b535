"""Who is asking: bearer tokens, client certificates, impersonation, the anonymous user."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from cockpit.world import status

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"


class User(msgspec.Struct, frozen=True):
    """A name and the groups it belongs to."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""

    @property
    def masters(self) -> bool:
        return MASTERS in self.groups

    def info(self) -> dict[str, Any]:
        """UserInfo of authentication.k8s.io."""
        info: dict[str, Any] = {"username": self.name}
        if self.uid:
            info["uid"] = self.uid
        if self.groups:
            info["groups"] = list(self.groups)
        return info


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def unauthorized() -> status.Rejected:
    return status.Rejected(401, "Unauthorized", "Unauthorized")


class Users:
    """Known tokens and denied names."""

    def __init__(self) -> None:
        self._tokens: dict[str, User] = {}
        self.denied: set[str] = set()

    def add(self, name: str, groups: tuple[str, ...] = (), token: str | None = None) -> str:
        """Make ``token`` (a new one unless given) speak for the user; returns it."""
        token = token or secrets.token_urlsafe(24)
        self._tokens[token] = User(name, tuple(dict.fromkeys((*groups, AUTHENTICATED))))
        return token

    def expire(self, token_or_name: str) -> int:
        """Forget a token, or all tokens of a user; returns how many."""
        gone = [token for token, user in self._tokens.items() if token_or_name in (token, user.name)]
        for token in gone:
            del self._tokens[token]
        return len(gone)

    def authenticate(self, authorization: str | None, certificate: dict[str, Any] | None) -> User:
        """The user of a request; raises 401 for a token nobody has. No credentials at all: anonymous."""
        if authorization:
            scheme, _, token = authorization.partition(" ")
            user = self._tokens.get(token.strip()) if scheme.lower() == "bearer" else None
            if user is None:
                raise unauthorized()
        elif certificate:
            user = _certified(certificate)
        else:
            user = ANONYMOUS
        if user.name in self.denied:
            raise unauthorized()
        return user


def _certified(certificate: dict[str, Any]) -> User:
    """CN is the user, every O a group (the certificate's signature was checked by TLS)."""
    subject = [pair for relative in certificate.get("subject", ()) for pair in relative]
    name = next((value for key, value in subject if key == "commonName"), "")
    if not name:
        raise unauthorized()
    groups = tuple(value for key, value in subject if key == "organizationName")
    return User(name, (*groups, AUTHENTICATED))
