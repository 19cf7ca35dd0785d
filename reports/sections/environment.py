"""Where this was measured, and how to do it again."""

import shlex
from collections.abc import Iterable, Mapping, Sequence

from reports.model import Report, Row
from reports.section import Section
from suite.record import Json

_MOST_VALUES = 4  # of one key that are shown


def build(report: Report) -> Section:
    """Commands to copy, the machine, libraries, settings, seeds and fingerprints."""
    run = report.run
    environments = [item.environment for row in report.rows for item in row.items]
    tables = [
        ("Machine", flat(run.machine)),
        ("Jobs ran with", _merged(environments)),
        ("Protocol", flat(run.protocol_json)),
        *_settings(report),
    ]
    return Section(
        "environment",
        "Environment, and how to reproduce",
        "Reproduce",
        "",
        {
            "commands": _commands(report),
            "tables": [(title, lines) for title, lines in tables if lines],
            "variants": [(row.name, row.record.fingerprint, _seeds(row)) for row in report.rows],
            "dirty": run.git.endswith("+changes"),
            "reused": sum(job.reused for job in run.jobs),
            "jobs": len(run.jobs),
        },
    )


def _settings(report: Report) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of the first measurement of each kind."""
    tables = []
    for metric in ("ap", "latency_wall_ms", "gmacs"):
        items = [item for row in report.rows for item in row.find(metric)]
        if items:
            tables.append((f"Settings of {metric}", flat(items[0].measurement.settings)))
    return tables


def flat(value: Mapping[str, Json], prefix: str = "") -> list[tuple[str, str]]:
    """Nested JSON as dotted names and one-line values."""
    lines: list[tuple[str, str]] = []
    for key in sorted(value):
        inner = value[key]
        if isinstance(inner, dict):
            lines += flat(inner, f"{prefix}{key}.")
        elif isinstance(inner, list):
            nested = {str(i): part for i, part in enumerate(inner) if isinstance(part, dict)}
            lines += flat(nested, f"{prefix}{key}.") or [
                (prefix + key, ", ".join(str(part) for part in inner))
            ]
        else:
            lines.append((prefix + key, str(inner)))
    return [(name, text) for name, text in lines if text not in {"", "None"}]


def _merged(environments: Iterable[Mapping[str, Json]]) -> list[tuple[str, str]]:
    """All values that the jobs had; a key with two values is a finding, so both are shown."""
    values: dict[str, set[str]] = {}
    for environment in environments:
        for key, text in flat(environment):
            values.setdefault(key, set()).add(text)
    return [(key, _shortened(sorted(texts))) for key, texts in sorted(values.items())]


def _shortened(texts: Sequence[str]) -> str:
    return " | ".join(texts[:_MOST_VALUES]) + (" | …" if len(texts) > _MOST_VALUES else "")


def _commands(report: Report) -> list[tuple[str, str]]:
    run = report.run
    commit = run.git.split("+")[0]
    protocol = shlex.quote(run.protocol)
    options = f"{_names(report)}--protocol {protocol}{_data(report)}{_all_seeds(report)}"
    again = f"python run_suite.py run {options}"
    page = f"python run_suite.py report --run {shlex.quote(run.id)}"
    checkout = [("Get the same code", f"git checkout {commit}")] if commit else []
    return [
        *checkout,
        ("Measure again (what is stored is not repeated; add --force to repeat it)", again),
        ("Write this page again, from the store alone", page),
    ]


def _names(report: Report) -> str:
    """Nothing where some variants were counted only: naming them would train them."""
    trained = [any(job.kind == "train" for job in row.jobs) for row in report.rows]
    if any(trained) and not all(trained):
        return ""
    return "".join(f"{shlex.quote(row.name)} " for row in report.rows)


def _data(report: Report) -> str:
    """The option that names the user's own data; the built-in data set lies in a folder named after its settings."""
    folder = str(report.run.protocol_json.get("data_folder", ""))
    made = report.run.protocol_json.get("data")
    built_in = isinstance(made, dict) and f"shapes-{made.get('size')}px-" in folder
    return f" --data {shlex.quote(folder)}" if folder and not built_in else ""


def _all_seeds(report: Report) -> str:
    """The option that names every seed of the run, whoever chose them: the protocol, or the command that began it."""
    seeds = sorted({job.seed for row in report.rows for job in row.jobs if job.seed is not None})
    return f" --seeds {','.join(map(str, seeds))}" if seeds else ""


def _seeds(row: Row) -> str:
    seeds = sorted({job.seed for job in row.jobs if job.seed is not None})
    return ", ".join(str(seed) for seed in seeds)
