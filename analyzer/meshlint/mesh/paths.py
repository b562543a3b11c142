"""Paths on their way: how a proxy normalises them, and how routes rewrite them (R318, R405, R406)."""

import re

from meshlint.mesh.kubernetes_matches import SEGMENTS
from meshlint.mesh.routing import Match
from meshlint.request import AUTHORITY, PATH, Request
from meshlint.source.node import Node

_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


def normalised(path: str, mode: str) -> str:
    """The path as a proxy of a mesh with that `pathNormalization` sees it (R318)."""
    if mode == "NONE" or not path.startswith("/"):
        return path
    text = _ESCAPE.sub(_decoded, path).replace("\\", "/")
    if mode == "DECODE_AND_MERGE_SLASHES":
        text = re.sub(r"%(2[Ff]|5[Cc])", "/", text)
    text = _without_dots(text)
    return re.sub(r"/{2,}", "/", text) if "MERGE_SLASHES" in mode else text


def rewritten(request: Request, route: Node, match: Match) -> Request | None:
    """The request after the route's rewrite; the choice of the virtual host is already made (R405, R406).

    None where the rewrite is by an expression that cannot be read here, so that the new path is not known.
    """
    rewrite = route.get("rewrite")
    path = request.get(PATH)
    if rewrite is None:
        return request
    authority, uri = rewrite.get("authority"), rewrite.get("uri")
    pattern, substitution = rewrite.get("uriRegexRewrite", "match"), rewrite.get("uriRegexRewrite", "rewrite")
    if authority is not None and isinstance(authority.value, str) and authority.value:
        request = request.but(AUTHORITY, authority.value)
    if path is None:
        return request
    if uri is not None and isinstance(uri.value, str) and uri.value:
        return request.but(PATH, _replaced(path, uri.value, match))
    if pattern is not None and substitution is not None:
        changed = _substituted(path, str(pattern.value), str(substitution.value))
        return None if changed is None else request.but(PATH, changed)
    return request


def _decoded(found: re.Match[str]) -> str:
    char = chr(int(found[1], 16))
    return char if char in _UNRESERVED else found[0]


def _without_dots(path: str) -> str:
    kept: list[str] = []
    parts = path.split("/")[1:]
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
        if part in (".", "..") and is_last:
            kept.append("")
    return "/" + "/".join(kept)


def _replaced(path: str, uri: str, match: Match) -> str:
    """A matched prefix is replaced, any other matched path as a whole; without a condition the prefix is `/`."""
    written = match.node.get("uri")
    if written is not None and (written.get("exact") is not None or written.get("regex") is not None):
        return uri
    segments = written.get(SEGMENTS) if written is not None else None
    if segments is not None:
        # What takes the prefix away leaves one slash, whether the path goes on or not (R913).
        rest = path[len(str(segments.value)) :]
        return rest or "/" if uri == "/" else uri + rest
    prefix = written.get("prefix") if written is not None else None
    length = len(str(prefix.value)) if prefix is not None else 1
    return uri + path[length:]


def _substituted(path: str, pattern: str, substitution: str) -> str | None:
    """The expression replaced throughout (R406); None for one that is RE2's and not Python's."""
    try:
        return re.sub(pattern, substitution, path)
    except (re.error, IndexError):
        return None
