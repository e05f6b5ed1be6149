"""Datasets: nothing is handed out that is not the file of the card, byte for byte."""

import io
import json
import os
import sys
import urllib.error
from hashlib import sha256
from http.client import IncompleteRead
from pathlib import Path

import pytest
from pydantic import ValidationError

from bench import cli, datasets
from bench.core.errors import BadUse, CannotGoOn

CONTENT = {"toy.x": b"features", "toy.y": b"labels\n" * 1000}
CARD = """
name = "toy"
title = "Toy"
description = "A graph for tests."
nodes = 2
edges = 1
features = 3
classes = 2
licence = "none"
citation = "nobody"
source = "https://example.org"
splits = "none"
normalisation = "none"
"""


class Toy:
    """A dataset of two files whose source is a folder here, as a card states it."""

    def __init__(self, folder: Path) -> None:
        self.cards = folder / "cards"
        self.source = folder / "source"
        self.here = folder / "data" / "Toy" / "raw"
        self.cards.mkdir()
        self.source.mkdir()
        for name, content in CONTENT.items():
            (self.source / name).write_bytes(content)
        self.state({name: sha256(content).hexdigest() for name, content in CONTENT.items()})

    def state(self, hashes: dict[str, str | None]) -> None:
        """Write the card anew; a file without a hash has none there."""
        card = CARD + 'folder = "Toy/raw"\n'
        for name, digest in hashes.items():
            card += f'[[files]]\nname = "{name}"\nurl = "{(self.source / name).as_uri()}"\n'
            card += f'sha256 = "{digest}"\nbytes = {len(CONTENT[name])}\n' if digest else ""
        (self.cards / "toy.toml").write_text(card)

    def there(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.here.iterdir()} if self.here.exists() else {}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    made = Toy(tmp_path)
    monkeypatch.setattr(datasets, "_CARDS", made.cards)
    monkeypatch.setenv("FEATHERBENCH_DATA", str(tmp_path / "data"))
    return made


