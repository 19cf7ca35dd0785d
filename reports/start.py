"""What training began with, which belongs beside every accuracy: two starts compare no two networks."""

from reports.model import Report, Row

UNEQUAL = 0.05  # a start that differs by more than this share of the parameters is worth a warning


def start_words(row: Row) -> str:
    """`from scratch`, or how much of the network came from which weights; "" where nothing was trained."""
    if row.loaded is None:
        return ""
    if not row.loaded:
        return "from scratch"
    return f"{100 * row.loaded:.0f} % of parameters from {weights_of(row)}"


def weights_of(row: Row) -> str:
    """The weights files that the seeds began with."""
    files = [start.file for start in row.starts if start.file is not None]
    return ", ".join(dict.fromkeys(files))


def start_warning(report: Report, row: Row) -> str:
    """Loud words for a variant that began with other weights than its base, or with far more or less of them."""
    base = report.row(row.baseline)
    if base is None or row.loaded is None or base.loaded is None:
        return ""
    same_weights = _digests(row) == _digests(base)
    if same_weights and abs(row.loaded - base.loaded) <= UNEQUAL:
        return ""
    return f"started {start_words(row)}, its base {start_words(base)}"


def _digests(row: Row) -> set[str | None]:
    return {start.sha256 for start in row.starts}
