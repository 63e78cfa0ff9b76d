"""Each rule of tools/greps.py finds a planted case, and lets its neighbour pass."""

from __future__ import annotations

import pytest

from tools import greps

PLANTED = [
    ("registry in a lock", "requirements.txt", "--extra-index-url packages.example.org/simple"),
    ("registry in a lock", "package-lock.json", '      "resolved": "somewhere/htmx.org-4.0.1.tgz",'),
    ("registry in a lock", ".npmrc", "registry=packages.example.org"),
    ("registry in a lock", "Dockerfile", "RUN pip install --index-url http://10.0.0.1/simple x"),
    ("address in a lock", "requirements-dev.txt", "thing @ https://example.org/thing.whl"),
    ("address in a lock", "package-lock.json", '      "from": "https://example.org/x.tgz"'),
    ("inline style", "templates/a/b.html", '<p style="color: red">'),
    ("inline style", "templates/a.html", "<style>"),
    ("inline script", "templates/a.html", "<script>go()</script>"),
    ("event attribute", "templates/a.html", '<a href="#" onclick="go()">'),
    ("unescaped value", "templates/a.html", "{{ name | safe }}"),
    ("unescaped value", "templates/a.html", "{% autoescape off %}"),
    ("markup from a string", "static/src/js/parts/a.js", "node.innerHTML = text"),
    ("markup from a string", "static/src/js/a.js", "node.insertAdjacentHTML('beforeend', text)"),
    ("path of a machine", "docs/a.md", "see /home/alice/notes"),
    ("path of a machine", "tools/a.sh", "cp /root/.docker/config.json ."),
]
PYTHON = [
    ("a shell", "import subprocess\nsubprocess.run('ls', shell=True)"),
    ("a shell", "subprocess.run('ls', shell=flag)"),
    ("a shell", "import os\nos.system('ls')"),
    ("a shell", "asyncio.create_subprocess_shell('ls')"),
    ("code from a string", "eval('1')"),
    ("code from a string", "exec('x = 1')"),
    ("markup without escaping", "from django.utils.safestring import mark_safe\nmark_safe(name)"),
    ("markup without escaping", "safestring.SafeString(name)"),
    ("SQL from a string", "User.objects.all().extra(where=['1'])"),
    ("SQL from a string", "RawSQL('select 1', [])"),
    ("objects from bytes", "import pickle"),
    ("objects from bytes", "from pickle import loads"),
    ("objects from a document", "yaml.load(text)"),
]
HARMLESS = [
    ("package-lock.json", '        "url": "https://github.com/sponsors/somebody"'),
    ("requirements.txt", "django==5.2.19 --hash=sha256:00"),
    ("templates/a.html", '<script src="{% static "qd.js" %}" defer></script><p class="safe">on time</p>'),
    ("static/src/js/a.js", "node.textContent = html"),
    ("docs/a.md", "the socket is /var/run/docker.sock, the data /data"),
    ("docs/a.md", "resolved https://example.org"),
]


@pytest.mark.parametrize(("rule", "path", "line"), PLANTED)
def test_a_planted_line_is_found(rule: str, path: str, line: str) -> None:
    assert [(found.rule, found.line) for found in greps.search(path, f"\n{line}\n")] == [(rule, 2)]


@pytest.mark.parametrize(("rule", "code"), PYTHON)
def test_a_planted_call_is_found(rule: str, code: str) -> None:
    assert [found.rule for found in greps.search_python("console/a.py", code)] == [rule]


@pytest.mark.parametrize(("path", "line"), HARMLESS)
def test_a_harmless_line_passes(path: str, line: str) -> None:
    assert list(greps.search(path, line)) == []


def test_words_about_calls_are_no_calls() -> None:
    code = '"""No shell=True, no os.system, no eval()."""\nsubprocess.run(["ls"], shell=False)\nmodel.evaluate()\n'
    code += 'SafeString(" disabled")\n'
    assert list(greps.search_python("console/a.py", code)) == []


def test_every_rule_has_a_planted_case() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(greps.RULES)
    assert {rule for rule, _ in PYTHON} == {*greps.CALLS.values(), "objects from bytes"}


def test_the_repository_is_clean() -> None:
    assert [str(found) for found in greps.findings(greps.repository_files())] == []
