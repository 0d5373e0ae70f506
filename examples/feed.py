"""Follows a bridge's feed for ever, with nothing but the standard library."""
import http.client
import json
import os
import random
import time
import urllib.error
import urllib.request

BRIDGE = os.environ.get("BRIDGE", "http://127.0.0.1:4319")
TOKEN = os.environ.get("ORCHESTRA_TOKEN")
# The bridge sends something every 15 seconds: a longer silence is a dead connection.
MAX_SILENCE_SECONDS = 45


def frames(cursor):
    """Yields the fields of each frame; a heartbeat has an id alone."""
    headers = {"Last-Event-ID": cursor} if cursor else {}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN}"
    url = f"{BRIDGE}/v1/events?type=orchestra.job.*"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=MAX_SILENCE_SECONDS) as lines:
        frame = {}
        for line in lines:
            text = line.decode().rstrip("\r\n")
            if text:
                field, _, value = text.partition(":")
                frame[field] = value.removeprefix(" ")
            elif frame:
                yield frame
                frame = {}


def follow(on_event, on_gap):
    cursor, pause = None, 0.5
    while True:
        try:
            for frame in frames(cursor):
                if "id" in frame:
                    cursor, pause = frame["id"], 0.5
                if frame.get("event") == "orchestra.stream.resync":
                    on_gap(json.loads(frame["data"]))
                elif "id" in frame and "data" in frame:
                    on_event(json.loads(frame["data"]))
                if "retry" in frame:
                    pause = int(frame["retry"]) / 1000
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(pause * random.uniform(1, 1.5))
        pause = min(pause * 2, 30)


if __name__ == "__main__":
    follow(
        on_event=lambda event: print(event["type"], event["data"]["jobId"], flush=True),
        on_gap=lambda gap: print("events are missing here:", gap["reason"], flush=True),
    )
