"""A client of SensorThings for tests: requests to the service as a device or as nobody, answers as JSON."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote

from django.test import Client

ROOT = "/sta/v1.1/"
NUMBER = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
POINT = {"type": "Point", "coordinates": [116.4, 40.1]}
THING = {"name": "roof", "description": "what measures on the roof"}
LOCATION = {"name": "hall", "description": "the hall", "encodingType": "application/geo+json", "location": POINT}
SENSOR = {
    "name": "PT100",
    "description": "a resistor",
    "encodingType": "application/pdf",
    "metadata": "https://example.org/a.pdf",
}
PROPERTY = {"name": "warmth", "description": "of the air", "definition": "https://example.org/warmth"}
FEATURE = {"name": "air", "description": "above the roof", "encodingType": "application/geo+json", "feature": POINT}
UNIT = {"name": "degree Celsius", "symbol": "°C", "definition": "ucum:Cel"}
STREAM = {"name": "new-warmth", "description": "warmth", "observationType": NUMBER, "unitOfMeasurement": UNIT}


class Service:
    """The service as one device sees it (`credential` is `name.secret`), or as whoever has signed in with `browser`."""

    def __init__(self, credential: str = "", browser: Client | None = None) -> None:
        self.browser = browser or Client(SERVER_NAME="localhost")
        secret = b64encode(credential.replace(".", ":", 1).encode()).decode()
        self.headers = {"HTTP_AUTHORIZATION": f"Basic {secret}"} if credential else {}

    def ask(self, method, path, body=None, form="application/json", **options):
        """The answer itself; options as `filter="…"`."""
        address = path if path.startswith(("/", "http")) else ROOT + quote(path, safe="()'/$,@:-._~%")
        if options:
            address += "?" + "&".join(f"${name}={quote(str(value))}" for name, value in options.items())
        content = body if isinstance(body, (bytes, str)) else json.dumps(body) if body is not None else ""
        address = address.replace("http://localhost", "")
        return self.browser.generic(method, address, content, content_type=form, **self.headers)

    def get(self, path, **options):
        """JSON of what is there."""
        answer = self.ask("GET", path, **options)
        assert answer.status_code == 200, (answer.status_code, answer.content)
        return answer.json()

    def ids(self, path, **options):
        """The ids of a set."""
        return [each["@iot.id"] for each in self.get(path, **options)["value"]]

    def results(self, path, **options):
        """The results of observations."""
        return [each["result"] for each in self.get(path, **options)["value"]]

    def make(self, path, body):
        """Creates; the new id."""
        answer = self.ask("POST", path, body)
        assert answer.status_code == 201, (answer.status_code, answer.content)
        assert self.ask("GET", answer["Location"]).status_code == 200
        return answer.json()["@iot.id"]

    def refused(self, method, path, status, body=None, form="application/json", **options):
        """The message of a refusal, which says what was expected."""
        answer = self.ask(method, path, body, form, **options)
        assert answer.status_code == status, (answer.status_code, answer.content)
        told = answer.json()
        assert (told["code"] == status and "expected" in told["message"]) or status == 501, told
        return told["message"]


def stream(**more):
    """A whole datastream, with all that it needs."""
    return {**STREAM, "Thing": THING, "Sensor": SENSOR, "ObservedProperty": PROPERTY, **more}
