"""Every HTTP route. A route without a row in the permission matrix fails the build (tests/test_matrix.py)."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import StringConverter

from console.operations.verbs import CONTAINER_VERBS
from console.views import (
    account,
    actions,
    audit,
    commits,
    container_recreate,
    container_update,
    containers,
    create,
    dashboard,
    disk,
    engines,
    events,
    file_actions,
    files,
    health,
    image_actions,
    image_bulk,
    image_files,
    images,
    logs,
    network_actions,
    network_create,
    network_map,
    network_ports,
    networks,
    operations,
    palette,
    prune,
    registries,
    registry_browse,
    setup,
    shell,
    stats,
    terminal,
    uploads,
    volume_actions,
    volume_copies,
    volume_create,
    volumes,
)

# allauth names these in its own pages; here they are no pages.
UNUSED_OF_ALLAUTH: Final = (
    "account_signup",
    "account_inactive",
    "account_email",
    "account_email_verification_sent",
    "account_confirm_email",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_set_password",
    "account_reauthenticate",
)


class FullId(StringConverter):
    """The engine's whole id of an object: a form names what it was rendered for, never something of the same name."""

    regex = "[0-9a-f]{64}"


class ContainerVerb(StringConverter):
    """What can be asked of a container."""

    regex = "|".join(verb.short for verb in CONTAINER_VERBS)


class SwarmVerb(StringConverter):
    """What can be asked of an engine's swarm."""

    regex = "init|leave"


def _files_of(kind: str, at: str) -> list[URLPattern]:
    """The routes of the files of a container or volume, below the address ``at``."""
    shown = [path(f"{at}/{route}", view, {"kind": kind}, name=f"{kind}-{name}") for route, name, view in files.ROUTES]
    return [*shown, path(f"{at}/files/<slug:verb>", file_actions.act, {"kind": kind}, name=f"{kind}-files-act")]


