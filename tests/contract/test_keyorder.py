"""The order of keys is judged at every depth of every documented sample."""

import pytest

from emulator.contract.assertions import misordered_objects
from tests.support import samples


@pytest.mark.parametrize("name", samples.names())
def test_documented_samples_are_in_order(name):
    """The schemas list keys as the pages print them."""
    assert list(misordered_objects(samples.SCHEMA_NAMES[name], samples.body(name))) == []


@pytest.mark.parametrize("name", samples.names())
def test_keys_turned_around_are_found(name):
    """Any object with two documented keys or more, wherever it is."""
    document = samples.body(name)
    for spot in samples.sample_nodes(name, document):
        if isinstance(spot.value, dict) and len(set(spot.properties) & set(spot.value)) > 1:
            before = dict(spot.value)
            turn_around(spot.value)
            assert [found.expected for found in misordered_objects(samples.SCHEMA_NAMES[name], document)], spot.shape
            spot.value.clear()
            spot.value.update(before)


def turn_around(value):
    turned = dict(reversed(value.items()))
    value.clear()
    value.update(turned)
