"""Lists and pages of images, networks and volumes: filters, order, who sees what, hostile strings, queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.docker_words import size_words
from console.models import AuditEntry, Engine, ImageTag, User
from console.pages.images import ImageList, Use
from console.pages.listing import Listing
from console.pages.live import RESYNC
from console.pages.network import NetworkDetail
from console.pages.networks import NetworkList
from console.pages.volumes import VolumeList
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>\"'{{ x }}\u202e\u0000".replace("\u0000", "\u2400")


@pytest.fixture
def admin() -> User:
    return factories.user("mika")


@pytest.fixture
def viewer() -> User:
    return factories.user("vera", User.Role.VIEWER)


@pytest.fixture
def engine() -> Engine:
    """nginx is used by a running container, alpine by a stopped one, busybox by none; one dangles, one is a layer."""
    row = factories.engine("rocky")
    day = timedelta(days=1)
    now = timezone.now()
    base = f"sha256:{factories.hexid('base')}"
    nginx = factories.image(row, "nginx:latest", size=192_000_000, created_at=now - 90 * day, layers=[base])
    ImageTag.objects.create(image=nginx, reference="nginx:1.27", repository="nginx", tag="1.27")
    factories.image(
        row, "alpine:3.20", size=7_800_000, created_at=now - 3 * day, labels={"maintainer": 'a "b"'}, layers=[base]
    )
    factories.image(row, "reg.lan:5000/tools/busybox:1.36", size=4_300_000, created_at=now - 40 * day)
    factories.image(row, "", size=24_000_000, created_at=now - 21 * day)
    factories.image(row, "", image_id=f"sha256:{factories.hexid('layer')}", intermediate=True, size=1_000)
    web = factories.container(row, "web", image_id=nginx.image_id)
    old = factories.container(row, "old", state="exited", image_id=f"sha256:{factories.hexid('alpine')}")
    bridge = factories.network(row, "bridge")
    factories.network(row, "host", driver="host", ipam=[])
    front = factories.network(
        row, "front", internal=True, ipam=[{"subnet": "172.19.0.0/16", "gateway": "172.19.0.1"}], labels={"tier": "web"}
    )
    factories.endpoint(web, front, endpoint_id="e" * 64, aliases=["www"])
    factories.endpoint(old, bridge, endpoint_id="", ipv4_address="")
    factories.volume(row, "data", labels={"tier": "db"})
    factories.volume(row, "spare")
    factories.volume(row, "f" * 64, anonymous=True)
    factories.mount(web, volume_name="data", destination="/var/lib/data")
    factories.mount(old, volume_name="f" * 64, destination="/cache", read_only=True)
    return row


def listed(kind: type[Listing], user: User, engine: Engine, **params: str) -> Any:
    asked = QueryDict(mutable=True)
    asked.update(params)
    return kind(user, engine, asked)


def image_names(shown: ImageList) -> list[str]:
    return [row.repository if row.use is not Use.INTERMEDIATE else "layer" for row in shown.rows]


# ── filters ──


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"nginx", "alpine", "reg.lan:5000/tools/busybox", "<none>"}),
        ("busybox", {"reg.lan:5000/tools/busybox"}),
        ("name:nginx", {"nginx"}),
        ("tag:1.27", {"nginx"}),
        ("tag:1.2", set()),
        ("size>100MB", {"nginx"}),
        ("size<5MB", {"reg.lan:5000/tools/busybox"}),
        ("created<30d", {"alpine", "<none>"}),
        ("dangling:yes", {"<none>"}),
        ("dangling:no used:no", {"reg.lan:5000/tools/busybox"}),
        ("used:yes", {"nginx", "alpine"}),
        ("used:running", {"nginx"}),
        ("used:stopped", {"alpine"}),
        ("-used:yes", {"reg.lan:5000/tools/busybox", "<none>"}),
        ("label:maintainer", {"alpine"}),
        (r'label:maintainer="a \"b\""', {"alpine"}),
        (f"id:{factories.hexid('nginx')[:8]}", {"nginx"}),
        (f"id:sha256:{factories.hexid('nginx')[:8]}", {"nginx"}),
        (factories.hexid("alpine")[:12], {"alpine"}),
        (f"layer:{factories.hexid('base')[:12]}", {"nginx", "alpine"}),
        (f"layer:sha256:{factories.hexid('base')}", {"nginx", "alpine"}),
        (f"layer:{factories.hexid('base')[1:12]}", set()),
    ],
)
def test_images_filter(admin: User, engine: Engine, query: str, found: set[str]) -> None:
    shown = listed(ImageList, admin, engine, q=query)
    assert set(image_names(shown)) == found, shown.error
    assert shown.count == len(found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("front", {"front"}),
        ("driver:bridge", {"bridge", "front"}),
        ("internal:yes", {"front"}),
        ("subnet:172.19.0.0/16", {"front"}),
        ("subnet:172.1", {"bridge", "front"}),
        ("used:yes", {"front"}),
        ("used:no", {"bridge", "host"}),
        ("container:web", {"front"}),
        ("label:tier=web", {"front"}),
        ("scope:swarm", set()),
    ],
)
def test_networks_filter(admin: User, engine: Engine, query: str, found: set[str]) -> None:
    shown = listed(NetworkList, admin, engine, q=query)
    assert {row.network.name for row in shown.rows} == found, shown.error
    assert shown.count == len(found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("data", {"data"}),
        ("used:yes", {"data", "f" * 64}),
        ("used:no", {"spare"}),
        ("anonymous:yes", {"f" * 64}),
        ("container:old", {"f" * 64}),
        ("mounted:/var", {"data"}),
        ("label:tier=db", {"data"}),
        ("driver:nfs", set()),
    ],
)
def test_volumes_filter(admin: User, engine: Engine, query: str, found: set[str]) -> None:
    shown = listed(VolumeList, admin, engine, q=query)
    assert {row.volume.name for row in shown.rows} == found, shown.error
    assert shown.count == len(found)


@pytest.mark.parametrize("kind", ["images", "networks", "volumes"])
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("q=colour:red", "Unknown key “colour”. Keys: "),
        ("q=created:yesterday", "is not a length of time"),
        ('q="open', "A quote is opened"),
        ("sort=weight", "is no way to sort"),
        ("show=best", "is no way to show"),
        ("page=-1", "is not a page number"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    client: Client, admin: User, engine: Engine, kind: str, query: str, says: str
) -> None:
    client.force_login(admin)
    for headers in ({}, HTMX):
        answer = client.get(f"/e/rocky/{kind}?{query}", headers=headers)
        assert answer.status_code == 422
        assert says in answer.content.decode()
    if query.startswith("q="):
        assert query[2:].replace('"', "&quot;") in client.get(f"/e/rocky/{kind}?{query}").content.decode()


# ── order, groups, pages ──


def test_images_stand_by_use(admin: User, engine: Engine) -> None:
    shown = listed(ImageList, admin, engine)
    assert [(group.use, group.count) for group in shown.groups] == [
        (Use.RUNNING, 1),
        (Use.STOPPED, 1),
        (Use.UNUSED, 1),
        (Use.DANGLING, 1),
    ]
    assert [(segment.label, segment.count) for segment in shown.segments] == [
        ("All", 4),
        ("In use", 2),
        ("Unused", 2),
        ("Dangling", 1),
    ]
    first = shown.rows[0]
    assert (first.repository, first.tag, first.others) == ("nginx", "1.27", ("latest",))
    assert [user.name for user in first.users] == ["web"]
    assert first.users[0].url == "/e/rocky/containers/web/"
    assert shown.command == "docker image ls"


def test_intermediate_images_on_request(admin: User, engine: Engine) -> None:
    shown = listed(ImageList, admin, engine, all="1")
    assert image_names(shown)[-1] == "layer"
    assert (shown.total, shown.command) == (5, "docker image ls --all")
    assert "all=1" not in shown.toggle.query
    assert "all=1" in listed(ImageList, admin, engine).toggle.query


@pytest.mark.parametrize(
    ("sort", "first"), [("size", "nginx"), ("-size", "<none>"), ("created", "alpine"), ("-created", "nginx")]
)
def test_order_within_the_groups(admin: User, sort: str, first: str) -> None:
    row = factories.engine("plain")
    for index, reference in enumerate(("nginx:1", "alpine:1", "")):
        factories.image(
            row,
            reference,
            labels={},
            size=[9, 5, 1][index],
            created_at=timezone.now() - timedelta(days=[9, 1, 5][index]),
            image_id=f"sha256:{factories.hexid(str(index))}",
        )
    shown = listed(ImageList, admin, row, sort=sort)
    names = [found.repository for found in shown.rows if found.use is Use.UNUSED]
    assert names[0] == (first if first != "<none>" else "alpine")


def test_a_hundred_a_page(client: Client, admin: User) -> None:
    row = factories.engine("full")
    for number in range(130):
        factories.volume(row, f"v{number:03}")
    first, second = listed(VolumeList, admin, row), listed(VolumeList, admin, row, page="2")
    assert (len(first.rows), len(second.rows), first.count) == (100, 30, 130)
    assert [found.volume.name for found in second.rows][:1] == ["v100"]
    client.force_login(admin)
    assert "101–130 of 130 volumes" in client.get("/e/full/volumes?page=2").content.decode()
    assert len(listed(VolumeList, admin, row, page="99").rows) == 30


@pytest.mark.parametrize("kind", ["images", "networks", "volumes"])
def test_the_number_of_queries_is_constant(client: Client, admin: User, kind: str) -> None:
    row = factories.engine("busy")

    def grow(start: int, end: int) -> None:
        for number in range(start, end):
            image = factories.image(row, f"app{number}:1")
            box = factories.container(row, f"box{number}", image_id=image.image_id)
            net = factories.network(row, f"net{number}")
            factories.endpoint(box, net, endpoint_id="e" * 64)
            factories.volume(row, f"vol{number}")
            factories.mount(box, volume_name=f"vol{number}")

    client.force_login(admin)
    counted = []
    for start, end in ((0, 2), (2, 40)):
        grow(start, end)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"/e/busy/{kind}").status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert counted[0] <= 10


# ── pages of one ──


def test_who_is_on_a_network(admin: User, engine: Engine) -> None:
    asked = QueryDict(mutable=True)
    asked["ref"] = "front"
    detail = NetworkDetail(admin, engine, asked)
    (member,) = detail.members
    assert (member.name, member.ipv4, member.endpoint_id) == ("web", "172.17.0.2/16", "e" * 64)
    assert member.names == ("web", "www", factories.hexid("rocky/web")[:12])
    assert detail.reach == ["internal: no way out of this network, and none in from published ports"]


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("images/{nginx}/", ["nginx:1.27", "web", "192 MB", "linux/amd64", "/usr/sbin:/usr/bin"]),
        ("networks/front/", ["172.19.0.0/16", "02:42:ac:11:00:02", "www", "No way out" if False else "internal"]),
        ("networks/bridge/", ["No names", "old", "built in"]),
        ("volumes/data/", ["/var/lib/data", "read and write", "web"]),
        ("volumes/" + "f" * 64 + "/", ["anonymous", "read only", "old"]),
    ],
)
def test_pages_of_one(client: Client, admin: User, engine: Engine, path: str, holds: list[str]) -> None:
    client.force_login(admin)
    text = client.get(f"/e/rocky/{path.format(nginx=factories.hexid('nginx')[:12])}").content.decode()
    for words in holds:
        assert words in text, words


def test_secrets_of_an_image(client: Client, admin: User, viewer: User, engine: Engine) -> None:
    path = f"/e/rocky/images/{factories.hexid('nginx')[:12]}"
    for person in (admin, viewer):
        client.force_login(person)
        text = client.get(f"{path}/").content.decode()
        assert "canary-secret" not in text
        assert ("/usr/sbin:/usr/bin" in text) == (person is admin)
    assert client.post(f"{path}/reveal", {"key": "DB_PASSWORD"}).status_code == 403
    assert not AuditEntry.objects.exists()
    client.force_login(admin)
    answer = client.post(f"{path}/reveal", {"key": "DB_PASSWORD"}, headers=HTMX)
    assert "canary-secret" in answer.content.decode()
    assert "canary-secret" in client.post(f"{path}/reveal", {"key": "DB_PASSWORD"}).content.decode()
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.action, entry.detail, entry.user_name) == ("image.env.reveal", {"key": "DB_PASSWORD"}, "mika")
    assert client.post(f"{path}/reveal", {"key": "NOTHING"}).status_code == 404


def test_viewers_search_no_values(viewer: User, engine: Engine) -> None:
    assert "hidden from you" in listed(VolumeList, viewer, engine, q="label:tier=db").error
    assert [row.volume.name for row in listed(VolumeList, viewer, engine, q="label:tier").rows] == ["data"]


def test_an_object_that_goes_while_its_page_is_open(client: Client, admin: User, engine: Engine) -> None:
    client.force_login(admin)
    answer = client.get("/e/rocky/volumes/gone/", headers=HTMX | {"HX-Source": "div#live"})
    assert answer.status_code == 410
    assert "This volume is gone" in answer.content.decode()
    assert "This volume is gone" not in client.get("/e/rocky/volumes/gone/").content.decode()


def test_hostile_names_stay_text(client: Client, admin: User) -> None:
    row = factories.engine("odd")
    image = factories.image(row, f"{HOSTILE}:{HOSTILE}", labels={HOSTILE: HOSTILE}, digests=[HOSTILE, 7, None])
    box = factories.container(row, HOSTILE, image_id=image.image_id)
    net = factories.network(row, HOSTILE, labels={HOSTILE: HOSTILE}, options={HOSTILE: HOSTILE}, ipam=["odd", {}])
    factories.endpoint(box, net, endpoint_id="e" * 64, aliases=[HOSTILE, 5])
    factories.volume(row, HOSTILE, labels={HOSTILE: HOSTILE}, mountpoint=HOSTILE)
    factories.volume(row, "a/../b c", problem="It cannot be read.")
    factories.mount(box, volume_name=HOSTILE, destination=HOSTILE)
    client.force_login(admin)
    pages = ["images", "networks", "volumes", f"images/{image.short_id}/", f"networks/{net.network_id}/"]
    volumes = [found.url for found in listed(VolumeList, admin, row).rows]
    for address in [*(f"/e/odd/{page}" for page in pages), volumes[0]]:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "<script>alert" not in answer.content.decode(), address
        assert "&lt;script&gt;" in answer.content.decode(), address


@pytest.mark.parametrize("kind", [ImageList, NetworkList, VolumeList])
def test_a_change_is_read_again(admin: User, engine: Engine, kind: type[Listing]) -> None:
    shown = listed(kind, admin, engine)
    assert "container" in shown.kinds
    assert shown.changed("container", ["x"]) == RESYNC


@pytest.mark.parametrize("kind", ["images", "networks", "volumes"])
def test_empty_lists_say_what_to_do(client: Client, admin: User, kind: str) -> None:
    factories.engine("empty")
    client.force_login(admin)
    assert "docker " in client.get(f"/e/empty/{kind}", headers=HTMX).content.decode()
    factories.volume(Engine.objects.get(), "a")
    assert "Clear filter" in client.get("/e/empty/volumes?q=zzz", headers=HTMX).content.decode()


@pytest.mark.parametrize("state", [Engine.State.STALE, Engine.State.SWAPPED])
@pytest.mark.parametrize("path", ["images", "networks/front/", "volumes/data/"])
def test_what_was_last_known_is_marked(client: Client, admin: User, engine: Engine, state: str, path: str) -> None:
    Engine.objects.update(state=state, error="It hangs.", stale_since=timezone.now())
    client.force_login(admin)
    text = client.get(f"/e/rocky/{path}").content.decode()
    assert "Diagnose" in text
    assert ("Stale since" if state == Engine.State.STALE else "Another engine answers") in text


@pytest.mark.parametrize(
    ("amount", "words"), [(0, "0 B"), (512, "512 B"), (1_985_624, "1.99 MB"), (191_700_000, "192 MB"), (None, "0 B")]
)
def test_sizes_as_docker_prints_them(amount: int | None, words: str) -> None:
    assert size_words(amount) == words
