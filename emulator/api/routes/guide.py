"""The guide surface, one row per operation, in the order of the pages."""

from __future__ import annotations

from functools import partial

from emulator.api.routes.route import Route
from emulator.api.views import public, writes
from emulator.api.views.reads import detail_view, list_view, related_detail_view, related_list_view
from emulator.core.records import DeliveryRange, DenialReason, Package, TransferOrder, TransitionLog, WebhookEvent

PACKAGES, TRANSFERS = "Package Services (guide)", "Transfer Order Services (guide)"
COMMAND_RESPONSES = {204: None, 200: "command-result", 400: "command-error", 404: "error"}
SET_RESPONSES = {204: None, 400: "field-errors", 404: "error"}

route = partial(Route, prefix="/api/v1/oms")


def list_responses(schema: str) -> dict[int, str | None]:
    return {200: schema, 400: "field-errors"}


def detail_responses(schema: str) -> dict[int, str | None]:
    return {200: schema, 404: "error"}


package_log_list_view = partial(related_list_view, owner=Package, kind=TransitionLog)
package_event_list_view = partial(related_list_view, owner=Package, kind=WebhookEvent)
package_log_view = partial(related_detail_view, owner=Package, kind=TransitionLog, key="log_id")
package_event_view = partial(related_detail_view, owner=Package, kind=WebhookEvent, key="webhook_event_id")
transfer_log_list_view = partial(related_list_view, owner=TransferOrder, kind=TransitionLog)
transfer_event_list_view = partial(related_list_view, owner=TransferOrder, kind=WebhookEvent)
transfer_log_view = partial(related_detail_view, owner=TransferOrder, kind=TransitionLog, key="log_id")
transfer_event_view = partial(related_detail_view, owner=TransferOrder, kind=WebhookEvent, key="webhook_event_id")

