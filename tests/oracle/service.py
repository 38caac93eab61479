"""The oracle: a Django REST framework application with the URLs of both surfaces.

The documents are stand-ins (`{"id": 7}`). Django and Django REST framework decide everything else,
from URL resolution to error responses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, ClassVar

import django
from django.conf import settings

from tests.oracle_hooks import stand_ins

MODULE = __name__

settings.configure(
    DEBUG=False,
    ALLOWED_HOSTS=["*"],
    APPEND_SLASH=True,
    AUTHENTICATION_BACKENDS=[f"{MODULE}.Users"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "tests.oracle_filters",  # defines models
        *("django.contrib.contenttypes", "django.contrib.auth", "whisperer"),  # sends webhooks
    ],
    LOGGING_CONFIG=None,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=MODULE,
    TIME_ZONE="UTC",
    SECRET_KEY="only the oracle's",
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
)
stand_ins.install()
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402  settings must be configured first
from django.http import Http404  # noqa: E402
from django.urls import include, path, register_converter  # noqa: E402
from django.urls.converters import StringConverter  # noqa: E402
from rest_framework import exceptions, serializers, views, viewsets  # noqa: E402
from rest_framework.authentication import TokenAuthentication  # noqa: E402
from rest_framework.authtoken.serializers import AuthTokenSerializer  # noqa: E402
from rest_framework.pagination import PageNumberPagination  # noqa: E402
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.throttling import SimpleRateThrottle  # noqa: E402

PREFIX = "api/v1/oms/"
ROLES = ("full-access", "read-only", "no-access", "inactive", "throttled")
TITLES = ("Ürün stokta yok", "Ürün hasarlı", "Mağaza yoğun", "Mağaza kapalı", "Yanlış fiyat")
USERS = {"admin": "full-access", "reader": "read-only"}


@dataclass
class Data:
    """Existing ids, tokens, throttle history, limits and clock: all state that a test may change."""

    packages: list[int] = field(default_factory=list)
    transfers: list[int] = field(default_factory=list)
    ranges: list[int] = field(default_factory=list)
    reasons: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    locations: list[int] = field(default_factory=list)
    logs: list[int] = field(default_factory=list)
    jwts: dict[str, str] = field(default_factory=dict)
    """Bearer token -> role, or `expired`."""
    throttled: dict[str, list[float]] = field(default_factory=dict)
    limits: dict[tuple[str, str], str] = field(default_factory=dict)
    """(role, `read` or `write`) -> rate in the framework's notation."""
    now: Callable[[], float] = lambda: 0.0


DATA = Data()


class BuiltInTokens(TokenAuthentication):
    """Authenticate the built-in tokens instead of a database table."""

    def authenticate_credentials(self, key: str) -> tuple[SimpleNamespace, str]:
        if key not in ROLES:
            raise exceptions.AuthenticationFailed("Invalid token.")
        if key == "inactive":
            raise exceptions.AuthenticationFailed("User inactive or deleted.")
        return SimpleNamespace(role=key, is_active=True), key


class KnownJwts(TokenAuthentication):
    """Authenticate the bearer tokens that the test issued."""

    keyword = "Bearer"

    def authenticate_credentials(self, key: str) -> tuple[SimpleNamespace, str]:
        role = DATA.jwts.get(key)
        if role is None:
            raise exceptions.AuthenticationFailed("Invalid token.")
        if role == "expired":
            raise exceptions.AuthenticationFailed("Token has expired.")
        if role == "inactive":
            raise exceptions.AuthenticationFailed("User inactive or deleted.")
        return SimpleNamespace(role=role, is_active=True), f"Bearer {role}"


class RolePermission(BasePermission):
    """Permissions of each role."""

    def has_permission(self, request: Request, view: views.APIView) -> bool:
        role = getattr(request.user, "role", "no-access")
        return role != "no-access" and (role != "read-only" or request.method in SAFE_METHODS)


class ThrottleCache:
    """Cache in which the throttle stores its history."""

    def get(self, key: str, default: list[float]) -> list[float]:
        return list(DATA.throttled.get(key, default))

    def set(self, key: str, history: list[float], _duration: float) -> None:
        DATA.throttled[key] = list(history)


class TokenThrottle(SimpleRateThrottle):
    """Throttle of five requests a minute for the `throttled` tokens."""

    rate = "5/minute"
    cache = ThrottleCache()

    def timer(self) -> float:
        return DATA.now()

    def get_cache_key(self, request: Request, view: views.APIView) -> str | None:
        return request.auth if request.auth in {"throttled", "Bearer throttled"} else None


