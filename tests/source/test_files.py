"""Finding and reading files."""

import io
import os
from pathlib import Path

import pytest

from meshlint import files
from meshlint.config import UsageError
from meshlint.files import decoded, find, read
from meshlint.finding import Skipped
from meshlint.source.parse import parse
from meshlint.source.text import Source


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: Path, content: str = "a: 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_a_folder_stands_for_the_manifests_below_it(folder: Path):
    for name in ("b.yml", "a/z.yaml", "a/b/c.json", "D.YAML", "readme.md", "a/x.txt"):
        put(folder / name)
    assert find(["."]).files == ("D.YAML", "a/b/c.json", "a/z.yaml", "b.yml")
    assert find(["a"]).files == ("a/b/c.json", "a/z.yaml")
    assert find(["./a/../a/"]).files == ("a/b/c.json", "a/z.yaml")


def test_hidden_folders_and_those_of_other_tools_are_passed_by(folder: Path):
    for name in (".git/a.yaml", "node_modules/a.yaml", ".venv/a.yaml", ".hidden.yaml", "ok/a.yaml"):
        put(folder / name)
    assert find(["."]).files == ("ok/a.yaml",)
    assert find([".git", ".hidden.yaml"]).files == (".git/a.yaml", ".hidden.yaml")


def test_a_file_that_is_named_may_have_any_suffix(folder: Path):
    put(folder / "x.txt")
    assert find(["x.txt"]).files == ("x.txt",)


def test_an_absolute_path_is_shown_relative_to_the_working_directory(folder: Path):
    put(folder / "in/a.yaml")
    assert find([str(folder / "in")]).files == ("in/a.yaml",)


def test_an_absolute_path_outside_the_working_directory_stays_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch):
    put(folder / "out/a.yaml")
    (folder / "in").mkdir()
    monkeypatch.chdir(folder / "in")
    assert find([str(folder / "out")]).files == ((folder / "out/a.yaml").as_posix(),)
    assert find(["../out"]).files == ("../out/a.yaml",)


def test_patterns_are_expanded_where_no_such_file_is_there(folder: Path):
    for name in ("a/x.yaml", "a/b/y.yaml", "a/z.txt", "[q].yaml"):
        put(folder / name)
    assert find(["a/*.yaml"]).files == ("a/x.yaml",)
    assert find(["a/**/*.yaml"]).files == ("a/b/y.yaml", "a/x.yaml")
    assert find(["[q].yaml"]).files == ("[q].yaml",)


def test_a_path_that_does_not_exist_is_an_error_of_usage(folder: Path):
    put(folder / "a.yaml")
    with pytest.raises(UsageError, match=r"missing\.yaml"):
        find(["a.yaml", "missing.yaml"])
    with pytest.raises(UsageError):
        find(["no*.yaml"])


def test_each_file_comes_once(folder: Path):
    put(folder / "a/x.yaml")
    (folder / "a/y.yaml").symlink_to("x.yaml")
    (folder / "b").symlink_to("a")
    assert find([".", "a", "a/x.yaml", "b/x.yaml"]).files == ("a/x.yaml",)


def test_links_in_a_circle_end(folder: Path):
    put(folder / "a/x.yaml")
    (folder / "a/up").symlink_to("..")
    (folder / "self.yaml").symlink_to("self.yaml")
    found = find(["."])
    assert found.files == ("a/x.yaml",)
    assert [one.name for one in found.skipped] == ["self.yaml"]


def test_a_link_that_leads_nowhere_is_skipped(folder: Path):
    (folder / "gone.yaml").symlink_to("nothing")
    assert find(["."]).skipped == (Skipped("gone.yaml", "no such file or directory"),)


def test_what_is_no_regular_file_is_skipped(folder: Path):
    os.mkfifo(folder / "pipe.yaml")
    found = find(["."])
    assert found.files == ()
    assert found.skipped == (Skipped("pipe.yaml", "not a regular file"),)


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("vendor", ("a/x.yaml", "charts/c/templates/t.yaml")),
        ("**/templates/**", ("a/vendor/v.yaml", "a/x.yaml")),
        ("charts/*/templates/", ("a/vendor/v.yaml", "a/x.yaml")),
        ("*.yaml", ()),
        ("a/*.yaml", ("a/vendor/v.yaml", "charts/c/templates/t.yaml")),
    ],
)
def test_excluded_patterns_are_left_out_of_folders(folder: Path, pattern: str, left: tuple[str, ...]):
    for name in ("a/x.yaml", "a/vendor/v.yaml", "charts/c/templates/t.yaml"):
        put(folder / name)
    assert find(["."], [pattern]).files == left
    assert find(["a/x.yaml"], [pattern]).files == ("a/x.yaml",)


def test_excluded_patterns_are_seen_from_the_root(folder: Path, monkeypatch: pytest.MonkeyPatch):
    put(folder / "a/x.yaml")
    put(folder / "a/y.yaml")
    monkeypatch.chdir(folder / "a")
    assert find(["."], ["a/x.yaml"], root="..").files == ("y.yaml",)


def test_large_files_are_skipped(folder: Path):
    with put(folder / "big.yaml").open("wb") as stream:
        stream.truncate(files.MAX_BYTES + 1)
    found = find(["."])
    assert found.files == ()
    assert found.skipped == (Skipped("big.yaml", "larger than 64 MiB"),)
    assert isinstance(read("big.yaml"), Skipped)


def test_a_file_that_is_gone_by_the_time_it_is_read_is_skipped(folder: Path):
    put(folder / "gone.yaml").unlink()
    assert read("gone.yaml") == Skipped("gone.yaml", "no such file or directory")


def test_the_standard_input_is_read_under_its_name():
    assert find(["-"]).files == ("-",)
    source = read("-", io.BytesIO(b"a: 1\n"))
    assert isinstance(source, Source)
    assert (source.name, source.text) == ("<stdin>", "a: 1\n")


def test_a_file_is_read_with_its_line_endings(folder: Path):
    (folder / "a.yaml").write_bytes(b"a: 1\r\nb: 2\r")
    source = read("a.yaml")
    assert isinstance(source, Source)
    assert source.text == "a: 1\r\nb: 2\r"


@pytest.mark.parametrize(
    "encoded",
    [
        "k\u00e9y: \U0001f600\n".encode(),
        "k\u00e9y: \U0001f600\n".encode("utf-8-sig"),
        "k\u00e9y: \U0001f600\n".encode("utf-16"),
        b"\xfe\xff" + "k\u00e9y: \U0001f600\n".encode("utf-16-be"),
        "k\u00e9y: \U0001f600\n".encode("utf-32"),
    ],
)
def test_encodings_do_not_change_the_text(encoded: bytes):
    source = decoded("x", encoded)
    assert isinstance(source, Source)
    assert source.text == "k\u00e9y: \U0001f600\n"
    assert parse(source).documents[0].at("k\u00e9y").span.first == (1, 6)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_known_without_a_mark(encoding: str):
    source = decoded("x", "a: é\n".encode(encoding))
    assert isinstance(source, Source)
    assert source.text == "a: é\n"


def test_bytes_that_are_no_text_are_skipped_and_named():
    assert decoded("x", b"a: \xff\n") == Skipped("x", "not UTF-8: byte 3 cannot be decoded")
    assert decoded("x", b"\xef\xbb\xbfa: \xff\n") == Skipped("x", "not UTF-8: byte 6 cannot be decoded")
    assert isinstance(decoded("x", b"\xff\xfea\0\x00\xd8"), Skipped)


def test_no_bytes_are_an_empty_text():
    source = decoded("x", b"")
    assert isinstance(source, Source)
    assert source.text == ""
