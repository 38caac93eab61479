"""Routes of the emulated API: one row per operation and surface, in the order of the vendor's pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, partial
from typing import Literal

from emulator.api.request_fields import INVOICE_NUMBER_FIELDS, REMOTE_ID_FIELDS
from emulator.api.views.documents import get_invoice_document, render_product_image, render_shipping_label
from emulator.api.views.records import (
    REFERENCE_PAGE_SIZE,
    ViewFunction,
    command_view,
    create_denial_reason,
    detail_view,
    invoice_package_view,
    list_package_items,
    list_view,
    log_in,
    patch_extra_information,
    related_detail_view,
    related_list_view,
    set_columns_view,
)
from emulator.api.views.webhooks import (
    create_hook,
    delete_hook,
    get_event_queue,
    list_event_queue,
    list_hook_types,
    owned_detail_view,
    owned_list_view,
    retry_hook_event,
    show_hook_root,
    update_hook_view,
)
from emulator.core.records import (
    DeliveryRange,
    DenialReason,
    Package,
    PackageItem,
    StockLocation,
    TransferOrder,
    TransitionLog,
    Webhook,
    WebhookEvent,
)

AuthScheme = Literal["Token", "Bearer"]
COMMAND_SCHEMAS = ("command", "reference-command")
PAGE_SCHEMA_PREFIX = "page-of-"
"""Part of the name of every schema of a page."""


@dataclass(frozen=True)
class Route:
    """One operation: its name, method, path and view, the schemas of its bodies, and the page that documents it."""

    operation: str
    method: str
    rule: str
    """Path as the page prints it: `packages/<pk>/`. `<name>` is an integer. `<...name>` is the rest of the path."""
    view: ViewFunction
    title: str = ""
    """Title on the page. If empty, the page has method and path instead."""
    _: KW_ONLY
    page: str
    """Page of the vendor's documentation."""
    responses: Mapping[int, str | None]
    """Status -> schema of the body; None if there is no body or if it is not JSON."""
    prefix: str = ""
    """Start of the path, without a slash at the end."""
    request_schema: str | None = None
    """Schema of the request's body."""
    auth_scheme: AuthScheme | None = "Token"
    """Authentication scheme; None: no credentials are required."""
    is_negotiated: bool = True
    """Whether the response is JSON and depends on `Accept`; that of images and labels is not."""
    size_parameter: str = "limit"
    """Name of the query parameter for the page size."""
    varies_by_user: bool = False
    """Whether the response depends on the user."""
    filter_set: str | None = None
    """Name of the list's filters in `FILTER_SETS`."""

    @cached_property
    def path(self) -> str:
        """The whole path from the root."""
        return f"{self.prefix}/{self.rule}"

    @property
    def documented_title(self) -> str:
        """The title on the page, or else method and path as the page prints them."""
        path = self.path.replace("<pk>", "<id>").replace("<", "{").replace(">", "}")
        return self.title or f"{self.method} {path}"

    @property
    def doc(self) -> str:
        return f"{self.page}, {self.documented_title}"

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names of the integers in the path."""
        return tuple(
            part[1:-1] for part in self.path.split("/") if part.startswith("<") and not part.startswith("<...")
        )

    @property
    def state_graph(self) -> str | None:
        """The state graph whose transitions the operation runs: `packages` or `transfers`; None if it runs none."""
        if self.request_schema not in COMMAND_SCHEMAS:
            return None
        return "transfers" if "/transfer_orders/" in self.path else "packages"

    @property
    def is_paginated(self) -> bool:
        return PAGE_SCHEMA_PREFIX in (self.responses.get(200) or "")


DENIAL_REASONS = "Package Denial Reasons (packages module)"
PACKAGES, GUIDE_PREFIX = "Package Services (guide)", "/api/v1/oms"
COMMAND_RESPONSES = {204: None, 200: "command-result", 400: "command-error", 404: "error"}
SET_RESPONSES = {204: None, 400: "field-errors", 404: "error"}
HOOK_RESPONSES = {200: "webhook", 400: "field-errors", 404: "error", 406: "webhook-refusal"}
CREATE_RESPONSES = {201: "denial-reason", 400: "field-errors"}
LOGIN_RESPONSES = {200: "login-token", 400: "field-errors"}


def list_responses(schema: str) -> dict[int, str | None]:
    return {200: schema, 400: "field-errors"}


def detail_responses(schema: str) -> dict[int, str | None]:
    return {200: schema, 404: "error"}


log_list_view = partial(related_list_view, kind=TransitionLog)
event_list_view = partial(related_list_view, kind=WebhookEvent)
log_view = partial(related_detail_view, kind=TransitionLog, key="log_id")
event_view = partial(related_detail_view, kind=WebhookEvent, key="webhook_event_id")

package_route = partial(Route, page=PACKAGES, prefix=GUIDE_PREFIX)
transfer_route = partial(Route, page="Transfer Order Services (guide)", prefix=GUIDE_PREFIX)
reference_route = partial(Route, page="Package Services (reference)", auth_scheme="Bearer")
hook_route = partial(Route, page="Webhook Subscriptions", prefix="/whisperer", varies_by_user=True)
denial_reason_route = partial(Route, page=DENIAL_REASONS, prefix=f"{GUIDE_PREFIX}/packages/package_denial_reason")
old_denial_reason_route = partial(
    Route, page="Package Denial Reason Services (guide)", prefix=f"{GUIDE_PREFIX}/package-denial-reason"
)
package_item_route = partial(Route, page="Package Items (packages module)", prefix=GUIDE_PREFIX)
transition_log_route = partial(
    Route,
    page="State Transition Logs (states module)",
    prefix=f"{GUIDE_PREFIX}/state-transition-logs",
    auth_scheme="Bearer",
)
login_route = partial(
    Route, page="Getting started", request_schema="login", auth_scheme=None, responses=LOGIN_RESPONSES
)
file_route = partial(Route, page=PACKAGES, auth_scheme=None, is_negotiated=False)

# fmt: off
GUIDE_ROUTES: tuple[Route, ...] = (
    package_route("list_packages", "GET", "packages/", list_view("package", Package), "Package List",
                  filter_set="package", responses=list_responses("page-of-package")),
    package_route("list_packages_short", "GET", "packages/short/", list_view("package-short-list-item", Package),
                  "Package Short List", filter_set="package",
                  responses=list_responses("page-of-package-short-list-item")),
    package_route("list_packages_simple", "GET", "packages/list-simple/", list_view("package-simple", Package),
                  "Package Simple List", filter_set="package_simple",
                  responses=list_responses("page-of-package-simple")),
    package_route("get_package", "GET", "packages/<pk>/", detail_view("package"), "Package Detail",
                  responses=detail_responses("package")),
    package_route("get_package_short", "GET", "packages/<pk>/short/", detail_view("package-short"),
                  "Package Short Detail", responses=detail_responses("package-short")),
    package_route("list_package_logs", "GET", "packages/<pk>/transition_logs/",
                  log_list_view("transition-log", Package), "Package State Transition Log List",
                  responses=detail_responses("page-of-transition-log")),
    package_route("list_package_logs_short", "GET", "packages/<pk>/transition_logs/short/",
                  log_list_view("transition-log-short", Package), "Package State Transition Log Short List",
                  responses=detail_responses("page-of-transition-log-short")),
    package_route("get_package_log", "GET", "packages/<pk>/transition_logs/<log_id>/",
                  log_view("transition-log", Package), "Package State Transition Log Detail",
                  responses=detail_responses("transition-log")),
    package_route("get_package_log_short", "GET", "packages/<pk>/transition_logs/short/<log_id>/",
                  log_view("transition-log-short", Package), "Package State Transition Log Short Detail",
                  responses=detail_responses("transition-log-short")),
    package_route("list_package_events", "GET", "packages/<pk>/webhook_events/",
                  event_list_view("webhook-event", Package), "Package Webhook Event List",
                  responses=detail_responses("page-of-webhook-event")),
    package_route("list_package_events_short", "GET", "packages/<pk>/webhook_events/short/",
                  event_list_view("webhook-event-short", Package), "Package Webhook Event Short List",
                  responses=detail_responses("page-of-webhook-event-short")),
    package_route("get_package_event", "GET", "packages/<pk>/webhook_events/<webhook_event_id>/",
                  event_view("webhook-event", Package), "Package Webhook Event Details",
                  responses=detail_responses("webhook-event")),
    package_route("list_delivery_ranges", "GET", "packages/delivery-ranges/",
                  list_view("delivery-range", DeliveryRange), "Package Delivery Ranges", filter_set="delivery_range",
                  responses=list_responses("page-of-delivery-range")),
    package_route("list_denial_reasons", "GET", "packages/package_denial_reason/",
                  list_view("denial-reason", DenialReason, size=20, size_parameter="page_size"),
                  "Package Denial Reason List", filter_set="denial_reason", size_parameter="page_size",
                  page=DENIAL_REASONS,
                  responses=list_responses("page-of-denial-reason")),
    package_route("command_package", "POST", "packages/<pk>/command/", command_view(Package), "Package Command",
                  request_schema="command", responses=COMMAND_RESPONSES),
    package_route("invoice_package", "POST", "packages/<pk>/invoice/", invoice_package_view("invoice"),
                  "Package Invoice", responses={201: "invoice", 400: "field-errors", 404: "error"}),
    package_route("set_package_invoice_number", "POST", "packages/<pk>/set_invoice_number/",
                  set_columns_view(Package, INVOICE_NUMBER_FIELDS), "Package Set Invoice Number",
                  request_schema="set-invoice-number", responses=SET_RESPONSES),
    package_route("set_package_remote_id", "POST", "packages/<pk>/set_remote_id/",
                  set_columns_view(Package, REMOTE_ID_FIELDS), "Package Set Remote ID",
                  request_schema="set-remote-id", responses=SET_RESPONSES),
    transfer_route("list_transfers", "GET", "transfer_orders/", list_view("transfer-list-item", TransferOrder),
                   "Transfer Order List", filter_set="transfer",
                   responses=list_responses("page-of-transfer-list-item")),
    transfer_route("list_transfers_simple", "GET", "transfer_orders/list-simple/",
                   list_view("transfer-simple", TransferOrder), "Transfer Order List - Simple", filter_set="transfer",
                   responses=list_responses("page-of-transfer-simple")),
    transfer_route("get_transfer", "GET", "transfer_orders/<pk>/", detail_view("transfer"), "Transfer Order Detail",
                   responses=detail_responses("transfer")),
    transfer_route("list_transfer_logs", "GET", "transfer_orders/<pk>/transition_logs/",
                   log_list_view("transition-log", TransferOrder), "Transfer Order State Transition Log List",
                   responses=detail_responses("page-of-transition-log")),
    transfer_route("list_transfer_logs_short", "GET", "transfer_orders/<pk>/transition_logs/short/",
                   log_list_view("transition-log-short", TransferOrder),
                   "Transfer Order State Transition Log List - Short",
                   responses=detail_responses("page-of-transition-log-short")),
    # The page prints this path under `packages/`, which is an evident mistake.
    transfer_route("get_transfer_log", "GET", "transfer_orders/<pk>/transition_logs/<log_id>/",
                   log_view("transition-log", TransferOrder), "Transfer Order State Transition Log Detail",
                   responses=detail_responses("transition-log")),
    transfer_route("list_transfer_events", "GET", "transfer_orders/<pk>/webhook_events/",
                   event_list_view("webhook-event", TransferOrder), "Transfer Order Webhook Event List",
                   responses=detail_responses("page-of-webhook-event")),
    transfer_route("list_transfer_events_short", "GET", "transfer_orders/<pk>/webhook_events/short/",
                   event_list_view("webhook-event-short", TransferOrder), "Transfer Order Webhook Event List - Short",
                   responses=detail_responses("page-of-webhook-event-short")),
    transfer_route("get_transfer_event", "GET", "transfer_orders/<pk>/webhook_events/<webhook_event_id>/",
                   event_view("webhook-event", TransferOrder), "Transfer Order Webhook Event Detail",
                   responses=detail_responses("webhook-event")),
    transfer_route("command_transfer", "POST", "transfer_orders/<pk>/command/", command_view(TransferOrder),
                   "Transfer Order Command", request_schema="command", responses=COMMAND_RESPONSES),
    transfer_route("set_transfer_invoice_number", "POST", "transfer_orders/<pk>/set_invoice_number/",
                   set_columns_view(TransferOrder, INVOICE_NUMBER_FIELDS), "Transfer Order - Set Invoice Number",
                   request_schema="set-invoice-number", responses=SET_RESPONSES),
    transfer_route("set_transfer_remote_id", "POST", "transfer_orders/<pk>/set_remote_id/",
                   set_columns_view(TransferOrder, REMOTE_ID_FIELDS), "Transfer Order - Set Remote ID",
                   request_schema="set-remote-id", responses=SET_RESPONSES),
)

SERVICE_ROUTES: tuple[Route, ...] = (
    denial_reason_route("create_denial_reason", "POST", "", create_denial_reason, "Package Denial Reason Create",
                        request_schema="new-denial-reason", responses=CREATE_RESPONSES),
    denial_reason_route("get_denial_reason", "GET", "<pk>/", detail_view("denial-reason"),
                        "Package Denial Reason Detail", responses=detail_responses("denial-reason")),
    old_denial_reason_route("list_package_denial_reasons", "GET", "", list_view("denial-reason", DenialReason),
                            "Package Denial Reason List", filter_set="package_denial_reason",
                            responses=list_responses("page-of-denial-reason")),
    old_denial_reason_route("create_package_denial_reason", "POST", "", create_denial_reason,
                            request_schema="new-denial-reason", responses=CREATE_RESPONSES),
    old_denial_reason_route("list_package_denial_reasons_simple", "GET", "list-simple/",
                            list_view("denial-reason", DenialReason), "Package Denial Reason Simple List",
                            filter_set="package_denial_reason", responses=list_responses("page-of-denial-reason")),
    old_denial_reason_route("get_package_denial_reason", "GET", "<pk>/", detail_view("denial-reason"),
                            responses=detail_responses("denial-reason")),
    package_item_route("list_all_package_items", "GET", "packages/package-items/",
                       list_view("package-item-listed", PackageItem, size=REFERENCE_PAGE_SIZE), "Package Item List",
                       filter_set="package_item", responses=list_responses("page-of-package-item-listed")),
    package_item_route("get_package_item", "GET", "packages/package-items/<pk>/",
                       detail_view("package-item-listed", not_found="Package item not found"), "Package Item Detail",
                       responses=detail_responses("package-item-listed")),
    Route("get_package_item_record", "GET", "package-item/<pk>/", detail_view("package-item-detail"),
          "Package Item Detail", page="Package Item Services (guide)", prefix="/api/v1",
          responses=detail_responses("package-item-detail")),
    Route("list_stock_locations_simple", "GET", "stocklocations/list-simple/",
          list_view("stock-location-simple", StockLocation), "Stock Location Simple List",
          page="Stock Location Services (guide)", prefix=GUIDE_PREFIX,
          responses={200: "page-of-stock-location-simple"}),
    transition_log_route("list_all_transition_logs", "GET", "", list_view("transition-log", TransitionLog),
                         "State Transition Log List", filter_set="transition_log",
                         responses=list_responses("page-of-transition-log")),
    transition_log_route("get_transition_log", "GET", "<pk>/", detail_view("transition-log"),
                         "State Transition Log Detail", responses=detail_responses("transition-log")),
)
"""Smaller services of the same OMS. Each has its own page."""

REFERENCE_ROUTES: tuple[Route, ...] = (
    reference_route("reference_list_packages", "GET", "packages/",
                    list_view("reference-package", Package, size=REFERENCE_PAGE_SIZE), filter_set="package",
                    responses=list_responses("reference-page-of-package")),
    reference_route("reference_get_package", "GET", "packages/<pk>/", detail_view("reference-package"),
                    responses=detail_responses("reference-package")),
    reference_route("reference_list_packages_short", "GET", "packages/short/",
                    list_view("reference-package-short-list-item", Package, size=REFERENCE_PAGE_SIZE),
                    responses={200: "reference-page-of-package-short-list-item"}),
    reference_route("reference_get_package_short", "GET", "packages/<pk>/short/",
                    detail_view("reference-package-short"), responses=detail_responses("reference-package-short")),
    reference_route("reference_list_delivery_ranges", "GET", "packages/delivery-ranges/",
                    list_view("reference-delivery-range", DeliveryRange, size=REFERENCE_PAGE_SIZE),
                    filter_set="delivery_range", responses=list_responses("reference-page-of-delivery-range")),
    reference_route("reference_invoice_package", "POST", "packages/<pk>/invoice/",
                    invoice_package_view("reference-invoice"),
                    responses={201: "reference-invoice", 400: "field-errors", 404: "error"}),
    reference_route("reference_command_package", "POST", "packages/<pk>/command/",
                    command_view(Package, parameters_required=False), request_schema="reference-command",
                    responses=COMMAND_RESPONSES),
    reference_route("reference_set_package_invoice_number", "POST", "packages/<pk>/set_invoice_number/",
                    set_columns_view(Package, INVOICE_NUMBER_FIELDS), request_schema="set-invoice-number",
                    responses=SET_RESPONSES),
    reference_route("reference_set_package_remote_id", "POST", "packages/<pk>/set_remote_id/",
                    set_columns_view(Package, REMOTE_ID_FIELDS), request_schema="set-remote-id",
                    responses=SET_RESPONSES),
    reference_route("reference_patch_package_extra_information", "PATCH", "packages/<pk>/extra_information/",
                    patch_extra_information, request_schema="extra-information", responses=SET_RESPONSES),
    reference_route("reference_list_package_items", "GET", "packages/<pk>/package-items/", list_package_items,
                    responses=detail_responses("reference-page-of-package-item-row")),
    reference_route("reference_get_invoice_document", "GET", "packages/<pk>/invoice_document/", get_invoice_document,
                    responses=detail_responses("reference-invoice-document")),
    reference_route("reference_list_package_logs", "GET", "packages/<pk>/transition_logs/",
                    log_list_view("reference-transition-log", Package, size=REFERENCE_PAGE_SIZE),
                    responses=detail_responses("reference-page-of-transition-log")),
    reference_route("reference_get_package_log", "GET", "packages/<pk>/transition_logs/<log_id>/",
                    log_view("reference-transition-log", Package),
                    responses=detail_responses("reference-transition-log")),
    reference_route("reference_list_package_logs_short", "GET", "packages/<pk>/transition_logs/short/",
                    log_list_view("reference-transition-log-short", Package, size=REFERENCE_PAGE_SIZE),
                    responses=detail_responses("reference-page-of-transition-log-short")),
    reference_route("reference_get_package_log_short", "GET", "packages/<pk>/transition_logs/short/<log_id>/",
                    log_view("reference-transition-log-short", Package),
                    responses=detail_responses("reference-transition-log-short")),
    reference_route("reference_list_package_events", "GET", "packages/<pk>/webhook_events/",
                    event_list_view("reference-webhook-event", Package, size=REFERENCE_PAGE_SIZE),
                    responses=detail_responses("reference-page-of-webhook-event")),
    reference_route("reference_get_package_event", "GET", "packages/<pk>/webhook_events/<webhook_event_id>/",
                    event_view("reference-webhook-event", Package),
                    responses=detail_responses("reference-webhook-event")),
    reference_route("reference_list_package_events_short", "GET", "packages/<pk>/webhook_events/short/",
                    event_list_view("reference-webhook-event-short", Package, size=REFERENCE_PAGE_SIZE),
                    responses=detail_responses("reference-page-of-webhook-event-short")),
    reference_route("reference_list_packages_simple", "GET", "packages/list-simple/",
                    list_view("reference-package-simple", Package, size=REFERENCE_PAGE_SIZE),
                    filter_set="package_simple", responses=list_responses("reference-page-of-package-simple")),
)

HOOK_ROUTES: tuple[Route, ...] = (
    hook_route("get_hook_root", "GET", "", show_hook_root, "Api Root", responses={200: "hook-root"}),
    hook_route("list_hooks", "GET", "hooks/", owned_list_view("webhook"), "Hook List", filter_set="hook",
               responses=list_responses("page-of-webhook")),
    hook_route("create_hook", "POST", "hooks/", create_hook, "Hook Create", request_schema="hook",
               responses={201: "webhook", 400: "field-errors", 406: "webhook-refusal"}),
    hook_route("list_hook_types", "GET", "hooks/registry/", list_hook_types, "Types of Events",
               responses={200: "event-types"}),
    hook_route("get_hook", "GET", "hooks/<pk>/", owned_detail_view("webhook", Webhook), "Hook Detail",
               responses=detail_responses("webhook")),
    hook_route("replace_hook", "PUT", "hooks/<pk>/", update_hook_view(partial=False), "Hook Replace",
               request_schema="hook", responses=HOOK_RESPONSES),
    hook_route("update_hook", "PATCH", "hooks/<pk>/", update_hook_view(partial=True), "Hook Update",
               request_schema="hook-change", responses=HOOK_RESPONSES),
    hook_route("delete_hook", "DELETE", "hooks/<pk>/", delete_hook, "Hook Delete",
               responses={204: None, 404: "error"}),
    hook_route("list_hook_events", "GET", "hook_events/", owned_list_view("webhook-event"), "Hook Event List",
               filter_set="hook_event", responses=list_responses("page-of-webhook-event")),
    hook_route("get_hook_event", "GET", "hook_events/<pk>/", owned_detail_view("webhook-event", WebhookEvent),
               "Hook Event Detail", responses=detail_responses("webhook-event")),
    hook_route("retry_hook_event", "POST", "hook_events/<pk>/retry/", retry_hook_event, "Hook Event Retry",
               request_schema="hook-retry",
               responses={200: "hook-retried", 400: "field-errors", 404: "error", 406: "hook-retry-refused"}),
    hook_route("list_event_queues", "GET", "event_queues/", list_event_queue, "Event Queue List",
               filter_set="event_queue", responses=list_responses("page-of-event-queue")),
    hook_route("get_event_queue", "GET", "event_queues/<pk>/", get_event_queue, "Event Queue Detail",
               responses=detail_responses("event-queue")),
)

PUBLIC_ROUTES: tuple[Route, ...] = (
    login_route("login", "POST", "api/v1/auth/login/", log_in, "login"),
    login_route("login", "POST", "api/i1/auth/login/", log_in, "login"),
    file_route("preview_shipping_label", "GET", "api/v1/oms/shipping-label/<pk>/preview/", render_shipping_label,
               "shipping_label", responses={200: None, 404: "error"}),
    file_route("product_image", "GET", "cdn/<...rest>", render_product_image, "productimage_set",
               responses={200: None}),
)
# fmt: on

ROUTES: tuple[Route, ...] = (*GUIDE_ROUTES, *SERVICE_ROUTES, *REFERENCE_ROUTES, *HOOK_ROUTES, *PUBLIC_ROUTES)
ROUTES_BY_OPERATION = {route.operation: route for route in ROUTES}
