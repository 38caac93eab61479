"""Secrets are recognized by their form, and texts without a secret stay."""

from __future__ import annotations

import pytest

from emulator.worlds.loading.anonymizer import Replacements, SeenValues
from emulator.worlds.loading.redaction import Redactor, sensitive_in_headers, sensitive_in_query

SECRET_TEXTS = {
    "e-mail": ("write to {} soon", "ayse.yilmaz@ornek.com.tr"),
    "telephone": ("call {}", "+90 532 123 45 67"),
    "Turkish mobile number": ("call {}", "0532 123 45 67"),
    "card": ("paid with {}", "4111 1111 1111 1111"),
    "identity number": ("id {}", "10000000146"),
    "bank account": ("to {}", "TR330006100519786457841326"),
    "JWT": ("{}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    "bearer": ("Authorization: Bearer {}", "abcdef123456"),
    "basic": ("Basic {}", "dXNlcjpwYXNzd29yZA=="),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    "cloud key": ("{}", "AKIAIOSFODNN7EXAMPLE"),
    "payment key": ("{}", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    "URL with a password": ("https://user:{}@host.test/", "hunter22"),
    "URL with a token": ("https://host.test/?access_token={}&page=1", "abc123"),
    "address of a client": ("from {}", "203.0.113.77"),
}
"""Kind -> a text, and the secret in it."""
HARMLESS = (
    "2023-04-05T09:00:00Z", "package__ship_package__packed-all-items__shipped", "8690123456789", "P-162407-1",
    "3f2b8c1e-0d8a-4c7e-9b7a-1c2d3e4f5a6b", "Mavi Elbise 38 Beden", "tr-tr", "TRY", "1234567", "v1.2.3",
    "/api/v1/oms/packages/?limit=10&page=2", "1Z999AA10123456784", "149.90", "{cdn_url}/products/2023/04/05/a.jpg",
)  # fmt: skip


def redactor(*known: tuple[str, str]) -> Redactor:
    seen = SeenValues()
    for category, value in known:
        seen.add(category, value)
    return Redactor(Replacements(seen, "tr_TR"))


@pytest.mark.parametrize("kind", SECRET_TEXTS)
def test_a_secret_is_recognized_by_its_form(kind: str) -> None:
    """It is replaced in texts, in keys and in lists, each time by the same value."""
    pattern, secret = SECRET_TEXTS[kind]
    text = pattern.format(secret)
    assert secret not in redactor().text(text)
    tool = redactor()
    document = tool.document({"reason": [text], text: 1})
    assert document == {"reason": [tool.text(text)], tool.key(text): 1}


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay(text: str) -> None:
    assert redactor().text(text) == text


def test_a_known_secret_is_replaced_wherever_it_is() -> None:
    """Only as a whole word, and only if it is long enough to be a secret."""
    tool = redactor(("secret", "open-sesame"), ("secret", "abc"))
    made = tool.document({"label": "say open-sesame now", "odd": "open-sesames abc"})
    assert "open-sesame " not in made["label"]
    assert made["odd"] == "open-sesames abc"


def test_replacements_are_not_replaced_again() -> None:
    tool = redactor(("email", "a@b.com"))
    once = tool.text("a@b.com")
    assert once != "a@b.com"
    assert tool.text(once) == once


def test_long_numbers_are_read_as_texts() -> None:
    made = redactor().document({"value": 10000000146, "id": 162407})
    assert made["id"] == 162407
    assert made["value"] != 10000000146


@pytest.mark.parametrize(
    ("key", "is_kept"),
    [("gift_box", True), ("address_line1", True), ("tr-tr", True), ("42", True), ("Ürün adı", True),
     ("s3cr3tk3y", False), ("a8f0b3c9d1", False), ("ayse@ornek.com", False)],
)  # fmt: skip
def test_a_key_that_may_be_a_value_is_replaced(key: str, is_kept: bool) -> None:
    assert (redactor().key(key) == key) == is_kept


def test_credentials_in_headers_and_queries_are_secrets() -> None:
    headers = {"Authorization": "Basic dXNlcjpodW50ZXIyMg==", "Cookie": "sid=abc123; theme=dark", "Accept": "text/x"}
    found = {value for _, value in sensitive_in_headers(headers)}
    assert {"user", "hunter22", "dXNlcjpodW50ZXIyMg==", "abc123"} <= found
    assert "text/x" not in found
    assert dict(sensitive_in_query("email=a%40b.com&token=t1&page=2")) == {"email": "a@b.com", "secret": "t1"}
