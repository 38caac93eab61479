"""The views of dj-whisperer, mounted as the vendor mounts them, with the built-in credentials."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.urls import include, path
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.filters import OrderingFilter
from rest_framework.routers import APIRootView, DefaultRouter
from whisperer.events import WhispererEvent, registry
from whisperer.resources import views

from emulator.core.credentials import CREDENTIALS
from emulator.core.event_types import EVENT_TYPES
from tests.oracle import service

for event_type in EVENT_TYPES:
    registry.register(type("Event", (WhispererEvent,), {"event_type": event_type.name}))


class Users(service.BuiltInTokens):
    """Token authentication that returns database users, because a hook belongs to a user."""

    def authenticate_credentials(self, key: str) -> tuple[Any, str]:
        checked, _ = super().authenticate_credentials(key)
        user = User.objects.get(username=CREDENTIALS[checked.role].username)
        user.role = checked.role
        return user, key


class Sort(OrderingFilter):
    """Ordering filter that breaks ties by the newest id, as the emulator does."""

    ordering_param = "sort"

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        return queryset.order_by(*self.get_ordering(request, queryset, view), "-id")


class Policies(service.Policies):
    authentication_classes: ClassVar = [Users]
    pagination_class = service.Pages
    filter_backends: ClassVar = [DjangoFilterBackend, Sort]
    ordering = ("id",)


class WebhookViewSet(Policies, views.WebhookViewSet):
    pass


class WebhookEventViewSet(Policies, views.WebhookEventViewSet):
    pass


class EventQueues(Policies, views.EventQueueViewSet):
    pass


class Root(Policies, APIRootView):
    pass


router = DefaultRouter()
router.APIRootView = Root
router.register("hooks", WebhookViewSet)
router.register("hook_events", WebhookEventViewSet)
router.register("event_queues", EventQueues)
urlpatterns = [path("", include(router.urls))]
