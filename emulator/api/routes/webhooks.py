"""Webhook subscriptions and their events, one row per operation."""

from __future__ import annotations

from functools import partial

from emulator.api.routes.guide import detail_replies, list_replies
from emulator.api.routes.route import Route
from emulator.api.views import webhooks
from emulator.core.records import Webhook, WebhookEvent

PAGE = "Webhook Subscriptions"
CHANGED = {200: "webhook", 400: "field-errors", 404: "error", 406: "webhook-refusal"}

route = partial(Route, prefix="/whisperer", is_personal=True)

# fmt: off
ROUTES: tuple[Route, ...] = (
    route("list_hooks", "GET hooks/", webhooks.list_owned("webhook"),
          filters="hook", replies=list_replies("page-of-webhook"), doc=f"{PAGE}, Hook List"),
    route("create_hook", "POST hooks/", webhooks.create_hook,
          body="hook", replies={201: "webhook", 400: "field-errors", 406: "webhook-refusal"},
          doc=f"{PAGE}, Hook Create"),
    route("list_hook_types", "GET hooks/registry/", webhooks.list_hook_types,
          replies={200: "event-types"}, doc=f"{PAGE}, Types of Events"),
    route("get_hook", "GET hooks/<pk>/", webhooks.owned_detail("webhook", Webhook),
          replies=detail_replies("webhook"), doc=f"{PAGE}, Hook Detail"),
    route("replace_hook", "PUT hooks/<pk>/", webhooks.update_hook(partial=False),
          body="hook", replies=CHANGED, doc=f"{PAGE}, Hook Replace"),
    route("update_hook", "PATCH hooks/<pk>/", webhooks.update_hook(partial=True),
          body="hook-change", replies=CHANGED, doc=f"{PAGE}, Hook Update"),
    route("delete_hook", "DELETE hooks/<pk>/", webhooks.delete_hook,
          replies={204: None, 404: "error"}, doc=f"{PAGE}, Hook Delete"),
    route("list_hook_events", "GET hook_events/", webhooks.list_owned("webhook-event"),
          filters="hook_event", replies=list_replies("page-of-webhook-event"), doc=f"{PAGE}, Hook Event List"),
    route("get_hook_event", "GET hook_events/<pk>/", webhooks.owned_detail("webhook-event", WebhookEvent),
          replies=detail_replies("webhook-event"), doc=f"{PAGE}, Hook Event Detail"),
    route("retry_hook_event", "POST hook_events/<pk>/retry/", webhooks.retry_hook_event,
          body="hook-retry", doc=f"{PAGE}, Hook Event Retry",
          replies={200: "hook-retried", 400: "field-errors", 404: "error", 406: "hook-retry-refused"}),
)
# fmt: on
