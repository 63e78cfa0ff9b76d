"""From the SDK's, the HTTP library's and the engine's own errors to the one tree of ``errors``."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests
import urllib3.exceptions

from console.engine.address import Address
from console.engine.diagnose import explain, not_docker, timed_out
from console.engine.errors import (
    AlreadySo,
    Conflict,
    EngineError,
    Failed,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Unreachable,
    Unsupported,
)
from console.engine.text import decode, text
from console.engine.transport import TooLarge

SENTENCE = 2048  # characters of an engine's sentence
_STATUSES: dict[int, type[EngineError]] = {
    304: AlreadySo,
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    405: Unsupported,
    409: Conflict,
    501: Unsupported,
}
_NO_ROUTE = re.compile(r"(404 )?(page )?not found\.?", re.IGNORECASE)
_STATE = re.compile(
    r"\bis (not running|not paused|already paused|already stopped|already running)\b|\bcannot (un)?pause"
)


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Turn whatever a call to ``address`` raises below into an ``EngineError``."""
    try:
        yield
    except EngineError:
        raise
    except TooLarge as error:
        raise Malformed("The engine's answer is too large.") from error
    except docker.errors.TLSParameterError as error:
        raise Unreachable("The TLS files for this engine are not there or cannot be read.", "tls") from error
    except docker.errors.DockerException as error:
        raise Invalid(text(str(error), SENTENCE)) from error
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise timed_out(address) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        raise _lost(address, error) from error
    except UnicodeError as error:
        raise not_docker(address) from error


def _lost(address: Address, error: Exception) -> Unreachable:
    found = explain(address, error)
    if found.problem == "lost" and "BadStatusLine" in repr(error):
        return not_docker(address)
    return found


def raise_for(status: int, body: bytes) -> None:
    """Raise the error that an answer's status means; return for 2xx. The message is the engine's own sentence."""
    if 200 <= status < 300:
        return
    sentence = _sentence(status, body)
    kind = _STATUSES.get(status, Failed if status >= 500 else Invalid)
    if status < 400 and status != 304:
        raise Malformed(f"The engine answered {status}, which no engine does here.")
    if kind is NotFound and _NO_ROUTE.fullmatch(sentence):
        raise Unsupported("This engine does not have that function.")
    if kind is Failed and _STATE.search(sentence):
        kind = Conflict  # engines before 23 answer 500 to what the object's state forbids
    raise kind(sentence)


def _sentence(status: int, body: bytes) -> str:
    if status == 304:
        return "The container is already in that state."
    try:
        answer = decode(body)
    except Malformed:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("message"), str):
        said = answer["message"]
    elif answer is None and b"<" not in body[:64]:
        said = body[: 4 * SENTENCE].decode("utf-8", "replace")
    else:
        said = ""
    said = text(said.strip(), SENTENCE, multiline=True)
    return said or f"The engine answered {status} {http.client.responses.get(status, '')}".strip() + "."
