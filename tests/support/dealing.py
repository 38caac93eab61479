"""How the tests are dealt out to the processes that run them."""

from __future__ import annotations

from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController


class ByFunction(LoadGroupScheduling):
    """A group at a time, or a test with all of its cases; what is done is no longer looked at."""

    def _split_scope(self, nodeid: str) -> str:
        return super()._split_scope(nodeid).partition("[")[0]

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        super().mark_test_complete(node, item_index, duration)
        assigned, scope = self.assigned_work[node], self._split_scope(self.registered_collections[node][item_index])
        if all(assigned[scope].values()):
            del assigned[scope]
