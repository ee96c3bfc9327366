// The page to read and try the API: Swagger UI with this server's own document, and nothing from elsewhere.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

SwaggerUIBundle({
  url: new URL("openapi.json", location.href).href,
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // No validator elsewhere is told of this document.
  validatorUrl: null,
  // A token is forgotten with the page.
  persistAuthorization: false,
});
