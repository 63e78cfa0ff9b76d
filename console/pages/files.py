"""The file browser of a volume or a container: a folder's list, what is opened beside it, addresses and commands."""

from __future__ import annotations

import shlex
import stat as modes
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.urls import reverse

from console import docker_words
from console.engine import paths, tar
from console.engine.archive import UNKNOWN
from console.engine.tar import Entry
from console.engine.text import text
from console.engine.types import FilesystemChange
from console.models import Container
from console.operations.file_params import DeleteParams, EditParams, FileParams, MakeParams, RenameParams, UploadParams
from console.operations.verb import Verb
from console.operations.verbs import VERBS
from console.pages import links
from console.reads.files import SHOWN, Found, Place

ROWS: Final = 200  # of a page
ICONS: Final = {tar.FOLDER: "folder", tar.LINK: "symlink"}
_LETTERS: Final = {
    tar.FOLDER: modes.S_IFDIR,
    tar.LINK: modes.S_IFLNK,
    "pipe": modes.S_IFIFO,
    "character device": modes.S_IFCHR,
    "block device": modes.S_IFBLK,
    "socket": modes.S_IFSOCK,
}
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)
WORDS: Final = {"modified": "changed"}  # of FilesystemChange.kind
SORTS: Final[dict[str, Callable[[Entry], Any]]] = {
    "name": lambda entry: (entry.kind != tar.FOLDER, entry.name),
    "size": lambda entry: (entry.size, entry.name),
    "mode": lambda entry: (entry.mode, entry.name),
    "owner": lambda entry: (entry.uid, entry.gid, entry.name),
    "changed": lambda entry: (entry.mtime, entry.name),
}
TITLES: Final = (
    ("name", "Name", ""),
    ("size", "Size", "num"),
    ("mode", "Mode", ""),
    ("owner", "Owner", ""),
    ("changed", "Changed", ""),
)


def picture_type(content: bytes) -> str:
    """The media type of a bitmap by its first bytes, or "". Never of what can carry a script."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), "")


def text_of(content: bytes, whole: bool) -> str | None:
    """A file's text, safe to show; None when it is none. A character that the bound cut is left out."""
    if b"\0" in content:
        return None
    try:
        found = content.decode()
    except UnicodeDecodeError as error:
        if whole or error.end < len(content) or len(content) - error.start > 3:
            return None
        found = content[: error.start].decode()
    return text(found.replace("\r\n", "\n"), 2 * SHOWN, multiline=True)


def editable(content: bytes) -> str | None:
    """A text that comes back from a form as it went in, with line feeds only; None for any other."""
    text_shown = text_of(content, True)
    plain = content.replace(b"\r\n", b"\n")
    mixed = b"\r\n" in content and content.count(b"\n") != content.count(b"\r\n")
    return text_shown if text_shown is not None and text_shown.encode() == plain and not mixed else None


def mode_of(kind: str, mode: int) -> str:
    """As ``ls`` writes it."""
    return modes.filemode(_LETTERS.get(kind, modes.S_IFREG) | mode)


def moment_of(seconds: float) -> datetime | None:
    """A time that a page can show; None for one that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a folder's list."""

    name: str
    href: str
    icon: str
    kind: str
    size: str
    mode: str
    owner: str
    changed: datetime | None
    target: str
    current: bool
    folder: bool
    since: str


@dataclass(frozen=True, slots=True)
class Crumb:
    """A folder above; without ``href`` the present one."""

    name: str
    href: str


