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
        ("static/src/*.js",),
        r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|setHTMLUnsafe|createContextualFragment|parseFromString|\.srcdoc\b"
        r"|document\.write|\beval\(|new Function\b|set(?:Timeout|Interval)\(\s*[\"'`]",
    ),
    "script in an attribute": Rule(TEMPLATES, r"\bhx-on\b|\bhx-vars\b|[\"']\s*js:|javascript:|\ssrcdoc\s*="),
    "window that can steer this one": Rule(TEMPLATES, r"target\s*=\s*[\"']?_blank(?![^>]*\brel=\"[^\">]*noopener)"),
    "path of a machine": Rule(
        ("*",),
        r"(?<![\w.~$}])/(?:work|home/[a-z]\w*|Users/\w+)/|/root/\.|/tmp/[a-z]+-[0-9]{3,}",
        except_in=("tools/greps.py", "tests/tools/test_greps.py"),
    ),
}
CALLS: Final[Mapping[str, str]] = {
    "eval": "code from a string",
    "exec": "code from a string",
    "compile": "code from a string",
    "__import__": "code from a string",
    "os.system": "a shell",
    "os.popen": "a shell",
    "subprocess.getoutput": "a shell",
    "subprocess.getstatusoutput": "a shell",
    "asyncio.create_subprocess_shell": "a shell",
    "mark_safe": "markup without escaping",
    "SafeString": "markup without escaping",
    "SafeText": "markup without escaping",
    "html_safe": "markup without escaping",
    "yaml.load": "objects from a document",
    "RawSQL": "SQL from a string",
}
BUILTINS: Final = frozenset({"eval", "exec", "compile", "__import__"})  # as methods they are something else
WHOLE: Final[Mapping[str, tuple[int, str]]] = {  # how many of the first arguments must be literals of the source
    "format_html": (1, "markup without escaping"),
    "format_html_join": (2, "markup without escaping"),
    "execute": (1, "SQL from a string"),
    "executemany": (1, "SQL from a string"),
    "executescript": (1, "SQL from a string"),
    "raw": (1, "SQL from a string"),
}
EXEMPT: Final = frozenset(
    {"csrf_exempt", "requires_csrf_token", "xframe_options_exempt", "xframe_options_sameorigin", "csp_exempt"}
)
MODULES: Final = frozenset({"pickle", "cPickle", "marshal", "shelve", "dill", "jsonpickle"})


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
    lines, tree = text.splitlines(), ast.parse(text, path)
    literals = _literals(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            rules = [_call(node, literals)]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            rules = [_import(node, alias) for alias in node.names]
        elif isinstance(node, ast.FunctionDef) and node.name == "__html__":
            rules = ["markup without escaping"]
        else:
            continue
        for rule in dict.fromkeys(filter(None, rules)):
            if rule == "SQL from a string" and path.startswith("tests/"):
                continue  # a test asks its own scratch database
            yield Finding(path, node.lineno, rule, lines[node.lineno - 1])


def _literals(tree: ast.AST) -> frozenset[str]:
    """The names that this file gives literals and nothing else."""
    given: dict[str, bool] = {}
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr | ast.For | ast.comprehension):
            targets = [node.target]
        elif isinstance(node, ast.arg):
            given[node.arg] = False
        plain = isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant)
        for name in (one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)):
            given[name] = given.get(name, True) and plain
    return frozenset(name for name, plain in given.items() if plain)


def _import(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    module = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
    if module.partition(".")[0] in MODULES:
        return "objects from bytes"
    if alias.name in EXEMPT:
        return "protection taken off"
    if alias.asname and alias.asname != alias.name and alias.name in {*CALLS, *WHOLE}:
        return "another name for a call that is looked for"
    return ""


def _call(node: ast.Call, literals: frozenset[str]) -> str:
    name = ast.unparse(node.func)
    last, is_method = name.rpartition(".")[2], isinstance(node.func, ast.Attribute)
    if last in ("mark_safe", "SafeString") and all(isinstance(argument, ast.Constant) for argument in node.args):
        return ""  # what the source itself says needs no escaping
    for call, rule in CALLS.items():
        if name == call or ("." not in call and call not in BUILTINS and last == call):
            return rule
    if last in EXEMPT:
        return "protection taken off"
    if last == "extra" and is_method:
        return "SQL from a string"
    if last in WHOLE and (is_method or last.startswith("format_html")):
        count, rule = WHOLE[last]
        of_a_model = last != "raw" or ".objects" in name or (isinstance(node.func, ast.Attribute) and _says_sql(node))
        if of_a_model and not all(_literal(argument, literals) for argument in node.args[:count]):
            return rule
    for keyword in node.keywords:
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
            return "a shell"
    return ""


def _literal(node: ast.expr, literals: frozenset[str]) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in literals)


def _says_sql(node: ast.Call) -> bool:
    """Whether the first argument begins as a query does; ``raw`` is also the name of other things."""
    text = ast.unparse(node.args[0]).lstrip("fbr'\"( ").lower() if node.args else ""
    return text.startswith(("select ", "insert ", "update ", "delete ", "with "))


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
