"""Paths on their way: how a proxy normalises them, and how routes rewrite them (R318, R405, R406)."""

import re

from meshlint.mesh import history
from meshlint.mesh.model import Mesh
from meshlint.mesh.re2 import BadPattern
from meshlint.mesh.routing import Match
from meshlint.mesh.substitution import substituted
from meshlint.request import AUTHORITY, PATH, Attribute, Request, header
from meshlint.source.node import Node

_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_WHOLE_PATH = header(":path")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


def normalization(mesh: Mesh) -> str:
    """How proxies of the mesh normalise paths; before 1.2 they do not (R318)."""
    return "NONE" if mesh.settings.istio_version < history.NORMALISED_PATHS else mesh.config.normalization


def normalised(path: str, mode: str) -> str:
    """The path as a proxy of a mesh with that `pathNormalization` sees it (R318)."""
    if mode == "NONE" or not path.startswith("/"):
        return path
    text = _ESCAPE.sub(_decoded, path).replace("\\", "/")
    if mode == "DECODE_AND_MERGE_SLASHES":
        text = re.sub(r"%(2[Ff]|5[Cc])", "/", text)
    text = _without_dots(text)
    return re.sub(r"/{2,}", "/", text) if "MERGE_SLASHES" in mode else text


def rewritten(request: Request, rewrite: Node | None, match: Match) -> Request | None:
    """The request after a route's rewrite; the choice of the virtual host is already made (R405, R406).

    None where the rewrite is by an expression that cannot be followed here, so that the new path is not known.
    """
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
        return _to(request, _replaced(path, uri.value, match))
    if pattern is not None and isinstance(pattern.value, str):
        text = str(substitution.value) if substitution is not None and substitution.value is not None else ""
        try:
            changed = substituted(path, pattern.value, text)
        except BadPattern:
            return None
        return None if changed is None else _to(request, changed)
    return request


def with_headers(request: Request, headers: Node | None) -> Request:
    """The request with the headers that `headers.request` of a route or destination sets, adds and removes."""
    changes = headers.get("request") if headers is not None else None
    if changes is None:
        return request
    removed, replaced, added = changes.get("remove"), changes.get("set"), changes.get("add")
    for one in removed.elements if removed is not None else ():
        request = request.but(header(str(one.value)), None)
    for name, value in replaced.mapping.items() if replaced is not None else ():
        request = request.but(_named(name), str(value.value))
    for name, value in added.mapping.items() if added is not None else ():
        old = request.get(_named(name))
        joined = str(value.value) if old is None or _named(name) == AUTHORITY else f"{old},{value.value}"
        request = request.but(_named(name), joined)
    return request


def with_appended(request: Request, headers: Node | None) -> Request:
    """The request with the headers that `appendHeaders` of a route adds (R1004)."""
    for name, value in headers.mapping.items() if headers is not None else ():
        old = request.get(_named(name))
        request = request.but(_named(name), str(value.value) if old is None else f"{old},{value.value}")
    return request


def _named(name: str) -> Attribute:
    return AUTHORITY if name.lower() in ("host", ":authority") else header(name)


def _to(request: Request, path: str) -> Request:
    """The request for another path, with the query that it has (R405)."""
    _, mark, query = (request.get(_WHOLE_PATH) or "").partition("?")
    return request.but(PATH, path.partition("?")[0]).but(_WHOLE_PATH, f"{path}{mark}{query}")


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


def new_path(path: str, uri: str, match: Match) -> str:
    """The path that a redirect leads to: as it says, or with only the matched prefix replaced (R913)."""
    prefix = uri.removeprefix("%PREFIX()%")
    if prefix == uri:
        return uri or path
    return _replaced(path, prefix.removesuffix("/") or "/", match)


def _replaced(path: str, uri: str, match: Match) -> str:
    """A matched prefix is replaced, any other matched path as a whole; without a condition the prefix is `/`."""
    written = match.written.uri if match.written is not None else None
    if written is not None and (written.exact is not None or written.regex is not None):
        return uri
    if written is not None and written.path_separated_prefix is not None:
        # What takes the prefix away leaves one slash, whether the path goes on or not (R913).
        rest = path[len(written.path_separated_prefix) :]
        return rest or "/" if uri == "/" else uri + rest
    prefix = written.prefix if written is not None else None
    return uri + path[1 if prefix is None else len(prefix) :]
