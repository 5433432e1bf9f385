"""The matrix of roles and scopes."""

import itertools

from syncline.core.permission import (
    FLAGS,
    MATRIX,
    SCOPES,
    Permission,
    Role,
    Scope,
    flags,
    granted,
    outranks,
    owner_only,
)


def test_a_higher_role_may_all_that_a_lower_one_may() -> None:
    for lower, higher in itertools.pairwise(Role):
        assert MATRIX[lower] < MATRIX[higher]
        assert outranks(higher, lower)
        assert not outranks(lower, higher)


def test_every_scope_gives_reading_and_only_one_gives_all() -> None:
    assert all(SCOPES[Scope.READ] <= SCOPES[one] for one in Scope)
    assert [one for one in Scope if SCOPES[one] == set(Permission)] == [Scope.ADMIN]
    assert not granted([], Permission.QUERY)


def test_the_flags_of_the_summary_are_about_different_permissions() -> None:
    assert len(set(FLAGS.values())) == len(FLAGS) == 6


def test_only_deleting_and_handing_over_are_the_owners_alone() -> None:
    assert {one for one in Permission if owner_only(one)} == {
        Permission.DELETE_WORKSPACE,
        Permission.TRANSFER,
    }


def test_the_summary_says_what_the_matrix_says() -> None:
    assert all(flags(Role.OWNER).values())
    assert [name for name, may in flags(Role.VIEWER).items() if may] == ["canQuery", "canViewSources"]
