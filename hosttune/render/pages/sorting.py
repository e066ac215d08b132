"""How a table is sorted in a browser: by buttons in its heads, which the script itself puts there."""

from __future__ import annotations

import base64
import hashlib

SCRIPT = r"""
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const value = (row, at) => {
    const text = row.cells[at].textContent.trim();
    const number = /^-?[\d,]+(\.\d+)?( %)?$/.test(text) ? parseFloat(text.replaceAll(",", "")) : NaN;
    return [text, number];
  };
  const compare = (a, b) => {
    if (!Number.isNaN(a[1]) && !Number.isNaN(b[1])) return a[1] - b[1];
    return a[0].localeCompare(b[0], "en", {numeric: true});
  };
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map(row => [value(row, at), row]);
      const blank = row => row[0][0] === "" || row[0][0] === "?";
      rows.sort((a, b) => blank(a) - blank(b) || (up ? 1 : -1) * compare(a[0], b[0]));
      body.append(...rows.map(row => row[1]));
    });
  });
}
"""


def policy(style: str, *, script: bool) -> str:
    """Return a content security policy: nothing is loaded, nothing runs but what is ours (CSP level 3, hashes)."""
    allowed = [f"style-src {_hash(style)}", *([f"script-src {_hash(SCRIPT)}"] if script else [])]
    return "; ".join(["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
