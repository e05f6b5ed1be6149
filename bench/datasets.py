"""Datasets: what their cards say, where their files lie, whether these are the right ones, and how to get them.

A card is a TOML file in ``datasets/`` of a checkout. What is not pinned by a SHA-256 in its card is neither fetched nor
read, for many of these files are pickles. Nothing here opens them for more than their bytes.
"""

import os
import tomllib
from collections.abc import Callable
from functools import cache
from hashlib import file_digest, sha256
from http.client import HTTPException
from pathlib import Path
from typing import Self
from urllib.request import urlopen

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.core.errors import BadUse, CannotGoOn
from bench.core.files import whole

_INSTALLED = Path(__file__).parent / "cards"
_CARDS = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parent.parent / "datasets"

_BLOCK = 1 << 20  # bytes read from the network at a time
_TIMEOUT_S = 60  # of silence, after which a download fails


class _Stated(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataFile(_Stated):
    """One file, as its source has it."""

    name: str = Field(pattern=r"^\w[\w.-]*$")
    url: str = Field(pattern=r"^(https?|file)://")  # http is safe enough: the SHA-256 tells what came
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    bytes: int | None = Field(default=None, gt=0, description="None: not known")


class Card(_Stated):
    """What a dataset is, where it comes from, and how it is used."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    description: str
    nodes: int = Field(gt=0)
    edges: int = Field(gt=0, description="as PyTorch Geometric counts: an undirected one twice")
    features: int = Field(gt=0, description="of a node")
    classes: int = Field(gt=1)
    licence: str
    citation: str
    source: str = Field(pattern=r"^https://")
    splits: str
    normalisation: str
    folder: str = Field(default="", pattern=r"^(\w+(/\w+)*)?$", description="of the files, below the data root")
    bundled: bool = Field(default=False, description="a library brings it along: there is nothing to fetch")
    files: tuple[DataFile, ...] = ()

    @model_validator(mode="after")
    def _bundled_or_files(self) -> Self:
        if self.bundled == bool(self.files) or bool(self.folder) != bool(self.files):
            raise ValueError("a card has a folder with files, or is bundled and has neither")
        return self


def cards() -> dict[str, Card]:
    """All cards by name. Raises BadUse where one cannot be read."""
    return {path.stem: _read(path) for path in sorted(_CARDS.glob("*.toml"))}


def card(name: str) -> Card:
    """Raises BadUse, naming the choices, where there is none of that name."""
    found = cards()
    if name not in found:
        raise BadUse(f"no dataset {name!r}; choose from {', '.join(found)}")
    return found[name]


def root() -> Path:
    """The data root: ``$FEATHERBENCH_DATA``, else ``featherbench`` in the user's cache."""
    if chosen := os.environ.get("FEATHERBENCH_DATA"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "featherbench"


def begun(name: str) -> bool:
    """Whether any of the dataset's files is here, or a library brings them all along."""
    wanted = card(name)
    return wanted.bundled or any(_path(wanted, file).exists() for file in wanted.files)


def missing(name: str) -> str | None:
    """Why the dataset cannot be read, in one line with what to do, or None. Cheap: looks at names and sizes only."""
    return _fault(card(name), _other_size)


def verify(name: str) -> str | None:
    """As ``missing``, but reads the files, each state of one once in a process, and compares their SHA-256."""
    return _fault(card(name), _other_content)


def files(name: str) -> dict[str, Path]:
    """Paths of the dataset's files by name, every one verified; a file that stays as it is, once in a process.

    Raises BadUse where one is missing, is not what the card states, or has no SHA-256 there.
    """
    if fault := verify(name):
        raise BadUse(fault)
    wanted = card(name)
    return {file.name: _path(wanted, file) for file in wanted.files}


def fetch(name: str, progress: Callable[[int], object] = lambda arrived: None) -> list[Path]:
    """Download what is missing or wrong, and return it; a file that is right stays as it is.

    ``progress`` is called with the number of bytes that are newly there. Raises BadUse, before anything is downloaded,
    where the card does not pin each file, and CannotGoOn where one cannot be had or is not what the card states; what
    arrived before stays.
    """
    wanted = card(name)
    if fault := _unpinned(wanted):
        raise BadUse(fault)
    fetched = []
    for file in wanted.files:
        path = _path(wanted, file)
        try:
            if path.is_file() and not _other_content(path, file):
                progress(path.stat().st_size)
                continue
            _download(file, path, progress)
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise CannotGoOn(f"cannot fetch {file.url}: {reason}; try again, or put the file at {path}") from None
        fetched.append(path)
    return fetched


def _read(path: Path) -> Card:
    try:
        found = Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadUse(f"card {path} cannot be used: {where} {first['msg']}") from None
    except (OSError, ValueError) as error:
        raise BadUse(f"card {path} cannot be used: {error}") from None
    if found.name != path.stem:
        raise BadUse(f"card {path} cannot be used: it names itself {found.name!r}; rename one of them")
    return found


def _path(card: Card, file: DataFile) -> Path:
    return root() / card.folder / file.name


def _unpinned(card: Card) -> str | None:
    names = ", ".join(file.name for file in card.files if file.sha256 is None)
    where = _CARDS / f"{card.name}.toml"
    remedy = f"state the sha256 of a copy that you trust in {where}"
    return f"{card.name} cannot be used: no SHA-256 is known of {names}; {remedy}" if names else None


def _fault(card: Card, differs: Callable[[Path, DataFile], str | None]) -> str | None:
    """The first thing that is wrong with the dataset's files."""
    if fault := _unpinned(card):
        return fault
    paths = {_path(card, file): file for file in card.files}
    remedy = f"featherbench data fetch {card.name}"
    try:
        if absent := [path.name for path in paths if not path.is_file()]:
            others = f" and {len(absent) - 1} more" if absent[1:] else ""
            return f"{card.name} lacks {absent[0]}{others} in {root() / card.folder}; get it: {remedy}"
        for path, file in paths.items():
            if difference := differs(path, file):
                return f"{card.name} has a wrong file: {path} {difference}; replace it: {remedy}"
    except OSError as error:
        return f"{card.name} cannot be read: {error.filename}: {error.strerror}"
    return None


def _other_size(path: Path, file: DataFile) -> str | None:
    size = path.stat().st_size
    return None if file.bytes in (None, size) else f"has {size} bytes, where its card states {file.bytes}"


def _other_content(path: Path, file: DataFile) -> str | None:
    if difference := _other_size(path, file):
        return difference
    found = path.stat()
    same = _digest(path, (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)) == file.sha256
    return None if same else "has another SHA-256 than its card states"


@cache
def _digest(path: Path, state: tuple[int, ...]) -> str:
    """SHA-256 of the file in this state, which only tells it from others."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _download(file: DataFile, path: Path, progress: Callable[[int], object]) -> None:
    digest = sha256()
    with urlopen(file.url, timeout=_TIMEOUT_S) as source, whole(path) as target:
        while block := source.read(_BLOCK):
            target.write(block)
            digest.update(block)
            progress(len(block))
            if file.bytes is not None and target.tell() > file.bytes:
                break  # whatever it is, it is not the file
        if digest.hexdigest() != file.sha256:
            raise CannotGoOn(f"what {file.url} gave has another SHA-256 than the card states, so it is not kept")
