/* Keep the figures of a page fresh, and show how old they are. */

"use strict";

(() => {
  const OLD_SECONDS = 10;
  let tag = null;
  let builtAt = performance.now();

  const isPoll = (event) => event.detail.elt && event.detail.elt.id === "health";

  document.addEventListener("htmx:configRequest", (event) => {
    if (isPoll(event) && tag) event.detail.headers["If-None-Match"] = tag;
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isPoll(event)) return;
    const request = event.detail.xhr;
    if (request.status === 304) event.detail.shouldSwap = false;
    if (request.status === 200 || request.status === 304) {
      tag = request.getResponseHeader("ETag");
      builtAt = performance.now() - 1000 * Number(request.getResponseHeader("X-Sluice-Age") || 0);
      showAge();
    }
  });

  const showAge = () => {
    const bar = document.getElementById("health-bar");
    if (!bar) return;
    const seconds = Math.round((performance.now() - builtAt) / 1000);
    const isOld = seconds > OLD_SECONDS;
    bar.classList.toggle("is-old", isOld);
    document.getElementById("health-age").textContent = isOld
      ? `These figures are ${seconds} s old: the server does not answer.`
      : `Figures are ${seconds} s old.`;
  };

  setInterval(showAge, 1000);

  // Icons are words of a font, which a screen reader would read out. A button that has no other text keeps its word.
  const hideIcons = () => {
    for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])")) {
      const owner = icon.closest("a, button") || icon.parentElement;
      const isNamed = owner.getAttribute("aria-label") || owner.title || owner.textContent.trim() !== icon.textContent.trim();
      if (icon !== owner && isNamed) icon.setAttribute("aria-hidden", "true");
    }
  };
  document.addEventListener("DOMContentLoaded", hideIcons);

  // Unfold hides the page until Alpine has started, and the browser gives the focus to no hidden field.
  window.addEventListener("load", () => {
    if (document.activeElement === document.body) document.querySelector("#content [autofocus]")?.focus();
  });

  // Django's choice of several objects gives a name to icons that have no role. Its script makes them on `load`, too.
  window.addEventListener("load", () => {
    for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) icon.setAttribute("role", "img");
  });

  // Select2 draws a field without a name over the one that has the label, when jQuery calls what waits for the page.
  window.django?.jQuery?.(() => {
    for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
      const label = select.labels[0];
      if (!label) continue;
      label.id ||= `label-of-${select.id}`;
      for (const field of select.nextElementSibling.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]")) {
        field.setAttribute("aria-labelledby", label.id);
      }
    }
  });
  document.addEventListener("htmx:afterSettle", hideIcons);

  // The window with a question is named by its heading. The browser gives the focus back when it closes, unless the
  // element that opened it was drawn again in the meantime. Then the new element has the same id, or is inside it.
  let openerId = null;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target.id === "modal-content") openerId = event.detail.elt.closest("[id]")?.id;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "modal-content") return;
    const heading = event.detail.target.querySelector("h1, h2");
    document.getElementById("modal").setAttribute("aria-label", heading ? heading.textContent.trim() : "Question");
  });
  document.addEventListener("close", (event) => {
    if (event.target.id !== "modal" || document.activeElement !== document.body) return;
    const opener = openerId && document.getElementById(openerId);
    if (opener) (opener.matches("a, button") ? opener : opener.querySelector("a, button"))?.focus();
  }, true);
})();

/* Open a menu below its button, within the window. */

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (event.newState !== "open" || !menu.classList.contains("action-menu")) return;
  const button = document.querySelector(`[popovertarget="${menu.id}"]`).getBoundingClientRect();
  const top = Math.min(button.bottom, innerHeight - menu.offsetHeight);
  menu.style.inset = `${Math.max(top, 0)}px auto auto ${Math.max(button.right - menu.offsetWidth, 0)}px`;
  menu.style.margin = "0";
}, true);

/* Reach the page Stop by one key, move among the buttons of its rows by arrows, and keep what is selected. */
(() => {
  const isTyping = (element) =>
    element instanceof HTMLElement && (element.isContentEditable || element.matches("input, select, textarea"));

  const openStop = (event) => {
    const bar = document.getElementById("health-bar");
    if (!bar || isTyping(event.target)) return;
    event.preventDefault();
    const field = document.getElementById("stop-search");
    if (field) field.focus();
    else window.location.assign(bar.dataset.stop);
  };

  const moveAmongRows = (event) => {
    const move = event.target instanceof HTMLElement && event.target.dataset.move;
    if (!move) return;
    const buttons = [...document.querySelectorAll(`[data-move="${move}"]`)];
    const next = buttons[buttons.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
    event.preventDefault();
    if (next) next.focus();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") openStop(event);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") moveAmongRows(event);
  });

  let selected = [];
  const boxes = () => [...document.querySelectorAll("#live input[type=checkbox]")];
  document.addEventListener("htmx:oobBeforeSwap", () => {
    selected = boxes().filter((box) => box.checked).map((box) => box.id);
  });
  document.addEventListener("htmx:oobAfterSwap", () => {
    for (const box of boxes()) if (selected.includes(box.id)) box.checked = true;
  });

  const first = document.querySelector("[data-first]");
  if (first) first.focus();
})();
