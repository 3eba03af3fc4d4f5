"""Who may ask: the name a page was called by, the page a change comes from, the token; and what a browser may do.

A page of somebody else's can make a browser send requests to this machine. So a request must name this machine by an
address or its own name (a name that was made to point here is refused), a change must come from our own page, and no
answer may be framed, read or embedded by another one.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .settings import ServerOptions, is_local

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer."""

OWN = "x-microexpr"
"""A header that a change must carry: a form cannot send it, and a script of another page must ask first."""

SMALL = 20 * 10**6
"""Bytes of a request that is read at once: the largest is another coder's file."""

UPLOAD = "/api/recordings"
"""Counts the bytes of a request by itself."""


class SecurityMiddleware:
    """Stands before the app and refuses what may not pass."""

    def __init__(self, app: ASGIApp, settings: ServerOptions) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await (refusal or self.app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            return refused(421, f"this page is not called '{host[:80]}'; use the address that the terminal shows")
        if scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            if origin is not None and origin != f"{scope['scheme']}://{host}":
                return refused(403, "a change must come from the page itself, not from another one")
            if headers.get(OWN) is None:
                return refused(403, f"a change must carry the header {OWN}")
            if scope["path"] != UPLOAD and not _is_small(headers):
                return refused(413, f"a request of this kind has at most {SMALL} bytes, and says how many")
        if headers.get("sec-fetch-site", "none") in ("cross-site", "same-site") and scope["path"] != "/":
            return refused(403, "another page may not use this one")
        return self._without_token(scope, headers) if self.settings.token else None

    def _is_ours(self, host: str) -> bool:
        """An address, `localhost`, or a name that this machine has; never a name that somebody made to point here."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if self.settings.local:
            return is_local(name)
        try:
            ipaddress.ip_address(name)
            return True
        except ValueError:
            return name in {"localhost", self.settings.host.lower(), socket.gethostname().lower()}

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        """None where the token was shown; the first time it is taken from the address into a cookie."""
        cookie = f"microexpr-{(scope.get('server') or ('', 0))[1]}"
        if same(cookie_parser(headers.get("cookie", "")).get(cookie, ""), self.settings.token):
            return None
        shown = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not same(shown, self.settings.token):
            return refused(401, "no token, or a wrong one; use the address that the terminal shows")
        if scope["method"] != "GET" or scope["path"] != "/":
            return None
        answer = RedirectResponse("/", 303)  # the token leaves the address bar and the history
        answer.set_cookie(cookie, self.settings.token, httponly=True, samesite="strict")
        return answer


def _is_small(headers: Headers) -> bool:
    if "transfer-encoding" in headers:
        return False
    size = headers.get("content-length", "0")
    return size.isdecimal() and int(size) <= SMALL


def same(given: str, token: str) -> bool:
    """Compared in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def refused(status: int, line: str) -> JSONResponse:
    """One line that says why not."""
    return JSONResponse({"fault": line}, status)
