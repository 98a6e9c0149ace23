// This is a separate file because the policy of the page does not allow inline scripts.
"use strict";

const docs = document.getElementById("docs");

// Swagger UI has a dark mode, which it shows only with this class.
const dark = matchMedia("(prefers-color-scheme: dark)");
const followSystem = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followSystem);
followSystem();

// The fields of parameters have no labels, and the button of a call contains a link, which a keyboard cannot tell from it.
const correct = () => {
  for (const row of docs.querySelectorAll("tr[data-param-name]")) {
    for (const field of row.querySelectorAll("input, select, textarea")) field.setAttribute("aria-label", row.dataset.paramName);
  }
  for (const link of docs.querySelectorAll(".opblock-summary-control a[href]")) link.removeAttribute("href");
};
new MutationObserver(correct).observe(docs, { childList: true, subtree: true });

SwaggerUIBundle({
  url: docs.dataset.document,
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // would call a server on the internet
});
