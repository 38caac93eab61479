"""The reference surface, one row per operation, in the order of its page."""

from __future__ import annotations

from functools import partial

from emulator.api.routes.guide import COMMAND_RESPONSES, SET_RESPONSES, detail_responses, list_responses
from emulator.api.routes.route import Route
from emulator.api.views import reference, writes
from emulator.api.views.reads import (
    REFERENCE_PAGE_SIZE,
    detail_view,
    list_view,
    related_detail_view,
    related_list_view,
)
from emulator.core.records import DeliveryRange, Package, TransitionLog, WebhookEvent

PAGE = "Package Services (reference)"

route = partial(Route, auth_scheme="Bearer")
package_list_view = partial(list_view, kind=Package, size=REFERENCE_PAGE_SIZE)
log_list_view = partial(related_list_view, owner=Package, kind=TransitionLog, size=REFERENCE_PAGE_SIZE)
event_list_view = partial(related_list_view, owner=Package, kind=WebhookEvent, size=REFERENCE_PAGE_SIZE)
log_view = partial(related_detail_view, owner=Package, kind=TransitionLog, key="log_id")
event_view = partial(related_detail_view, owner=Package, kind=WebhookEvent, key="webhook_event_id")

# fmt: off
REFERENCE_ROUTES: tuple[Route, ...] = (
    route("reference_list_packages", "GET packages/", package_list_view("reference-package"),
          filter_set="package", responses=list_responses("reference-page-of-package"),
          doc=f"{PAGE}, GET /packages/"),
    route("reference_get_package", "GET packages/<pk>/", detail_view("reference-package"),
          responses=detail_responses("reference-package"), doc=f"{PAGE}, GET /packages/{{id}}/"),
    route("reference_list_packages_short", "GET packages/short/", package_list_view("reference-package-short-list-item"),
          filter_set="package", responses=list_responses("reference-page-of-package-short-list-item"),
          doc=f"{PAGE}, GET /packages/short/"),
    route("reference_get_package_short", "GET packages/<pk>/short/", detail_view("reference-package-short"),
          responses=detail_responses("reference-package-short"), doc=f"{PAGE}, GET /packages/{{id}}/short/"),
    route("reference_list_delivery_ranges", "GET packages/delivery-ranges/",
          list_view("reference-delivery-range", DeliveryRange, size=REFERENCE_PAGE_SIZE), filter_set="delivery_range",
          responses=list_responses("reference-page-of-delivery-range"),
          doc=f"{PAGE}, GET /packages/delivery-ranges/"),
    route("reference_invoice_package", "POST packages/<pk>/invoice/", writes.invoice_package_view("reference-invoice"),
          responses={201: "reference-invoice", 400: "field-errors", 404: "error"},
          doc=f"{PAGE}, POST /packages/{{id}}/invoice/"),
    route("reference_command_package", "POST packages/<pk>/command/", writes.command_view(Package),
          request_schema="command", responses=COMMAND_RESPONSES, doc=f"{PAGE}, POST /packages/{{id}}/command/"),
    route("reference_set_package_invoice_number", "POST packages/<pk>/set_invoice_number/",
          writes.set_invoice_number_view(Package),
          request_schema="set-invoice-number", responses=SET_RESPONSES, doc=f"{PAGE}, POST /packages/{{id}}/set_invoice_number/"),
    route("reference_set_package_remote_id", "POST packages/<pk>/set_remote_id/", writes.set_remote_id_view(Package),
          request_schema="set-remote-id", responses=SET_RESPONSES, doc=f"{PAGE}, POST /packages/{{id}}/set_remote_id/"),
    route("reference_patch_package_extra_information", "PATCH packages/<pk>/extra_information/",
          reference.patch_extra_information,
          request_schema="extra-information", responses=SET_RESPONSES, doc=f"{PAGE}, PATCH /packages/{{id}}/extra_information/"),
    route("reference_list_package_items", "GET packages/<pk>/package-items/", reference.list_package_items,
          responses=detail_responses("reference-page-of-package-item-row"),
          doc=f"{PAGE}, GET /packages/{{id}}/package-items/"),
    route("reference_get_invoice_document", "GET packages/<pk>/invoice_document/", reference.get_invoice_document,
          responses=detail_responses("reference-invoice-document"),
          doc=f"{PAGE}, GET /packages/{{id}}/invoice_document/"),
    route("reference_list_package_logs", "GET packages/<pk>/transition_logs/", log_list_view("reference-transition-log"),
          responses=detail_responses("reference-page-of-transition-log"),
          doc=f"{PAGE}, GET /packages/{{id}}/transition_logs/"),
    route("reference_get_package_log", "GET packages/<pk>/transition_logs/<log_id>/", log_view("reference-transition-log"),
          responses=detail_responses("reference-transition-log"),
          doc=f"{PAGE}, GET /packages/{{id}}/transition_logs/{{log_id}}/"),
    route("reference_list_package_logs_short", "GET packages/<pk>/transition_logs/short/",
          log_list_view("reference-transition-log-short"),
          responses=detail_responses("reference-page-of-transition-log-short"),
          doc=f"{PAGE}, GET /packages/{{id}}/transition_logs/short/"),
    route("reference_get_package_log_short", "GET packages/<pk>/transition_logs/short/<log_id>/",
          log_view("reference-transition-log-short"),
          responses=detail_responses("reference-transition-log-short"),
          doc=f"{PAGE}, GET /packages/{{id}}/transition_logs/short/{{log_id}}/"),
    route("reference_list_package_events", "GET packages/<pk>/webhook_events/", event_list_view("reference-webhook-event"),
          responses=detail_responses("reference-page-of-webhook-event"),
          doc=f"{PAGE}, GET /packages/{{id}}/webhook_events/"),
    route("reference_get_package_event", "GET packages/<pk>/webhook_events/<webhook_event_id>/",
          event_view("reference-webhook-event"),
          responses=detail_responses("reference-webhook-event"),
          doc=f"{PAGE}, GET /packages/{{id}}/webhook_events/{{webhook_event_id}}/"),
    route("reference_list_package_events_short", "GET packages/<pk>/webhook_events/short/",
          event_list_view("reference-webhook-event-short"),
          responses=detail_responses("reference-page-of-webhook-event-short"),
          doc=f"{PAGE}, GET /packages/{{id}}/webhook_events/short/"),
    route("reference_list_packages_simple", "GET packages/list-simple/", package_list_view("reference-package-simple"),
          filter_set="package_simple", responses=list_responses("reference-page-of-package-simple"),
          doc=f"{PAGE}, GET /packages/list-simple/"),
)
# fmt: on
