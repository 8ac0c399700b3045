"""The two ways to use a page: with a mouse, and with nothing but a keyboard."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from playwright.sync_api import Locator, Page

_MOST_TABS = 150
# On the element itself, or drawn around it on what it stands in.
_SHOWS_FOCUS = """element => {
  for (let depth = 0, at = element; at && depth < 4; depth++, at = at.parentElement) {
    const style = getComputedStyle(at);
    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) return true;
    if (style.boxShadow !== "none") return true;
  }
  return false;
}"""


@dataclass(frozen=True)
class Hands(ABC):
    """Each needs the element to be there for people: seen, not covered, not disabled."""

    page: Page

    @abstractmethod
    def press(self, element: Locator) -> None:
        """Activates a link or a button."""

    @abstractmethod
    def toggle(self, checkbox: Locator) -> None: ...

    @abstractmethod
    def fill(self, field: Locator, text: str) -> None:
        """In place of what stands in the field."""


class Mouse(Hands):
    def press(self, element: Locator) -> None:
        element.click()

    def toggle(self, checkbox: Locator) -> None:
        checkbox.click()

    def fill(self, field: Locator, text: str) -> None:
        field.click()
        field.fill(text)


class Keyboard(Hands):
    """Comes to everything by Tab from wherever the focus is, and fails where the focus can't be seen."""

    def press(self, element: Locator) -> None:
        self.go_to(element)
        self.page.keyboard.press("Enter")

    def toggle(self, checkbox: Locator) -> None:
        self.go_to(checkbox)
        self.page.keyboard.press("Space")

    def fill(self, field: Locator, text: str) -> None:
        self.go_to(field)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def go_to(self, element: Locator) -> None:
        target = element.element_handle()
        assert target is not None
        for _ in range(_MOST_TABS):
            if target.evaluate("element => element === document.activeElement"):
                assert target.evaluate(_SHOWS_FOCUS), f"the focus on {element} can't be seen"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{_MOST_TABS} times Tab don't lead to {element}")
