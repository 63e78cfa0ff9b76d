"""The list of containers: what each person sees, how it is filtered, sorted, grouped, paged, and pushed."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.http import Http404, QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.models import Container, Engine, User
from console.pages.containers import ContainerList
from console.pages.listing import PAGE_ROWS
from console.pages.live import RESYNC
from tests import factories
from tests.rocky import box, rocky

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def admin() -> User:
    return factories.user("mika")


@pytest.fixture
def viewer() -> User:
    return factories.user("vera", User.Role.VIEWER)


@pytest.fixture
def engine() -> Engine:
    return rocky()


def listed(user: User, engine: Engine, query: str = "") -> ContainerList:
    return ContainerList(user, engine, QueryDict(query), "localhost")


def names(shown: ContainerList) -> list[str]:
    return [row.container.name for group in shown.groups for row in group.rows]


def get(client: Client, user: User, query: str = "", slug: str = "rocky", **options: Any) -> Any:
    client.force_login(user)
    return client.get(f"/e/{slug}/containers?{query}", **options)


# ── filter ──


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("grafana", {"grafana", "loki"}),  # name and image
        ("name:grafana", {"grafana"}),
        ("state:paused", {"docs-search"}),
        ("state:stopped", {"shop-migrate-1", "gitea-runner-2", "backup-nightly"}),
        ("state:created,restarting", {"nginx-old", "shop-worker-1"}),
        ("health:unhealthy", {"blackbox"}),
        ("project:docs", {"docs-web", "docs-search"}),
        ("project:doc", set()),
        ("project:do*", {"docs-web", "docs-search"}),
        ("port:8080", {"nginx"}),
        ("port:80", {"shop-web-1", "docs-web", "nginx"}),
        ("port:808", set()),
        ("exit:137", {"gitea-runner-2"}),
        ("exit>0", {"gitea-runner-2"}),
        ("network:docs_front", {"docs-web", "docs-search"}),
        ("volume:shop_pg", {"shop-postgres-1"}),
        ("image:postgres -project:shop", {"gitea-db"}),
        ("label:com.docker.compose.project=gitea -state:running", {"gitea-runner-2"}),
        ("label:com.docker.compose.servic", set()),
        ("started<1min -state:restarting", {"runner-rm"}),
        ("created>10d redis", {"shop-redis-1"}),
        ("restart:always", set()),
        ('"alpine"  state:exited', {"backup-nightly"}),
    ],
)
def test_filter(admin: User, engine: Engine, query: str, found: set[str]) -> None:
    asked = QueryDict(mutable=True)
    asked["q"] = query
    shown = ContainerList(admin, engine, asked, "localhost")
    assert set(names(shown)) == found
    assert shown.count == len(found)
    assert not shown.error


def test_terms_in_several_fields_are_one_filter(admin: User, engine: Engine) -> None:
    assert names(listed(admin, engine, "q=state%3Arunning&q=docs")) == ["docs-web"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("q=colour:red", "Unknown key “colour”. Keys: name, id, image, state,"),
        ("q=state:up", "“up” is none of created, running,"),
        ("q=port:http", "“http” is not a port (1 to 65535)."),
        ("q=port:99999", "“99999” is not a port (1 to 65535)."),
        ('q="a', "A quote is opened and not closed."),
        ("q=a%00b", "The filter holds a character that cannot be searched for."),
        ("show=dead", "“dead” is no way to show containers."),
        ("sort=colour", "“colour” is no way to sort containers."),
        ("group=label", "“label” is no way to group containers."),
        ("page=two", "“two” is not a page number."),
        ("page=-1", "“-1” is not a page number."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_wrong_parameter_is_said_at_the_field(
    client: Client, admin: User, engine: Engine, query: str, sentence: str, headers: dict[str, str]
) -> None:
    answer = get(client, admin, query, headers=headers)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert sentence.replace('"', "&quot;") in text
    assert 'id="filter-error"' in text
    assert "c-" not in re.findall(r'<tr id="(c-)', text)
    if not headers and query.startswith("q="):
        assert 'aria-invalid="true" aria-describedby="filter-error"' in text
        if "%00" not in query:
            assert f'value="{query[2:].replace(chr(34), "&quot;")}"' in text  # what was typed is kept


def test_a_viewer_cannot_guess_a_label(admin: User, viewer: User, engine: Engine) -> None:
    box(engine, "secretive", labels={"token": "abc", "com.docker.compose.project": "x"})
    assert names(listed(admin, engine, "q=label:token=abc")) == ["secretive"]
    assert names(listed(viewer, engine, "q=label:token")) == ["secretive"]
    assert names(listed(viewer, engine, "q=label:com.docker.compose.project=x")) == ["secretive"]
    assert "hidden from you" in listed(viewer, engine, "q=label:token=abc").error


# ── order, groups, pages, counts ──


def test_groups_and_counts(admin: User, engine: Engine) -> None:
    shown = listed(admin, engine)
    assert [group.name for group in shown.groups] == ["docs", "gitea", "monitoring", "shop", ""]
    assert [(group.running, group.total) for group in shown.groups] == [(2, 2), (3, 4), (6, 6), (7, 8), (8, 10)]
    assert [(segment.label, segment.count) for segment in shown.segments] == [
        ("All", 30),
        ("running", 26),
        ("exited", 3),
    ]
    assert shown.groups[0].files == "/srv/docs/compose.yaml"
    filtered = listed(admin, engine, "q=gitea&show=exited")
    assert names(filtered) == ["gitea-runner-2"]
    assert (filtered.groups[0].shown, filtered.groups[0].total) == (1, 4)
    assert [segment.count for segment in filtered.segments] == [30, 26, 3]
    assert [segment.current for segment in filtered.segments] == [False, False, True]


def test_sort(admin: User, engine: Engine) -> None:
    plain = names(listed(admin, engine, "group=none"))
    assert plain == sorted(plain)
    assert names(listed(admin, engine, "group=none&sort=-name")) == plain[::-1]
    assert names(listed(admin, engine, "group=none&sort=-created"))[0] == "shop-worker-1"
    by_status = [row.container.state for g in listed(admin, engine, "group=none&sort=status").groups for row in g.rows]
    assert by_status.index("created") == 26
    assert set(by_status[27:]) == {"exited"}
    shown = listed(admin, engine, "sort=-image&q=a")
    heads = {column.title: column for column in shown.columns}
    assert heads["Image"].sort == "descending"
    assert heads["Image"].query == "?q=a&sort=image"
    assert heads["Name"].query == "?q=a"
    assert heads["Ports"].query == ""


def test_pages(client: Client, admin: User) -> None:
    many = factories.engine("many")
    for number in range(PAGE_ROWS + 5):
        box(many, f"box-{number:03}")
    first, second = listed(admin, many), listed(admin, many, "page=2")
    assert (len(names(first)), names(second)) == (PAGE_ROWS, [f"box-{n:03}" for n in range(100, 105)])
    assert names(listed(admin, many, "page=99")) == names(second)
    text = get(client, admin, "q=box&page=2", "many", headers=HTMX).content.decode()
    assert 'href="?q=box&amp;page=1"' in text
    assert "101–105 of 105 containers" in text


def test_the_number_of_queries_does_not_grow(client: Client, admin: User) -> None:
    few, many = factories.engine("few"), factories.engine("many")
    for count, engine in ((10, few), (100, many)):
        for number in range(count):
            row = box(engine, f"box-{number}", networks={"bridge": f"172.17.0.{number}"}, ports=[(9000 + number, 80)])
            factories.operation(engine, admin, name=f"box-{number}", object_id=row.container_id)
    counts = []
    for slug in ("few", "many"):
        get(client, admin, "", slug, headers=HTMX)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert get(client, admin, "", slug, headers=HTMX).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 16
    for query in queries.captured_queries:
        columns = query["sql"].partition(" FROM ")[0]
        assert '"console_container"."env"' not in columns
        assert '"console_container"."details"' not in columns


# ── rows ──


def row_of(text: str, name: str) -> str:
    found = re.search(rf'<tr id="c-[^"]*"[^>]*data-name="{re.escape(name)}".*?</tr>', text, re.S)
    assert found, name
    return found.group()


def test_what_a_row_says(client: Client, admin: User, engine: Engine) -> None:
    text = get(client, admin, headers=HTMX).content.decode()
    nginx = row_of(text, "nginx")
    assert 'href="/e/rocky/containers/nginx/"' in nginx
    assert 'href="http://testserver:8080"' in nginx
    assert 'rel="noopener noreferrer"' in nginx
    assert "0.0.0.0:8080-&gt;80/tcp, [::]:8080-&gt;80/tcp" in nginx
    assert re.search(r'Up <time datetime="[^"]*" data-rel="age" title="[^"]*">26 min</time>', nginx)
    assert "172.17.0.2" in nginx
    assert "nginx -g &#x27;daemon off;&#x27;" in nginx
    worker = row_of(text, "shop-worker-1")
    assert 'class="busy" title="Restarting (1) 1' in worker
    assert '<span class="reg">registry.rocky.lan:5000/</span><span>shop/worker:2.8.1</span>' in worker
    assert "Up 5 days" in row_of(text, "gitea")
    assert 'class="gone"' in row_of(text, "gitea-runner-2")
    assert "host" in row_of(text, "node-exporter")
    assert "st-unhealthy" in row_of(text, "blackbox")
    assert "--rm" in row_of(text, "runner-rm")


def test_a_newer_image_is_told(admin: User, engine: Engine) -> None:
    old = box(engine, "old-nginx", image="nginx", image_id=f"sha256:{'0' * 64}")
    rows = {row.container.name: row for group in listed(admin, engine).groups for row in group.rows}
    assert rows[old.name].tag[0] == "update"
    assert rows["nginx"].tag == ("", "")


def test_a_verb_under_way_is_told(client: Client, admin: User, engine: Engine) -> None:
    row = Container.objects.get(name="nginx")
    factories.operation(engine, admin, object_id=row.container_id)
    text = row_of(get(client, admin, headers=HTMX).content.decode(), "nginx")
    assert "Stopping" in text
    assert "st-busy" in text


def test_a_secret_in_a_command_is_masked(client: Client, admin: User, engine: Engine) -> None:
    box(engine, "db", command=["mysqld", "--password=canary"])
    assert "mysqld --password=***" in row_of(get(client, admin, headers=HTMX).content.decode(), "db")


def test_a_viewer_sees_no_command_and_no_action(client: Client, viewer: User, engine: Engine) -> None:
    text = row_of(get(client, viewer, headers=HTMX).content.decode(), "nginx")
    assert "daemon off" not in text
    assert "<button" not in text
    assert "Up <time" in text


@pytest.mark.parametrize(
    ("url", "host", "bound", "href"),
    [
        ("unix:///run/docker.sock", "console.lan", "0.0.0.0", "http://console.lan:8080"),
        ("unix:///run/docker.sock", "console.lan", "127.0.0.1", ""),
        ("unix:///run/docker.sock", "localhost", "127.0.0.1", "http://localhost:8080"),
        ("unix:///run/docker.sock", "::1", "::1", "http://[::1]:8080"),
        ("unix:///run/docker.sock", "console.lan", "10.0.0.7", "http://10.0.0.7:8080"),
        ("tcp://engine.lan:2375", "console.lan", "::", "http://engine.lan:8080"),
        ("tcp://engine.lan:2375", "localhost", "127.0.0.1", ""),
        ("tcp://127.0.0.1:2375", "console.lan", "0.0.0.0", "http://console.lan:8080"),
        ("tcp://[fd00::1]:2375", "console.lan", "0.0.0.0", "http://[fd00::1]:8080"),
    ],
)
def test_where_a_published_port_opens(admin: User, url: str, host: str, bound: str, href: str) -> None:
    on = factories.engine("ports", url=url)
    box(on, "web", ports=[], image="x")
    port = {"container_port": 80, "protocol": "tcp", "host_ip": bound, "host_port": 8080}
    Container.objects.update(ports=[port])
    [row] = ContainerList(admin, on, QueryDict(), host).groups[0].rows
    assert [link.href for link in row.links.shown] == [href]


def test_ports_that_are_no_links(admin: User) -> None:
    on = factories.engine("ports")
    box(on, "dns", ports=[])
    Container.objects.update(
        ports=[
            {"container_port": 53, "protocol": "udp", "host_ip": "0.0.0.0", "host_port": 53},
            {"container_port": 443, "protocol": "tcp", "host_ip": "", "host_port": 8443},
            {"container_port": 9, "protocol": "tcp", "host_ip": "", "host_port": None},
            {"from": "another version"},
        ]
    )
    [row] = listed(admin, on).groups[0].rows
    assert [(link.text, link.href) for link in row.links.shown] == [
        ("53→53/udp", ""),
        ("8443→443", "https://localhost:8443"),
    ]


def test_a_container_that_cannot_be_read_stands_in_the_list(client: Client, admin: User, engine: Engine) -> None:
    box(engine, "odd", state="unknown", problem="The engine described a container without <b>State</b>.")
    text = row_of(get(client, admin, headers=HTMX).content.decode(), "odd")
    assert "Cannot be read" in text
    assert "unreadable" in text
    assert "&lt;b&gt;State&lt;/b&gt;" in text


HOSTILE = [
    '"><script>alert(1)</script>',
    "' onmouseover='x",
    "{{ 7|add:7 }}",
    "a" * 300,
    "../../etc",
    "nginx new",
    "é日本",
]


class Tags(HTMLParser):
    """The elements and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_strings(client: Client, admin: User, name: str) -> None:
    on = factories.engine("hostile")
    labels = {"com.docker.compose.project": name, "com.docker.compose.project.config_files": name}
    box(
        on, name, image=name, project=name, labels=labels, command=[name], network_mode=name, networks={name: name[:30]}
    )
    text = get(client, admin, slug="hostile", headers=HTMX).content.decode()
    seen = Tags()
    seen.feed(text)
    assert "script" not in seen.tags
    assert not [attribute for attribute in seen.attributes if attribute.startswith("on")]
    assert text.count('<tr id="c-') == 1
    link = re.search(r'class="name" href="([^"]*)"', text)
    assert link
    assert client.get(link.group(1), headers=HTMX).status_code == 200


