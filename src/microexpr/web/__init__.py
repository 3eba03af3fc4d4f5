"""`microexpr serve`: analyze and judge recordings in a browser on this machine. Described in docs/serve.md.

upload -> library (a folder a recording) -> jobs (a process an analysis) -> coding (what a coder says of each event)
"""

from ..core.errors import UsageError

try:
    import fastapi  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as lack:
    raise UsageError(f"the web page needs {lack.name}, which is not here; pip install 'microexpr[web]'") from None

from .app import create_app
from .server import new_token, serve
from .settings import ServerOptions, is_local

__all__ = ["ServerOptions", "create_app", "is_local", "new_token", "serve"]
