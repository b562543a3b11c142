"""What a user asks of `trace`: one request, who sends it, and what has to come of it."""

from dataclasses import dataclass

from meshlint import request as a
from meshlint.cli.expectations import Expectation, expectations
from meshlint.config import UsageError
from meshlint.mesh.asked import AskingError, asked
from meshlint.mesh.model import Mesh
from meshlint.mesh.named_routes import routes_named
from meshlint.mesh.sender import sender
from meshlint.mesh.steps import Trace
from meshlint.mesh.trace import trace
from meshlint.mesh.why_not import WhyNot, why_not
from meshlint.request import Request


@dataclass(frozen=True, slots=True)
class Question:
    """A request in the words of the command line. `place` says where it stands, if it is from a file."""

    url: str
    method: str | None = None
    headers: tuple[str, ...] = ()
    origin: str | None = None
    sni: str | None = None
    address: str | None = None
    source_ip: str | None = None
    principal: str | None = None
    claims: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    name: str | None = None
    line: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The options that describe a request or what has to come of it."""

    headers: tuple[str, ...] = ()
    origin: str | None = None
    sni: str | None = None
    address: str | None = None
    source_ip: str | None = None
    principal: str | None = None
    claims: tuple[str, ...] = ()
    expect: str | None = None

    def question(self, method: str | None, url: str) -> Question:
        """The question that they make of a method and a URL; raises UsageError."""
        return Question(
            url=url,
            method=method,
            headers=self.headers,
            origin=self.origin,
            sni=self.sni,
            address=self.address,
            source_ip=self.source_ip,
            principal=self.principal,
            claims=self.claims,
            expectations=expectations(self.expect) if self.expect is not None else (),
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question whose request is known to be one that can be sent."""

    question: Question
    request: Request


def split(words: tuple[str, ...]) -> tuple[str | None, str, tuple[str, ...]]:
    """The method, the URL and the paths among the arguments: the method stands before the URL, if at all."""
    place = next((index for index, word in enumerate(words[:2]) if "://" in word), None)
    if place is None:
        raise UsageError("no URL: write it as in meshlint trace GET http://reviews:9080/api PATH")
    return (words[0] if place else None), words[place], words[place + 1 :] or (".",)


def prepared(question: Question) -> Prepared:
    """The question with its request; raises UsageError where nothing could be sent."""
    principal = question.principal
    if principal is not None and "://" not in principal:
        principal = f"spiffe://{principal}"
    others = (
        (a.SNI, question.sni),
        (a.DESTINATION_IP, question.address),
        (a.SOURCE_IP, question.source_ip),
        (a.PRINCIPAL, principal),
    )
    try:
        request = asked(
            question.url, method=question.method, headers=question.headers, claims=question.claims, others=others
        )
    except AskingError as error:
        raise _complaint(question, error) from error
    return Prepared(question, request)


def answered(mesh: Mesh, asking: Prepared) -> Trace:
    """What becomes of the request in the mesh; raises UsageError where nobody there is called as its sender is."""
    question, request = asking.question, asking.request
    try:
        return trace(mesh, sender(mesh, question.origin, request), request)
    except AskingError as error:
        raise _complaint(question, error) from error


def explained(mesh: Mesh, asking: Prepared, found: Trace, route: str) -> tuple[WhyNot, ...]:
    """Why the routes of that name do not take the request of a trace; raises UsageError where there is none."""
    try:
        rules = routes_named(mesh, found, route)
        origin = sender(mesh, asking.question.origin, asking.request)
    except AskingError as error:
        raise UsageError(f"--why-not: {error}") from error
    return tuple(why_not(mesh, origin, found, rule) for rule in rules)


def titled(question: Question) -> str:
    """What to call a question among many: its own name, else its line."""
    return question.name if question.name is not None else f"line {question.line}"


def _complaint(question: Question, error: AskingError) -> UsageError:
    return UsageError(f"{question.place}: {error}" if question.place else str(error))
