"""Looks for barriers on a page with axe-core, and for anything that a page must not do on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = Path(__file__).parents[1] / "axe" / "node_modules" / "axe-core" / "axe.min.js"


async def barriers(page: Page) -> list[str]:
    """Each violation that axe finds, with the places it is found at; all its rules for WCAG and good practice."""
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: "
        + "; ".join(f"{' '.join(map(str, node['target']))}: {node['failureSummary']}" for node in violation["nodes"])
        for violation in found["violations"]
    ]