class LimitThrottle(SimpleRateThrottle):
    """Throttle with the scenario's rate for each role and scope."""

    cache = ThrottleCache()

    def get_rate(self) -> None:
        """Return no rate, because the rate depends on the request."""

    def timer(self) -> float:
        return DATA.now()

    def allow_request(self, request: Request, view: views.APIView) -> bool:
        self.scope = "read" if request.method in SAFE_METHODS else "write"
        self.rate = DATA.limits.get((getattr(request.user, "role", ""), self.scope))
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: views.APIView) -> str | None:
        return f"{self.scope} {request.auth}"


class Pages(PageNumberPagination):
    """Pagination of the guide."""

    page_size = 10
    page_size_query_param = "limit"
    max_page_size = 100


class ReferencePages(Pages):
    """Pagination of the reference."""

    page_size = 20


class ReasonPages(ReferencePages):
    """Pagination of denial reasons in the packages module."""

    page_size_query_param = "page_size"


class Users:
    """Authentication backend with the built-in user names."""

    def authenticate(self, request: Any, username: str, password: str) -> SimpleNamespace | None:
        is_valid = username in USERS and password == username
        return SimpleNamespace(role=USERS[username], is_active=True) if is_valid else None


class CommandSerializer(serializers.Serializer):
    transition = serializers.IntegerField(required=False)
    slug = serializers.CharField(required=False)
    input_parameters = serializers.DictField()


class ReferenceCommandSerializer(CommandSerializer):
    """The command of the reference: its page prints a default for the parameters."""

    input_parameters = serializers.DictField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"transition", "slug"} & attrs.keys():
            raise serializers.ValidationError({"transition": ["Either transition or slug is required."]})
        return attrs


class InvoiceNumberSerializer(serializers.Serializer):
    invoice_number = serializers.CharField(max_length=255)


class RemoteIdSerializer(serializers.Serializer):
    remote_id = serializers.CharField(max_length=255)


class ExtraInformationSerializer(serializers.Serializer):
    extra_information = serializers.DictField()


def require_new_title(title: str) -> None:
    """Refuse a title of the default installation, as the validator of a unique column does."""
    if title in TITLES:
        raise serializers.ValidationError("package denial reason with this title already exists.")


class DenialReasonSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True, label="ID")
    title = serializers.CharField(max_length=255, validators=[require_new_title])
    remote_id = serializers.CharField(max_length=100, required=False, allow_null=True, allow_blank=True)
    priority = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)


class EmptySerializer(serializers.Serializer):
    """Serializer of an operation that takes no body."""


def wrapping_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Wrap the validation errors of commands in the documented envelope."""
    response = views.exception_handler(exc, context)
    if isinstance(exc, exceptions.ValidationError):
        response.data = {"error": response.data, "status_code": 400}
    return response


def stand_in(kind: str, response: Response) -> Response:
    """Mark a response whose documents are stand-ins."""
    response["X-Stand-In"] = kind
    return response


class Policies:
    """Authentication, permissions and throttling of every view."""

    authentication_classes: ClassVar = [BuiltInTokens]
    permission_classes: ClassVar = [RolePermission]
    throttle_classes: ClassVar = [TokenThrottle, LimitThrottle]


class GuideViewSet(Policies, viewsets.GenericViewSet):
    """All operations of the guide, with one method for each kind of response."""

    pagination_class = Pages

    kind: str = "packages"
    description = ""
    wrapped = False
    status_code = 200
    not_found = ""
    """Text of a 404, if the page gives one."""

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return wrapping_handler if self.wrapped else super().get_exception_handler()

    def get_queryset(self) -> list[dict[str, int]]:
        return [{"id": number} for number in getattr(DATA, self.kind)]

    def get_object(self) -> dict[str, int]:
        """Return the record in the path. As in the framework, a value that the column cannot have is a 404."""
        try:
            pk = int(self.kwargs["pk"])
        except ValueError:
            raise Http404 from None
        if pk not in getattr(DATA, self.kind):
            raise exceptions.NotFound(self.not_found) if self.not_found else Http404
        return {"id": pk}

    def list(self, request: Request) -> Response:
        return stand_in("page", self.get_paginated_response(self.paginate_queryset(self.get_queryset())))

    def children(self, request: Request, pk: int) -> Response:
        self.get_object()
        return stand_in("document", self.get_paginated_response(self.paginate_queryset([{"id": 1}])))

    def retrieve(self, request: Request, pk: int) -> Response:
        return stand_in("document", Response(self.get_object()))

    def retrieve_child(self, request: Request, pk: int, child_id: int) -> Response:
        self.get_object()
        raise Http404

    def create(self, request: Request) -> Response:
        self.get_serializer(data=request.data).is_valid(raise_exception=True)
        return stand_in("document", Response({"id": 1}, status=201))

    def write(self, request: Request, pk: int) -> Response:
        self.get_object()
        self.get_serializer(data=request.data).is_valid(raise_exception=True)
        return Response(status=self.status_code)

    def invoice(self, request: Request, pk: int) -> Response:
        return stand_in("document", Response(self.get_object(), status=201))


class ReferenceViewSet(GuideViewSet):
    """The same operations with JWT authentication."""

    authentication_classes: ClassVar = [KnownJwts]
    pagination_class = ReferencePages


class LoginView(Policies, views.APIView):
    """Exchange a username and a password for a token."""

    name = "Login"
    description = ""
    permission_classes: ClassVar = [AllowAny]
    throttle_classes: ClassVar = []

    def get_serializer(self, *args: Any, **kwargs: Any) -> AuthTokenSerializer:
        return AuthTokenSerializer(*args, **kwargs)

    def post(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        return Response({"key": serializer.validated_data["user"].role})


class BrokenView(Policies, views.APIView):
    """View with a bug that Django REST framework reports as a 500."""

    def get(self, request: Request) -> Response:
        raise exceptions.APIException


class RoutedId(StringConverter):
    """The ids that the framework's router accepts in a path."""

    regex = "[^/.]+"


