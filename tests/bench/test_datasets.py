"""Datasets: every file that is returned equals the file of its card, byte for byte."""

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
from bench.core.errors import RunError, UsageError

CONTENT = {"toy.x": b"features", "toy.y": b"labels\n" * 1000}
CARD = """
name = "toy"
kind = "graph"
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
    """A dataset of two files, with a local folder as their source."""

    def __init__(self, folder: Path) -> None:
        self.cards = folder / "cards"
        self.source = folder / "source"
        self.folder = folder / "data" / "Toy" / "raw"
        self.cards.mkdir()
        self.source.mkdir()
        for name, content in CONTENT.items():
            (self.source / name).write_bytes(content)
        self.write_card({name: sha256(content).hexdigest() for name, content in CONTENT.items()})

    def write_card(self, hashes: dict[str, str | None]) -> None:
        """Rewrite the card with these hashes; a file whose hash is None has none on the card."""
        card = CARD + 'folder = "Toy/raw"\n'
        for name, digest in hashes.items():
            card += f'[[files]]\nname = "{name}"\nurl = "{(self.source / name).as_uri()}"\n'
            card += f'sha256 = "{digest}"\nbytes = {len(CONTENT[name])}\n' if digest else ""
        (self.cards / "toy.toml").write_text(card)

    def contents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()} if self.folder.exists() else {}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    dataset = Toy(tmp_path)
    monkeypatch.setattr(datasets, "_CARDS", dataset.cards)
    monkeypatch.setenv("FEATHERBENCH_DATA", str(tmp_path / "data"))
    return dataset


def command(*arguments: str) -> int:
    """Return the exit status of ``featherbench data``, run in this process so that it sees the toy's card."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["featherbench", "data", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return int(ended.value.code or 0)


def test_every_card_can_be_used() -> None:
    cards = datasets.cards()
    assert set(cards) >= {"karate_club", "cora", "citeseer", "pubmed", "amazon_photo", "cora_full", "ogbn_arxiv"}
    assert cards["karate_club"].bundled
    without_hash = {name for name, card in cards.items() for file in card.files if file.sha256 is None}
    assert without_hash == {"amazon_computers", "amazon_photo"}
    paths = [(card.folder, file.name) for card in cards.values() for file in card.files]
    assert len(paths) == len(set(paths))


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
def test_an_invalid_card_is_reported_in_one_line(toy: Toy, broken: str, words: str) -> None:
    (toy.cards / "toy.toml").write_text(broken)
    with pytest.raises(UsageError, match=r"toy\.toml cannot be used: ") as error:
        datasets.cards()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


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


def test_an_unknown_name_is_refused_with_the_choices(toy: Toy) -> None:
    with pytest.raises(UsageError, match="no dataset 'tow'; choose from toy"):
        datasets.card("tow")


def test_the_root_is_chosen_by_the_user_or_lies_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    monkeypatch.setenv("FEATHERBENCH_DATA", "~/data")
    assert datasets.root() == Path("/home/me/data")
    monkeypatch.setenv("FEATHERBENCH_DATA", "")
    assert datasets.root() == Path("/cache/featherbench")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert datasets.root() == Path("/home/me/.cache/featherbench")


def test_fetch_writes_the_right_files_and_nothing_else(toy: Toy) -> None:
    assert datasets.missing("toy") == f"toy lacks toy.x and 1 more in {toy.folder}; get it: featherbench data fetch toy"
    arrived: list[int] = []
    fetched = datasets.fetch("toy", arrived.append)
    assert fetched == [toy.folder / name for name in CONTENT]
    assert sum(arrived) == sum(map(len, CONTENT.values()))
    assert toy.contents() == CONTENT
    assert datasets.missing("toy") is None
    assert datasets.files("toy") == {name: toy.folder / name for name in CONTENT}


def test_fetch_keeps_right_files_and_replaces_wrong_ones(toy: Toy) -> None:
    datasets.fetch("toy")
    (toy.folder / "toy.x").write_bytes(b"FEATURES")
    (toy.source / "toy.y").unlink()  # so that fetching it again would fail
    assert datasets.fetch("toy") == [toy.folder / "toy.x"]
    assert toy.contents() == CONTENT


def test_a_wrong_download_is_not_kept_and_replaces_nothing(toy: Toy) -> None:
    toy.folder.mkdir(parents=True)
    (toy.folder / "toy.x").write_bytes(b"old")
    (toy.source / "toy.x").write_bytes(b"FEATURES")
    with pytest.raises(RunError, match="another SHA-256 than the card states, so it is not kept"):
        datasets.fetch("toy")
    assert toy.contents() == {"toy.x": b"old"}


