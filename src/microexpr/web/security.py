"""Access control: host name, origin of a change, token, and headers that restrict the browser.

A page of another site can make a browser send requests to this machine. Therefore a request must name this machine by
an address or by its own name (other names that resolve to it are refused), a change must come from our own page, and no
answer may be framed, read or embedded by another page.
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

RESPONSE_HEADERS = {
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
"""Headers of every response."""

CHANGE_HEADER = "x-microexpr"
"""Header that every change must carry. A form cannot send it, and a script of another site would need permission."""

MAX_BODY_BYTES = 20 * 10**6
"""Largest body of a request other than an upload; the largest of them is a second coder's file."""

UPLOAD_PATH = "/api/recordings"
"""Path of uploads, which have their own limit of size."""


class SecurityMiddleware:
    """Middleware that refuses forbidden requests and adds `RESPONSE_HEADERS` to every response."""

    def __init__(self, app: ASGIApp, settings: ServerOptions) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(RESPONSE_HEADERS)
            await send(message)

        await (refusal or self.app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_own_host(host):
            return error_response(421, f"unknown host name '{host[:80]}'; use the address that the terminal shows")
        if scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            if origin is not None and origin != f"{scope['scheme']}://{host}":
                return error_response(403, "only the page of this server may change anything")
            if headers.get(CHANGE_HEADER) is None:
                return error_response(403, f"the header {CHANGE_HEADER} is missing; every change must carry it")
            if scope["path"] != UPLOAD_PATH and not _has_small_body(headers):
                return error_response(
                    413, f"the body of this request may have at most {MAX_BODY_BYTES} bytes and needs a content-length"
                )
        if headers.get("sec-fetch-site", "none") in ("cross-site", "same-site") and scope["path"] != "/":
            return error_response(403, "pages of other sites may not use this server")
        return self._check_token(scope, headers) if self.settings.token else None

    def _is_own_host(self, host: str) -> bool:
        """Whether it is an address, `localhost`, or the name of this machine.

        Any other name may have been made to resolve to this machine (DNS rebinding).
        """
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

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        """None where the token is right; on the first visit, a redirect that moves it from the address to a cookie."""
        cookie = f"microexpr-{(scope.get('server') or ('', 0))[1]}"
        if tokens_match(cookie_parser(headers.get("cookie", "")).get(cookie, ""), self.settings.token):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not tokens_match(given, self.settings.token):
            return error_response(401, "the token is missing or wrong; use the address that the terminal shows")
        if scope["method"] != "GET" or scope["path"] != "/":
            return None
        redirect = RedirectResponse("/", 303)  # so that the token is neither in the address bar nor in the history
        redirect.set_cookie(cookie, self.settings.token, httponly=True, samesite="strict")
        return redirect


def _has_small_body(headers: Headers) -> bool:
    if "transfer-encoding" in headers:
        return False
    size = headers.get("content-length", "0")
    return size.isdecimal() and int(size) <= MAX_BODY_BYTES


def tokens_match(given: str, token: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def error_response(status: int, message: str) -> JSONResponse:
    """Return a JSON response `{"error": message}`.

    Args:
        status: HTTP status code.
        message: one line for the user.
    """
    return JSONResponse({"error": message}, status)
