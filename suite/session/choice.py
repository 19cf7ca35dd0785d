"""Which variants a run takes: those that were named, or all of a night, from which broken files are left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from suite.nn.sizes import require_image_sizes
from suite.protocols import Protocol
from suite.session.options import RunOptions
from suite.session.variants import Tell, final, finals, loose_ends
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.spec.solve.anchors import require_sizes
from suite.yaml.errors import Problem, SpecError


@dataclass(frozen=True, slots=True)
class Choice:
    """Variants that are trained, those that are only counted and timed, and what is wrong with files left out."""

    trained: tuple[Variant, ...]
    counted: tuple[Variant, ...] = ()
    left_out: tuple[Problem, ...] = ()


def choose(options: RunOptions, protocol: Protocol, library: Library, tell: Tell) -> Choice:
    """The variants of a run, with their final widths.

    Who names a variant wants that one, so its mistakes end the run before it begins. A night over a protocol and whole
    folders goes on without the files that have mistakes.

    Raises:
        SpecError: a variant that is named has mistakes or is not there, or none is left.
    """
    if options.names:
        return Choice(_named(options, protocol, library, tell))
    sieve = _Sieve(options, protocol, library, tell, {})
    folders = Library(options.variants) if options.variants else None
    if folders is not None:
        sieve.left_out.update(dict.fromkeys(folders.misnamed))
    names = (*protocol.variants, *(folders.names() if folders else ()))
    trained = sieve.sound(names, trained=True)
    counted = sieve.sound(protocol.cost.only, trained=False)
    if not trained:
        raise SpecError(sieve.left_out)
    for problem in sieve.left_out:
        tell(f"left out of this run: {problem}")
    return Choice(trained, counted, tuple(sieve.left_out))


def _named(
    options: RunOptions, protocol: Protocol, library: Library, tell: Tell
) -> tuple[Variant, ...]:
    chosen = library.select(options.names)
    problems = [problem for each in chosen for problem in _loose(each, options, library)]
    if problems:
        raise SpecError(dict.fromkeys(problems))
    variants = finals(chosen, library, options.out, tell)
    for variant in variants:
        try:
            require_fit(variant, protocol)
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return variants


def require_fit(variant: Variant, protocol: Protocol, *, trained: bool = True) -> None:
    """Hold a variant to what a protocol does with it: its sizes of pictures, and anchors to train with.

    Args:
        variant: in its final form.
        protocol: what is measured, at which sizes.
        trained: whether it is trained too, if anything is.

    Raises:
        SpecError: a size is no multiple of its coarsest stride, its anchors are placeholders, or it does not build.
    """
    sizes = {"cost.image_size": protocol.cost.image_size}
    if "latency" in protocol.metrics:
        sizes["latency.image_size"] = protocol.latency.image_size
    if trained and "accuracy" in protocol.metrics:
        require_sizes(variant)
        sizes["image_size"] = protocol.image_size
    require_image_sizes((variant,), sizes)


@dataclass(frozen=True, slots=True)
class _Sieve:
    """Keeps what is sound, and collects what is wrong with the rest."""

    options: RunOptions
    protocol: Protocol
    library: Library
    tell: Tell
    left_out: dict[Problem, None]

    def sound(self, names: Sequence[str], *, trained: bool) -> tuple[Variant, ...]:
        """The variants of some names that can be run; SpecError for a name that there is not."""
        sound, problems = self.library.sift(names)
        self.left_out.update(dict.fromkeys(problems))
        return tuple(variant for each in sound if (variant := self._usable(each, trained=trained)))

    def _usable(self, variant: Variant, *, trained: bool) -> Variant | None:
        loose = _loose(variant, self.options, self.library)
        self.left_out.update(dict.fromkeys(loose))
        if loose:
            return None
        try:
            usable = final(variant, self.library, self.options.out, self.tell)
            require_fit(usable, self.protocol, trained=trained)
        except SpecError as error:
            told = (replace(each, mark=each.mark or variant.mark) for each in error.problems)
            self.left_out.update(dict.fromkeys(told))
            return None
        return usable


def _loose(variant: Variant, options: RunOptions, library: Library) -> tuple[Problem, ...]:
    """What the variant names and is not there; its own weights matter only where the run has none for all."""
    return loose_ends(variant, library, weights=options.weights is None)
