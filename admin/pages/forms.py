"""What a form sent: texts by name, and nothing else."""

from typing import Any

from litestar import Request

__all__ = ["sent"]


async def sent(request: Request[Any, Any, Any], *names: str) -> dict[str, str]:
    """The texts of these fields; one that is missing, or a file in its place, reads empty."""
    form = await request.form()
    return {name: value if isinstance(value := form.get(name), str) else "" for name in names}