# ── who and when ──


def test_an_engine_that_is_not_there(client: Client, admin: User) -> None:
    assert get(client, admin, slug="nowhere").status_code == 404


def test_stale(client: Client, admin: User, engine: Engine) -> None:
    Engine.objects.update(
        state=Engine.State.STALE, error="It refuses connections.", stale_since=timezone.now() - timedelta(minutes=3)
    )
    text = get(client, admin, headers=HTMX).content.decode()
    assert 'class="under-bar stale"' in text
    assert "Stale since" in text
    assert "It refuses connections." in text
    assert text.count('class="check pick"') == text.count('" disabled></td><td class="lamp"') == 30


def test_empty_and_no_match(client: Client, admin: User, engine: Engine) -> None:
    factories.engine("empty")
    assert "No containers on this engine yet" in get(client, admin, slug="empty", headers=HTMX).content.decode()
    text = get(client, admin, "q=state:exited+zzz", headers=HTMX).content.decode()
    assert "No container matches" in text
    assert "docker container ls --all --filter status=exited --filter name=zzz" in text


def test_a_page_whole(client: Client, admin: User, viewer: User, engine: Engine) -> None:
    for user in (admin, viewer):
        text = get(client, user, "q=gitea+state:running").content.decode()
        assert "<h1" in text
        assert '<input type="hidden" name="q" value="state:running">' in text
        assert 'value="gitea" data-filter-text' in text
        assert "/ws/e/rocky?view=containers" in text
        assert text.count("<tr id=") == 3


