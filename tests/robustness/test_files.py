"""Whatever a folder holds, a run ends, within a bounded memory, and names what it did not read."""

import json
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CLEAN, ROOT
from meshlint.files import MAX_BYTES

MEMORY = 2 << 30
"""The address space a run may take: some eight times what 50,000 documents need."""


def lint(*paths: str, cwd: Path) -> dict[str, object]:
    """The JSON report of a run that may not take more memory than MEMORY, nor more than a minute."""
    run = subprocess.run(
        [sys.executable, "-m", "meshlint", "lint", "--format", "json", "--fail-on", "never", *paths],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "analyzer")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert run.returncode in (0, 3), run.stderr
    return json.loads(run.stdout)


def skipped(report: dict[str, object]) -> dict[str, str]:
    return {one["path"]: one["why"] for one in report["summary"]["skipped"]}  # type: ignore[index]


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    """A folder with one clean file, to which a test adds something else."""
    (tmp_path / "clean.yaml").write_text(CLEAN)
    return tmp_path


def test_a_file_of_100_megabytes_is_skipped_and_named(mesh):
    with (mesh / "huge.yaml").open("wb") as file:
        file.truncate(100 << 20)
    report = lint(".", cwd=mesh)
    assert skipped(report) == {"huge.yaml": f"larger than {MAX_BYTES >> 20} MiB"}
    assert report["summary"]["resources"] == 1


def test_fifty_thousand_documents_are_read(mesh):
    text = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a%d, namespace: n%d}\n"
    (mesh / "many.yaml").write_text("".join(text % (number, number % 50) for number in range(50_000)))
    report = lint(".", cwd=mesh)
    assert report["summary"]["resources"] == 50_001
    assert report["findings"] == []


def test_what_is_no_text_is_skipped_and_named(mesh):
    (mesh / "latin.yaml").write_bytes(CLEAN.encode() + b"# caf\xe9\n")
    (mesh / "picture.yaml").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert skipped(lint(".", cwd=mesh)) == {
        "latin.yaml": f"not UTF-8: byte {len(CLEAN) + 5} cannot be decoded",
        "picture.yaml": "not UTF-8: byte 0 cannot be decoded",
    }


def test_nul_costs_its_own_document_only(mesh):
    (mesh / "nul.yaml").write_bytes(b"a: \0\n---\n" + CLEAN.replace("reviews", "ratings").encode())
    report = lint(".", cwd=mesh)
    assert [(one["code"], one["location"]["line"]) for one in report["findings"]] == [("MSH001", 1)]
    assert report["summary"]["resources"] == 2


def test_links_that_lead_in_circles_end(mesh):
    (mesh / "below").mkdir()
    (mesh / "below" / "up").symlink_to(mesh)
    (mesh / "one.yaml").symlink_to("two.yaml")
    (mesh / "two.yaml").symlink_to("one.yaml")
    report = lint(".", cwd=mesh)
    assert report["summary"]["resources"] == 1
    why = "too many levels of symbolic links"
    assert skipped(report) == {"one.yaml": why, "two.yaml": why}


def test_what_is_no_file_is_skipped_and_named_and_never_waited_for(mesh):
    os.mkfifo(mesh / "pipe.yaml")
    (mesh / "gone.yaml").symlink_to("nowhere")
    (mesh / "folder.yaml").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(mesh)  # The path of a socket may not be long.
        listening.bind("socket.yaml")
        os.chdir(here)
        assert skipped(lint(".", cwd=mesh)) == {
            "pipe.yaml": "not a regular file",
            "socket.yaml": "not a regular file",
            "gone.yaml": "no such file or directory",
        }


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that not even root can read")
def test_a_file_that_cannot_be_read_is_skipped_and_named(mesh):
    (mesh / "memory.yaml").symlink_to("/proc/self/mem")
    report = lint("memory.yaml", "clean.yaml", cwd=mesh)
    assert skipped(report) == {"memory.yaml": "input/output error"}
    assert report["summary"]["resources"] == 1


@pytest.mark.parametrize("text", ["[" * 2_000_000, "- " * 1_000_000, "{a: " * 500_000, "a: &a [*a, *a]\n" * 200_000])
def test_deep_and_self_referring_input_takes_a_bounded_memory(mesh, text):
    (mesh / "deep.yaml").write_text(text)
    report = lint(".", cwd=mesh)
    assert report["summary"]["resources"] == 1
    assert [one["code"] for one in report["findings"]] in (["MSH001"], ["MSH001", "MSH002"])
