"""What no file of the repository may hold, as rules that a test can plant a case for.

Python is judged by its syntax tree (a word in a docstring is no call), everything else by regular expressions.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
LOCKS: Final = ("requirements*.txt", "requirements*.in", "package.json", "package-lock.json", ".npmrc")


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that must not occur in files of these names. ``files``: fnmatch patterns of paths below the root."""

    files: tuple[str, ...]
    pattern: str
    unless: str = r"(?!)"  # a line that matches this is allowed
    except_in: tuple[str, ...] = ()


TEMPLATES: Final = ("templates/*.html",)
RULES: Final[Mapping[str, Rule]] = {
    "registry in a lock": Rule(
        (*LOCKS, "Dockerfile", "docker-compose.yml"),
        r"--(?:extra-)?index-url|--find-links|--trusted-host|\"resolved\"|^\s*registry\s*=|pythonhosted|npmjs\.(?:org|com)",
    ),
    "address in a lock": Rule(LOCKS, r"https?://", unless=r"^\s*\"(?:url|funding)\":"),
    "inline style": Rule(TEMPLATES, r"<style\b|\sstyle\s*="),
    "inline script": Rule(TEMPLATES, r"<script(?![^>]*\bsrc=)[^>]*>"),
    "event attribute": Rule(TEMPLATES, r"<[^>]*\son[a-z]+\s*="),
    "unescaped value": Rule(TEMPLATES, r"\|\s*safe\b|\|\s*safeseq\b|\{%-?\s*autoescape\s+off"),
    "markup from a string": Rule(
        ("static/src/*.js",), r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\b"
    ),
    "path of a machine": Rule(
        ("*",),
        r"(?<![\w.~$}])/(?:work|home/[a-z]\w*|Users/\w+)/|/root/\.|/tmp/[a-z]+-[0-9]{3,}",
        except_in=("tools/greps.py", "tests/tools/test_greps.py"),
    ),
}
CALLS: Final[Mapping[str, str]] = {
    "eval": "code from a string",
    "exec": "code from a string",
    "os.system": "a shell",
    "os.popen": "a shell",
    "subprocess.getoutput": "a shell",
    "subprocess.getstatusoutput": "a shell",
    "asyncio.create_subprocess_shell": "a shell",
    "mark_safe": "markup without escaping",
    "SafeString": "markup without escaping",
    "yaml.load": "objects from a document",
    "RawSQL": "SQL from a string",
}
MODULES: Final = frozenset({"pickle", "marshal", "shelve", "dill"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a rule was broken."""

    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text.strip()[:100]}"


def applies(rule: Rule, path: str) -> bool:
    """Whether the rule speaks of the file at this path below the root."""
    return any(fnmatch(path, one) for one in rule.files) and path not in rule.except_in


def search(path: str, text: str) -> Iterator[Finding]:
    """Yield what the regular expressions find in one file."""
    for name, rule in RULES.items():
        if applies(rule, path):
            for number, line in enumerate(text.splitlines(), 1):
                if re.search(rule.pattern, line, re.I) and not re.search(rule.unless, line):
                    yield Finding(path, number, name, line)


def search_python(path: str, text: str) -> Iterator[Finding]:
    """Yield the calls and imports that Python files may not hold. Raises SyntaxError."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text, path)):
        if isinstance(node, ast.Call):
            rule = _call(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            names = [module] if module else [alias.name for alias in node.names]
            rule = "objects from bytes" if any(name.partition(".")[0] in MODULES for name in names) else ""
        else:
            continue
        if rule:
            yield Finding(path, node.lineno, rule, lines[node.lineno - 1])


def _call(node: ast.Call) -> str:
    name = ast.unparse(node.func)
    if name in ("mark_safe", "SafeString") and all(isinstance(argument, ast.Constant) for argument in node.args):
        return ""  # what the source itself says needs no escaping
    for call, rule in CALLS.items():
        if name == call or ("." not in call and call not in ("eval", "exec") and name.endswith(f".{call}")):
            return rule
    if name.endswith(".extra") and ".objects" in name:
        return "SQL from a string"
    for keyword in node.keywords:
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
            return "a shell"
    return ""


def repository_files() -> list[str]:
    """Return the paths of all files that are or would be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for path in listed.split("\0") if path and (ROOT / path).is_file()]


def findings(paths: Iterable[str]) -> Iterator[Finding]:
    """Yield every finding in these files. A file that is no UTF-8 text (a picture) is passed over."""
    for path in paths:
        try:
            text = (ROOT / path).read_text("utf-8")
        except UnicodeDecodeError:
            continue
        yield from search(path, text)
        if path.endswith(".py"):
            yield from search_python(path, text)


def main() -> int:
    """Print the findings; returns 1 when there are any."""
    found = list(findings(repository_files()))
    for one in found:
        print(one)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