# ── pushed ──


def push(user: User, engine: Engine, rows: list[Container], query: str = "", kind: str = "container") -> str:
    engine.refresh_from_db()
    return listed(user, engine, query).changed(kind, [row.container_id for row in rows])


def test_a_changed_row_is_pushed(admin: User, engine: Engine) -> None:
    row = Container.objects.get(name="nginx")
    row.state, row.exit_code = "exited", 3
    row.finished_at = timezone.now()
    row.save()
    html = push(admin, engine, [row])
    assert html.count("<tr ") == 1
    assert (
        f'<hx-partial hx-target="#g-none" hx-swap="beforeend"><tr id="c-{row.short_id}" class="gone"'
        in html.replace("\n", "")
    )
    assert "Exited (3)" in html
    assert 'id="list-options" hx-swap-oob="outerMorph"' in html
    assert "7/10 running" in html


def test_what_leaves_the_filter_is_removed(admin: User, engine: Engine) -> None:
    row = Container.objects.get(name="nginx")
    Container.objects.filter(pk=row.pk).update(state="exited")
    html = push(admin, engine, [row], "show=running")
    assert f'<hx-partial hx-target="#c-{row.short_id}" hx-swap="delete"></hx-partial>' in html
    row.delete()
    assert f'hx-target="#c-{row.short_id}" hx-swap="delete"' in push(admin, engine, [row])


