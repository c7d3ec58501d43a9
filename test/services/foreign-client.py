"""A client that shares no code with Millrace: grpcio with stubs generated from schemas/inference.proto.

Usage: foreign-client.py HOST:PORT PROTO_FOLDER STUBS_FOLDER
Runs every check against the models that foreign-client.test.ts publishes and prints one JSON line per check:
{"check": name, "error": null | text}.
"""

import json
import struct
import sys
import traceback

import grpc
from grpc_tools import protoc

address, protos, stubs = sys.argv[1:4]
if protoc.main(["protoc", f"-I{protos}", f"--python_out={stubs}", f"--grpc_python_out={stubs}", "inference.proto"]) != 0:
    sys.exit("the stubs were not generated")
sys.path.insert(0, stubs)
import inference_pb2 as pb  # noqa: E402
import inference_pb2_grpc as rpc  # noqa: E402

channel = grpc.insecure_channel(address)
stub = rpc.GRPCInferenceServiceStub(channel)


def linear(rows=1, **fields):
    values = [float(i) for i in range(rows * 3)]
    request = pb.ModelInferRequest(model_name="linear", **fields)
    request.inputs.add(name="x", datatype="FP32", shape=[rows, 3])
    request.raw_input_contents.append(struct.pack(f"<{rows * 3}f", *values))
    return request


def expected(rows):
    """y = x . [[1,2],[3,4],[5,6]] + [0.5,-0.5]"""
    y = []
    for row in range(rows):
        a, b, c = (float(row * 3 + i) for i in range(3))
        y += [a + 3 * b + 5 * c + 0.5, 2 * a + 4 * b + 6 * c - 0.5]
    return y


def floats(raw):
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def slow():
    request = pb.ModelInferRequest(model_name="slow")
    request.inputs.add(name="x", datatype="FP32", shape=[1, 1])
    request.raw_input_contents.append(struct.pack("<f", 1))
    return request


def equal(found, wanted):
    assert found == wanted, f"found {found}, wanted {wanted}"


def refused(code, text, request, timeout=10):
    try:
        stub.ModelInfer(request, timeout=timeout)
    except grpc.RpcError as error:
        equal(error.code(), code)
        assert text in error.details(), f"details were: {error.details()}"
        return
    raise AssertionError("the request was accepted")


def fp32():
    answer = stub.ModelInfer(linear(5, id="a-5"), timeout=10)
    equal((answer.model_name, answer.model_version, answer.id), ("linear", "1", "a-5"))
    equal([(o.name, o.datatype, list(o.shape)) for o in answer.outputs], [("y", "FP32", [5, 2]), ("sum", "FP32", [5, 1])])
    equal(floats(answer.raw_output_contents[0]), expected(5))


def int64():
    ids = [-1, 0, 1, 2, 2**63 - 1]
    request = pb.ModelInferRequest(model_name="gather")
    request.inputs.add(name="id", datatype="INT64", shape=[5, 1])
    request.raw_input_contents.append(struct.pack("<5q", *ids))
    answer = stub.ModelInfer(request, timeout=10)
    named = {o.name: raw for o, raw in zip(answer.outputs, answer.raw_output_contents)}
    equal(list(struct.unpack("<5q", named["echo"])), ids)
    equal(floats(named["row"]), [1, 2, 1, 2, 3, 4, 3, 4, 3, 4])


def typed_contents():
    request = linear()
    del request.raw_input_contents[:]
    request.inputs[0].contents.fp32_contents.extend([0, 1, 2])
    answer = stub.ModelInfer(request, timeout=10)
    equal(floats(answer.raw_output_contents[0]), expected(1))


def output_subset():
    request = linear(2)
    request.outputs.add(name="sum")
    answer = stub.ModelInfer(request, timeout=10)
    equal([o.name for o in answer.outputs], ["sum"])
    y = expected(2)
    equal(floats(answer.raw_output_contents[0]), [y[0] + y[1], y[2] + y[3]])