register_converter(SwarmVerb, "swarm_verb")
register_converter(FullId, "full_id")
register_converter(ContainerVerb, "container_verb")

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("login", account.login, name="account_login"),
    path("logout", account.logout, name="account_logout"),
    path("password", account.change_password, name="account_change_password"),
    *(path(f"-/{name}", account.absent, name=name) for name in UNUSED_OF_ALLAUTH),
    path("theme", shell.theme, name="theme"),
    path("keys", shell.keys, name="keys"),
    path("palette", palette.palette, name="palette"),
    path("_kit", shell.kit, name="kit"),
    path("e/<slug:slug>/containers", containers.containers, name="containers"),
    path("e/<slug:slug>/containers/create", create.create, name="container-create"),
    path("e/<slug:slug>/containers/<str:reference>/", containers.container, name="container"),
    path("e/<slug:slug>/containers/<str:reference>/inspect", containers.inspect, name="container-inspect"),
    path("e/<slug:slug>/containers/<str:reference>/logs", logs.container_logs, name="container-logs"),
    path("e/<slug:slug>/containers/<str:reference>/logs/download", logs.download, name="container-logs-download"),
    path("e/<slug:slug>/logs", logs.many, name="containers-logs"),
    path("e/<slug:slug>/logs/search", logs.search, name="containers-logs-search"),
    path("e/<slug:slug>/projects/<str:project>/logs", logs.project, name="project-logs"),
    path("e/<slug:slug>/containers/<str:reference>/terminal", terminal.terminal, name="container-terminal"),
    path("e/<slug:slug>/containers/<str:reference>/stats", stats.stats, name="container-stats"),
    path("e/<slug:slug>/containers/<str:reference>/processes", stats.processes, name="container-processes"),
    *_files_of("container", "e/<slug:slug>/containers/<str:ref>"),
    path("e/<slug:slug>/containers/<str:ref>/export", files.export, name="container-export"),
    path("e/<slug:slug>/containers/<str:reference>/changes", stats.changes, name="container-changes"),
    path(
        "e/<slug:slug>/containers/<full_id:container_id>/connect",
        network_actions.container_connect,
        name="container-connect",
    ),
    path("e/<slug:slug>/containers/<full_id:container_id>/commit", commits.commit, name="container-commit"),
    path("e/<slug:slug>/containers/<full_id:container_id>/update", container_update.update, name="container-update"),
    path(
        "e/<slug:slug>/containers/<full_id:container_id>/recreate",
        container_recreate.recreate,
        name="container-recreate",
    ),
    path("e/<slug:slug>/containers/<full_id:container_id>/health", containers.health, name="container-health"),
    path("e/<slug:slug>/containers/<full_id:container_id>/command", containers.command, name="container-command"),
    path("e/<slug:slug>/containers/<full_id:container_id>/reveal", containers.reveal, name="container-reveal"),
    path(
        "e/<slug:slug>/containers/<full_id:container_id>/<container_verb:verb>",
        actions.container_action,
        name="container-action",
    ),
    path("e/<slug:slug>/containers/bulk", actions.containers_bulk, name="containers-bulk"),
    path("", dashboard.dashboard, name="dashboard"),
    path("setup/engine", setup.setup_engine, name="setup-engine"),
    path("events", events.events, name="events"),
    path("audit", audit.audit, name="audit"),
    path("e/<slug:slug>/", engines.engine, name="engine"),
    path("e/<slug:slug>/refresh", engines.refresh, name="engine-refresh"),
    path("e/<slug:slug>/verify", engines.verify, name="engine-verify"),
    path("e/<slug:slug>/confirm", engines.confirm, name="engine-confirm"),
    path("e/<slug:slug>/swarm", network_actions.engine_swarm, name="engine-swarm"),
    path("e/<slug:slug>/swarm/token", network_actions.swarm_token, name="swarm-token"),
    path("e/<slug:slug>/swarm/<swarm_verb:verb>", network_actions.swarm_action, name="swarm-action"),
    path("e/<slug:slug>/images", images.images, name="images"),
    path("e/<slug:slug>/images/build", image_actions.build, name="image-build"),
    path("e/<slug:slug>/images/pull", image_actions.pull, name="image-pull"),
    path("e/<slug:slug>/images/<str:ref>/tag", image_actions.act, {"verb": "tag"}, name="image-tag"),
    path("e/<slug:slug>/images/save", image_files.save, name="images-save"),
    path("e/<slug:slug>/images/load", image_files.load, {"verb": "load"}, name="image-load"),
    path("e/<slug:slug>/images/import", image_files.load, {"verb": "import"}, name="image-import"),
    path("e/<slug:slug>/images/check", image_bulk.check, name="images-check"),
    path("e/<slug:slug>/images/bulk", image_bulk.bulk, name="images-bulk"),
    path("e/<slug:slug>/images/<str:ref>/push", image_actions.act, {"verb": "push"}, name="image-push"),
    path("e/<slug:slug>/images/<str:ref>/remove", image_actions.act, {"verb": "remove"}, name="image-remove"),
    path("e/<slug:slug>/images/<str:ref>/", images.image, name="image"),
    path("e/<slug:slug>/images/<str:ref>/layers", images.layers, name="image-layers"),
    path("e/<slug:slug>/images/<str:ref>/inspect", images.inspect, name="image-inspect"),
    path("e/<slug:slug>/images/<str:ref>/reveal", images.reveal, name="image-reveal"),
    path("e/<slug:slug>/networks", networks.networks, name="networks"),
    path("e/<slug:slug>/networks/map", network_map.network_map, name="network-map"),
    path("e/<slug:slug>/networks/reach", network_map.check, name="network-reach-check"),
    path("e/<slug:slug>/networks/map.svg", network_map.picture, name="network-map-svg"),
    path("e/<slug:slug>/networks/create", network_create.create, name="network-create"),
    path("e/<slug:slug>/networks/ports", network_ports.ports, name="network-ports"),
    path("e/<slug:slug>/networks/<str:ref>/ask/<slug:verb>", network_actions.network_action, name="network-action"),
    path("e/<slug:slug>/networks/<str:ref>/", networks.network, name="network"),
    path("e/<slug:slug>/networks/<str:ref>/inspect", networks.inspect, name="network-inspect"),
    path("e/<slug:slug>/disk", disk.disk, name="disk"),
    path("e/<slug:slug>/prune/<slug:what>", prune.prune, name="prune"),
    path("e/<slug:slug>/volumes", volumes.volumes, name="volumes"),
    path("e/<slug:slug>/volumes/create", volume_create.create, name="volume-create"),
    path("e/<slug:slug>/volumes/mounts", volumes.mounts, name="volume-mounts"),
    path("e/<slug:slug>/volumes/sizes", volumes.sizes, name="volume-sizes"),
    *_files_of("volume", "e/<slug:slug>/volumes/<path:ref>"),
    path("e/<slug:slug>/volumes/<path:ref>/inspect", volumes.inspect, name="volume-inspect"),
    path("e/<slug:slug>/volumes/<path:ref>/backup", volume_copies.backup, name="volume-backup"),
    path("e/<slug:slug>/volumes/<path:ref>/clone", volume_copies.clone, name="volume-clone"),
    path("e/<slug:slug>/volumes/<path:ref>/download", volume_copies.download, name="volume-download"),
    path("e/<slug:slug>/volumes/<path:ref>/restore", volume_copies.restore, name="volume-restore"),
    path("e/<slug:slug>/volumes/<path:ref>/remove", volume_actions.remove, name="volume-remove"),
    path("e/<slug:slug>/volumes/<path:ref>/", volumes.volume, name="volume"),
    path("registries", registries.registries, name="registries"),
    path("registries/add", registries.add, name="registry-add"),
    path("registries/<int:registry_id>/", registry_browse.browse, name="registry"),
    path("registries/<int:registry_id>/delete", registry_browse.delete, name="registry-tag-delete"),
    path("registries/<int:registry_id>/edit", registries.edit, name="registry-edit"),
    path("registries/<int:registry_id>/test", registries.test, name="registry-test"),
    path("registries/<int:registry_id>/default", registries.default, name="registry-default"),
    path("registries/<int:registry_id>/remove", registries.remove, name="registry-remove"),
    path("uploads", uploads.begin, name="uploads"),
    path("uploads/<slug:token>", uploads.piece, name="upload-piece"),
    path("operations", operations.operations, name="operations"),
    path("operations/<uuid:operation_id>", operations.operation, name="operation"),
    path("operations/<uuid:operation_id>/cancel", operations.cancel, name="operation-cancel"),
    path("operations/<uuid:operation_id>/retry", operations.retry, name="operation-retry"),
    path("operations/<uuid:operation_id>/look", operations.look, name="operation-look"),
]

handler400 = "console.views.errors.bad_request"
handler403 = "console.views.errors.forbidden"
handler404 = "console.views.errors.not_found"
handler429 = "console.views.errors.too_many"  # of allauth, not of Django
handler500 = "console.views.errors.server_error"