def test_a_new_project_pushes_the_region(admin: User, engine: Engine) -> None:
    row = box(engine, "blog-1", project="blog", labels={"com.docker.compose.project": "blog"})
    html = push(admin, engine, [row])
    assert 'id="container-table" data-live hx-swap-oob="outerMorph"' in html
    assert html.count('<tr id="c-') == 31
    assert html.count('<tr id="c-') == push(admin, engine, [row], "group=none&q=").count('<tr id="c-') + 30


def test_the_first_and_the_last_container(admin: User) -> None:
    on = factories.engine("small")
    row = box(on, "one")
    assert 'id="container-table"' in push(admin, on, [row])
    row.delete()
    assert "No containers on this engine yet" in push(admin, on, [row])


def test_a_row_of_another_page_is_not_added(admin: User) -> None:
    many = factories.engine("many")
    rows = [box(many, f"box-{number:03}") for number in range(PAGE_ROWS + 5)]
    html = push(admin, many, [rows[3], rows[102]])
    assert html.count('hx-swap="beforeend"') == 1
    assert f'<hx-partial hx-target="#c-{rows[102].short_id}" hx-swap="outerMorph">' in html


def test_an_operation_shows_in_its_row(admin: User, engine: Engine) -> None:
    row = Container.objects.get(name="nginx")
    operation = factories.operation(engine, admin, object_id=row.container_id)
    html = listed(admin, engine).changed("operation", [str(operation.pk)])
    assert html.count("<tr ") == 1
    assert "Stopping" in html


