"""URLs and media types of the request tables."""

ROOT = "/api/v1/oms/"
PACKAGES = ROOT + "packages/"
PACKAGE = PACKAGES + "{package}/"
TRANSFERS = ROOT + "transfer_orders/"
TRANSFER = TRANSFERS + "{transfer}/"
COMMAND = PACKAGE + "command/"
TRANSFER_COMMAND = TRANSFER + "command/"
INVOICE = PACKAGE + "invoice/"
INVOICE_NUMBER = PACKAGE + "set_invoice_number/"
REMOTE_ID = TRANSFER + "set_remote_id/"
LOGINS = ("/api/v1/auth/login/", "/api/i1/auth/login/")
UNKNOWN = "999999999"

LISTS = (
    PACKAGES,
    PACKAGES + "short/",
    PACKAGES + "list-simple/",
    PACKAGES + "delivery-ranges/",
    TRANSFERS,
    TRANSFERS + "list-simple/",
)
CHILD_LISTS = tuple(
    parent + child
    for parent in (PACKAGE, TRANSFER)
    for child in ("transition_logs/", "transition_logs/short/", "webhook_events/", "webhook_events/short/")
)
DETAILS = (PACKAGE, PACKAGE + "short/", TRANSFER)
UNKNOWN_CHILDREN = (
    PACKAGE + f"transition_logs/{UNKNOWN}/",
    PACKAGE + f"transition_logs/short/{UNKNOWN}/",
    PACKAGE + f"webhook_events/{UNKNOWN}/",
    TRANSFER + f"transition_logs/{UNKNOWN}/",
    TRANSFER + f"webhook_events/{UNKNOWN}/",
)
READS = LISTS + CHILD_LISTS + DETAILS + UNKNOWN_CHILDREN
WRITES = (
    COMMAND,
    INVOICE,
    INVOICE_NUMBER,
    PACKAGE + "set_remote_id/",
    TRANSFER_COMMAND,
    TRANSFER + "set_invoice_number/",
    REMOTE_ID,
)
DENIAL_REASONS = PACKAGES + "package_denial_reason/"
OLD_DENIAL_REASONS = ROOT + "package-denial-reason/"
LOGS = ROOT + "state-transition-logs/"
SERVICE_LISTS = (
    DENIAL_REASONS,
    OLD_DENIAL_REASONS,
    OLD_DENIAL_REASONS + "list-simple/",
    PACKAGES + "package-items/",
    ROOT + "stocklocations/list-simple/",
    LOGS,
)
SERVICE_DETAILS = (
    DENIAL_REASONS + "{reason}/",
    OLD_DENIAL_REASONS + "{reason}/",
    PACKAGES + "package-items/{item}/",
    "/api/v1/package-item/{item}/",
    LOGS + "{log}/",
)
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
