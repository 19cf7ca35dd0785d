"""What a run says of a variant that was scaled to the cost of another: the width, and the residual that is left."""

from reports.model import Row
from reports.words import number, signed_percent
from suite.spec.cost import match_of


def matched_words(row: Row) -> str:
    """The evidence of a match in one sentence; "" for a variant that was not matched."""
    match = match_of(row.record.spec)
    if match is None or match.solution is None:
        return ""
    found = match.solution
    digits = 0 if match.metric == "params" else 3
    where = f" on {found.machine}" if found.machine else ""
    return (
        f"{match.by} {found.width:g} costs {number(found.cost, digits)} {found.unit} as deployed{where}, "
        f"{signed_percent(found.residual, 2)} from the {number(found.target, digits)} of {match.to}"
    )


def missed_words(row: Row) -> str:
    """Words for a variant that came no nearer to its target than its tolerance allows."""
    match = match_of(row.record.spec)
    if match is None or match.solution is None or abs(match.solution.residual) <= match.tolerance:
        return ""
    return f"no equal cost: {signed_percent(match.solution.residual)} from {match.to}"