@pytest.mark.parametrize(
    ("accident", "ends"),
    [
        (IncompleteRead(b""), RunError),
        (TimeoutError("timed out"), RunError),
        (urllib.error.URLError(OSError("no such host")), RunError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_an_interrupted_download_leaves_no_file(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, accident: BaseException, ends: type[BaseException]
) -> None:
    class InterruptedResponse(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if block := super().read(3):
                return block
            assert [path.suffix for path in toy.folder.iterdir()] == [".partial"]
            raise accident

    monkeypatch.setattr(datasets, "urlopen", lambda url, timeout: InterruptedResponse(b"fea"))
    with pytest.raises(ends) as error:
        datasets.fetch("toy")
    assert toy.contents() == {}
    assert "\n" not in str(error.value)


def test_an_unreachable_source_is_reported_in_one_line(toy: Toy) -> None:
    (toy.source / "toy.x").unlink()
    with pytest.raises(RunError, match=r"cannot fetch file://.*/toy.x: .*; try again, or put the file at ") as error:
        datasets.fetch("toy")
    assert "\n" not in str(error.value)
    assert toy.contents() == {}


def test_a_file_of_another_size_or_content_is_not_returned(toy: Toy) -> None:
    datasets.fetch("toy")
    (toy.folder / "toy.x").write_bytes(b"FEATURES")
    assert datasets.missing("toy") is None, "missing() compares sizes only"
    with pytest.raises(
        UsageError, match=r"toy.x has another SHA-256 than its card states; replace it: featherbench data"
    ):
        datasets.files("toy")
    (toy.folder / "toy.x").write_bytes(b"feat")
    assert "toy.x has 4 bytes, where its card states 8; replace it: " in str(datasets.missing("toy"))
    with pytest.raises(UsageError, match=r"toy\.x has 4 bytes, where its card states 8"):
        datasets.files("toy")


def test_a_file_can_be_checked_by_its_hash_alone(toy: Toy) -> None:
    card = (toy.cards / "toy.toml").read_text().replace(f"bytes = {len(CONTENT['toy.x'])}\n", "")
    (toy.cards / "toy.toml").write_text(card)
    datasets.fetch("toy")
    assert toy.contents() == CONTENT
    (toy.folder / "toy.x").write_bytes(b"feat")
    assert datasets.missing("toy") is None, "missing() has no size to compare with"
    with pytest.raises(UsageError, match=r"toy.x has another SHA-256 than its card states"):
        datasets.files("toy")


def test_a_file_is_hashed_once_and_again_when_it_has_changed(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.fetch("toy")
    hashed: list[str] = []
    digest = datasets.file_digest
    monkeypatch.setattr(datasets, "file_digest", lambda file, name: hashed.append(file.name) or digest(file, name))
    datasets.files("toy")
    datasets.files("toy")
    assert hashed == [str(toy.folder / name) for name in CONTENT]
    os.utime(toy.folder / "toy.y", ns=(0, 0))
    datasets.files("toy")
    assert hashed[2:] == [str(toy.folder / "toy.y")]


def test_with_a_hash_missing_nothing_is_downloaded_or_returned(toy: Toy) -> None:
    toy.write_card({"toy.x": sha256(CONTENT["toy.x"]).hexdigest(), "toy.y": None})
    reason = r"toy cannot be used: no SHA-256 is known of toy\.y; state the sha256 of a copy that you trust in "
    with pytest.raises(UsageError, match=reason):
        datasets.fetch("toy")
    assert toy.contents() == {}
    toy.folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (toy.folder / name).write_bytes(content)
    assert "no SHA-256 is known" in str(datasets.missing("toy"))
    with pytest.raises(UsageError, match=reason):
        datasets.files("toy")


def test_the_commands_fetch_verify_and_list(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("verify", "toy") == 1
    assert capsys.readouterr().out == f"{datasets.missing('toy')}\n"
    assert command("verify") == 0, "a missing file is wrong only where its dataset is named"
    assert capsys.readouterr().out == ""

    assert command("fetch", "toy") == 0
    assert capsys.readouterr() == (f"toy: 2 files fetched, 0 already right, in {toy.folder}\n", "")
    assert command("fetch", "toy") == 0
    assert "0 files fetched, 2 already right" in capsys.readouterr().out
    assert command("verify") == 0
    assert capsys.readouterr().out == "toy is right\n"

    assert command("list") == 0
    text = capsys.readouterr().out
    assert "toy: Toy: 2 nodes, 1 edges, 3 features, 2 classes" in text
    assert f"here, in {toy.folder}" in text
    assert command("list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["datasets"]["toy"]["missing"] is None
    assert listed["datasets"]["toy"]["files"][0]["bytes"] == 8

    (toy.folder / "toy.x").write_bytes(b"feat")
    assert command("verify") == 1
    assert "toy has a wrong file: " in capsys.readouterr().out


def test_a_command_that_fails_prints_one_line(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_a_file_rewritten_in_place_is_hashed_again_even_if_its_mtime_is_restored(toy: Toy) -> None:
    datasets.fetch("toy")
    path = toy.folder / "toy.x"
    before = path.stat()
    assert datasets.verify("toy") is None
    path.write_bytes(b"FEATURES")  # the size and the inode stay the same
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "another SHA-256" in str(datasets.verify("toy"))


def test_a_download_stops_when_it_exceeds_the_size_on_the_card(toy: Toy) -> None:
    (toy.source / "toy.x").write_bytes(bytes(10 * datasets._BLOCK_BYTES))
    arrived: list[int] = []
    with pytest.raises(RunError, match="so it is not kept"):
        datasets.fetch("toy", arrived.append)
    assert sum(arrived) <= 2 * datasets._BLOCK_BYTES
    assert toy.contents() == {}


def test_a_dataset_has_begun_once_its_first_file_exists(toy: Toy) -> None:
    assert not datasets.begun("toy")
    toy.folder.mkdir(parents=True)
    (toy.folder / "toy.y").write_bytes(CONTENT["toy.y"])
    assert datasets.begun("toy")
    (toy.cards / "toy.toml").write_text(CARD + "bundled = true\n")
    assert datasets.begun("toy")


def test_a_bundled_dataset_needs_no_file(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (toy.cards / "toy.toml").write_text(CARD + "bundled = true\n")
    assert datasets.missing("toy") is None
    assert datasets.files("toy") == {}
    assert command("fetch", "toy") == 0
    assert capsys.readouterr().out == "toy: bundled, so there is nothing to fetch\n"


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ((), ("list", "--help"), ("fetch", "--help"), ("verify", "--help")):
        assert command(*arguments) == 0
        assert f"Example: featherbench data {' '.join(arguments[:1])}" in capsys.readouterr().out
