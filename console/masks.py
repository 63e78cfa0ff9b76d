"""Which values are secrets by their name or look, and how they read when masked.

Best effort and said to be so: a person who may not see secrets sees no value at all (``docs/security.md``); this is the
second layer, for those who may, so that a password is not on the screen until it is asked for.
"""

from __future__ import annotations

import re
from typing import Any, Final

MASK: Final = "••••"
PLAIN_MASK: Final = "***"  # in commands and JSON
NOT_COPIED: Final = f"{PLAIN_MASK} stands here for a secret that was not copied with the command: type it."

# Anywhere in a name (PGPASSWORD), or as one of its words (SECRET_KEY, not KEYBOARD).
_ANYWHERE = re.compile(r"PASSW|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|APIKEY|PRIVATEKEY|ACCESSKEY", re.IGNORECASE)
_WORDS: Final = frozenset({"KEY", "KEYS", "PASS", "PWD", "PW", "AUTH", "CRED", "CREDS", "COOKIE", "SALT", "DSN", "PAT"})
_HARMLESS: Final = frozenset({"PWD", "OLDPWD", "SandboxKey"})
_PASSWORD = re.compile(r"^pass$|password2?$|passwd$", re.IGNORECASE)
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_USERINFO = re.compile(r"(?<=://)([^\s/?#@:]*)(:[^\s/?#@]*(?:@[^\s/?#@]*)*)?@(?=[^\s/?#@]+)")
_QUERY = re.compile(r"(?<=[?&])([A-Za-z0-9_.-]*)=([^&#\s]+)")
_MOUNT_OPTION = re.compile(r"(?:(?<=^)|(?<=,))([A-Za-z0-9_.-]+)=((?:,,|[^,])+)")  # a comma in a value is doubled
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
_PAIR = re.compile(r"(--?|)([A-Za-z][A-Za-z0-9_.-]*)(=)(.*)", re.DOTALL)


def secret_name(name: str) -> bool:
    """Whether a variable, option or key of this name holds a secret. ``…_FILE`` is a path, not the secret."""
    if name in _HARMLESS or name.upper().endswith("_FILE"):
        return False
    return bool(_ANYWHERE.search(name)) or any(part.upper() in _WORDS for part in _SPLIT.split(name))


def masked(name: str, value: str, mask: str = MASK) -> str:
    """``value`` with what is secret in it replaced: all of it by its name, else passwords in URLs, private keys."""
    if value and (secret_name(name) or _PEM.search(value)):
        return mask
    return masked_text(value, mask)


def masked_text(value: str, mask: str = MASK) -> str:
    """``value`` with the passwords in its URLs replaced, and those among options of mount (``user=a,password=b``)."""
    if "pass" in value.lower() and "=" in value:
        value = _MOUNT_OPTION.sub(lambda found: f"{found[1]}={mask}" if _PASSWORD.search(found[1]) else found[0], value)
    if "://" not in value and "?" not in value:
        return value
    hidden = _USERINFO.sub(lambda found: _userinfo(value, found, mask), value)
    return _QUERY.sub(lambda found: f"{found[1]}={mask}" if secret_name(found[1]) else found[0], hidden)


def masked_words(words: list[str], mask: str = PLAIN_MASK) -> list[str]:
    """A command's words: ``--password=x``, ``--token x`` and ``NAME=x`` masked by name, URLs by their look."""
    found: list[str] = []
    hide = False
    for word in words:
        pair = _PAIR.fullmatch(word)
        if hide and not word.startswith("-"):
            found.append(mask)
        elif pair and pair[4]:
            found.append(f"{pair[1]}{pair[2]}={masked(pair[2], pair[4], mask)}")
        else:
            found.append(masked("", word, mask))
        hide = word.startswith("--") and "=" not in word and secret_name(word.lstrip("-"))
    return found


def masked_document(value: Any, mask: str = PLAIN_MASK) -> tuple[Any, int]:
    """A raw document of the engine with its secrets masked by key, and how many were.

    ``Env`` lists are masked by each variable's name; ``Args``, ``Cmd``, ``Entrypoint`` and ``Test`` as commands; all
    other strings by key and look.
    """
    counter = [0]
    return _document("", value, mask, counter), counter[0]


_COMMANDS: Final = frozenset({"Args", "Cmd", "Entrypoint", "Test"})


def _document(key: str, value: Any, mask: str, counter: list[int]) -> Any:
    if isinstance(value, dict):
        return {name: _document(str(name), item, mask, counter) for name, item in value.items()}
    if isinstance(value, list):
        if key in _COMMANDS and all(isinstance(item, str) for item in value):
            hidden = masked_words(value, mask)
            counter[0] += sum(before != after for before, after in zip(value, hidden, strict=True))
            return hidden
        return [_document(key, item, mask, counter) for item in value]
    if not isinstance(value, str):
        return value
    name, equals, rest = value.partition("=")
    shown = (
        f"{name}={masked(name, rest, mask)}"
        if key == "Env" and equals
        else masked("" if key == "Env" else key, value, mask)
    )
    counter[0] += shown != value
    return shown


def _userinfo(value: str, found: re.Match[str], mask: str) -> str:
    if found[2] is not None:
        return f"{found[1]}:{mask}@"
    scheme = value[: found.start()].rpartition("://")[0][-5:].lower()
    return f"{mask}@" if scheme.endswith(("http", "https")) and found[1] else found[0]