def gzip():
    answer = stub.ModelInfer(linear(60), timeout=10, compression=grpc.Compression.Gzip)
    equal(floats(answer.raw_output_contents[0]), expected(60))


def twenty_async():
    calls = [stub.ModelInfer.future(linear(1 + i, id=str(i)), timeout=10) for i in range(20)]
    for i, call in enumerate(calls):
        answer = call.result()
        equal(answer.id, str(i))
        equal(floats(answer.raw_output_contents[0]), expected(1 + i))


def unknown_parameters():
    request = linear()
    request.parameters["triton_enable_empty_final_response"].bool_param = True
    request.parameters["priority"].uint64_param = 1
    request.parameters["headers"].string_param = "x"
    request.parameters["ratio"].double_param = 0.5
    equal(floats(stub.ModelInfer(request, timeout=10).raw_output_contents[0]), expected(1))


def stream_with_in_band_error():
    requests = [linear(1, id="first"), linear(1, id="bad"), linear(3, id="last")]
    requests[1].inputs[0].shape[1] = 4
    answers = {a.infer_response.id: a for a in stub.ModelStreamInfer(iter(requests), timeout=10)}
    equal(sorted(answers), ["bad", "first", "last"])
    assert answers["bad"].error_message.startswith("INVALID_ARGUMENT"), answers["bad"].error_message
    equal((answers["first"].error_message, answers["last"].error_message), ("", ""))
    equal(floats(answers["last"].infer_response.raw_output_contents[0]), expected(3))


def large_message():
    """Larger than the 4 MiB at which a receiver of gRPC stops by default; refused by the model, not by the transport."""
    request = linear()
    request.inputs[0].shape[0] = 2**20
    request.raw_input_contents[0] = bytes(2**20 * 12)
    refused(grpc.StatusCode.INVALID_ARGUMENT, "max_batch_size", request, timeout=30)


def wrong_shape():
    request = linear()
    request.inputs[0].shape[1] = 4
    refused(grpc.StatusCode.INVALID_ARGUMENT, "[1,4]", request)


def wrong_bytes():
    request = linear()
    request.raw_input_contents[0] += b"\0"
    refused(grpc.StatusCode.INVALID_ARGUMENT, "13 bytes", request)


def wrong_type():
    request = linear()
    request.inputs[0].datatype = "INT32"
    refused(grpc.StatusCode.INVALID_ARGUMENT, "INT32", request)


def raw_and_contents():
    request = linear()
    request.inputs[0].contents.fp32_contents.extend([0, 1, 2])
    refused(grpc.StatusCode.INVALID_ARGUMENT, "raw_input_contents", request)


def too_few_raw():
    request = linear()
    request.inputs.add(name="k", datatype="FP32", shape=[1, 3])
    refused(grpc.StatusCode.INVALID_ARGUMENT, "1 entries for 2 inputs", request)