register_converter(RoutedId, "routed")


@dataclass(frozen=True)
class Operation:
    """One endpoint: its name in the emulator, its method and path, and the action of the view set."""

    name: str
    method: str
    path: str
    action: str
    kind: str = "packages"
    options: dict[str, Any] = field(default_factory=dict)
    prefix: str = PREFIX
    view_set: type[GuideViewSet] = GuideViewSet
    more: dict[str, str] = field(default_factory=dict)
    """Further methods of the URL, with their actions."""

    def on_reference(self) -> Operation:
        """Return the same operation on the reference surface."""
        options = dict(self.options)
        if options.get("serializer_class") is CommandSerializer:
            options["serializer_class"] = ReferenceCommandSerializer
        return replace(self, name=f"reference_{self.name}", prefix="", view_set=ReferenceViewSet, options=options)

    def pattern(self) -> Any:
        view = self.view_set.as_view(
            {self.method.lower(): self.action, **self.more},
            kind=self.kind,
            name=self.name.replace("_", " ").capitalize(),
            description="",
            **self.options,
        )
        return path(self.prefix + self.path.replace("<int:", "<routed:"), view)


RANGES = Operation("list_delivery_ranges", "GET", "packages/delivery-ranges/", "list", "ranges")


def read_operations(names: Iterable[tuple[str, str, str]], kind: str) -> list[Operation]:
    return [Operation(name, "GET", where, action, kind) for name, where, action in names]


def write_operations(record: str, root: str, kind: str) -> list[Operation]:
    """Return the POST operations that packages and transfer orders share."""
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        f"command_{record}": ("command/", {"serializer_class": CommandSerializer, "wrapped": True}),
        f"set_{record}_invoice_number": ("set_invoice_number/", {"serializer_class": InvoiceNumberSerializer}),
        f"set_{record}_remote_id": ("set_remote_id/", {"serializer_class": RemoteIdSerializer}),
    }
    return [
        Operation(name, "POST", f"{root}<int:pk>/{tail}", "write", kind, options | {"status_code": 204})
        for name, (tail, options) in bodies.items()
    ]


