"""The pages of all papers, built once from the committed runs, which takes a minute."""

from pathlib import Path

import pytest

from bench.paper.build import Built, build, names, open_paper
from bench.store import REFERENCE, Run, runs

ROOT = Path(__file__).parents[3]
PAPERS = ROOT / "reports/papers"


@pytest.fixture(scope="session")
def reference() -> list[Run]:
    return runs(ROOT / REFERENCE)


@pytest.fixture(scope="session")
def built(reference: list[Run], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    folder = tmp_path_factory.mktemp("papers")
    return {name: build(open_paper(name, PAPERS), reference, folder / name) for name in names(PAPERS)}
