"""The benches of this folder say what did not hold, as the tests do."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.plugins.payment.{name}" for name in ("scenarios_asked", "scenarios_heard", "scenarios_proved", "shop_bench"))
)
