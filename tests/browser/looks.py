"""What can be measured of a page: overflow, contrast, names of fields and tables."""

from __future__ import annotations

from playwright.async_api import Page

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

NAMELESS = """() => {
  const wrong = [];
  const each = (selector, isRight, what) => {
    for (const element of document.querySelectorAll(selector))
      if (!isRight(element)) wrong.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  };
  const says = element => element.textContent.trim() || element.ariaLabel;
  const twin = element => document.querySelectorAll('#' + CSS.escape(element.id)).length === 1;
  const titled = element => document.getElementById(element.getAttribute('aria-labelledby'));
  each('input:not([type=hidden], [hidden]), select, textarea', e => e.labels.length, 'no label');
  each('table', table => table.caption && says(table.caption), 'no caption');
  each('th', cell => cell.scope, 'no scope');
  each('[aria-labelledby]', titled, 'no title');
  each('img', image => image.hasAttribute('alt'), 'no alt');
  each('a, button', link => says(link) || link.querySelector('img'), 'says nothing');
  each('[id]', twin, 'id twice');
  return wrong;
}"""

# WCAG 2.2 §1.4.3; over a picture or gradient the background is unknown and nothing is said.
FAINT = """() => {
  const part = byte => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const read = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const style = getComputedStyle(element);
      if (style.backgroundImage !== 'none') return null;
      const colour = read(style.backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
    const back = behind(element);
    if (!text || !back || !element.checkVisibility()) continue;
    const lights = [light(read(getComputedStyle(element).color)), light(back)];
    const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    if (ratio < 4.5) faint.add(`${ratio.toFixed(2)} ${element.tagName} ${text}`);
  }
  return [...faint];
}"""


async def flaws(page: Page) -> list[str]:
    """What is wrong with a page for eyes and for screen readers; empty when all is well."""
    found: list[str] = await page.evaluate(NAMELESS) + await page.evaluate(FAINT)
    sticks_out: int = await page.evaluate(OVERFLOW)
    titles = await page.locator("h1").count()
    found += [f"sticks out by {sticks_out} px"] * (sticks_out > 0)
    return found + [f"{titles} main titles"] * (titles != 1)
