"""Small synthetic data sets, made once; no test reads a license-bound file, the network or a cache of the user's."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from microexpr.core.clip import Clip
from microexpr.core.config import cache_folder
from microexpr.datasets import DATASETS, Dataset
from microexpr.recipes import RecognitionRecipe, parse_recipe

# The face mesh is read from where `make install` fetched it; no test fetches anything.
os.environ.setdefault("MICROEXPR_FACE_MESH", str(cache_folder() / "face-mesh"))

pytest_plugins = ["tests.web.serve_page", "tests.command_runs"]  # fixtures: the page in a browser, a run to disturb


@pytest.fixture(autouse=True)
def isolated_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests never read the folders of the user."""
    monkeypatch.delenv("MICROEXPR_DATA", raising=False)
    monkeypatch.delenv("MICROEXPR_WEIGHTS", raising=False)
    monkeypatch.setenv("MICROEXPR_CONFIG", str(tmp_path_factory.getbasetemp() / "config"))
    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


class SmallCopies(Mapping[str, Dataset]):
    """A small synthetic copy of every data set, with three subjects, made when a test first asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = DATASETS.names()
        self.made: dict[str, Dataset] = {}

    def __getitem__(self, name: str) -> Dataset:
        if name not in self.names:
            raise KeyError(name)
        if name not in self.made:
            self.made[name] = DATASETS.get(name).make_synthetic(self.folder / name, subjects=3, image_scale=0.25)
        return self.made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def roots(self) -> Roots:
        """Data set -> folder, for runs; only those that a run opens are made."""
        return Roots(self)


class Roots(Mapping[str, Path]):
    """The folders of small copies."""

    def __init__(self, copies: SmallCopies) -> None:
        self.copies = copies

    def __getitem__(self, name: str) -> Path:
        return self.copies[name].root

    def __iter__(self) -> Iterator[str]:
        return iter(self.copies)

    def __len__(self) -> int:
        return len(self.copies)


@pytest.fixture(scope="session")
def synthetic_datasets(tmp_path_factory: pytest.TempPathFactory) -> SmallCopies:
    """A small synthetic copy of every data set, with three subjects."""
    return SmallCopies(tmp_path_factory.mktemp("synthetic_datasets"))


RECIPE = """
title = "test"
[[stages]]
name = "micro"
data = ["megc2019"]
protocol = "megc2019-cde"
chain = [{ name = "load-image" }, { name = "scale", subtract = 127.5, divide = 127.5 }]
recognizer = { name = "svm", C = 10.0 }
[quick]
subjects = 2
image_scale = 0.25
"""

NETWORK = """
title = "test of a network"
[[stages]]
name = "micro"
data = ["megc2019"]
protocol = "megc2019-cde"
chain = [{ name = "load-image" }, { name = "scale", subtract = 127.5, divide = 127.5 }]
recognizer = { name = "network", epochs = 6, batch_size = 32, optimizer = { lr = 0.01 } }
"""


@pytest.fixture
def recipe() -> RecognitionRecipe:
    """A support vector machine on precomputed flow."""
    return parse_recipe("test", RECIPE)


@pytest.fixture
def network() -> RecognitionRecipe:
    """STSTNet for six epochs."""
    return parse_recipe("test-network", NETWORK)


def make_clips(per_subject: int = 3, subjects: int = 4, dataset: str = "casme2") -> list[Clip]:
    """Clips without frames."""
    labels = ("happiness", "surprise", "disgust")
    return [
        Clip(
            f"{dataset}/p{p}/c{i}",
            dataset,
            f"{dataset}/p{p}",
            Path("nowhere"),
            200,
            1,
            5,
            9,
            {"emotion": labels[i % 3]},
        )
        for p in range(subjects)
        for i in range(per_subject)
    ]