def broken_bytes():
    call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    try:
        call(b"\x0a\xff\xff\xff\xff\x07", timeout=10)
    except grpc.RpcError as error:
        equal(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        return
    raise AssertionError("the request was accepted")


def not_found():
    refused(grpc.StatusCode.NOT_FOUND, "nobody", pb.ModelInferRequest(model_name="nobody"))
    refused(grpc.StatusCode.NOT_FOUND, '"7"', linear(model_version="7"))


def unavailable():
    refused(grpc.StatusCode.UNAVAILABLE, "is not served", pb.ModelInferRequest(model_name="broken"))


def resource_exhausted():
    calls = [stub.ModelInfer.future(slow(), timeout=30) for _ in range(8)]
    codes = [call.code() for call in calls]
    assert codes.count(grpc.StatusCode.OK) >= 3, codes
    equal(set(codes), {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED})


def deadline_exceeded():
    """By the client's own deadline, and by the queue time the request allows itself while another one runs."""
    busy = stub.ModelInfer.future(slow(), timeout=30)
    request = slow()
    request.parameters["timeout"].int64_param = 1000
    refused(grpc.StatusCode.DEADLINE_EXCEEDED, "", request, timeout=30)
    refused(grpc.StatusCode.DEADLINE_EXCEEDED, "", slow(), timeout=0.02)
    equal(busy.code(), grpc.StatusCode.OK)


def shared_memory_is_unimplemented():
    call = channel.unary_unary("/inference.GRPCInferenceService/SystemSharedMemoryStatus")
    try:
        call(b"", timeout=10)
    except grpc.RpcError as error:
        equal(error.code(), grpc.StatusCode.UNIMPLEMENTED)
        return
    raise AssertionError("the call was accepted")


def health_service():
    call = channel.unary_unary("/grpc.health.v1.Health/Check")
    equal(call(b"", timeout=10), b"\x08\x01")


def metadata():
    equal(stub.ServerLive(pb.ServerLiveRequest()).live, True)
    equal(stub.ServerReady(pb.ServerReadyRequest()).ready, True)
    equal(stub.ModelReady(pb.ModelReadyRequest(name="linear")).ready, True)
    equal(stub.ModelReady(pb.ModelReadyRequest(name="broken")).ready, False)
    server = stub.ServerMetadata(pb.ServerMetadataRequest())
    assert "statistics" in server.extensions, server
    model = stub.ModelMetadata(pb.ModelMetadataRequest(name="linear"))
    equal((model.name, list(model.versions), model.platform), ("linear", ["1"], "onnxruntime_onnx"))
    equal([(t.name, t.datatype, list(t.shape)) for t in model.inputs], [("x", "FP32", [-1, 3])])
    equal([(t.name, t.datatype, list(t.shape)) for t in model.outputs], [("y", "FP32", [-1, 2]), ("sum", "FP32", [-1, 1])])
    config = stub.ModelConfig(pb.ModelConfigRequest(name="linear")).config
    equal((config.max_batch_size, [list(i.dims) for i in config.input], config.input[0].data_type), (64, [[3]], pb.TYPE_FP32))
    equal(config.parameters["execution_provider"].string_value, "cpu")


def statistics():
    def read():
        return stub.ModelStatistics(pb.ModelStatisticsRequest(name="linear")).model_stats[0]

    before = read()
    for rows in (1, 2, 5):
        stub.ModelInfer(linear(rows), timeout=10)
    after = read()
    equal(after.inference_count - before.inference_count, 8)
    equal(after.execution_count - before.execution_count, 3)
    equal(after.inference_stats.success.count - before.inference_stats.success.count, 3)
    assert after.inference_stats.success.ns > before.inference_stats.success.ns
    equal(sum(b.compute_infer.count for b in after.batch_stats), after.execution_count)
    equal(sum(b.compute_infer.count * b.batch_size for b in after.batch_stats), after.inference_count)


def load_and_unload():
    def state():
        index = stub.RepositoryIndex(pb.RepositoryIndexRequest())
        return next(m.state for m in index.models if m.name == "spare")

    equal(state(), "READY")
    stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="spare"), timeout=10)
    equal(state(), "UNAVAILABLE")
    refused(grpc.StatusCode.UNAVAILABLE, "unloaded", pb.ModelInferRequest(model_name="spare"))
    stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="spare"), timeout=10)
    equal(state(), "READY")
    try:
        stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="../linear"), timeout=10)
    except grpc.RpcError as error:
        equal(error.code(), grpc.StatusCode.NOT_FOUND)
        return
    raise AssertionError("a path was accepted as a name")


checks = [
    fp32, int64, typed_contents, output_subset, gzip, twenty_async, unknown_parameters, stream_with_in_band_error, large_message,
    wrong_shape, wrong_bytes, wrong_type, raw_and_contents, too_few_raw, broken_bytes, not_found, unavailable, resource_exhausted,
    deadline_exceeded, shared_memory_is_unimplemented, health_service, metadata, statistics, load_and_unload,
]  # fmt: skip
for check in checks:
    try:
        check()
        error = None
    except Exception:
        error = traceback.format_exc()
    print(json.dumps({"check": check.__name__, "error": error}), flush=True)
