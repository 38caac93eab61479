const page = document.getElementById("swagger-ui");
const { document: address } = page.dataset;

window.ui = SwaggerUIBundle({
  urls: [
    { url: `${address}?part=oms`, name: "OMS API" },
    { url: `${address}?part=control`, name: "Control API of the emulator" },
    { url: address, name: "Both" },
  ],
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: true,
  validatorUrl: null,
});
