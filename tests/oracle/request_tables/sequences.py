"""Sequences of requests that test the throttle. A number advances the clock by that many seconds."""

from tests.oracle.request_tables.reference import on_reference
from tests.oracle.request_tables.urls import COMMAND, JSON, PACKAGES, UNKNOWN
from tests.oracle.wire import RawRequest

Step = RawRequest | float

LIST = RawRequest("list", PACKAGES + "?limit=1", authorization="Token throttled")
MISSING = LIST.variant("missing", target=PACKAGES + UNKNOWN + "/")
METHOD = LIST.variant("method", method="DELETE")
OPTIONS = LIST.variant("options", method="OPTIONS")
HEAD = LIST.variant("head", method="HEAD")
BAD = LIST.variant("bad", target=COMMAND, method="POST", content_type=JSON, body=b"{}")
UNACCEPTABLE = LIST.variant("unacceptable", accept="text/html")
INDENTED = LIST.variant("indented", accept="application/json; indent=2")
NOWHERE = LIST.variant("nowhere", target="/nowhere/")
OTHER = LIST.variant("other", authorization="Token full-access")
LOGIN = LIST.variant("login", target="/api/v1/auth/login/", method="POST", content_type=JSON, body=b"{}")

GUIDE_SEQUENCES: dict[str, tuple[Step, ...]] = {
    "the sixth call of a minute is refused": (LIST,) * 8,
    "the window is empty after a minute": ((LIST,) * 6 + (60.0,)) * 2,
    "the window is not empty after 59 seconds": (*(LIST,) * 6, 59.0, LIST, 1.0, LIST),
    "fractions of a second are rounded up": (*(LIST,) * 6, 0.25, LIST, 58.5, LIST, 0.75, LIST, 0.5, LIST),
    "the window slides": (
        LIST,
        10.0,
        LIST,
        10.0,
        LIST,
        10.0,
        LIST,
        10.0,
        LIST,
        10.0,
        LIST,
        10.0,
        LIST,
        LIST,
        10.0,
        LIST,
        LIST,
    ),
    "refused requests do not count": (*(LIST,) * 5, 30.0, *(LIST,) * 6, 30.0, *(LIST,) * 6),
    "errors raised by the view count": (MISSING, METHOD, BAD, OPTIONS, HEAD, LIST, MISSING),
    "errors raised before the view do not count": (*(UNACCEPTABLE, NOWHERE) * 3, *(LIST,) * 6),
    "every method is refused": (
        *(LIST,) * 5,
        OPTIONS,
        HEAD,
        METHOD,
        BAD,
        INDENTED,
        UNACCEPTABLE,
        NOWHERE,
        LOGIN,
    ),
    "other tokens are not throttled": (*(LIST,) * 6, *(OTHER,) * 7),
}

REFERENCE_SEQUENCES: dict[str, tuple[Step, ...]] = {
    f"{name}, on the reference": tuple(on_reference(step) if isinstance(step, RawRequest) else step for step in steps)
    for name, steps in GUIDE_SEQUENCES.items()
}
ACROSS_SURFACES = {"each scheme has its own count": (*(LIST,) * 6, *(on_reference(LIST),) * 6, LIST)}

SEQUENCES = GUIDE_SEQUENCES | REFERENCE_SEQUENCES | ACROSS_SURFACES
