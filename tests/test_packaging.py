"""What a user installs: the wheel holds every page and schema of the repository, and nothing outside its own package."""

import configparser
import hashlib
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build("wheel", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive of this checkout."""
    folder = tmp_path_factory.mktemp("sdist")
    build("sdist", folder)
    (built,) = folder.glob("*.tar.gz")
    return built


def test_the_wheel_has_the_pages_and_schemas_of_the_repository(wheel: Path):
    for name in ("rules", "schemas"):
        here = repository(name)
        assert here, f"{name}/ is empty"
        assert packed(wheel, f"meshlint/{name}/") == here


def test_the_wheel_has_the_code_of_the_repository(wheel: Path):
    code = {
        name: content
        for name, content in packed(wheel, "meshlint/").items()
        if not name.startswith(("rules/", "schemas/"))
    }
    assert code == repository("analyzer/meshlint")
    assert "py.typed" in code


def test_nothing_generic_lands_in_site_packages(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        top = {name.split("/")[0] for name in archive.namelist()}
    assert top == {"meshlint", f"meshlint-{version()}.dist-info"}


def test_the_wheel_starts_meshlint_by_name_and_carries_its_licence(wheel: Path):
    scripts = configparser.ConfigParser()
    scripts.read_string(member(wheel, "entry_points.txt"))
    assert dict(scripts["console_scripts"]) == {"meshlint": "meshlint.cli:main"}
    assert member(wheel, "licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_wheel_asks_for_what_the_project_declares(wheel: Path):
    metadata = Parser().parsestr(member(wheel, "METADATA"))
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(map(bare, required)) == sorted(map(bare, project()["dependencies"]))
    assert metadata["License-Expression"] == "Apache-2.0"


def test_the_source_archive_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = (folder for folder in tmp_path.iterdir() if folder.is_dir())
    build("wheel", tmp_path, unpacked)
    (again,) = tmp_path.glob("*.whl")
    assert packed(again, "meshlint/") == packed(wheel, "meshlint/")


def test_an_installed_wheel_finds_its_data_and_answers(wheel: Path, tmp_path: Path):
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    site = run(str(python), "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, str(wheel), cwd=tmp_path)
    # The dependencies are those of this environment; only meshlint itself is the installed one.
    (Path(site) / "dependencies.pth").write_text(
        "\n".join(p for p in sys.path if "site-packages" in p), encoding="utf-8"
    )

    where = run(str(python), "-I", "-c", "import meshlint; print(meshlint.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(site)
    pages = "from meshlint import data; print(*sorted(p.name for p in data.folder('rules').glob('*.md')), sep='\\n')"
    assert run(str(python), "-I", "-c", pages, cwd=tmp_path).split() == sorted(
        p.name for p in (ROOT / "rules").glob("*.md")
    )

    assert version() in run(str(python), "-I", "-m", "meshlint", "--version", cwd=tmp_path)
    assert "MSH101" in run(str(python), "-I", "-m", "meshlint", "rules", cwd=tmp_path)


def test_every_version_that_the_project_may_install_is_pinned():
    pinned = {line.partition("==")[0] for line in constraints()}
    wanted = project()["dependencies"] + project()["optional-dependencies"]["dev"]
    assert {canonical(requirement) for requirement in wanted} <= {canonical(name) for name in pinned}


def test_the_constraints_are_versions_and_no_addresses():
    for line in constraints():
        name, found, pin = line.partition("==")
        assert found, line
        assert "/" not in name + pin, line


def build(kind: str, target: Path, source: Path = ROOT) -> None:
    """Builds with the project's backend in a process of its own, as an installer does."""
    program = f"import sys; from hatchling.build import build_{kind}; build_{kind}(sys.argv[1])"
    run(sys.executable, "-c", program, str(target), cwd=source)


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def repository(folder: str) -> dict[str, str]:
    root = ROOT / folder
    files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): digest(path.read_bytes()) for path in files}


def packed(wheel: Path, folder: str) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(folder) and not name.endswith("/")]
        return {name.removeprefix(folder): digest(archive.read(name)) for name in names}


def member(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"meshlint-{version()}.dist-info/{name}").decode("utf-8")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def version() -> str:
    source = (ROOT / "analyzer" / "meshlint" / "__init__.py").read_text(encoding="utf-8")
    (found,) = re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    return found


def constraints() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def bare(requirement: str) -> str:
    return requirement.replace(" ", "").replace("(", "").replace(")", "").lower()


def canonical(requirement: str) -> str:
    name = requirement
    for sign in "<>=!~[; ":
        name = name.partition(sign)[0]
    return name.lower().replace("_", "-").replace(".", "-")
