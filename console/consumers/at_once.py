"""The name of what ``console.server`` puts into a socket's scope: a way to write without waiting.

``scope["extensions"][AT_ONCE](parts, binary=False) -> bool`` sends one message that is made of several bytes objects,
and says False, with nothing sent, where that has to wait.
"""

from __future__ import annotations

from typing import Final

AT_ONCE: Final = "quarterdeck.at_once"
