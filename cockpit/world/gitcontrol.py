"""Routes of the control endpoint for Git: what was committed, and the commit that takes a change back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from cockpit.world.exchange import BadRequest, answer, body_of
from cockpit.world.git import Commit, git_of

if TYPE_CHECKING:
    from cockpit.world.serve import World

_AUTHOR = "operator <operator@acme.test>"


def add_routes(world: World) -> None:
    """``GET /git``: every repository's commits, oldest first. ``POST /git/revert`` {repository, path}: a commit."""

    async def look(_: web.Request) -> web.Response:
        git = git_of(world)
        return answer({url: [_shown(commit) for commit in git.log(url)] for url in git.repositories()})

    async def revert(request: web.Request) -> web.Response:
        body = await body_of(request)
        repository, path = body.get("repository"), body.get("path")
        if not isinstance(repository, str) or not isinstance(path, str):
            raise BadRequest("give the repository and a path in it")
        commit = git_of(world).revert(repository, path, _AUTHOR)
        if commit is None:
            raise BadRequest(f"{path} of {repository} never was anything else")
        return answer(_shown(commit))

    world.control.add_route("GET", "/git", look)
    world.control.add_route("POST", "/git/revert", revert)


def _shown(commit: Commit) -> dict[str, object]:
    return {
        "sha": commit.sha,
        "at": commit.at,
        "author": commit.author,
        "subject": commit.subject,
        "paths": sorted(commit.tree),
    }
