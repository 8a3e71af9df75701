"""Pipelines and their stages. Deals have two pipelines, the other object types none."""

from starlette.responses import Response

from sandbox.account.object_types import DEALS
from sandbox.account.pipelines import PIPELINES, Pipeline
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.responses import json_response


def list_pipelines(call: Call) -> Response:
    pipelines = PIPELINES if call.object_type() is DEALS else ()
    return json_response({"results": [pipeline.body(order) for order, pipeline in enumerate(pipelines)]})


def read_pipeline(call: Call) -> Response:
    pipeline = _pipeline(call)
    return json_response(pipeline.body(PIPELINES.index(pipeline)))


def list_stages(call: Call) -> Response:
    return json_response({"results": [stage.body(order) for order, stage in enumerate(_pipeline(call).stages)]})


def _pipeline(call: Call) -> Pipeline:
    for pipeline in PIPELINES if call.object_type() is DEALS else ():
        if pipeline.id == call.path("id"):
            return pipeline
    raise errors.not_found()
