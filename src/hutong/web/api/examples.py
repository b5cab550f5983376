"""Examples of requests in the API's description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import Example, Operation, RequestBody


def with_example(summary: str, value: Any) -> type[Operation]:  # noqa: ANN401 (a JSON value)
    """An operation whose body has an example; Litestar drops those of a body that is a struct."""

    @dataclass
    class ExampleOperation(Operation):
        """Adds the example to each way that the body may be sent."""

        def __post_init__(self) -> None:
            """Add it."""
            assert isinstance(self.request_body, RequestBody)
            for content in self.request_body.content.values():
                content.examples = {"example": Example(summary=summary, value=value)}

    return ExampleOperation
