"""A layer keeps its role through everything that is done around it."""

from collections.abc import Callable

import pytest

from suite.spec.library import Library
from suite.spec.solve.roles import numbered

ROLES = [
    "backbone.p3.conv.Conv",
    "backbone.p3.stage.Stage",
    "backbone.p4.conv.Conv",
    "backbone.p4.stage.Stage",
    "neck.t4.conv.Conv",
    "neck.n3.stage.Enlarge",
    "neck.n3.stage.Stage",
    "head",
]
Make = Callable[..., Library]


def roles(library: Library, name: str) -> list[str]:
    return [layer.role for layer in library.load(name).layers]


def test_a_role_is_part_stretch_and_block(library: Make) -> None:
    assert roles(library(), "base") == ROLES


@pytest.mark.parametrize(
    "changes",
    [
        "width: 0.5\ndepth: 0.33",
        "activation: relu",
        "edits: [{set: {tag: p3}, to: {ratio: 0.25}}]",
        "edits: [{replace: {tag: p4}, with: {block: conv.Conv, kernel: 3}}]",
    ],
)
def test_scaling_setting_and_replacing_keep_the_roles(library: Make, changes: str) -> None:
    assert roles(library(child=f"base: base\n{changes}\n"), "child") == ROLES


def test_what_is_inserted_is_known_by_its_neighbour(library: Make) -> None:
    edits = "edits:\n  - insert: {block: conv.Slim}\n    after: {tag: p3}\n"
    edits += "  - insert: {block: conv.Slim}\n    after: {block: conv.Slim}\n"

    found = roles(library(child=f"base: base\n{edits}"), "child")

    first = "conv.Slim after backbone.p3.stage.Stage"
    assert found == [*ROLES[:2], first, f"conv.Slim after {first}", *ROLES[2:]]


def test_what_is_removed_takes_no_role_from_another(library: Make) -> None:
    found = roles(library(child="base: base\nedits: [{remove: {path: backbone.1}}]\n"), "child")

    assert found == [ROLES[0], *ROLES[2:]]


def test_a_borrowed_part_keeps_its_owner_s_roles(library: Make) -> None:
    owner = "base: base\nedits: [{insert: {block: conv.Slim, out: 256}, before: {tag: p4}}]\n"

    found = roles(library(owner=owner, child="base: base\nbackbone: {of: owner}\n"), "child")

    assert found == [*ROLES[:3], "conv.Slim before backbone.p4.stage.Stage", *ROLES[3:]]


def test_equal_roles_say_which_of_how_many() -> None:
    assert numbered(["a", "b", "a"]) == ("a.1of2", "b", "a.2of2")