def command(*arguments: str) -> int:
    """Exit status of ``featherbench data``, run in this process so that it sees the toy's card."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["featherbench", "data", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return int(ended.value.code or 0)


def test_every_card_can_be_used() -> None:
    found = datasets.cards()
    assert set(found) >= {"karate_club", "cora", "citeseer", "pubmed", "amazon_photo", "cora_full", "ogbn_arxiv"}
    assert found["karate_club"].bundled
    unknown = {name for name, card in found.items() for file in card.files if file.sha256 is None}
    assert unknown == {"amazon_computers", "amazon_photo"}
    places = [(card.folder, file.name) for card in found.values() for file in card.files]
    assert len(places) == len(set(places))


def test_planetoid_files_lie_where_pytorch_geometric_looks_for_them() -> None:
    for name in ("cora", "citeseer", "pubmed"):
        card = datasets.card(name)
        assert card.folder.lower() == f"planetoid/{name}/raw"
        parts = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")
        assert [file.name for file in card.files] == [f"ind.{name}.{part}" for part in parts]
        assert all(file.url.endswith(f"/{file.name}") for file in card.files)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (CARD, "has a folder with files, or is bundled and has neither"),
        (CARD + "bundled = true\nfolder = 'Toy'", "has a folder with files, or is bundled and has neither"),
        (CARD + "bundled = true\ncolour = 'red'", "colour Extra inputs are not permitted"),
        (CARD.replace("nodes = 2", "nodes = 0") + "bundled = true", "nodes Input should be greater than 0"),
        (CARD.replace('"toy"', '"tox"') + "bundled = true", "it names itself 'tox'"),
        ("name = toy", "Invalid value"),
    ],
)
def test_a_card_that_cannot_be_used_is_told_in_one_line(toy: Toy, broken: str, words: str) -> None:
    (toy.cards / "toy.toml").write_text(broken)
    with pytest.raises(BadUse, match=r"toy\.toml cannot be used: ") as told:
        datasets.cards()
    assert words in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "stated",
    [
        {"name": "../x"},
        {"name": "a/b"},
        {"url": "ftp://example.org/x"},
        {"bytes": 0},
        {"sha256": "0" * 63},
    ],
)
def test_a_file_has_a_plain_name_a_known_protocol_a_whole_hash_and_a_size(stated: dict[str, object]) -> None:
    fine = {"name": "x", "url": "https://example.org/x"}
    datasets.DataFile.model_validate(fine)
    with pytest.raises(ValidationError):
        datasets.DataFile.model_validate(fine | stated)


def test_an_unknown_name_is_told_the_choices(toy: Toy) -> None:
    with pytest.raises(BadUse, match="no dataset 'tow'; choose from toy"):
        datasets.card("tow")


def test_the_root_is_the_users_choice_or_else_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    monkeypatch.setenv("FEATHERBENCH_DATA", "~/data")
    assert datasets.root() == Path("/home/me/data")
    monkeypatch.setenv("FEATHERBENCH_DATA", "")
    assert datasets.root() == Path("/cache/featherbench")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert datasets.root() == Path("/home/me/.cache/featherbench")


def test_fetched_files_are_right_and_nothing_else_is_there(toy: Toy) -> None:
    assert datasets.missing("toy") == f"toy lacks toy.x and 1 more in {toy.here}; get it: featherbench data fetch toy"
    arrived: list[int] = []
    fetched = datasets.fetch("toy", arrived.append)
    assert fetched == [toy.here / name for name in CONTENT]
    assert sum(arrived) == sum(map(len, CONTENT.values()))
    assert toy.there() == CONTENT
    assert datasets.missing("toy") is None
    assert datasets.files("toy") == {name: toy.here / name for name in CONTENT}


def test_fetch_leaves_what_is_right_and_replaces_what_is_not(toy: Toy) -> None:
    datasets.fetch("toy")
    (toy.here / "toy.x").write_bytes(b"FEATURES")
    (toy.source / "toy.y").unlink()  # else fetching it again would go unnoticed
    assert datasets.fetch("toy") == [toy.here / "toy.x"]
    assert toy.there() == CONTENT


def test_a_wrong_download_is_not_kept_nor_does_it_replace_anything(toy: Toy) -> None:
    toy.here.mkdir(parents=True)
    (toy.here / "toy.x").write_bytes(b"old")
    (toy.source / "toy.x").write_bytes(b"FEATURES")
    with pytest.raises(CannotGoOn, match="another SHA-256 than the card states, so it is not kept"):
        datasets.fetch("toy")
    assert toy.there() == {"toy.x": b"old"}


@pytest.mark.parametrize(
    ("accident", "ends"),
    [
        (IncompleteRead(b""), CannotGoOn),
        (TimeoutError("timed out"), CannotGoOn),
        (urllib.error.URLError(OSError("no such host")), CannotGoOn),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_an_interrupted_download_leaves_nothing(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, accident: BaseException, ends: type[BaseException]
) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if beginning := super().read(3):
                return beginning
            assert [path.suffix for path in toy.here.iterdir()] == [".partial"]
            raise accident

    monkeypatch.setattr(datasets, "urlopen", lambda url, timeout: Breaking(b"fea"))
    with pytest.raises(ends) as told:
        datasets.fetch("toy")
    assert toy.there() == {}
    assert "\n" not in str(told.value)


def test_a_source_that_cannot_be_reached_is_one_line(toy: Toy) -> None:
    (toy.source / "toy.x").unlink()
    with pytest.raises(CannotGoOn, match=r"cannot fetch file://.*/toy.x: .*; try again, or put the file at ") as told:
        datasets.fetch("toy")
    assert "\n" not in str(told.value)
    assert toy.there() == {}


def test_a_file_of_another_size_or_content_is_not_handed_out(toy: Toy) -> None:
    datasets.fetch("toy")
    (toy.here / "toy.x").write_bytes(b"FEATURES")
    assert datasets.missing("toy") is None, "the cheap look sees sizes only"
    with pytest.raises(BadUse, match=r"toy.x has another SHA-256 than its card states; replace it: featherbench data"):
        datasets.files("toy")
    (toy.here / "toy.x").write_bytes(b"feat")
    assert "toy.x has 4 bytes, where its card states 8; replace it: " in str(datasets.missing("toy"))
    with pytest.raises(BadUse, match=r"toy\.x has 4 bytes, where its card states 8"):
        datasets.files("toy")


def test_a_hash_alone_pins_a_file(toy: Toy) -> None:
    stated = (toy.cards / "toy.toml").read_text().replace(f"bytes = {len(CONTENT['toy.x'])}\n", "")
    (toy.cards / "toy.toml").write_text(stated)
    datasets.fetch("toy")
    assert toy.there() == CONTENT
    (toy.here / "toy.x").write_bytes(b"feat")
    assert datasets.missing("toy") is None, "the cheap look knows of no size to compare with"
    with pytest.raises(BadUse, match=r"toy.x has another SHA-256 than its card states"):
        datasets.files("toy")


def test_a_file_is_hashed_once_and_again_when_it_has_changed(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.fetch("toy")
    hashed: list[str] = []
    digest = datasets.file_digest
    monkeypatch.setattr(datasets, "file_digest", lambda file, name: hashed.append(file.name) or digest(file, name))
    datasets.files("toy")
    datasets.files("toy")
    assert hashed == [str(toy.here / name) for name in CONTENT]
    os.utime(toy.here / "toy.y", ns=(0, 0))
    datasets.files("toy")
    assert hashed[2:] == [str(toy.here / "toy.y")]


def test_a_card_without_a_hash_downloads_nothing_and_hands_out_nothing(toy: Toy) -> None:
    toy.state({"toy.x": sha256(CONTENT["toy.x"]).hexdigest(), "toy.y": None})
    reason = r"toy cannot be used: no SHA-256 is known of toy\.y; state the sha256 of a copy that you trust in "
    with pytest.raises(BadUse, match=reason):
        datasets.fetch("toy")
    assert toy.there() == {}
    toy.here.mkdir(parents=True)
    for name, content in CONTENT.items():
        (toy.here / name).write_bytes(content)
    assert "no SHA-256 is known" in str(datasets.missing("toy"))
    with pytest.raises(BadUse, match=reason):
        datasets.files("toy")


def test_the_commands_fetch_verify_and_list(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("verify", "toy") == 1
    assert capsys.readouterr().out == f"{datasets.missing('toy')}\n"
    assert command("verify") == 0, "what is not here is not wrong, unless it is asked for"
    assert capsys.readouterr().out == ""

    assert command("fetch", "toy") == 0
    assert capsys.readouterr() == (f"toy: 2 files fetched, 0 already right, in {toy.here}\n", "")
    assert command("fetch", "toy") == 0
    assert "0 files fetched, 2 already right" in capsys.readouterr().out
    assert command("verify") == 0
    assert capsys.readouterr().out == "toy is right\n"

    assert command("list") == 0
    told = capsys.readouterr().out
    assert "toy: Toy: 2 nodes, 1 edges, 3 features, 2 classes" in told
    assert f"here, in {toy.here}" in told
    assert command("list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["datasets"]["toy"]["missing"] is None
    assert listed["datasets"]["toy"]["files"][0]["bytes"] == 8

    (toy.here / "toy.x").write_bytes(b"feat")
    assert command("verify") == 1
    assert "toy has a wrong file: " in capsys.readouterr().out


def test_commands_that_fail_say_so_in_one_line(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (toy.source / "toy.x").write_bytes(b"FEATURES")
    for arguments, status, words in (
        (("fetch", "toy"), 1, "so it is not kept"),
        (("fetch", "toy", "tow"), 2, "no dataset 'tow'; choose from toy"),
        (("verify", "tow"), 2, "no dataset 'tow'; choose from toy"),
        (("fetch",), 2, "NAME"),
    ):
        assert command(*arguments) == status
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert words in err


def test_a_file_rewritten_in_place_is_hashed_again_even_under_its_old_date(toy: Toy) -> None:
    datasets.fetch("toy")
    path = toy.here / "toy.x"
    before = path.stat()
    assert datasets.verify("toy") is None
    path.write_bytes(b"FEATURES")  # of the same size, under the same inode
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "another SHA-256" in str(datasets.verify("toy"))


def test_a_download_stops_where_it_is_longer_than_the_card_states(toy: Toy) -> None:
    (toy.source / "toy.x").write_bytes(bytes(10 * datasets._BLOCK))
    arrived: list[int] = []
    with pytest.raises(CannotGoOn, match="so it is not kept"):
        datasets.fetch("toy", arrived.append)
    assert sum(arrived) <= 2 * datasets._BLOCK
    assert toy.there() == {}


def test_a_dataset_has_begun_with_its_first_file(toy: Toy) -> None:
    assert not datasets.begun("toy")
    toy.here.mkdir(parents=True)
    (toy.here / "toy.y").write_bytes(CONTENT["toy.y"])
    assert datasets.begun("toy")
    (toy.cards / "toy.toml").write_text(CARD + "bundled = true\n")
    assert datasets.begun("toy")


def test_what_a_library_brings_along_needs_no_file(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (toy.cards / "toy.toml").write_text(CARD + "bundled = true\n")
    assert datasets.missing("toy") is None
    assert datasets.files("toy") == {}
    assert command("fetch", "toy") == 0
    assert capsys.readouterr().out == "toy: bundled, so there is nothing to fetch\n"


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ((), ("list", "--help"), ("fetch", "--help"), ("verify", "--help")):
        assert command(*arguments) == 0
        assert f"Example: featherbench data {' '.join(arguments[:1])}" in capsys.readouterr().out
