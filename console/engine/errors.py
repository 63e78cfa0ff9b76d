"""What can go wrong at an engine: one small tree. No HTTP words above this package, no logging in here."""

from __future__ import annotations


class EngineError(Exception):
    """An engine refused, failed or could not be asked.

    ``message`` is the engine's own sentence where it gave one, decoded and safe to show as text.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unreachable(EngineError):
    """No answer at all: not installed, not running, no permission, wrong address, time-out.

    ``problem`` says which, as one of ``PROBLEMS``.
    """

    PROBLEMS = ("not-installed", "not-running", "no-permission", "wrong-address", "timeout", "tls", "lost")

    def __init__(self, message: str, problem: str = "lost") -> None:
        super().__init__(message)
        self.problem = problem


class NotFound(EngineError):
    """The object does not exist (404)."""


class Conflict(EngineError):
    """The engine refuses in the object's present state (409, or 304 "already so" as ``AlreadySo``)."""


class AlreadySo(Conflict):
    """The object is already in the asked state (304): done for whoever asked for the state."""


class Invalid(EngineError):
    """The engine does not accept the request (400)."""


class Forbidden(EngineError):
    """The engine or a plug-in of it forbids it (401, 403)."""


class Unsupported(EngineError):
    """This engine's API version or platform lacks it (501, or a missing route)."""


class Failed(EngineError):
    """The engine answered with an error of its own (5xx)."""


class Malformed(EngineError):
    """The engine's answer cannot be understood: the object is quarantined, the others go on."""