class Browser:
    """What ``files/_browser.html`` shows. ``query``: of the address: sort, page."""

    def __init__(self, place: Place, found: Found, sort: str = "", page: str = "") -> None:
        self.place, self.found = place, found
        self.sort, self._page = sort, page
        self.hide = False  # names that begin with a dot
        self.may_change = False  # whether the person may ask for changes
        self.runs = True  # programs can be run in it: for rename and delete
        self.mounts: Mapping[str, str] = {}  # where a container has mounts: the volume that can be written there, or ""

    def _url(self, name: str, path: str, **more: str) -> str:
        hidden = {"hide": "1"} if self.hide and name == "files" else {}
        return address(self.place, name, path, **{**hidden, **more})

    @property
    def crumbs(self) -> list[Crumb]:
        """From the top to the folder."""
        steps = ["/", *paths.steps(self.found.folder)]
        names = [self.place.name if self.place.kind == "container" else self.place.key, *steps[1:]]
        return [
            Crumb(
                paths.shown(paths.name_of(step) if number else names[0], 80),
                "" if step == self.found.path else self._url("files", step),
            )
            for number, step in enumerate(steps)
        ]

    @property
    def up(self) -> str:
        """The address of the folder above, "" at the top."""
        return "" if self.found.folder == "/" else self._url("files", paths.parent(self.found.folder))

    @cached_property
    def entries(self) -> list[Entry]:
        """Sorted."""
        key, backwards = self.sort.removeprefix("-"), self.sort.startswith("-")
        return sorted(self._listed, key=SORTS.get(key, SORTS["name"]), reverse=backwards)

    @cached_property
    def _listed(self) -> list[Entry]:
        opened = paths.name_of(self.found.path)
        every = self.found.listed.entries
        return [entry for entry in every if not self.hide or not entry.name.startswith(".") or entry.name == opened]

    @property
    def hidden(self) -> dict[str, str] | None:
        """The switch for names that begin with a dot, where there are any: label, href."""
        number = sum(entry.name.startswith(".") for entry in self.found.listed.entries)
        if not number:
            return None
        label = f"Show hidden files ({number:,})" if self.hide else "Hide hidden files"
        return {
            "label": label,
            "href": self._url("files", self.found.path, sort=self.sort, hide="" if self.hide else "1"),
        }

    @cached_property
    def since(self) -> dict[str, str] | None:
        """What became of each name of the folder since the container was made; None where that is not told."""
        if self.found.changes is None:
            return None
        return since(self.found.changes, self.found.folder, [entry.name for entry in self._listed], self.mounts)

    @cached_property
    def page(self) -> Page[Entry]:
        """The part of the list that is shown: the asked one, or the one with the opened file."""
        pages = Paginator(self.entries, ROWS)
        if not self._page and self.found.path != self.found.folder:
            name = paths.name_of(self.found.path)
            number = next((n for n, entry in enumerate(self.entries) if entry.name == name), 0)
            return pages.get_page(number // ROWS + 1)
        return pages.get_page(self._page)

    @property
    def query(self) -> str:
        """For the pager."""
        return f"{query_of(self.found.folder, sort=self.sort, hide='1' if self.hide else '')}&"

    @property
    def columns(self) -> list[dict[str, str]]:
        """Heads: title, css, sort ("ascending"), href."""
        shown = []
        for key, title, css in TITLES:
            now = {key: "ascending", f"-{key}": "descending"}.get(self.sort or "name", "")
            after = f"-{key}" if now == "ascending" else key
            shown.append(
                {"title": title, "css": css, "sort": now, "href": self._url("files", self.found.folder, sort=after)}
            )
        return shown

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The lines."""
        return [self._row(entry) for entry in self.page.object_list]

    def _row(self, entry: Entry) -> Row:
        try:
            path = paths.child(self.found.folder, entry.name)
        except paths.BadPath:
            path = ""
        return Row(
            name=paths.shown(entry.name, 300),
            href=self._url("files", path, sort=self.sort) if path else "",
            icon=ICONS.get(entry.kind, "file"),
            kind=entry.kind,
            size=docker_words.size(entry.size) if entry.kind == tar.FILE else "",
            mode=mode_of(entry.kind, entry.mode),
            owner="–" if entry.uid == UNKNOWN else f"{entry.uid}:{entry.gid}",
            changed=moment_of(entry.mtime),
            target=paths.shown(entry.target, 300),
            current=path == self.found.path,
            folder=entry.kind == tar.FOLDER,
            since=(self.since or {}).get(entry.name, ""),
        )

    @property
    def count(self) -> str:
        """Beside the path: "7 entries, 8.3 kB"."""
        listed = self.found.listed
        number, files = len(listed.entries), [entry.size for entry in listed.entries if entry.kind == tar.FILE]
        words = f"{number:,} {'entry' if number == 1 else 'entries'}{'' if listed.whole else ' or more'}"
        return f"{words}, {docker_words.size(sum(files))}" if files else words

    @property
    def partly(self) -> str:
        """Why not everything is listed, as a sentence; ""."""
        reason = self.found.listed.reason
        return f"Not everything was read: names after the last one are missing. {reason}" if reason else ""

    @property
    def actions(self) -> list[dict[str, Any]]:
        """Buttons for the folder: New folder, Upload."""
        if not self.may_change:
            return []
        return [
            self._action("folder-make", "New folder", "plus", True),
            self._action("file-upload", "Upload", "upload"),
        ]

    def _action(self, verb: str, label: str, icon: str, opens: bool = False) -> dict[str, Any]:
        path = self.found.folder if verb in ("folder-make", "file-upload") else self.found.path
        row = VERBS[f"{self.place.kind}.{verb}"]
        return {
            "label": label,
            "icon": icon,
            "href": action_url(self.place, verb, path),
            "dialog": opens,
            "command": change_of(row, self.place, path, self.volume_at(path)),
            "danger": row.danger,
        }

    def _changes(self, path: str, edit: bool, what: str = "") -> list[dict[str, Any]]:
        """Buttons for what is opened: Edit, Rename, Delete."""
        if not self.may_change:
            return []
        shown = [self._action("file-edit", "Edit", "edit")] if edit else []
        if self.runs or self.volume_at(path)[0]:
            shown += [
                self._action("file-rename", f"Rename{what}…", "rename", True),
                self._action("file-delete", f"Delete{what}…", "trash", True),
            ]
        return shown

    def volume_at(self, path: str) -> tuple[str, str]:
        """Of a container that does not run: the volume through which a path is renamed or deleted, and where it is."""
        return ("", "") if self.runs else volume_at(self.mounts, path)

    @property
    def stopped(self) -> bool:
        """Whether what is shown cannot be renamed or deleted because the container does not run."""
        at_top = self.found.path == "/"
        return self.may_change and not self.runs and not at_top and not self.volume_at(self.found.path)[0]

    @property
    def lost(self) -> str:
        """What becomes of changes here, as a sentence; "" where they outlive the container."""
        folder = self.found.folder
        mounted = any(folder == at or folder.startswith(f"{at.rstrip('/')}/") for at in self.mounts)
        if self.place.kind == "volume" or mounted or not self.may_change:
            return ""
        shown = f"“{paths.shown(folder, 120)}” is no mount"
        return f"Kept in this container only. {shown}: what is changed here is lost when it is removed or recreated."

    @property
    def here(self) -> str:
        """The folder's path, for the field that leads elsewhere."""
        return paths.shown(self.found.folder)

    @property
    def folder_actions(self) -> list[dict[str, Any]]:
        """Rename and delete the folder that is shown."""
        here = self.found.path == self.found.folder
        return self._changes(self.found.folder, False, " folder") if here and self.found.folder != "/" else []

    @property
    def tar_url(self) -> str:
        """The folder as a tar."""
        return self._url("files-download", self.found.folder)

    @cached_property
    def opened(self) -> dict[str, Any] | None:
        """What stands in the panel beside the list, None for a folder."""
        found = self.found
        if found.stat.kind == tar.FOLDER:
            return None
        shown: dict[str, Any] = {
            "name": paths.shown(paths.name_of(found.path), 300),
            "kind": found.stat.kind,
            "size": docker_words.size(found.stat.size),
            "mode": mode_of(found.stat.kind, found.stat.mode),
            "owner": f"{found.entry.uid}:{found.entry.gid}" if found.entry else "",
            "changed": moment_of(found.entry.mtime) if found.entry else None,
        }
        whole = found.entry is not None and len(found.content) >= found.entry.size
        shown["actions"] = self._changes(found.path, whole and editable(found.content) is not None)
        if found.stat.kind == tar.LINK:
            leads = found.stat.leads
            listed = (entry for entry in found.listed.entries if entry.name == paths.name_of(found.path))
            said = next((entry.target for entry in listed), leads)
            shown |= {"target": paths.shown(said), "leads": self._url("files", leads) if leads else ""}
        elif found.entry is not None:
            shown |= self._content(found.content, found.entry.size)
        return shown

    def _content(self, content: bytes, size: int) -> dict[str, Any]:
        whole = len(content) >= size
        if picture_type(content):
            return {"download": self._download, "picture": self._url("files-raw", self.found.path)}
        said = text_of(content, whole)
        return {"download": self._download, "text": said, "binary": said is None, "cut": not whole and said is not None}

    @property
    def _download(self) -> str:
        return self._url("files-download", self.found.path)

    @property
    def command(self) -> str:
        """The docker command that gives the same."""
        return command_of(self.place, self.found.folder)

    @property
    def way(self) -> str:
        """How it is read, in words."""
        if self.place.kind == "volume":
            return "read through a container that never runs, read-only"
        return "with its mounts"

    @property
    def context(self) -> dict[str, Any]:
        """For the template."""
        return {"files": self, "default_command": self.command}


def since(
    changes: Sequence[FilesystemChange], folder: str, names: Sequence[str], mounts: Mapping[str, str]
) -> dict[str, str]:
    """For each name of a folder: added, changed, from image, mount; of a folder how many below it."""
    top = f"{paths.shown(folder).rstrip('/')}/"
    holders = {change.path.rpartition("/")[0] for change in changes}
    own: dict[str, str] = {}
    below: dict[str, Counter[str]] = {}
    for change in changes:
        if not change.path.startswith(top) or (change.kind == "modified" and change.path in holders):
            continue
        name, _, rest = change.path[len(top) :].partition("/")
        word = WORDS.get(change.kind, change.kind)
        if rest:
            below.setdefault(name, Counter())[word] += 1
        else:
            own[name] = word
    found = {}
    for name in names:
        path, shown = f"{folder.rstrip('/')}/{name}", paths.shown(name)
        counted = ", ".join(f"{number:,} {word}" for word, number in sorted(below.get(shown, {}).items()))
        mounted = path in mounts or paths.mount_of(mounts, path)
        found[name] = "mount" if mounted else own.get(shown) or counted or "from image"
    return found


def address(place: Place, name: str, path: str, **more: str) -> str:
    """The address of a page of the browser: "files", "files-raw", "files-download"."""
    slug = place.engine.slug
    if place.kind == "volume":
        base = links.volume_url(slug, place.key, f"volume-{name}")
    else:
        base = reverse(f"container-{name}", args=[slug, place.key])
    return f"{base}?{query_of(path, **more)}"


def action_url(place: Place, verb: str, path: str) -> str:
    """Where a change is asked for."""
    args = [place.engine.slug, place.key, verb]
    return f"{reverse(f'{place.kind}-files-act', args=args)}?{query_of(path)}"


def change_of(verb: Verb, place: Place, path: str, volume: tuple[str, str] = ("", "")) -> str:
    """The docker command of a change, with a NAME for what is not told yet. ``volume``: as ``volume_at``."""
    named = paths.quoted(f"{path.rstrip('/')}/NAME")
    here, at = paths.quoted(path), paths.quoted(volume[1])
    params: FileParams = DeleteParams(here, volume=volume[0], at=at)
    if issubclass(verb.params, MakeParams | UploadParams):
        params = verb.params(named)
    elif issubclass(verb.params, RenameParams):
        params = RenameParams(here, to=paths.quoted(f"{paths.parent(path).rstrip('/')}/NAME"), volume=volume[0], at=at)
    elif issubclass(verb.params, EditParams):
        params = EditParams(here)
    return params.command(verb.base, place.name if place.kind == "container" else place.key)


def writable(container: Container) -> dict[str, str]:
    """Where a container has mounts, with the volume that can be written there, or ""."""
    return {mount.destination: "" if mount.read_only else mount.volume_name for mount in container.mounts.all()}


def volume_at(mounts: Mapping[str, str], path: str) -> tuple[str, str]:
    """The volume that a path is in and can be renamed or deleted through, and where it is mounted; ("", "")."""
    at = paths.mount_of(mounts, path)
    return (mounts[at], at) if at and mounts[at] else ("", "")


def query_of(path: str, **more: str) -> str:
    """The query string of a path."""
    rest = "".join(f"&{key}={value}" for key, value in more.items() if value)
    return f"path={paths.quoted(path)}{rest}"


def command_of(place: Place, path: str) -> str:
    """``docker container cp``; of a volume through a container that has it."""
    shown = paths.shown(path)
    if place.kind == "container":
        return f"docker container cp {shlex.quote(f'{place.name}:{shown}')} -"
    mount = shlex.quote(f"type=volume,src={place.key},target=/v,readonly,volume-nocopy")
    return f"docker container cp $(docker container create --mount {mount} IMAGE):{shlex.quote(f'/v{shown}')} -"
