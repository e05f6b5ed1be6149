"""``featherbench paper``: what it builds, refuses and exits with."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import pytest

from bench import store
from bench.cli.paper import paper
from bench.store import Run

Command = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[3]
RUN = "grouped_conv2d-odd-edge-zen5"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the claims of SG-CNN and one committed run."""
    for folder in ("reports/papers/sg_cnn", f"results/reference/{RUN}"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_it_writes_a_page_and_prints_the_coverage(featherbench: Command, checkout: Path) -> None:
    done = featherbench("paper", "all", "--from", "results/reference", cwd=checkout)
    assert (done.returncode, done.stderr) == (0, "")
    paper, checks, last = done.stdout.splitlines()
    assert paper.startswith("sg_cnn: What the paper says: ")
    assert checks.startswith("sg_cnn: This project's own checks, which the paper does not claim: ")
    assert re.search(r" claims, \d+ decided.*; \d+ verdicts: ", paper)
    assert last == "  0 tables, 0 figures: reports/build/papers/sg_cnn/index.html"
    assert (checkout / "reports/build/papers/sg_cnn/index.html").read_text().startswith("<!doctype html>")


def test_runs_are_read_once(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []

    def counted(folder: Path) -> list[Run]:
        folders.append(folder)
        return store.runs(folder)

    monkeypatch.setattr("bench.cli.paper.store", SimpleNamespace(**vars(store) | {"runs": counted}))
    monkeypatch.chdir(checkout)
    paper("sg_cnn", from_=store.REFERENCE)
    assert folders == [store.REFERENCE]


def test_json_has_every_verdict_with_its_inputs(featherbench: Command, checkout: Path) -> None:
    outcomes = json.loads(featherbench("paper", "sg_cnn", "--from", "results/reference", "--json", cwd=checkout).stdout)
    by_claim = {outcome["claim"]: outcome for outcome in outcomes}
    assert by_claim["sg-densenet201-flops-saved"]["verdict"] == "holds"
    assert set(by_claim["sg-rate-90"]["inputs"]) == {"claim", "published", "records", "machines", "values", "rule"}


def test_a_changed_number_makes_a_stored_verdict_stale(featherbench: Command, checkout: Path) -> None:
    command = ("paper", "sg_cnn", "--from", "results/reference")
    assert featherbench(*command, "--store-verdicts", cwd=checkout).returncode == 0
    path = checkout / "reports/papers/sg_cnn/claims.toml"
    path.write_text(path.read_text().replace("[0.94]", "[0.95]"))
    changed = featherbench(*command, cwd=checkout)
    assert changed.returncode == 1
    lines = [line for line in changed.stderr.splitlines() if "sg-densenet201-flops-agree" in line]
    assert lines
    assert "the published numbers that it refers to changed" in lines[0]
    advice = "featherbench paper sg_cnn --from results/reference --store-verdicts"
    assert changed.stderr.splitlines()[-1].endswith(advice)


def test_every_fault_of_the_claims_is_a_line(featherbench: Command, checkout: Path) -> None:
    path = checkout / "reports/papers/sg_cnn/claims.toml"
    text = path.read_text().replace('rows = ["75 %"]', 'rows = ["76 %"]')
    path.write_text(text.replace('{ low = 4, unit = "x" }', '{ low = 4, unit = "ms" }'))
    refused = featherbench("paper", "all", "--from", "results/reference", cwd=checkout)
    assert (refused.returncode, refused.stdout) == (2, "")
    first, second = refused.stderr.splitlines()
    assert first.startswith("featherbench: reports/papers/sg_cnn/claims.toml: claim sg-rate-75: published: ")
    assert "claim sg-densenet201-flops-saved: unit: 'ms' is a unit of time" in second


def test_verdicts_that_are_not_stored_are_missed(featherbench: Command, checkout: Path) -> None:
    (checkout / "reports/papers/sg_cnn/verdicts.json").unlink()
    done = featherbench("paper", "sg_cnn", "--from", "results/reference", cwd=checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("featherbench: sg_cnn: reports/papers/sg_cnn/verdicts.json is missing\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sgcnn", "--from", "results/reference"], "no paper 'sgcnn'; choose from all, sg_cnn"),
        (["all", "--from", "nowhere"], "no run in"),
        (["all", "--from", "results", "--store-verdicts"], "verdicts are stored from the committed runs alone"),
        (["all", "--store-verdicts"], "add --from results/reference"),
    ],
)
def test_wrong_use_is_one_line(featherbench: Command, checkout: Path, arguments: list[str], words: str) -> None:
    refused = featherbench("paper", *arguments, cwd=checkout)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert words in refused.stderr


