"""The payment gateway of an office: its parameters in versions, the test without a charge, and which version is in use."""

from engine.money.gateways.activating import KIND, apply_parameters, ask_activation, reason_despite_test
from engine.money.gateways.entering import judge_parameters
from engine.money.gateways.line import HttpLine
from engine.money.gateways.parameters import ConnectionTest, Parameters, in_use, parameters_by_id, parameters_of, save_parameters
from engine.money.gateways.testing import Tester, test_parameters

__all__ = [
    "KIND",
    "ConnectionTest",
    "HttpLine",
    "Parameters",
    "Tester",
    "apply_parameters",
    "ask_activation",
    "in_use",
    "judge_parameters",
    "parameters_by_id",
    "parameters_of",
    "reason_despite_test",
    "save_parameters",
    "test_parameters",
]
