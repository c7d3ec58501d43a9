"""Triton's own Python client (tritonclient[grpc]) against our worker; see foreign-client.py for the form of its output.

Usage: triton-client.py HOST:PORT
A program of its own, because the client brings stubs of the same protocol, and one process may register them only once.
"""

import json
import queue
import sys
import traceback

import numpy
import tritonclient.grpc as triton

client = triton.InferenceServerClient(sys.argv[1])
rows = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
y = [13.5, 15.5, 40.5, 51.5]  # x . [[1,2],[3,4],[5,6]] + [0.5,-0.5]


def inputs():
    tensor = triton.InferInput("x", [2, 3], "FP32")
    tensor.set_data_from_numpy(rows)
    return [tensor]


def equal(found, wanted):
    assert found == wanted, f"found {found}, wanted {wanted}"


def health_and_metadata():
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("linear")
    equal(client.get_model_metadata("linear").platform, "onnxruntime_onnx")
    equal(client.get_model_config("linear").config.max_batch_size, 64)
    equal(client.get_inference_statistics("linear").model_stats[0].version, "1")
    assert any(model.name == "linear" for model in client.get_model_repository_index().models)


def infer():
    answer = client.infer("linear", inputs(), request_id="t", priority=1, timeout=5_000_000, compression_algorithm="gzip")
    equal(answer.as_numpy("y").flatten().tolist(), y)
    equal(answer.get_response().id, "t")


def stream():
    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    for model in ("linear", "nobody", "linear"):
        client.async_stream_infer(model, inputs())
    got = [answers.get(timeout=10) for _ in range(3)]
    client.stop_stream()
    equal([result.as_numpy("y").flatten().tolist() for result, error in got if error is None], [y, y])


def error_status():
    try:
        client.infer("nobody", inputs())
    except triton.InferenceServerException as error:
        assert "NOT_FOUND" in error.status(), error.status()
        return
    raise AssertionError("the request was accepted")


for check in (health_and_metadata, infer, stream, error_status):
    try:
        check()
        error = None
    except Exception:
        error = traceback.format_exc()
    print(json.dumps({"check": check.__name__, "error": error}), flush=True)
