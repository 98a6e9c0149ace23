// This is a separate file because the policy of the page does not allow inline scripts.
"use strict";

SwaggerUIBundle({
  url: document.getElementById("docs").dataset.document,
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // would call a server on the internet
});
