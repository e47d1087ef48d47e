"""The published Python layer and client, as far as their messages go, and the published rule over these messages.

Prints one JSON document: what the layer sent, what the client sent (each as the text that went out), and per 5-minute
window what the rule says of both together, as one subscription carries them. Standard library only.
"""
import json
import random
import statistics
import sys
import time
import warnings
from collections import Counter
from datetime import datetime, timezone

warnings.simplefilter("ignore", DeprecationWarning)  # utcnow: the published client says it
WINDOW_S = 300
dice = random.Random(7)


def layer_message(batch):
    return {
        "timestamp": time.time(),
        "input_shape": [len(batch)],
        "input_stats": {
            "mean": statistics.fmean(batch),
            "std": statistics.pstdev(batch),
            "min": min(batch),
            "max": max(batch),
        },
        "model_version": "v1",
        "deployment_id": "prod",
    }


def client_message(number, **content):
    return {
        "session_id": f"session-{number % 7}",
        "prediction_id": f"prediction-{number}",
        **content,
        "timestamp": datetime.utcnow().isoformat(),
    }


def explicit(number):
    comment = dice.choice(["nein, größer", "\U0001f44e", None])
    return client_message(number, feedback_type="explicit", rating=dice.choice([1, 1, 2, 4]), comment=comment)


def implicit(number):
    action, seconds = dice.choice([("click", 0.4), ("search", 31.5), ("logout", 2), ("click", 30)])
    return client_message(number, feedback_type="implicit", user_action=action, time_to_action=seconds)


def seconds_of(timestamp):
    if isinstance(timestamp, str):
        return datetime.fromisoformat(timestamp).replace(tzinfo=timezone.utc).timestamp()
    return timestamp


def rule(events):
    total = len(events)
    errors = sum((e.get("rating") or 5) < 3 for e in events)
    errors += sum((e.get("time_to_action") or 0) > 30 for e in events)
    patterns = {}
    if errors / total > 0.3:
        stats = [e["input_stats"] for e in events if "input_stats" in e]
        counts = Counter(f"mean_{int(s['mean'])}_std_{int(s['std'])}" for s in stats)
        patterns = {key: count for key, count in counts.items() if count > 0.1 * total}
    share = max(patterns.values()) / sum(patterns.values()) if patterns else 0
    return {
        "total_events": total,
        "error_rate": errors / total,
        "patterns": patterns,
        "severity": "high" if share > 0.5 else "medium" if share > 0.3 else "low",
        "recommended_action": "retrain_on_pattern" if patterns else "monitor",
    }


layer = [layer_message([dice.gauss(6.5 if n % 3 else 3.5, 0.3) for _ in range(50)]) for n in range(120)]
client = [explicit(n) if n % 2 else implicit(n) for n in range(240)]

windows = {}
for message in layer + client:
    windows.setdefault(int(seconds_of(message["timestamp"]) // WINDOW_S) * WINDOW_S * 1000, []).append(message)

json.dump(
    {
        "layer": [json.dumps(message) for message in layer],
        # A layer that was given no number says NaN, which is no JSON.
        "broken": json.dumps({**layer[0], "input_stats": {"mean": float("nan"), "std": float("nan")}}),
        "client": [json.dumps(message) for message in client],
        "windows": {start: rule(events) for start, events in windows.items()},
    },
    sys.stdout,
)
