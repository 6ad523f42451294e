"""Tokens that misbehave, over a real PKCS#11 library. Run in the token process; each log-in and C_Sign is tallied in a file."""

import os
import threading
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from pkcs11 import Mechanism
from pkcs11.exceptions import DeviceRemoved, GeneralError

from plugins.signers.dsc_token.child import serve
from plugins.signers.dsc_token.module import Module


class Counted(Module):
    def tally(self, what):
        with Path(os.environ["ECOO_TEST_TALLY"]).open("a") as file:
            file.write(f"{what}\n")

    def count(self, what):
        return Path(os.environ["ECOO_TEST_TALLY"]).read_text().split().count(what)

    def _log_in(self, token, state, pin):
        self.tally("login")
        return super()._log_in(token, state, pin)

    def raw_sign(self, key, data, mechanism):
        self.tally("sign")
        return super().raw_sign(key, data, mechanism)


class Damaged(Counted):
    def raw_sign(self, key, data, mechanism):
        value = bytearray(super().raw_sign(key, data, mechanism))
        value[40] ^= 0x10
        return bytes(value)


class Silent(Counted):
    def raw_sign(self, key, data, mechanism):
        threading.Event().wait()


class Crashing(Counted):
    def raw_sign(self, key, data, mechanism):
        os._exit(11)


class PulledOut(Counted):
    """Goes away at one signature, once."""

    def raw_sign(self, key, data, mechanism):
        value = super().raw_sign(key, data, mechanism)
        if self.count("sign") == int(os.environ["ECOO_TEST_PULL_AT"]):
            raise DeviceRemoved
        return value


class Poisoned(Counted):
    """Fails at the third signature of its first process, and at everything from then on."""

    dead = False

    def _inserted(self):
        if self.dead:
            raise GeneralError
        return super()._inserted()

    def raw_sign(self, key, data, mechanism):
        value = super().raw_sign(key, data, mechanism)
        if self.count("sign") == 3:
            self.dead = True
            raise GeneralError
        return value


class PoisonedWhenAsked(Poisoned):
    """Fails at everything once its first token is unlocked."""

    def _log_in(self, token, state, pin):
        session = super()._log_in(token, state, pin)
        self.dead = self.count("login") == 1
        return session


class Sha1Only(Counted):
    def mechanisms(self, token):
        return {Mechanism.SHA1_RSA_PKCS}


class RawRsaOnly(Counted):
    def mechanisms(self, token):
        return {Mechanism.RSA_PKCS}


class Littered(Counted):
    """Has an object beside each X.509 certificate that is none, as a failed import leaves it."""

    def _read(self, token):
        return [each for found in super()._read(token) for each in (replace(found, key_id=b"\x7f", der=b"\x30\x03\x02\x01"), found)]


class Garbled(Counted):
    def _read(self, token):
        return [replace(found, der=b"no certificate") for found in super()._read(token)]


class LastTry(Counted):
    def state(self, token):
        return replace(super().state(token), pin_low=True, pin_final=True)


class Blocked(Counted):
    def state(self, token):
        return replace(super().state(token), pin_locked=True)


def run_counted(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: Counted(path))


def run_damaged(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: Damaged(path))


def run_silent(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: Silent(path))


def run_crashing(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: Crashing(path))


def run_pulled_out(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: PulledOut(path))


def run_poisoned(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: Poisoned(path))


def run_poisoned_when_asked(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: PoisonedWhenAsked(path))


def run_sha1_only(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: Sha1Only(path))


def run_raw_rsa_only(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: RawRsaOnly(path))


def run_littered(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: Littered(path))


def run_garbled(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: Garbled(path))


def run_last_try(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: LastTry(path))


def run_blocked(pipe: Connection, path: str) -> None:
    serve(pipe, lambda: Blocked(path))