def test_an_image_that_moved_shows_in_its_rows(admin: User, engine: Engine) -> None:
    newer = factories.image(engine, "", image_id=f"sha256:{'1' * 64}")
    tag = engine_tag(engine, "nginx:latest")
    tag.image = newer
    tag.save()
    html = listed(admin, engine).changed("image", [newer.image_id])
    assert html.count("update</span>") == 2  # nginx and nginx-old


def engine_tag(engine: Engine, reference: str) -> Any:
    from console.models import ImageTag

    return ImageTag.objects.get(image__engine=engine, reference=reference)


def test_what_is_not_pushed(admin: User, engine: Engine) -> None:
    elsewhere = box(factories.engine("other"), "elsewhere")
    shown = listed(admin, engine)
    assert shown.changed("container", None) == RESYNC
    assert shown.changed("container", ["x"] * (PAGE_ROWS + 1)) == RESYNC
    assert shown.changed("operation", []) == ""
    assert listed(admin, engine, "q=colour:red").changed("container", [elsewhere.container_id]) == ""
    assert elsewhere.name not in push(admin, engine, [elsewhere])
    with pytest.raises(Http404):
        ContainerList(admin, None, QueryDict())


def test_a_host_that_is_none_is_not_believed(admin: User, engine: Engine) -> None:
    assert ContainerList(admin, engine, QueryDict("host=console.lan")).host == "console.lan"
    assert ContainerList(admin, engine, QueryDict("host=evil%2F%3Fx")).host == ""


def test_the_socket_comes_with_another_filter_and_not_with_itself(client: Client, admin: User, engine: Engine) -> None:
    asked = get(client, admin, "q=state:running&sort=-name", headers=HTMX).content.decode()
    assert 'id="live" hx-ws:connect="/ws/e/rocky?view=containers&amp;host=testserver&amp;v=1&amp;q=state' in asked
    assert asked.count('hx-swap-oob="outerHTML"') == 1
    again = get(client, admin, "q=state:running", headers={**HTMX, "HX-Source": "div#live"}).content.decode()
    assert 'id="live"' not in again
