"""The reference surface, one row per operation, in the order of its page."""

from __future__ import annotations

from functools import partial

from emulator.api.routes.guide import COMMAND_REPLIES, SET_REPLIES, detail_replies, list_replies
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

route = partial(Route, scheme="Bearer")
packages = partial(list_view, kind=Package, size=REFERENCE_PAGE_SIZE)
logs = partial(related_list_view, owner=Package, kind=TransitionLog, size=REFERENCE_PAGE_SIZE)
events = partial(related_list_view, owner=Package, kind=WebhookEvent, size=REFERENCE_PAGE_SIZE)
log = partial(related_detail_view, owner=Package, kind=TransitionLog, key="log_id")
event = partial(related_detail_view, owner=Package, kind=WebhookEvent, key="webhook_event_id")

# fmt: off
ROUTES: tuple[Route, ...] = (
    route("reference_list_packages", "GET packages/", packages("reference-package"),
          filters="package", replies=list_replies("reference-page-of-package"),
          doc=f"{PAGE}, GET /packages/"),
    route("reference_get_package", "GET packages/<pk>/", detail_view("reference-package"),
          replies=detail_replies("reference-package"), doc=f"{PAGE}, GET /packages/{{id}}/"),
    route("reference_list_packages_short", "GET packages/short/", packages("reference-package-short-list-item"),
          filters="package", replies=list_replies("reference-page-of-package-short-list-item"),
          doc=f"{PAGE}, GET /packages/short/"),
    route("reference_get_package_short", "GET packages/<pk>/short/", detail_view("reference-package-short"),
          replies=detail_replies("reference-package-short"), doc=f"{PAGE}, GET /packages/{{id}}/short/"),
    route("reference_list_delivery_ranges", "GET packages/delivery-ranges/",
          list_view("reference-delivery-range", DeliveryRange, size=REFERENCE_PAGE_SIZE), filters="delivery_range",
          replies=list_replies("reference-page-of-delivery-range"),
          doc=f"{PAGE}, GET /packages/delivery-ranges/"),
    route("reference_invoice_package", "POST packages/<pk>/invoice/", writes.invoice_package("reference-invoice"),
          replies={201: "reference-invoice", 400: "field-errors", 404: "error"},
          doc=f"{PAGE}, POST /packages/{{id}}/invoice/"),
    route("reference_command_package", "POST packages/<pk>/command/", writes.command_view(Package),
          body="command", replies=COMMAND_REPLIES, doc=f"{PAGE}, POST /packages/{{id}}/command/"),
    route("reference_set_package_invoice_number", "POST packages/<pk>/set_invoice_number/",
          writes.set_invoice_number(Package),
          body="set-invoice-number", replies=SET_REPLIES, doc=f"{PAGE}, POST /packages/{{id}}/set_invoice_number/"),
    route("reference_set_package_remote_id", "POST packages/<pk>/set_remote_id/", writes.set_remote_id(Package),
          body="set-remote-id", replies=SET_REPLIES, doc=f"{PAGE}, POST /packages/{{id}}/set_remote_id/"),
    route("reference_patch_package_extra_information", "PATCH packages/<pk>/extra_information/",
          reference.patch_extra_information,
          body="extra-information", replies=SET_REPLIES, doc=f"{PAGE}, PATCH /packages/{{id}}/extra_information/"),
    route("reference_list_package_items", "GET packages/<pk>/package-items/", reference.list_package_items,
          replies=detail_replies("reference-page-of-package-item-row"),
          doc=f"{PAGE}, GET /packages/{{id}}/package-items/"),
    route("reference_get_invoice_document", "GET packages/<pk>/invoice_document/", reference.get_invoice_document,
          replies=detail_replies("reference-invoice-document"),
          doc=f"{PAGE}, GET /packages/{{id}}/invoice_document/"),
    route("reference_list_package_logs", "GET packages/<pk>/transition_logs/", logs("reference-transition-log"),
          replies=detail_replies("reference-page-of-transition-log"),
          doc=f"{PAGE}, GET /packages/{{id}}/transition_logs/"),
    route("reference_get_package_log", "GET packages/<pk>/transition_logs/<log_id>/", log("reference-transition-log"),
          replies=detail_replies("reference-transition-log"),
          doc=f"{PAGE}, GET /packages/{{id}}/transition_logs/{{log_id}}/"),
    route("reference_list_package_logs_short", "GET packages/<pk>/transition_logs/short/",
          logs("reference-transition-log-short"),
          replies=detail_replies("reference-page-of-transition-log-short"),
          doc=f"{PAGE}, GET /packages/{{id}}/transition_logs/short/"),
    route("reference_get_package_log_short", "GET packages/<pk>/transition_logs/short/<log_id>/",
          log("reference-transition-log-short"),
          replies=detail_replies("reference-transition-log-short"),
          doc=f"{PAGE}, GET /packages/{{id}}/transition_logs/short/{{log_id}}/"),
    route("reference_list_package_events", "GET packages/<pk>/webhook_events/", events("reference-webhook-event"),
          replies=detail_replies("reference-page-of-webhook-event"),
          doc=f"{PAGE}, GET /packages/{{id}}/webhook_events/"),
    route("reference_get_package_event", "GET packages/<pk>/webhook_events/<webhook_event_id>/",
          event("reference-webhook-event"),
          replies=detail_replies("reference-webhook-event"),
          doc=f"{PAGE}, GET /packages/{{id}}/webhook_events/{{webhook_event_id}}/"),
    route("reference_list_package_events_short", "GET packages/<pk>/webhook_events/short/",
          events("reference-webhook-event-short"),
          replies=detail_replies("reference-page-of-webhook-event-short"),
          doc=f"{PAGE}, GET /packages/{{id}}/webhook_events/short/"),
    route("reference_list_packages_simple", "GET packages/list-simple/", packages("reference-package-simple"),
          filters="package_simple", replies=list_replies("reference-page-of-package-simple"),
          doc=f"{PAGE}, GET /packages/list-simple/"),
)
# fmt: on
