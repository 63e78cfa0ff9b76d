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
    ("markup from a string", "static/src/js/qd/a.js", "range.createContextualFragment(text)"),
    ("markup from a string", "static/src/js/a.js", "new DOMParser().parseFromString(text, 'text/html')"),
    ("markup from a string", "static/src/js/a.js", "frame.srcdoc = text"),
    ("markup from a string", "static/src/js/a.js", "setTimeout('go()', 5)"),
    ("script in an attribute", "templates/a.html", '<a hx-on:click="go()">'),
    ("script in an attribute", "templates/a.html", """<a hx-vals='js:{a: 1}'>"""),
    ("script in an attribute", "templates/a/b.html", '<a href="javascript:go()">'),
    ("script in an attribute", "templates/a.html", '<iframe srcdoc="x">'),
    ("window that can steer this one", "templates/a.html", '<a href="{{ url }}" target="_blank">'),
    ("window that can steer this one", "templates/a.html", '<a target="_blank" rel="nofollow">'),
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
    ("code from a string", "compile(text, 'x', 'exec')"),
    ("code from a string", "__import__(name)"),
    ("markup without escaping", "format_html(f'<b>{name}</b>')"),
    ("markup without escaping", "format_html('<b>' + name)"),
    ("markup without escaping", "def f(text):\n    return html.format_html(text, name)"),
    ("markup without escaping", "text = '<b>'\ntext += name\nformat_html(text)"),
    ("markup without escaping", "format_html_join('', text, rows)"),
    ("markup without escaping", "format_html_join(between, '<b>{}</b>', rows)"),
    ("markup without escaping", "html_safe(Name)"),
    ("markup without escaping", "class Name(str):\n    def __html__(self): return self"),
    ("another name for a call that is looked for", "from django.utils.safestring import mark_safe as plain"),
    ("another name for a call that is looked for", "from django.utils.html import format_html as f"),
    ("protection taken off", "from django.views.decorators.csrf import csrf_exempt"),
    ("protection taken off", "csrf.csrf_exempt(view)"),
    ("SQL from a string", "rows.filter(a=1).extra(select={'a': text})"),
    ("SQL from a string", "cursor.execute(f'SELECT {column}')"),
    ("SQL from a string", "cursor.execute('SELECT ' + column, [])"),
    ("SQL from a string", "User.objects.raw(text)"),
    ("SQL from a string", "manager.raw(f'SELECT {column}')"),
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
    ("templates/a.html", '<a href="{{ url }}" target="_blank" rel="noopener noreferrer">'),
    ("static/src/js/a.js", "setTimeout(() => go('x'), 5)"),
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
    code += 'SafeString(" disabled")\npattern.compile("x")\nre.compile(text)\n'
    code += 'bare = "<b>{}</b>"\nformat_html(bare, name)\nformat_html_join("", "<i>{}</i>", rows)\n'
    code += 'cursor.execute("SELECT 1")\nruns.execute\nreads.raw(engine, container)\nlog.info("x", extra={"a": 1})\n'
    assert list(greps.search_python("console/a.py", code)) == []


def test_every_rule_has_a_planted_case() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(greps.RULES)
    whole = {rule for _, rule in greps.WHOLE.values()}
    others = {"objects from bytes", "protection taken off", "another name for a call that is looked for"}
    assert {rule for rule, _ in PYTHON} == {*greps.CALLS.values(), *whole, *others}


def test_the_repository_is_clean() -> None:
    assert [str(found) for found in greps.findings(greps.repository_files())] == []


def test_a_test_may_ask_its_own_database() -> None:
    code = "database.execute(query)\n"
    assert [found.rule for found in greps.search_python("console/a.py", code)] == ["SQL from a string"]
    assert list(greps.search_python("tests/a.py", code)) == []
