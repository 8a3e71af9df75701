"""Folders and clusters for one test, removed after it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.postgres import Cluster
from tests import folders
from tests.deploy.supervision import Supervise, supervised_programs


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    with supervised_programs(tmp_path) as start:
        yield start


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with folders.open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def new_data() -> Iterator[Path]:
    """A data folder from initdb, to be copied: a copy takes a tenth of the time."""
    with folders.open_folder() as folder:
        cluster = Cluster.at(folder / "data", fast=True)
        cluster.initdb()
        yield cluster.data_dir
    for created in (cluster.socket_dir, cluster.placement.shelter):
        shutil.rmtree(created or folder, ignore_errors=True)


@pytest.fixture
def cluster_at() -> Iterator[Callable[[Path], Cluster]]:
    """Creates clusters, which are stopped and removed at the end of the test, wherever their data is."""
    created: list[Cluster] = []

    def create(data_dir: Path) -> Cluster:
        created.append(Cluster.at(data_dir, fast=True))
        return created[-1]

    yield create
    for cluster in created:
        cluster.stop()
        cluster.stop_leftover()
        for folder in (cluster.data_dir, cluster.socket_dir, cluster.placement.shelter):
            shutil.rmtree(folder or cluster.data_dir, ignore_errors=True)
