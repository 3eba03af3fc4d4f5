"""`microexpr serve`: analyze and annotate recordings in a browser on this machine. See docs/how-to/serve.md.

upload -> store (a folder per recording) -> jobs (a process per analysis) -> annotations (edits by a coder)
"""

from ..core.errors import UsageError

try:
    import fastapi  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as error:
    raise UsageError(f"`microexpr serve` needs {error.name}; run: pip install 'microexpr[web]'") from None

from .app import create_app
from .server import new_token, serve
from .settings import DEFAULT_STORAGE, ServerOptions, is_local

__all__ = ["DEFAULT_STORAGE", "ServerOptions", "create_app", "is_local", "new_token", "serve"]