PACKAGE_READS = (
    ("list_packages", "packages/", "list"),
    ("list_packages_short", "packages/short/", "list"),
    ("list_packages_simple", "packages/list-simple/", "list"),
    ("get_package", "packages/<int:pk>/", "retrieve"),
    ("get_package_short", "packages/<int:pk>/short/", "retrieve"),
    ("list_package_logs", "packages/<int:pk>/transition_logs/", "children"),
    ("list_package_logs_short", "packages/<int:pk>/transition_logs/short/", "children"),
    ("get_package_log", "packages/<int:pk>/transition_logs/<int:child_id>/", "retrieve_child"),
    ("get_package_log_short", "packages/<int:pk>/transition_logs/short/<int:child_id>/", "retrieve_child"),
    ("list_package_events", "packages/<int:pk>/webhook_events/", "children"),
    ("list_package_events_short", "packages/<int:pk>/webhook_events/short/", "children"),
    ("get_package_event", "packages/<int:pk>/webhook_events/<int:child_id>/", "retrieve_child"),
)
TRANSFER_READS = (
    ("list_transfers", "transfer_orders/", "list"),
    ("list_transfers_simple", "transfer_orders/list-simple/", "list"),
    ("get_transfer", "transfer_orders/<int:pk>/", "retrieve"),
    ("list_transfer_logs", "transfer_orders/<int:pk>/transition_logs/", "children"),
    ("list_transfer_logs_short", "transfer_orders/<int:pk>/transition_logs/short/", "children"),
    ("get_transfer_log", "transfer_orders/<int:pk>/transition_logs/<int:child_id>/", "retrieve_child"),
    ("list_transfer_events", "transfer_orders/<int:pk>/webhook_events/", "children"),
    ("list_transfer_events_short", "transfer_orders/<int:pk>/webhook_events/short/", "children"),
    ("get_transfer_event", "transfer_orders/<int:pk>/webhook_events/<int:child_id>/", "retrieve_child"),
)
PACKAGE_OPERATIONS = (
    RANGES,
    *read_operations(PACKAGE_READS, "packages"),
    *write_operations("package", "packages/", "packages"),
    Operation(
        "invoice_package",
        "POST",
        "packages/<int:pk>/invoice/",
        "invoice",
        "packages",
        {"serializer_class": EmptySerializer},
    ),
)
REFERENCE_ONLY = (
    Operation(
        "patch_package_extra_information",
        "PATCH",
        "packages/<int:pk>/extra_information/",
        "write",
        "packages",
        {"serializer_class": ExtraInformationSerializer, "status_code": 204},
    ),
    Operation("list_package_items", "GET", "packages/<int:pk>/package-items/", "children"),
    Operation("get_invoice_document", "GET", "packages/<int:pk>/invoice_document/", "retrieve"),
)


def reason_operations(name: str, root: str, pages: type[Pages]) -> list[Operation]:
    """Return the operations of denial reasons at one of their two paths."""
    options = {"pagination_class": pages, "serializer_class": DenialReasonSerializer}
    return [
        Operation(f"list_{name}s", "GET", root, "list", "reasons", options, more={"post": "create"}),
        Operation(f"get_{name}", "GET", f"{root}<int:pk>/", "retrieve", "reasons"),
    ]


class LogViewSet(GuideViewSet):
    """The list of all transition logs, which takes a JWT."""

    authentication_classes: ClassVar = [KnownJwts]


ITEMS = "packages/package-items/"
ITEM_PAGES = {"pagination_class": ReferencePages}
ITEM_NOT_FOUND = {"not_found": "Package item not found"}
SERVICES = (
    *reason_operations("denial_reason", "packages/package_denial_reason/", ReasonPages),
    Operation("list_package_denial_reasons_simple", "GET", "package-denial-reason/list-simple/", "list", "reasons"),
    *reason_operations("package_denial_reason", "package-denial-reason/", Pages),
    Operation("list_all_package_items", "GET", ITEMS, "list", "items", ITEM_PAGES),
    Operation("get_package_item", "GET", f"{ITEMS}<int:pk>/", "retrieve", "items", ITEM_NOT_FOUND),
    Operation("get_package_item_record", "GET", "package-item/<int:pk>/", "retrieve", "items", prefix="api/v1/"),
    Operation("list_stock_locations_simple", "GET", "stocklocations/list-simple/", "list", "locations"),
    Operation("list_all_transition_logs", "GET", "state-transition-logs/", "list", "logs", view_set=LogViewSet),
    Operation(
        "get_transition_log", "GET", "state-transition-logs/<int:pk>/", "retrieve", "logs", view_set=LogViewSet
    ),
)
OPERATIONS = (
    *SERVICES,
    *PACKAGE_OPERATIONS,
    *read_operations(TRANSFER_READS, "transfers"),
    *write_operations("transfer", "transfer_orders/", "transfers"),
    *(operation.on_reference() for operation in (*PACKAGE_OPERATIONS, *REFERENCE_ONLY)),
)

urlpatterns = [
    # The router of the framework has the paths of lists before those of records.
    *(each.pattern() for each in sorted(OPERATIONS, key=lambda operation: operation.path.count("<"))),
    path("api/v1/auth/login/", LoginView.as_view()),
    path("api/i1/auth/login/", LoginView.as_view()),
    path("api/v1/oms/broken/", BrokenView.as_view()),
    path("whisperer/", include("tests.oracle_hooks.urls")),
]

app = WSGIHandler()
