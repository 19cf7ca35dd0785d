"""Problems as workflow commands, which GitHub shows at the lines of a pull request."""

from collections.abc import Iterable, Iterator

from suite.yaml.errors import Problem

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def annotations(problems: Iterable[Problem]) -> Iterator[str]:
    """`::error file=F,line=L,col=C,title=CODE::what is wrong`, escaped as the runner's parser wants it."""
    for problem in problems:
        mark = problem.mark
        properties: dict[str, object] = {}
        if mark:
            properties = {"file": mark.file, "line": mark.line, "col": mark.column}
        properties["title"] = problem.code
        listed = ",".join(
            f"{key}={_escaped(str(value), _PROPERTY)}" for key, value in properties.items()
        )
        within = f"in {problem.variant}: " if problem.variant else ""
        hint = f"; {problem.hint}" if problem.hint else ""
        yield f"::{problem.kind} {listed}::{_escaped(f'{within}{problem.message}{hint}', _DATA)}"


def _escaped(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in text)
