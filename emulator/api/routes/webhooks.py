"""Webhook subscriptions and their events, one row per operation."""

from __future__ import annotations

from functools import partial

from emulator.api.routes.guide import detail_responses, list_responses
from emulator.api.routes.route import Route
from emulator.api.views import webhooks
from emulator.core.records import Webhook, WebhookEvent

PAGE = "Webhook Subscriptions"
CHANGE_RESPONSES = {200: "webhook", 400: "field-errors", 404: "error", 406: "webhook-refusal"}

route = partial(Route, prefix="/whisperer", varies_by_user=True)

# fmt: off
HOOK_ROUTES: tuple[Route, ...] = (
    route("list_hooks", "GET hooks/", webhooks.owned_list_view("webhook"),
          filter_set="hook", responses=list_responses("page-of-webhook"), doc=f"{PAGE}, Hook List"),
    route("create_hook", "POST hooks/", webhooks.create_hook,
          request_schema="hook", responses={201: "webhook", 400: "field-errors", 406: "webhook-refusal"},
          doc=f"{PAGE}, Hook Create"),
    route("list_hook_types", "GET hooks/registry/", webhooks.list_hook_types,
          responses={200: "event-types"}, doc=f"{PAGE}, Types of Events"),
    route("get_hook", "GET hooks/<pk>/", webhooks.owned_detail_view("webhook", Webhook),
          responses=detail_responses("webhook"), doc=f"{PAGE}, Hook Detail"),
    route("replace_hook", "PUT hooks/<pk>/", webhooks.update_hook_view(partial=False),
          request_schema="hook", responses=CHANGE_RESPONSES, doc=f"{PAGE}, Hook Replace"),
    route("update_hook", "PATCH hooks/<pk>/", webhooks.update_hook_view(partial=True),
          request_schema="hook-change", responses=CHANGE_RESPONSES, doc=f"{PAGE}, Hook Update"),
    route("delete_hook", "DELETE hooks/<pk>/", webhooks.delete_hook,
          responses={204: None, 404: "error"}, doc=f"{PAGE}, Hook Delete"),
    route("list_hook_events", "GET hook_events/", webhooks.owned_list_view("webhook-event"),
          filter_set="hook_event", responses=list_responses("page-of-webhook-event"), doc=f"{PAGE}, Hook Event List"),
    route("get_hook_event", "GET hook_events/<pk>/", webhooks.owned_detail_view("webhook-event", WebhookEvent),
          responses=detail_responses("webhook-event"), doc=f"{PAGE}, Hook Event Detail"),
    route("retry_hook_event", "POST hook_events/<pk>/retry/", webhooks.retry_hook_event,
          request_schema="hook-retry", doc=f"{PAGE}, Hook Event Retry",
          responses={200: "hook-retried", 400: "field-errors", 404: "error", 406: "hook-retry-refused"}),
)
# fmt: on
