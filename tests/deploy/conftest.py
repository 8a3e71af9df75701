"""Folders and clusters of a test's own; nothing of them is left behind."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.postgres import Cluster
from tests import folders


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with folders.open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def new_data() -> Iterator[Path]:
    """A data folder as initdb leaves it, to be copied: a copy takes a tenth of the time."""
    with folders.open_folder() as folder:
        cluster = Cluster.at(folder / "data", fast=True)
        cluster.initdb()
        yield cluster.data_dir
    for made in (cluster.socket_dir, cluster.placement.shelter):
        shutil.rmtree(made or folder, ignore_errors=True)


@pytest.fixture
def cluster_at() -> Iterator[Callable[[Path], Cluster]]:
    """Makes clusters that are stopped, and removed wherever they lie, at the end of the test."""
    made: list[Cluster] = []

    def make(data_dir: Path) -> Cluster:
        made.append(Cluster.at(data_dir, fast=True))
        return made[-1]

    yield make
    for cluster in made:
        cluster.stop()
        cluster.stop_leftover()
        for folder in (cluster.data_dir, cluster.socket_dir, cluster.placement.shelter):
            shutil.rmtree(folder or cluster.data_dir, ignore_errors=True)
