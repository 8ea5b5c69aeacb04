"""What a run leaves of an earlier one with its prefix: all of it until training begins, and nothing from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
import trainings
from trainings import Project, Recorder

from barista.errors import BaristaError
from barista.train.journal import Journal

# The worker refuses it: Caffe ends its process when it makes the net.
MISMATCH = trainings.layer("Eltwise", "sum", "db_data db_label", "sum")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return trainings.database_project(tmp_path)


def refused(project: Project, prefix: str) -> str:
    net = project.net
    project.net += MISMATCH
    with pytest.raises(BaristaError) as raised:
        project.run(prefix)
    project.net = net
    return str(raised.value)


def test_a_refused_run_leaves_the_log_of_the_earlier_one(project: Project) -> None:
    project.run("run", iterations=3)
    log, messages = (project.folder / "run" / f"net_log{suffix}" for suffix in (".jsonl", ".caffe.txt"))
    earlier, said = log.read_text(), messages.read_text()
    assert "layer 'sum'" in refused(project, "run")
    assert log.read_text() == earlier
    assert messages.read_text().startswith(said)
    assert "Check failed" in messages.read_text()[len(said) :]
    assert [file.name for file in log.parent.iterdir() if file.name.endswith(".aside")] == []


def test_a_run_that_trains_begins_log_and_messages_anew(project: Project) -> None:
    project.run("run", iterations=3)
    refused(project, "run")
    project.run("run", iterations=4)
    events = project.events("run")
    assert [event["event"] for event in events if event["event"] in ("started", "training")] == ["started", "training"]
    assert sum("learning_rate" in event for event in events) == 4
    assert "Check failed" not in (project.folder / "run" / "net_log.caffe.txt").read_text()


def test_a_refused_run_is_logged_where_no_log_was(project: Project) -> None:
    refused(project, "run")
    assert [event["event"] for event in project.events("run")] == ["fatal"]


def test_a_log_that_is_no_file_is_only_written_to(tmp_path: Path) -> None:
    with Journal(Path("/dev/null"), Recorder(), anew=True) as journal:
        journal.event({"event": "training", "iteration": 0})