def test_a_dry_run_says_what_is_missing(featherbench: Command, checkout: Path) -> None:
    shutil.copytree(ROOT / "reports/papers/gspc", checkout / "reports/papers/gspc")
    planned = featherbench("paper", "gspc", "--dry-run", cwd=checkout)
    assert planned.returncode == 0
    assert planned.stdout.startswith("grouped_conv2d --suite gspc --target edge: ")
    assert " missing, about " in planned.stdout.splitlines()[0]
    assert not (checkout / "reports/build").exists()
    shutil.copytree(ROOT / "results/reference/grouped_conv2d-gspc-edge-zen5", checkout / "runs/gspc")
    complete = featherbench("paper", "gspc", "--from", "runs", "--dry-run", cwd=checkout)
    layers, networks = complete.stdout.splitlines()
    assert layers == "grouped_conv2d --suite gspc --target edge: nothing is missing"
    assert networks.startswith("network_inference --suite gspc --target edge: 120 records of 12 cases missing, about ")
    assert networks.endswith(", besides building the networks that are not built")


def test_halves_of_a_comparison_in_two_runs_are_no_whole(featherbench: Command, checkout: Path) -> None:
    """What is compared has to be in one run."""
    shutil.copytree(ROOT / "reports/papers/gspc", checkout / "reports/papers/gspc")
    for index, name in enumerate(("first", "second")):
        run = Run.open(ROOT / "results/reference/grouped_conv2d-gspc-edge-zen5")
        half = Run.create(checkout / "runs" / name, run.info.model_copy(update={"name": name}))
        half.append([record for record in run.records if (record.implementation == "pytorch") == bool(index)])
    planned = featherbench("paper", "gspc", "--from", "runs", "--dry-run", cwd=checkout)
    assert " missing, about " in planned.stdout.splitlines()[0]


CLAIMS = """
[paper]
id = "tiny"
title = "A tiny paper"
venue = "nowhere"
url = "https://example.org"
summary = "It is an example."
source = "Nothing."

[[claim]]
id = "pytorch-takes-time"
text = "PyTorch's convolution takes less than a minute."
where = "nowhere"
kind = "order"
published = { unit = "s" }
quantifier = "all"
scope = { workload = "grouped_conv2d", suite = "quick", impl = ["pytorch"], case = ["cin=60"] }
measure = { quantity = "latency" }
rule = { below = 60 }
protocol = { distance = "exact" }
"""
RECIPE = """
from bench.core.target import Target
from bench.paper.recipe import Recipe
from bench.store import Request

RECIPE = Recipe(
    requests=(
        Request(
            workloads=("grouped_conv2d",),
            suite="quick",
            target=Target("edge"),
            implementations=("pytorch",),
            case_filters=("cin=60",),
        ),
    ),
)
"""


def test_what_is_missing_is_measured_first_and_only_once(featherbench: Command, tmp_path: Path) -> None:
    folder = tmp_path / "reports/papers/tiny"
    folder.mkdir(parents=True)
    (folder / "claims.toml").write_text(CLAIMS)
    (folder / "recipe.py").write_text(RECIPE)
    measured = featherbench("paper", "tiny", cwd=tmp_path)
    assert measured.returncode == 0, measured.stderr
    assert "1 claim, 1 decided; 1 verdict: 1 holds" in measured.stdout
    (run,) = (tmp_path / "results/local").glob("*-grouped_conv2d-quick-edge")
    before = (run / "records.jsonl").read_bytes()
    again = featherbench("paper", "tiny", cwd=tmp_path)
    assert (again.returncode, again.stdout, again.stderr) == (0, measured.stdout, "")
    assert (run / "records.jsonl").read_bytes() == before
