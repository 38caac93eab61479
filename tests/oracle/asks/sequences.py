"""Requests that must come one after the other: the throttle. A number moves the clock on by so many seconds."""

from tests.oracle.asks.places import COMMAND, JSON, PACKAGES, UNKNOWN
from tests.oracle.asks.reference import on_the_reference
from tests.oracle.wire import Ask

Step = Ask | float

LIST = Ask("list", PACKAGES + "?limit=1", authorization="Token throttled")
MISSING = LIST.but("missing", target=PACKAGES + UNKNOWN + "/")
METHOD = LIST.but("method", method="DELETE")
OPTIONS = LIST.but("options", method="OPTIONS")
HEAD = LIST.but("head", method="HEAD")
BAD = LIST.but("bad", target=COMMAND, method="POST", content_type=JSON, body=b"{}")
UNACCEPTABLE = LIST.but("unacceptable", accept="text/html")
INDENTED = LIST.but("indented", accept="application/json; indent=2")
NOWHERE = LIST.but("nowhere", target="/nowhere/")
OTHER = LIST.but("other", authorization="Token full-access")
LOGIN = LIST.but("login", target="/api/v1/auth/login/", method="POST", content_type=JSON, body=b"{}")

ON_THE_GUIDE: dict[str, tuple[Step, ...]] = {
    "the sixth call of a minute is refused": (LIST,) * 8,
    "a minute later all is forgiven": ((LIST,) * 6 + (60.0,)) * 2,
    "a second less is not enough": (*(LIST,) * 6, 59.0, LIST, 1.0, LIST),
    "parts of seconds are rounded up": (*(LIST,) * 6, 0.25, LIST, 58.5, LIST, 0.75, LIST, 0.5, LIST),
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
    "refused calls do not count": (*(LIST,) * 5, 30.0, *(LIST,) * 6, 30.0, *(LIST,) * 6),
    "errors of the view count": (MISSING, METHOD, BAD, OPTIONS, HEAD, LIST, MISSING),
    "errors before it do not": (*(UNACCEPTABLE, NOWHERE) * 3, *(LIST,) * 6),
    "what is refused, by whatever method": (
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
    "others go on": (*(LIST,) * 6, *(OTHER,) * 7),
}

ON_THE_REFERENCE: dict[str, tuple[Step, ...]] = {
    f"{name}, on the reference": tuple(on_the_reference(step) if isinstance(step, Ask) else step for step in steps)
    for name, steps in ON_THE_GUIDE.items()
}
BETWEEN = {"each scheme counts for itself": (*(LIST,) * 6, *(on_the_reference(LIST),) * 6, LIST)}

SEQUENCES = ON_THE_GUIDE | ON_THE_REFERENCE | BETWEEN
