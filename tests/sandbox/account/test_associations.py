"""Associations are stored in both directions, and a record has one primary association of each type."""

from sandbox.account.associations import ASSOCIATION_TYPES, ASSOCIATION_TYPES_BY_ID, Associations, unlabelled_type

DEAL_TO_CONTACT, DEAL_TO_PRIMARY_COMPANY = 3, 5


def test_every_type_has_its_inverse() -> None:
    """The inverse leads back, from the other object type."""
    for known in ASSOCIATION_TYPES:
        inverse = ASSOCIATION_TYPES_BY_ID[known.inverse]
        assert (inverse.source, inverse.target, inverse.inverse) == (known.target, known.source, known.id)


def test_an_association_has_both_directions() -> None:
    """Each end has the type of its own direction; both are removed together."""
    associations = Associations()
    associations.add(DEAL_TO_CONTACT, 1, 2)
    assert associations.of("deals", 1, "contacts") == {2: (3,)}
    assert associations.of("contacts", 2, "deals") == {1: (4,)}
    associations.remove("contacts", 2, "deals", 1)
    assert associations.of("deals", 1, "contacts") == associations.of("contacts", 2, "deals") == {}


def test_a_second_primary_association_replaces_the_first() -> None:
    """The first remains as an unlabelled association, in both directions."""
    associations = Associations()
    associations.add(DEAL_TO_PRIMARY_COMPANY, 1, 7)
    associations.add(DEAL_TO_PRIMARY_COMPANY, 1, 8)
    assert associations.of("deals", 1, "companies") == {7: (341,), 8: (5, 341)}
    assert associations.of("companies", 7, "deals") == {1: (342,)}
    assert associations.primary("deals", 1, "companies") == 8


def test_a_moved_association_does_not_replace_a_primary_one() -> None:
    """The merged deal keeps its own primary company, and gets the other one without a label."""
    associations = Associations()
    associations.add(DEAL_TO_PRIMARY_COMPANY, 1, 7)
    associations.add(DEAL_TO_PRIMARY_COMPANY, 2, 8)
    associations.move("deals", 2, 1)
    assert associations.of("deals", 1, "companies") == {7: (5, 341), 8: (341,)}
    assert associations.of("deals", 2, "companies") == {}
    assert associations.of("companies", 8, "deals") == {1: (342,)}


def test_some_object_types_have_no_association() -> None:
    """Tasks and notes for instance."""
    assert unlabelled_type("tasks", "notes") is None
    found = unlabelled_type("deals", "companies")
    assert found is not None
    assert found.id == 341
