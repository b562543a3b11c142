"""Ways in which input comes to harm, each decided by a seed, so that a failure can be made again."""

import random
from collections.abc import Iterator
from pathlib import Path

import yaml

from meshlint import catalogue, files, session
from meshlint.config import Config
from meshlint.finding import Report, Skipped
from meshlint.source.text import Source

EVERYTHING = Config(extend_select=("MSH",))
"""Every rule is on."""
ODD = (None, True, 0, -1, 1.5, 10**30, "", " ", "*", "/", "a/b/c", "é\u2028", "x" * 300, [], {}, [None], [[]], {"": ""})
"""Values that no field expects."""
SYMBOLS = "\t\n\r\0:-{}[]&*!|>'\"#%@` \u2028\ufeff\x85é"
VALID = Path(__file__).parents[1] / "resources" / "valid"


def documents() -> list[object]:
    """The objects of every rule's examples, and one of each kind."""
    texts = [file.text for rule in catalogue.rules() for one in catalogue.examples(rule) for file in one.files]
    texts += [path.read_text(encoding="utf-8") for path in sorted(VALID.glob("*.yaml"))]
    found: list[object] = []
    for text in texts:
        try:
            found += yaml.safe_load_all(text)
        except yaml.YAMLError:
            continue
    return found


DOCUMENTS = documents()


def lint(*texts: str) -> Report:
    """What every rule says about these texts."""
    return session.lint([Source(f"{index}.yaml", text) for index, text in enumerate(texts)], EVERYTHING)


def places(value: object) -> Iterator[tuple[object, object]]:
    """Every container below *value* with each of its keys."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from places(value[key])  # type: ignore[index]


def damaged(document: object, source: random.Random) -> object:
    """A copy of *document* with one place removed, retyped, doubled, taken from elsewhere, renamed or out of order."""
    copy = yaml.safe_load(yaml.safe_dump(document))
    found = list(places(copy))
    if not found:
        return copy
    container, key = source.choice(found)
    match source.randrange(6):
        case 0:
            del container[key]  # type: ignore[attr-defined]
        case 1:
            container[key] = source.choice(ODD)  # type: ignore[index]
        case 2:
            container[key] = [container[key], container[key]]  # type: ignore[index]
        case 3 if isinstance(container, dict):
            entries = list(container.items())
            source.shuffle(entries)
            container.clear()
            container.update(entries)
        case 4 if isinstance(container, dict):
            container[str(key).swapcase() + "s"] = container.pop(key)
        case _:
            other, name = source.choice(found)
            container[key] = yaml.safe_load(yaml.safe_dump(other[name]))  # type: ignore[index]
    return copy


def damaged_mesh(seed: int) -> list[str]:
    """The text of a mesh of examples, some of which are damaged."""
    source = random.Random(seed)
    chosen = source.sample(DOCUMENTS, k=min(12, len(DOCUMENTS)))
    for _ in range(source.randrange(1, 6)):
        chosen[source.randrange(len(chosen))] = damaged(source.choice(chosen), source)
    return [yaml.safe_dump_all(chosen)]


def scrambled_text(seed: int) -> list[str]:
    """Examples with a stretch of their text lost and something else in its place."""
    source = random.Random(seed)
    text = yaml.safe_dump_all(source.sample(DOCUMENTS, k=4))
    start, end = sorted(source.randrange(len(text)) for _ in range(2))
    end = min(end, start + source.choice((0, 1, 5, 50, len(text))))
    return [text[:start] + "".join(source.choice(SYMBOLS) for _ in range(source.randrange(8))) + text[end:]]


def reindented_text(seed: int) -> list[str]:
    """Examples of which some lines are moved sideways or have lost their dash."""
    source = random.Random(seed)
    lines = yaml.safe_dump_all(source.sample(DOCUMENTS, k=2)).splitlines()
    for _ in range(source.randrange(1, 5)):
        index = source.randrange(len(lines))
        written = lines[index].lstrip()
        indent = max(0, len(lines[index]) - len(written) + source.randrange(-3, 4))
        lines[index] = " " * indent + source.choice((written, written.removeprefix("- ")))
    return ["\n".join(lines) + "\n"]


def damaged_bytes(seed: int) -> list[str]:
    """Bytes as a disk may hold them: an example with some of them changed, or nothing but noise."""
    source = random.Random(seed)
    encoding = source.choice(("utf-8", "utf-8", "utf-16", "utf-32", "utf-16-le", "latin-1"))
    text = yaml.safe_dump_all(source.sample(DOCUMENTS, k=2), allow_unicode=True)
    content = bytearray(text.encode(encoding, errors="replace") if source.random() < 0.8 else source.randbytes(200))
    for _ in range(source.randrange(6)):
        content[source.randrange(len(content))] = source.randrange(256)
    match files.decoded("bytes.yaml", bytes(content)):
        case Skipped(_, why):
            assert why
            return []
        case read:
            return [read.text]


WAYS = (damaged_mesh, scrambled_text, reindented_text, damaged_bytes)
"""Each makes texts from a seed."""