# fmt: off
GUIDE_ROUTES: tuple[Route, ...] = (
    route("list_packages", "GET packages/", list_view("package", Package),
          filter_set="package", responses=list_responses("page-of-package"),
          doc=f"{PACKAGES}, Package List"),
    route("list_packages_short", "GET packages/short/", list_view("package-short-list-item", Package),
          filter_set="package", responses=list_responses("page-of-package-short-list-item"),
          doc=f"{PACKAGES}, Package Short List"),
    route("list_packages_simple", "GET packages/list-simple/", list_view("package-simple", Package),
          filter_set="package_simple", responses=list_responses("page-of-package-simple"),
          doc=f"{PACKAGES}, Package Simple List"),
    route("get_package", "GET packages/<pk>/", detail_view("package"),
          responses=detail_responses("package"), doc=f"{PACKAGES}, Package Detail"),
    route("get_package_short", "GET packages/<pk>/short/", detail_view("package-short"),
          responses=detail_responses("package-short"), doc=f"{PACKAGES}, Package Short Detail"),
    route("list_package_logs", "GET packages/<pk>/transition_logs/", package_log_list_view("transition-log"),
          responses=detail_responses("page-of-transition-log"), doc=f"{PACKAGES}, Package State Transition Log List"),
    route("list_package_logs_short", "GET packages/<pk>/transition_logs/short/", package_log_list_view("transition-log-short"),
          responses=detail_responses("page-of-transition-log-short"),
          doc=f"{PACKAGES}, Package State Transition Log Short List"),
    route("get_package_log", "GET packages/<pk>/transition_logs/<log_id>/", package_log_view("transition-log"),
          responses=detail_responses("transition-log"), doc=f"{PACKAGES}, Package State Transition Log Detail"),
    route("get_package_log_short", "GET packages/<pk>/transition_logs/short/<log_id>/",
          package_log_view("transition-log-short"),
          responses=detail_responses("transition-log-short"),
          doc=f"{PACKAGES}, Package State Transition Log Short Detail"),
    route("list_package_events", "GET packages/<pk>/webhook_events/", package_event_list_view("webhook-event"),
          responses=detail_responses("page-of-webhook-event"), doc=f"{PACKAGES}, Package Webhook Event List"),
    route("list_package_events_short", "GET packages/<pk>/webhook_events/short/",
          package_event_list_view("webhook-event-short"),
          responses=detail_responses("page-of-webhook-event-short"), doc=f"{PACKAGES}, Package Webhook Event Short List"),
    route("get_package_event", "GET packages/<pk>/webhook_events/<webhook_event_id>/",
          package_event_view("webhook-event"),
          responses=detail_responses("webhook-event"), doc=f"{PACKAGES}, Package Webhook Event Details"),
    route("list_delivery_ranges", "GET packages/delivery-ranges/", list_view("delivery-range", DeliveryRange),
          filter_set="delivery_range", responses=list_responses("page-of-delivery-range"),
          doc=f"{PACKAGES}, Package Delivery Ranges"),
    route("list_denial_reasons", "GET packages/package_denial_reason/",
          list_view("denial-reason", DenialReason, size=20, size_parameter="page_size"),
          filter_set="denial_reason", size_parameter="page_size",
          responses=list_responses("page-of-denial-reason"), doc=f"{PACKAGES}, Package Denial Reasons"),
    route("command_package", "POST packages/<pk>/command/", writes.command_view(Package),
          request_schema="command", responses=COMMAND_RESPONSES, doc=f"{PACKAGES}, Package Command"),
    route("invoice_package", "POST packages/<pk>/invoice/", writes.invoice_package_view("invoice"),
          responses={201: "invoice", 400: "field-errors", 404: "error"}, doc=f"{PACKAGES}, Package Invoice"),
    route("set_package_invoice_number", "POST packages/<pk>/set_invoice_number/",
          writes.set_invoice_number_view(Package),
          request_schema="set-invoice-number", responses=SET_RESPONSES, doc=f"{PACKAGES}, Package Set Invoice Number"),
    route("set_package_remote_id", "POST packages/<pk>/set_remote_id/", writes.set_remote_id_view(Package),
          request_schema="set-remote-id", responses=SET_RESPONSES, doc=f"{PACKAGES}, Package Set Remote ID"),
    route("list_transfers", "GET transfer_orders/", list_view("transfer-list-item", TransferOrder),
          filter_set="transfer", responses=list_responses("page-of-transfer-list-item"),
          doc=f"{TRANSFERS}, Transfer Order List"),
    route("list_transfers_simple", "GET transfer_orders/list-simple/", list_view("transfer-simple", TransferOrder),
          filter_set="transfer", responses=list_responses("page-of-transfer-simple"),
          doc=f"{TRANSFERS}, Transfer Order List - Simple"),
    route("get_transfer", "GET transfer_orders/<pk>/", detail_view("transfer"),
          responses=detail_responses("transfer"), doc=f"{TRANSFERS}, Transfer Order Detail"),
    route("list_transfer_logs", "GET transfer_orders/<pk>/transition_logs/", transfer_log_list_view("transition-log"),
          responses=detail_responses("page-of-transition-log"),
          doc=f"{TRANSFERS}, Transfer Order State Transition Log List"),
    route("list_transfer_logs_short", "GET transfer_orders/<pk>/transition_logs/short/",
          transfer_log_list_view("transition-log-short"),
          responses=detail_responses("page-of-transition-log-short"),
          doc=f"{TRANSFERS}, Transfer Order State Transition Log List - Short"),
    # The page prints this one under `packages/`: an evident slip.
    route("get_transfer_log", "GET transfer_orders/<pk>/transition_logs/<log_id>/", transfer_log_view("transition-log"),
          responses=detail_responses("transition-log"), doc=f"{TRANSFERS}, Transfer Order State Transition Log Detail"),
    route("list_transfer_events", "GET transfer_orders/<pk>/webhook_events/", transfer_event_list_view("webhook-event"),
          responses=detail_responses("page-of-webhook-event"), doc=f"{TRANSFERS}, Transfer Order Webhook Event List"),
    route("list_transfer_events_short", "GET transfer_orders/<pk>/webhook_events/short/",
          transfer_event_list_view("webhook-event-short"),
          responses=detail_responses("page-of-webhook-event-short"),
          doc=f"{TRANSFERS}, Transfer Order Webhook Event List - Short"),
    route("get_transfer_event", "GET transfer_orders/<pk>/webhook_events/<webhook_event_id>/",
          transfer_event_view("webhook-event"),
          responses=detail_responses("webhook-event"), doc=f"{TRANSFERS}, Transfer Order Webhook Event Detail"),
    route("command_transfer", "POST transfer_orders/<pk>/command/", writes.command_view(TransferOrder),
          request_schema="command", responses=COMMAND_RESPONSES, doc=f"{TRANSFERS}, Transfer Order Command"),
    route("set_transfer_invoice_number", "POST transfer_orders/<pk>/set_invoice_number/",
          writes.set_invoice_number_view(TransferOrder),
          request_schema="set-invoice-number", responses=SET_RESPONSES, doc=f"{TRANSFERS}, Transfer Order - Set Invoice Number"),
    route("set_transfer_remote_id", "POST transfer_orders/<pk>/set_remote_id/", writes.set_remote_id_view(TransferOrder),
          request_schema="set-remote-id", responses=SET_RESPONSES, doc=f"{TRANSFERS}, Transfer Order - Set Remote ID"),
)

PUBLIC_ROUTES: tuple[Route, ...] = (
    Route("login", "POST api/v1/auth/login/", public.log_in, request_schema="login", auth_scheme=None,
              responses={200: "login-token", 400: "field-errors"}, doc="Getting started, login"),
    Route("login", "POST api/i1/auth/login/", public.log_in, request_schema="login", auth_scheme=None,
              responses={200: "login-token", 400: "field-errors"}, doc="Getting started, login"),
    Route("preview_shipping_label", "GET api/v1/oms/shipping-label/<pk>/preview/", public.render_shipping_label,
              auth_scheme=None, is_negotiated=False, responses={200: None, 404: "error"}, doc=f"{PACKAGES}, shipping_label"),
    Route("product_image", "GET cdn/<...rest>", public.render_product_image,
              auth_scheme=None, is_negotiated=False, responses={200: None}, doc=f"{PACKAGES}, productimage_set"),
)
# fmt: on
