"""The receiver of events."""


def test_a_new_package_is_known(oms, receiver, package):
    oms.hooks.flush()
    assert receiver.packages[package] == "created"


def test_a_new_package_is_known_once(oms, receiver):
    oms.hooks.disturb("duplicate", "package.created")
    oms.package()
    oms.hooks.flush()
    assert len(receiver.packages) == 1


def test_a_packed_package_is_known(oms, receiver, warehouse, package):
    warehouse.pack(package)
    oms.hooks.flush()
    assert receiver.packages[package] == "packed"


def test_a_move_arrives_twice(oms, receiver, warehouse, package):
    oms.hooks.disturb("duplicate", "package.status.transitioned")
    warehouse.prepare(package)
    oms.hooks.flush()


def test_a_cancelled_package_is_forgotten(oms, receiver, package):
    oms.hooks.flush()
    oms.hooks.disturb("duplicate", "package.status.cancelled")
    oms.cancel_package(package)
    oms.hooks.flush()
    assert package not in receiver.packages
