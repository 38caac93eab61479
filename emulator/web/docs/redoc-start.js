const place = document.getElementById("redoc");
Redoc.init(place.dataset.document, { hideDownloadButton: false, jsonSampleExpandLevel: 3 }, place);
