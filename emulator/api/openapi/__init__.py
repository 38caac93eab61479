"""The OpenAPI 3.1 document of the emulator, built from the route tables and the JSON Schemas."""

from emulator.api.openapi.document import openapi_document

__all__ = ["openapi_document"]
