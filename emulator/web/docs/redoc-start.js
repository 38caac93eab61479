const place = document.getElementById("redoc");
Redoc.init(`${place.dataset.document}?part=oms`, { generatedPayloadSamplesMaxDepth: 4, jsonSampleExpandLevel: 1 }, place);
