"""The drawing room: certificates drawn, pictures cleaned and pages shown, in child processes with limits.

Promises: nothing is drawn in the caller's process; what a plugin draws or cleans instead passes the same inspection;
a request that takes too long or too much costs itself and nobody else. Numbers, keys and rows are others' business.
"""

import asyncio
import pickle
from dataclasses import fields
from typing import Any

from engine.children import Children
from engine.contracts.drawing import CleanImage, Developed, Drawing, DrawRequest, ImageFault, ImageRequest, Mark, Placed, Preview, Rect
from engine.contracts.form import Form
from engine.drawing import deeds
from engine.drawing.specimens import SpecimenSheet
from engine.errors import EngineError, PluginError, Refused
from engine.money.receipts import ReceiptContent

__all__ = ["DrawingRoom"]

# Of address space: OpenCV and its linear algebra reserve some 300 MiB that they never touch, so that what is used stays below 512.
_IMAGES_MIB = 768
_IMAGES_TIMEOUT_S = 20.0
_IMAGES_WAITING = 8


class DrawingRoom:
    """The door of drawing. `processes` children draw, one more handles pictures; `hooks` is pluggy's relay, or None."""

    def __init__(self, *, processes: int, timeout_s: float, memory_mib: int, hooks: Any | None = None) -> None:
        self._hooks = hooks
        self._press = Children(
            count=processes,
            memory_mib=memory_mib,
            timeout_s=timeout_s,
            name="drawing",
            initializer=deeds.warm_press,
            answers=(Drawing, Placed, Rect),
        )
        self._images = Children(
            count=1,
            memory_mib=_IMAGES_MIB,
            timeout_s=_IMAGES_TIMEOUT_S,
            name="images",
            most_waiting=_IMAGES_WAITING,
            initializer=deeds.warm_images,
            answers=(CleanImage, Developed, ImageFault, Preview),
            blame=Refused,
        )
        self._pickled: dict[str, bytes] = {}

    async def start(self) -> None:
        """Warms the drawing processes up; the one for pictures starts with the first picture. Raises PluginError."""
        await self._press.start()

    async def close(self) -> None:
        """Ends all processes; safe to call twice."""
        await asyncio.gather(self._press.close(), self._images.close())

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the drawing processes that are idle now."""
        return self._press.pids

    async def draw(self, request: DrawRequest) -> Drawing:
        """The inspected drawing of a certificate.

        Raises Refused naming the box of text that cannot be drawn, PluginError if sheet, plugin or renderer failed.
        """
        message = self._message(request)
        guest: Drawing | None = await self._ask("coo_draw", Drawing, request)
        if guest is None:
            return await self._press.run(deeds.draw, *message)
        await self._press.run(deeds.examine, *message, guest)
        return guest

    async def clean(self, request: ImageRequest) -> CleanImage:
        """The cleaned picture of a stamp or signature, as a person adjusted it.

        Raises Refused saying what is wrong with the upload, Unavailable (code `busy`) if too many wait already.
        """
        guest = await self._cleaned_by_guest(request)
        return await self._images.run(deeds.clean, request) if guest is None else guest

    async def develop(self, request: ImageRequest) -> Developed:
        """An upload looked at once: a preview of our own encoding, small, upright, without metadata; and the cleaned picture.

        Raises Refused for what is no picture, Unavailable as `clean` does; why a picture cannot be cleaned is in the answer.
        """
        try:
            guest = await self._cleaned_by_guest(request)
            if guest is None:
                return await self._images.run(deeds.develop, request)
        except Refused as refused:  # no picture, or one that a plugin refuses or that costs too much: then it is shown all the same
            return Developed(await self._images.run(deeds.preview, request.data), None, refused.say)
        return Developed(await self._images.run(deeds.preview, request.data), guest)

    async def _cleaned_by_guest(self, request: ImageRequest) -> CleanImage | None:
        """What a plugin cleaned, inspected, or None if none did."""
        guest: CleanImage | None = await self._ask("coo_clean_image", CleanImage, request)
        if guest is not None:
            await self._images.run(deeds.examine_image, guest)
        return guest

    async def specimens(self, sheet: SpecimenSheet) -> bytes:
        """An agency's stamps and signatures as PDF. Raises Refused for a name that cannot be drawn, PluginError as `draw` does."""
        return await self._press.run(deeds.specimens, sheet)

    async def receipt(self, content: ReceiptContent, *, mark: Mark = Mark.NONE) -> bytes:
        """A receipt or voucher as PDF, from what was frozen; the same content has the same bytes. Raises PluginError as `draw` does."""
        return await self._press.run(deeds.receipt, content, mark)

    async def picture(self, pdf: bytes, page: int, dpi: int) -> bytes:
        """One page of a PDF, counted from 0, as PNG at 36 to 300 dpi. Raises Refused for a page that is not there."""
        return await self._images.run(deeds.picture, pdf, page, dpi)

    async def _ask(self, hook: str, kind: type[Any], request: object) -> Any:
        """A plugin's answer to a hook that replaces a step, or None. Raises PluginError naming the hook."""
        if self._hooks is None:
            return None
        try:
            answer = await asyncio.to_thread(getattr(self._hooks, hook), request=request)
        except EngineError:
            raise
        except Exception as error:
            raise PluginError(f"A plugin failed in {hook}: {type(error).__name__}: {error}.") from error
        if answer is not None and not isinstance(answer, kind):
            raise PluginError(f"A plugin answered {hook} with {type(answer).__name__}; it must be {kind.__name__} or None.")
        return answer

    def _message(self, request: DrawRequest) -> tuple[str, bytes, dict[str, Any]]:
        """The request as it is sent: the form by its hash and pickled once, for its fonts' tables outweigh the rest."""
        form: Form = request.form
        if form.sha256 not in self._pickled:
            self._pickled[form.sha256] = pickle.dumps(form, protocol=5)
        rest = {item.name: getattr(request, item.name) for item in fields(request) if item.name != "form"}
        return form.sha256, self._pickled[form.sha256], rest
